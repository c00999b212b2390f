import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { addAll, addErrors, nothing, writeCounts } from './counts.ts'
import {
  type Counts,
  forgetCounts,
  listCounts,
  listCountsSince as listCountsOfAll,
  listSums,
  TOGETHER,
} from './queries.ts'
import { type MetricsQuery, toConnection, toFigures, toFlow, type WebhookQuery } from './schema.ts'
import { ceilTo, floorTo, spansOf } from './spans.ts'
import {
  forgetTraffic,
  listSubjects,
  listTraffic,
  listQuarantinedSince as listTurnedAway,
} from './traffic_queries.ts'

/**
 * How connections do, over any range: counted as calls end, by the hour and by the day, and kept for 400 days, far
 * longer than the calls themselves. Percentiles are of all calls of the range, not means of means.
 */

export { addAll, noteCache, noteCall, nothing, writeCounts } from './counts.ts'
export {
  anyCallSince,
  anyFailedSince,
  type Busy,
  type Counts,
  listBusiest,
  listCounts,
  TOGETHER,
} from './queries.ts'
export { Figures, toFigures, toFlow } from './schema.ts'
export { countsOfSources, noteSource, type SourceCounts } from './source_counts.ts'
export { type Counted, dropArrivals, listCounted } from './source_queries.ts'
export { ceilTo, floorTo, type Grain, SIZE_MS, type Span, spansOf } from './spans.ts'
export { noteTraffic } from './traffic.ts'
export { anyQuarantinedSince, type Flow, listTraffic } from './traffic_queries.ts'

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
  const { steps, each } = await inTenant(app.db, actor.tenant_id, (tx) =>
    listBoth(tx, actor.tenant_id, range, subject),
  )
  const total = nothing()
  const by_connection = new Map<string, Counts>()
  const by_step = new Map<number, Counts>()
  for (const { errors, ...sums } of each) {
    const counts = of(by_connection, sums.subject_id)
    addAll(counts, { ...sums, errors: {} })
    for (const one of errors) addErrors(counts, one)
  }
  for (const row of steps) addAll(of(by_step, floorTo(row.at.getTime(), range.step)), row)
  for (const counts of by_step.values()) addAll(total, counts)
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

/** Step by step of all together, and of each connection in as few rows as the range has: 90 days by the hour are 2,160 of each. */
async function listBoth(tx: Tx, tenant_id: string, { from_ms, to_ms, step }: Range, subject: string | null) {
  const whole = spansOf(from_ms, to_ms, ['day', 'hour'])
  const stepwise = step === 'day' ? whole : spansOf(from_ms, to_ms, ['hour'])
  const steps = await listCounts(tx, tenant_id, stepwise, subject ?? TOGETHER)
  const one = () => steps.map((row) => ({ ...row, errors: [row.errors] }))
  return { steps, each: subject === null ? await listSums(tx, tenant_id, whole) : one() }
}

/** Webhooks in both directions, by what came of them: of each provider or type, and step by step. */
export async function readWebhooks(app: App, { tenant_id }: Actor, query: WebhookQuery) {
  const { from_ms, to_ms, step } = rangeOf(app, query)
  await writeCounts(app)
  const whole = spansOf(from_ms, to_ms, ['day', 'hour'])
  const steps = spansOf(from_ms, to_ms, step === 'day' ? ['day', 'hour'] : ['hour'])
  const { subjects, flows } = await inTenant(app.db, tenant_id, async (tx) => ({
    subjects: await listSubjects(tx, tenant_id, whole),
    flows: await listTraffic(tx, tenant_id, steps),
  }))
  const by_subject = Map.groupBy(subjects, ({ direction, subject }) => `${direction} ${subject}`)
  const by_step = Map.groupBy(flows, ({ direction, at }) => `${floorTo(at.getTime(), step)} ${direction}`)
  return {
    from: new Date(from_ms).toISOString(),
    to: new Date(to_ms).toISOString(),
    subjects: [...by_subject.values()]
      .flatMap((rows) =>
        rows.slice(0, 1).map(({ direction, subject }) => ({ direction, subject, ...toFlow(rows) })),
      )
      .sort((a, b) => b.count - a.count),
    series: [...by_step.values()]
      .flatMap((rows) =>
        rows.slice(0, 1).map(({ direction, at }) => ({
          at: new Date(floorTo(at.getTime(), step)).toISOString(),
          direction,
          ...toFlow(rows),
        })),
      )
      .sort((a, b) => (a.at < b.at ? -1 : 1)),
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
  const to_ms = ceilTo(to === undefined ? now_ms : Date.parse(to), 'hour')
  const from_ms = floorTo(from === undefined ? now_ms - DAY_MS : Date.parse(from), 'hour')
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

/** What the connections of all tenants did since `from`, by five minutes: for the house, which watches over them. */
export async function listCountsSince(app: App, from: Date) {
  await writeCounts(app)
  return listCountsOfAll(app.db.worker, from)
}

/** How many messages of each tenant went to the quarantine since `from`, by five minutes. */
export async function listQuarantinedSince(app: App, from: Date) {
  await writeCounts(app)
  return listTurnedAway(app.db.worker, from)
}

/** Five minutes are for the last hours: two days of them let a day be compared with the day before to the minute. */
export const FINE_KEPT_MS = 2 * DAY_MS + 3 * HOUR_MS

export async function forgetOld(app: App): Promise<void> {
  const now_ms = app.clock.now().getTime()
  const before = new Date(now_ms - KEPT_DAYS * DAY_MS)
  const fine_before = new Date(now_ms - FINE_KEPT_MS - HOUR_MS)
  await forgetCounts(app.db.worker, before, fine_before)
  await forgetTraffic(app.db.worker, before, fine_before)
}
