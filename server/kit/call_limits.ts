import type { Provider } from './provider.ts'
import { BASE_DELAY_MS } from './retry.ts'
import type { RetryBudgetLimits } from './retry_budget.ts'

/**
 * How much a connection may ask and when it is no longer asked. The provider's manifest says what its vendor allows,
 * a connection's own limits win over it, and where neither says anything the house's defaults hold. A tenant and the
 * installation may set limits above all of their connections; a call takes from every level or from none.
 */
export type Rate = {
  /** Calls in any period of this length. */
  calls?: number
  /** Bytes of bodies, there and back, in any period of this length. */
  bytes?: number
  per_s: number
}

export type BreakerLimits = {
  /** In a row, until it opens. */
  failures: number
  open_s: number
  /** Probes in a row, until it closes. */
  successes: number
  /** Let through at once while half open, of all processes together. */
  probes: number
}

export type CallLimits = {
  /** Ascending by `per_s`. */
  rates: readonly Rate[]
  /** Of single operations, which pay these and those of the connection. */
  operations: Readonly<Record<string, readonly Rate[]>>
  /** Calls under way at once, in each process. */
  concurrency: number
  /** Calls that may stand in line for one of those places. */
  queue: number
  /** Null where it is switched off. */
  breaker: BreakerLimits | null
  /** Null where every call may be tried again. */
  retry_budget: RetryBudgetLimits | null
  /** After the first attempt, where nobody says otherwise. */
  retries: number
  /** The longest wait before the first of them; each further one is twice as long. */
  backoff_ms: number
  /** For each attempt, where nobody says otherwise; null: what the provider says. */
  timeout_ms: number | null
}

/** What a connection sets for itself; `false` switches off. */
export type OwnLimits = {
  rates?: Rate[]
  operations?: Record<string, Rate[]>
  concurrency?: number
  queue?: number
  breaker?: false | Partial<BreakerLimits>
  retry_budget?: false | Partial<RetryBudgetLimits>
  retries?: number
  backoff_ms?: number
  timeout_ms?: number
}

const USUAL_RATES: readonly Rate[] = [
  { calls: 60, per_s: 60 },
  { calls: 1000, per_s: 3600 },
]
const USUAL_BREAKER: BreakerLimits = { failures: 5, open_s: 60, successes: 3, probes: 1 }
const USUAL_RETRY_BUDGET: RetryBudgetLimits = { percent: 20, at_least: 10 }
const USUAL_CONCURRENCY = 64
const USUAL_QUEUE = 256
const USUAL_RETRIES = 3

/** `stored`: what operations that stand on the connection bring with them. */
export function callLimits(
  { limits }: Pick<Provider, 'limits'>,
  own: OwnLimits,
  stored: CallLimits['operations'] = {},
): CallLimits {
  const declared = declaredRates(limits)
  const rates = own.rates ?? (declared.length > 0 ? declared : USUAL_RATES)
  return {
    rates: [...rates].sort((a, b) => a.per_s - b.per_s),
    operations: { ...limits.operations, ...stored, ...own.operations },
    concurrency: own.concurrency ?? USUAL_CONCURRENCY,
    queue: own.queue ?? USUAL_QUEUE,
    breaker: own.breaker === false ? null : { ...USUAL_BREAKER, ...own.breaker },
    retry_budget: own.retry_budget === false ? null : { ...USUAL_RETRY_BUDGET, ...own.retry_budget },
    retries: own.retries ?? USUAL_RETRIES,
    backoff_ms: own.backoff_ms ?? BASE_DELAY_MS,
    timeout_ms: own.timeout_ms ?? null,
  }
}

function declaredRates({ requests_per_minute, requests_per_hour, rates = [] }: Provider['limits']): Rate[] {
  return [
    ...(requests_per_minute === undefined ? [] : [{ calls: requests_per_minute, per_s: 60 }]),
    ...(requests_per_hour === undefined ? [] : [{ calls: requests_per_hour, per_s: 3600 }]),
    ...rates,
  ]
}

export type Level = 'operation' | 'connection' | 'tenant' | 'installation'

/** In place of a connection: all of the tenant's; in place of a tenant: the installation. */
export const ALL = '00000000-0000-0000-0000-000000000000'

/** What is counted together: an operation of a connection, a connection, a tenant or the installation. */
export type Place = { tenant_id: string; connection_id: string; operation: string }

/** One thing that is counted: never more than `most` in any period of `per_s`. */
export type Count = Place & { level: Level; unit: 'calls' | 'bytes'; per_s: number; most: number }

/** The counts of a place, one for each unit and period; of two alike the smaller holds. */
export function countsOf(level: Level, place: Place, rates: readonly Rate[]): Count[] {
  const counts = new Map<string, Count>()
  const add = (unit: Count['unit'], per_s: number, most: number | undefined) => {
    const known = counts.get(`${unit} ${per_s}`)
    if (most === undefined || (known && known.most <= most)) return
    counts.set(`${unit} ${per_s}`, { ...place, level, unit, per_s, most })
  }
  for (const { calls, bytes, per_s } of rates) {
    add('calls', per_s, calls)
    add('bytes', per_s, bytes)
  }
  return [...counts.values()]
}

/** The length of a slot, in which calls are counted together; `rate_slot_ms` in the migrations is the same. */
export const slotMs = (per_s: number): number => (per_s >= 60 ? Math.floor((per_s * 1000) / 60) : per_s * 50)

/** As `rate_slots` in the migrations: the period, its edge, and the slot that is being filled. */
export const slotsOf = (per_s: number): number => (per_s >= 60 ? 62 : 22)

/** A ring of slots, the newest of which is `head`, counted from 1970. */
export type Ring = { per_s: number; head: number; taken: readonly number[] }

/** How much of a ring still counts, and when, in epoch milliseconds, the oldest of it counts no longer. */
export function usedOf(
  { per_s, head, taken }: Ring,
  now_ms: number,
): { used: number; resets_ms: number | null } {
  const oldest = Math.floor(now_ms / slotMs(per_s)) - taken.length + 1
  let used = 0
  let resets_ms: number | null = null
  for (let slot = Math.max(oldest, head - taken.length + 1); slot <= head; slot++) {
    const here = taken[slot % taken.length] ?? 0
    if (here > 0) resets_ms ??= (slot + taken.length) * slotMs(per_s)
    used += here
  }
  return { used, resets_ms }
}

/** What is wrong with such a list, in words; null where nothing is. */
export function rateFault(rates: readonly Rate[]): string | null {
  if (rates.some(({ calls, bytes }) => calls === undefined && bytes === undefined))
    return 'has a period without a limit; give it calls, bytes or both'
  const told = rates.flatMap(({ calls, bytes, per_s }) => [
    ...(calls === undefined ? [] : [`calls ${per_s}`]),
    ...(bytes === undefined ? [] : [`bytes ${per_s}`]),
  ])
  return new Set(told).size < told.length ? 'has the same per_s twice; keep the smaller' : null
}
