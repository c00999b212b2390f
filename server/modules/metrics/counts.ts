import { addTo, bucketOf, merge } from '../../kit/durations.ts'
import { once } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import { addCounts, type Counts, type MetricRow, TOGETHER } from './queries.ts'
import { writeSources } from './source_counts.ts'
import { floorTo, type Grain } from './spans.ts'
import { createTally } from './tally.ts'
import { writeTraffic } from './traffic.ts'

/** Counting calls as they end: nothing is written for any of them, see `tally.ts`. */
export type Noted = {
  tenant_id: string
  connection_id: string
  state: 'succeeded' | 'refused' | 'failed' | 'unknown'
  attempts: number
  duration_ms: number
  sent_bytes: number
  received_bytes: number
  /** What was wrong, in one of few words: `timeout`, `status_503`, `limiter`; null where nothing was. */
  error: string | null
}

type Counted = Counts & { tenant_id: string; subject_id: string; at_ms: number }

const counted = once((app: App) =>
  createTally<Counted>(app, (rows) => addCounts(app.db.worker, rowsOf(rows))),
)

function countsNow(app: App, tenant_id: string, subject_id: string): Counts {
  const at_ms = floorTo(app.clock.now().getTime(), 'five_minutes')
  return counted(app).of(`${subject_id} ${at_ms}`, () => ({ tenant_id, subject_id, at_ms, ...nothing() }))
}

export function noteCall(app: App, noted: Noted): void {
  const row = countsNow(app, noted.tenant_id, noted.connection_id)
  row.calls += 1
  row[noted.state] += 1
  row.attempts += noted.attempts
  row.total_ms += noted.duration_ms
  row.max_ms = Math.max(row.max_ms, noted.duration_ms)
  row.sent_bytes += noted.sent_bytes
  row.received_bytes += noted.received_bytes
  addTo(row.durations, bucketOf(noted.duration_ms))
  if (noted.error !== null) row.errors[noted.error] = (row.errors[noted.error] ?? 0) + 1
}

/** A read that the cache could have answered, and whether it did. */
export function noteCache(app: App, tenant_id: string, connection_id: string, hit: boolean): void {
  const row = countsNow(app, tenant_id, connection_id)
  if (hit) row.cache_hits += 1
  else row.cache_misses += 1
}

/** Writes what was counted so far: before the database is closed, and for who reads what they just did. */
export async function writeCounts(app: App): Promise<void> {
  await Promise.all([counted(app).drain(), writeTraffic(app), writeSources(app)])
}

export const nothing = (): Counts => ({
  calls: 0,
  succeeded: 0,
  refused: 0,
  failed: 0,
  unknown: 0,
  attempts: 0,
  total_ms: 0,
  max_ms: 0,
  durations: [],
  sent_bytes: 0,
  received_bytes: 0,
  cache_hits: 0,
  cache_misses: 0,
  errors: {},
})

const GRAINS: readonly Grain[] = ['five_minutes', 'hour', 'day']

/** Each once by every grain, of its connection and of all of its tenant. */
function rowsOf(counted: Counted[]): MetricRow[] {
  const rows = new Map<string, MetricRow>()
  for (const { tenant_id, subject_id: own, at_ms, ...counts } of counted) {
    for (const subject_id of [own, TOGETHER]) {
      for (const grain of GRAINS) {
        const at = new Date(floorTo(at_ms, grain))
        const key = `${tenant_id} ${subject_id} ${grain} ${at.getTime()}`
        const row = rows.get(key) ?? { tenant_id, subject_id, grain, at, ...nothing() }
        addAll(row, counts)
        rows.set(key, row)
      }
    }
  }
  return [...rows.values()]
}

export function addAll(into: Counts, counts: Counts): void {
  into.calls += counts.calls
  into.succeeded += counts.succeeded
  into.refused += counts.refused
  into.failed += counts.failed
  into.unknown += counts.unknown
  into.attempts += counts.attempts
  into.total_ms += counts.total_ms
  into.max_ms = Math.max(into.max_ms, counts.max_ms)
  merge(into.durations, counts.durations)
  into.sent_bytes += counts.sent_bytes
  into.received_bytes += counts.received_bytes
  into.cache_hits += counts.cache_hits
  into.cache_misses += counts.cache_misses
  addErrors(into, counts.errors)
}

export function addErrors(into: Counts, errors: Record<string, number>): void {
  for (const [error, n] of Object.entries(errors)) into.errors[error] = (into.errors[error] ?? 0) + n
}
