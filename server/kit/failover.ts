/**
 * Which of several addresses of one vendor is asked, in this process: the first that did not fail a minute ago; where all
 * did, the one whose minute ends first.
 */
export type Failover = {
  /** 0 is the first. */
  at(): number
  failed(at: number): void
}

const REST_MS = 60_000

export function createFailover(count: number, monotonic: () => number): Failover {
  const rests = Array.from({ length: count }, () => Number.NEGATIVE_INFINITY)
  return {
    at: () => {
      const now = monotonic()
      const free = rests.findIndex((until) => until <= now)
      return free < 0 ? rests.indexOf(Math.min(...rests)) : free
    },
    failed: (at) => {
      rests[at] = monotonic() + REST_MS
    },
  }
}
