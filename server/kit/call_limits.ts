import type { Provider } from './provider.ts'

/**
 * How much a connection may ask and when it is no longer asked. The provider's manifest says what its vendor allows,
 * a connection's own limits win over it, and where neither says anything the house's defaults hold.
 */
export type Rate = { calls: number; per_s: number }

export type BreakerLimits = {
  /** In a row, until it opens. */
  failures: number
  open_s: number
  /** Probes in a row, until it closes. */
  successes: number
}

export type CallLimits = {
  /** Ascending by `per_s`, each period once. */
  rates: readonly Rate[]
  /** Calls under way at once, in each process. */
  concurrency: number
  /** Calls that may stand in line for one of those places. */
  queue: number
  /** Null where it is switched off. */
  breaker: BreakerLimits | null
}

/** What a connection sets for itself; `breaker: false` switches it off. */
export type OwnLimits = {
  rates?: Rate[]
  concurrency?: number
  queue?: number
  breaker?: false | Partial<BreakerLimits>
}

const USUAL_RATES: readonly Rate[] = [
  { calls: 60, per_s: 60 },
  { calls: 1000, per_s: 3600 },
]
const USUAL_BREAKER: BreakerLimits = { failures: 5, open_s: 60, successes: 3 }
const USUAL_CONCURRENCY = 64
const USUAL_QUEUE = 256

export function callLimits({ limits }: Pick<Provider, 'limits'>, own: OwnLimits): CallLimits {
  const { requests_per_minute, requests_per_hour } = limits
  const declared: Rate[] = [
    ...(requests_per_minute === undefined ? [] : [{ calls: requests_per_minute, per_s: 60 }]),
    ...(requests_per_hour === undefined ? [] : [{ calls: requests_per_hour, per_s: 3600 }]),
  ]
  const rates = own.rates ?? (declared.length > 0 ? declared : USUAL_RATES)
  return {
    rates: [...rates].sort((a, b) => a.per_s - b.per_s),
    concurrency: own.concurrency ?? USUAL_CONCURRENCY,
    queue: own.queue ?? USUAL_QUEUE,
    breaker: own.breaker === false ? null : { ...USUAL_BREAKER, ...own.breaker },
  }
}

/** The length of a slot, in which calls are counted together; `rate_slot_ms` in the migrations is the same. */
export const slotMs = (per_s: number): number => (per_s >= 60 ? Math.floor((per_s * 1000) / 60) : per_s * 50)

/** How many calls of a ring of slots, whose newest is `head`, still count. */
export function usedCalls(
  ring: { per_s: number; head: number; taken: readonly number[] },
  now_ms: number,
): number {
  const { per_s, head, taken } = ring
  const oldest = Math.floor(now_ms / slotMs(per_s)) - taken.length + 1
  let used = 0
  for (let slot = Math.max(oldest, head - taken.length + 1); slot <= head; slot++) {
    used += taken[slot % taken.length] ?? 0
  }
  return used
}
