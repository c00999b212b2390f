import { readWord } from '../../kit/limit_headers.ts'
import type { App } from '../app.ts'
import { type Guards, limiterOf } from './guards.ts'
import type { VendorWord } from './limit_queries.ts'
import { limitStore } from './limit_store.ts'

/** What the vendor said of its limits; `keeping` is there only where something has to be kept. */
type Heard = { retry_after_ms: number | null; keeping: Promise<void> | null }

type Answer = { status: number; headers: Readonly<Record<string, string>> }

const LONGEST_MS = 24 * 60 * 60 * 1000
/** What is less by no more than this part is calls on their way rather than somebody else's. */
const NEARLY = 0.95

/**
 * Believes what the vendor says of its own limits in an answer: every process waits as long as it asks, and takes no
 * more than it still allows. Said in answer to an operation with limits of its own, it holds for that operation.
 */
export function heed(app: App, guards: Guards, operation: string | null, answer: Answer): Heard {
  const word = readWord(answer, app.clock.now())
  if (word === null) return { retry_after_ms: null, keeping: null }
  const { retry_after_ms, remaining, resets_ms } = word
  const limiter = limiterOf(guards, operation)
  const pause_ms = word.pause_ms > 0 ? Math.min(word.pause_ms, LONGEST_MS) : null
  const is_lower = remaining !== null && resets_ms !== null && remaining < limiter.room() * NEARLY
  if (pause_ms === null && !is_lower) return { retry_after_ms, keeping: null }
  limiter.drop(pause_ms ?? 0)
  if (is_lower) limiter.believe(remaining)
  const place = { ...guards.place, operation: limiter === guards.limiter ? '' : (operation ?? '') }
  const kept = is_lower
    ? { pause_ms, remaining, resets_ms: Math.min(resets_ms, LONGEST_MS) }
    : { pause_ms, remaining: null, resets_ms: null }
  return { retry_after_ms, keeping: keep(app, place, kept) }
}

async function keep(app: App, place: Guards['place'], word: VendorWord): Promise<void> {
  await limitStore(app).heed(place, word)
  app.db.notify('trilho_config', `paused ${place.connection_id}`)
}
