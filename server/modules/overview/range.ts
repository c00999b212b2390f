import { Problem } from '../../platform/errors.ts'
import { ceilTo, FINE_KEPT_MS, floorTo, type Grain, SIZE_MS, type Span, spansOf } from '../metrics/metrics.ts'
import type { OverviewQuery } from './schema.ts'

/** What is asked for in whole steps, and the period before, which is as long to the minute. */
export type Range = {
  from_ms: number
  /** Of a step that is under way, now. */
  to_ms: number
  step: Grain
  previous_ms: number
  /** Row by row of the series. */
  series: Span[]
  /** The same in as few rows as there can be. */
  whole: Span[]
  previous: Span[]
}

const HOUR_MS = SIZE_MS.hour
const DAY_MS = SIZE_MS.day
const LONG: Record<'1h' | '24h' | '7d' | '30d', number> = {
  '1h': HOUR_MS,
  '24h': DAY_MS,
  '7d': 7 * DAY_MS,
  '30d': 30 * DAY_MS,
}
const MOST_DAYS = 400

export function rangeOf(now_ms: number, query: OverviewQuery): Range {
  const { from, to } = boundsOf(now_ms, query)
  const step = stepOf(now_ms, from, to)
  const from_ms = floorTo(from, step)
  const to_ms = Math.min(now_ms, ceilTo(to, step))
  const previous_ms = from_ms - (to_ms - from_ms)
  return {
    from_ms,
    to_ms,
    step,
    previous_ms,
    series: spansOf(from_ms, to_ms, [step]),
    whole: spansOf(from_ms, ceilTo(to_ms, step), ['day', ...(step === 'day' ? [] : [step])]),
    previous: spansOf(previous_ms, from_ms, grainsSince(now_ms, previous_ms)),
  }
}

function boundsOf(now_ms: number, { range = '24h', from, to }: OverviewQuery): { from: number; to: number } {
  const end = Math.min(now_ms, to === undefined ? now_ms : Date.parse(to))
  const begin = from === undefined ? end - LONG[range] : Date.parse(from)
  if (!(begin < end)) throw wrong('from', 'from must be before to and before now')
  if (end - begin > MOST_DAYS * DAY_MS) throw wrong('from', `from and to may be ${MOST_DAYS} days apart`)
  return { from: begin, to: end }
}

const wrong = (field: string, detail: string) => new Problem('invalid_request', { field, detail })

function stepOf(now_ms: number, from: number, to: number): Grain {
  if (to - from <= 3 * HOUR_MS && from >= now_ms - FINE_KEPT_MS) return 'five_minutes'
  return to - from <= 8 * DAY_MS ? 'hour' : 'day'
}

/** To the hour where five minutes are no longer kept. */
const grainsSince = (now_ms: number, from_ms: number): Grain[] =>
  from_ms >= now_ms - FINE_KEPT_MS ? ['day', 'hour', 'five_minutes'] : ['day', 'hour']

/** The first moment of each step. */
export function* stepsOf({ from_ms, to_ms, step }: Range): Generator<number> {
  for (let at = from_ms; at < to_ms; at += SIZE_MS[step]) yield at
}
