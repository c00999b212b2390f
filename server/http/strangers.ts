import type { App } from '../modules/app.ts'
import { once } from '../platform/database/database.ts'

/**
 * A flood of requests from nobody we know fills no disk with lines: so many a second of those that were refused are told of
 * one by one, and of the rest how many there were. Counters count them all.
 */
const MOST_LINES = 50
const EVERY_MS = 1_000

export const mayTellOfStranger = once((app: App): (() => boolean) => {
  let until = Number.NEGATIVE_INFINITY
  let lines = 0
  let untold = 0

  function tellRest(): void {
    app.log.warn({ requests: untold }, 'so many more requests of strangers were refused in a second')
    untold = 0
  }

  return () => {
    const now = app.clock.monotonic()
    if (now >= until) {
      until = now + EVERY_MS
      lines = 0
    }
    lines += 1
    if (lines <= MOST_LINES) return true
    if (untold === 0) setTimeout(tellRest, EVERY_MS).unref()
    untold += 1
    return false
  }
})
