import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { addAll, nothing, writeCounts } from './counts.ts'
import type { Counts, Span } from './queries.ts'
import { forgetCounts, listCounts } from './queries.ts'
import { type MetricsQuery, toConnection, toFigures } from './schema.ts'

/**
 * How connections do, over any range: counted as calls end, by the hour and by the day, and kept for 400 days, far
 * longer than the calls themselves. Percentiles are of all calls of the range, not means of means.
 */

export { noteCache, noteCall, writeCounts } from './counts.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const KEPT_DAYS = 400
const MOST_DAYS = { hour: 31, day: KEPT_DAYS }

type Step = 'hour' | 'day'
type Range = { from_ms: number; to_ms: number; step: Step }

export async function readMetrics(app: App, actor: Actor, query: MetricsQuery) {
  const range = rangeOf(app, query)
  const connection = query.connection_id
  const subject = connection === undefined ? null : fromWire('connection', connection, 'connection_id')
  await writeCounts(app)
  const total = nothing()
  const by_connection = new Map<string, Counts>()
  const by_step = new Map<number, Counts>()
  await inTenant(app.db, actor.tenant_id, async (tx) => {
    for (const span of spansOf(range)) {
      for (const { subject_id, at, ...counts } of await listCounts(tx, actor.tenant_id, span, subject)) {
        addAll(total, counts)
        addAll(of(by_connection, subject_id), counts)
        addAll(of(by_step, floor(at.getTime(), range.step)), counts)
      }
    }
  })
  return {
    from: new Date(range.from_ms).toISOString(),
    to: new Date(range.to_ms).toISOString(),
    total: toFigures(total),
    connections: [...by_connection]
      .sort(([, a], [, b]) => b.calls - a.calls)
      .map(([id, counts]) => toConnection(id, counts)),
    series: [...by_step]
      .sort(([a], [b]) => a - b)
      .map(([at_ms, counts]) => ({ at: new Date(at_ms).toISOString(), ...toFigures(counts) })),
  }
}

function of<Key>(map: Map<Key, Counts>, key: Key): Counts {
  const known = map.get(key)
  if (known) return known
  const made = nothing()
  map.set(key, made)
  return made
}

/** Whole hours: the one that `from` falls into counts, the one that `to` falls into as well. */
function rangeOf({ clock }: App, { from, to, step }: MetricsQuery): Range {
  const now_ms = clock.now().getTime()
  const to_ms = ceil(to === undefined ? now_ms : Date.parse(to), HOUR_MS)
  const from_ms = floor(from === undefined ? now_ms - DAY_MS : Date.parse(from), 'hour')
  const days = (to_ms - from_ms) / DAY_MS
  if (days <= 0) throw new Problem('invalid_request', { field: 'from', detail: 'from must be before to' })
  const taken = step ?? (days > MOST_DAYS.hour ? 'day' : 'hour')
  // The hours at both edges of a range are not counted against it.
  if (days > MOST_DAYS[taken] + 1) {
    const detail = `from and to may be ${MOST_DAYS[taken]} days apart by the ${taken}`
    throw new Problem('invalid_request', { field: 'from', detail })
  }
  return { from_ms, to_ms, step: taken }
}

const SIZE = { hour: HOUR_MS, day: DAY_MS }
const floor = (ms: number, step: Step): number => Math.floor(ms / SIZE[step]) * SIZE[step]
const ceil = (ms: number, size: number): number => Math.ceil(ms / size) * size

/** By the day, a range is its whole days, and the hours before the first and after the last of them. */
function spansOf({ from_ms, to_ms, step }: Range): Span[] {
  const span = (grain: Step, from: number, to: number) => ({ grain, from: new Date(from), to: new Date(to) })
  const first = ceil(from_ms, DAY_MS)
  const last = floor(to_ms, 'day')
  if (step === 'hour' || first >= last) return [span('hour', from_ms, to_ms)]
  const spans = [span('hour', from_ms, first), span('day', first, last), span('hour', last, to_ms)]
  return spans.filter(({ from, to }) => from < to)
}

export const forgetOld = (app: App): Promise<void> =>
  forgetCounts(app.db.worker, new Date(app.clock.now().getTime() - KEPT_DAYS * DAY_MS))
