import { addTo, bucketOf, merge } from '../../kit/durations.ts'
import { once } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import { addCounts, type Counts, type MetricRow } from './queries.ts'

/**
 * What this process counted and has not written yet. A call costs no statement: every few seconds one writes all that
 * was counted meanwhile, and none where nothing was. A process that is killed takes those seconds' counts with it;
 * the records of the calls are not touched by that.
 */
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

type Counted = Counts & { tenant_id: string; subject_id: string; hour_ms: number }

const WRITE_EVERY_MS = 5_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const counted = once((app: App) => {
  let rows = new Map<string, Counted>()
  let timer: NodeJS.Timeout | null = null
  let writing: Promise<void> = Promise.resolve()

  const write = () => {
    if (timer) clearTimeout(timer)
    timer = null
    const due = [...rows.values()]
    rows = new Map()
    if (due.length === 0) return
    writing = addCounts(app.db.worker, toRows(due)).catch((err: unknown) =>
      app.log.warn({ err }, 'what was counted in the last seconds was not kept'),
    )
  }

  return {
    of: (tenant_id: string, subject_id: string): Counted => {
      timer ??= setTimeout(write, WRITE_EVERY_MS).unref()
      const hour_ms = Math.floor(app.clock.now().getTime() / HOUR_MS) * HOUR_MS
      const key = `${subject_id} ${hour_ms}`
      const row = rows.get(key) ?? { tenant_id, subject_id, hour_ms, ...nothing() }
      rows.set(key, row)
      return row
    },
    drain: async () => {
      write()
      await writing
    },
  }
})

export function noteCall(app: App, noted: Noted): void {
  const row = counted(app).of(noted.tenant_id, noted.connection_id)
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
  const row = counted(app).of(tenant_id, connection_id)
  if (hit) row.cache_hits += 1
  else row.cache_misses += 1
}

/** Writes what was counted so far: before the database is closed, and for who reads what they just did. */
export const writeCounts = (app: App): Promise<void> => counted(app).drain()

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

/** Each hour's row, and the same once more in its day's. */
function toRows(counted: Counted[]): MetricRow[] {
  const rows = new Map<string, MetricRow>()
  const put = ({ hour_ms: _hour_ms, ...counts }: Counted, grain: MetricRow['grain'], at_ms: number) => {
    const key = `${counts.subject_id} ${grain} ${at_ms}`
    const known = rows.get(key)
    if (known) addAll(known, counts)
    else
      rows.set(key, {
        ...counts,
        durations: [...counts.durations],
        errors: { ...counts.errors },
        grain,
        at: new Date(at_ms),
      })
  }
  for (const one of counted) {
    put(one, 'hour', one.hour_ms)
    put(one, 'day', Math.floor(one.hour_ms / DAY_MS) * DAY_MS)
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
  for (const [error, n] of Object.entries(counts.errors)) into.errors[error] = (into.errors[error] ?? 0) + n
}
