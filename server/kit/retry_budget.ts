/**
 * How many tries a connection may spend on trying again: a part of its calls of the last minute. A vendor that fails
 * every call is then asked a fifth more, not four times as much.
 */
export type RetryBudgetLimits = {
  /** Of the calls of the last minute. */
  percent: number
  /** So many a minute are always allowed: a lone call may be tried again. */
  at_least: number
}

export type RetryBudget = {
  /** A call was begun. */
  called(): void
  /** Whether another try may be made; it is counted where it may. */
  take(): boolean
}

const SLOT_MS = 5_000
const SLOTS = 12

/** Counted in slots of five seconds, in this process. Null limits are a budget without an end. */
export function createRetryBudget(limits: RetryBudgetLimits | null, monotonic: () => number): RetryBudget {
  const [calls, retries] = [new Array<number>(SLOTS).fill(0), new Array<number>(SLOTS).fill(0)]
  let head = Math.floor(monotonic() / SLOT_MS)

  /** The slot of now; those that the clock has passed over since are emptied. */
  function slot(): number {
    const now = Math.floor(monotonic() / SLOT_MS)
    for (let passed = Math.max(head + 1, now - SLOTS + 1); passed <= now; passed++) {
      calls[passed % SLOTS] = 0
      retries[passed % SLOTS] = 0
    }
    head = now
    return now % SLOTS
  }

  const add = (counts: number[], at: number) => {
    counts[at] = (counts[at] ?? 0) + 1
  }

  return {
    called: () => add(calls, slot()),
    take: () => {
      if (limits === null) return true
      const at = slot()
      const most = Math.max(limits.at_least, Math.floor((sum(calls) * limits.percent) / 100))
      if (sum(retries) >= most) return false
      add(retries, at)
      return true
    },
  }
}

const sum = (counts: number[]): number => counts.reduce((total, count) => total + count, 0)
