import type { Clock } from '../../platform/clock.ts'

/** Subscriptions that may send nothing for a while. */
export function createDoors(clock: Clock) {
  const closed = new Map<string, number>()
  return {
    close: (subscription_id: string, for_ms: number) =>
      void closed.set(subscription_id, clock.monotonic() + for_ms),
    /** Milliseconds. */
    closedFor(subscription_id: string): number {
      const ms = (closed.get(subscription_id) ?? 0) - clock.monotonic()
      if (ms <= 0) closed.delete(subscription_id)
      return Math.max(0, ms)
    },
  }
}
