import type { Limits } from './reads.ts'

type Rate = NonNullable<Limits['rates']>[number]

/** A connection's own limits as a form holds them: an empty number stands for what is usual. */
export type Typed = number | string
export type RateDraft = { calls: Typed; bytes: Typed; per_s: number }
export type LimitDrafts = {
  rates: RateDraft[]
  concurrency: Typed
  queue: Typed
  breaker: boolean
  failures: Typed
  open_s: Typed
  successes: Typed
}

export const PERIODS = [1, 60, 3600, 86_400]

export function toLimitDrafts({ rates = [], concurrency, queue, breaker }: Limits): LimitDrafts {
  const own = breaker === false || breaker === undefined ? {} : breaker
  return {
    rates: toRateDrafts(rates),
    concurrency: concurrency ?? '',
    queue: queue ?? '',
    breaker: breaker !== false,
    failures: own.failures ?? '',
    open_s: own.open_s ?? '',
    successes: own.successes ?? '',
  }
}

export const toRateDrafts = (rates: readonly Rate[]): RateDraft[] =>
  rates.map(({ calls, bytes, per_s }) => ({ calls: calls ?? '', bytes: bytes ?? '', per_s }))

/** Without those that limit nothing. */
export const toRates = (drafts: readonly RateDraft[]): Rate[] =>
  drafts
    .map(({ calls, bytes, per_s }) => ({ ...typed('calls', calls), ...typed('bytes', bytes), per_s }))
    .filter((rate) => 'calls' in rate || 'bytes' in rate)

/** What is sent; what the form does not show of the limits before (operations, retry budget, probes) stays. */
export function toLimits(drafts: LimitDrafts, before: Limits): Limits {
  const { rates: _rates, concurrency: _concurrency, queue: _queue, breaker: _breaker, ...kept } = before
  const rates = toRates(drafts.rates)
  const own = before.breaker === false || before.breaker === undefined ? {} : before.breaker
  const { failures: _failures, open_s: _open_s, successes: _successes, ...unseen } = own
  const breaker = {
    ...unseen,
    ...typed('failures', drafts.failures),
    ...typed('open_s', drafts.open_s),
    ...typed('successes', drafts.successes),
  }
  return {
    ...kept,
    ...(rates.length > 0 && { rates }),
    ...typed('concurrency', drafts.concurrency),
    ...typed('queue', drafts.queue),
    ...(!drafts.breaker && { breaker: false as const }),
    ...(drafts.breaker && Object.keys(breaker).length > 0 && { breaker }),
  }
}

const typed = <Name extends string>(name: Name, value: Typed): { [K in Name]?: number } =>
  value === '' ? {} : ({ [name]: Number(value) } as { [K in Name]?: number })
