import { setTimeout as sleep } from 'node:timers/promises'
import { type Starting, spawnProduct } from './product.ts'

/** A place that always has a process of the product in it: another one starts as soon as one ends. */
export type Slot = {
  name: string
  kill(): void
  /** Resolves once a process in it serves. */
  ready(): Promise<void>
  /** SIGTERM, and waits until the process has ended. */
  drain(): Promise<void>
  /** What ended without having been asked to, with what it said, and every SIGTERM that ended badly. */
  crashes: string[]
  /** Ends the process in order and keeps the place empty. */
  stop(): Promise<void>
  /** Kills it and keeps the place empty. */
  abandon(): void
}

const AGAIN_MS = 50
/** Something that cannot start at all is shown at once, not after the patience of everybody else. */
const MOST_CRASHES = 200

export async function startSlot(name: string, env: Record<string, string>): Promise<Slot> {
  const crashes: string[] = []
  let occupied = true
  let current: Starting = spawnProduct(env)

  const keep = async (): Promise<void> => {
    while (occupied && crashes.length < MOST_CRASHES) {
      const { by_itself } = await current.ended
      if (by_itself) crashes.push(`${name} ended by itself: ${current.said()}`)
      if (!occupied) return
      await sleep(AGAIN_MS)
      current = spawnProduct(env)
    }
  }
  const drain = async (): Promise<void> => {
    const draining = current
    if (!(await draining.ready)) return
    const code = await draining.stop()
    if (code !== 0 && !draining.isKilled())
      crashes.push(`${name} answered SIGTERM with ${code}: ${draining.said()}`)
  }

  const ready = async (): Promise<void> => {
    while (!(await current.ready)) await sleep(AGAIN_MS) // one that was killed as it started
  }

  if (!(await current.ready)) throw new Error(`${name} did not start:\n${current.said()}`)
  const keeping = keep()
  return {
    name,
    crashes,
    drain,
    ready,
    kill: () => current.kill(),
    abandon: () => {
      occupied = false
      current.kill()
    },
    stop: async () => {
      await ready()
      occupied = false
      await drain()
      await keeping
    },
  }
}
