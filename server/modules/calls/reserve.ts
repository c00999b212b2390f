import type { Limiter } from '../../kit/limiter.ts'
import type { App } from '../app.ts'
import type { OpenConnection } from '../connections/connections.ts'
import { guardsOf, limiterOf } from './guards.ts'

/**
 * What many calls of a connection take of their limits, taken at once and before any is begun: those there is no room
 * for are not tried at all. A call that comes in between may use what is held, and then one of ours is turned away and
 * waits in line as any other. What is held counts in its slot of the window only, so that it is given back when unused.
 */
export type Reserve = {
  /** How many more calls of this operation may be begun, of so many that are due; and how long to wait where none may. */
  room(operation: string, due: () => Promise<number>): Promise<{ calls: number; wait_ms: number }>
  /** As many calls of this operation, at most, have been begun and have not taken theirs yet. */
  begun(operation: string): void
  ended(operation: string): void
  close(): Promise<void>
}

export async function openReserve(app: App, connection: OpenConnection): Promise<Reserve> {
  const guards = await guardsOf(app, connection)
  const under_way = new Map<Limiter, number>()
  const of = (operation: string): Limiter => limiterOf(guards, operation || null)
  const add = (limiter: Limiter, n: number) => void under_way.set(limiter, (under_way.get(limiter) ?? 0) + n)
  return {
    room: async (operation, due) => {
      const limiter = of(operation)
      const [begun, held] = [under_way.get(limiter) ?? 0, limiter.held()]
      if (held > begun) return { calls: held - begun, wait_ms: 0 }
      const got = await limiter.reserve(begun + (await due()))
      return { calls: Math.max(0, got.held - begun), wait_ms: got.wait_ms }
    },
    begun: (operation) => add(of(operation), 1),
    ended: (operation) => add(of(operation), -1),
    close: async () => {
      // Where it cannot be given back it counts until its window has passed.
      await Promise.allSettled([...under_way.keys()].map((limiter) => limiter.giveBack()))
    },
  }
}
