import type { Unused } from './limiter.ts'

/**
 * The calls that one process holds of the counts all processes share: taken at a time, to be used within the slot they
 * were taken in, and given back where they were not. So is a place that was used and let go again before anything was
 * sent, also where its block is no longer held: it counts in its own slot.
 */
export type Block = {
  /** Calls that may go now without a question. */
  left(): number
  use(): Place
  letGo(place: Place): void
  /** Nothing of it may be used any more; it is still to be given back. */
  end(): void
  /** How many calls the next one had better have, of limits the smallest of which was told last. */
  nextSize(): number
  /** The smallest limit in calls, of which one block is only a part. */
  fit(smallest: number): void
  /** Takes out what was not used. */
  takeUnused(): Unused
  /** Takes out what was let go of blocks before, by the slot. */
  takeOlder(): Unused[]
  /** In place of one whose rest was taken out. `ends_ms` is of the monotonic clock. */
  put(granted: number, at_ms: number, ends_ms: number): void
}

/** Of a call that was let through: taken of the counts at `at_ms`, and left to it until `until_ms`. */
export type Place = { at_ms: number; until_ms: number }

/** What one process holds is at most this part of the smallest limit, so that it is missed by no other. */
const LARGEST_PART = 20
const LARGEST_BLOCK = 10_000

export function createBlock(monotonic: () => number): Block {
  let [left, size, at_ms, ends_ms] = [0, 0, 0, 0]
  let largest = 1
  const older = new Map<number, number>()
  return {
    left: () => (monotonic() < ends_ms ? left : 0),
    use: () => {
      left -= 1
      return { at_ms, until_ms: ends_ms }
    },
    letGo: (place) => {
      if (place.at_ms === at_ms) left += 1
      else older.set(place.at_ms, (older.get(place.at_ms) ?? 0) + 1)
    },
    end: () => {
      ends_ms = 0
    },
    // Doubled while blocks run out early, else as much as was used.
    nextSize: () => {
      const ran_out = left === 0 && size > 0 && monotonic() < ends_ms
      return Math.max(1, Math.min(largest, ran_out ? size * 2 : size - left))
    },
    fit: (smallest) => {
      largest = Math.max(1, Math.floor(Math.min(LARGEST_BLOCK, smallest / LARGEST_PART)))
    },
    takeUnused: () => {
      const unused = { calls: left, at_ms }
      ;[left, size, at_ms, ends_ms] = [0, 0, 0, 0]
      return unused
    },
    takeOlder: () => {
      const unused = [...older].map(([at_ms, calls]) => ({ calls, at_ms }))
      older.clear()
      return unused
    },
    put: (granted, taken_at_ms, until_ms) => {
      ;[left, size, at_ms, ends_ms] = [granted, granted, taken_at_ms, until_ms]
    },
  }
}
