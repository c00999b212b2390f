import { type RawBuilder, sql } from 'kysely'
import { BUCKETS } from '../../kit/durations.ts'
import { type Db, hot, type Tx } from '../../platform/database/database.ts'
import type { Grain, Span } from './spans.ts'

/** Every statement on what was counted. */

/** In place of a connection: all of the tenant's together, however many there are. */
export const TOGETHER = '00000000-0000-0000-0000-000000000000'

/** What one connection did, in counts that add up. */
export type Counts = {
  calls: number
  succeeded: number
  refused: number
  failed: number
  unknown: number
  attempts: number
  total_ms: number
  max_ms: number
  durations: number[]
  sent_bytes: number
  received_bytes: number
  cache_hits: number
  cache_misses: number
  /** How many, by what was wrong. */
  errors: Record<string, number>
}

export type MetricRow = Counts & { tenant_id: string; subject_id: string; grain: Grain; at: Date }

const SUMS = [
  'calls',
  'succeeded',
  'refused',
  'failed',
  'unknown',
  'attempts',
  'total_ms',
  'sent_bytes',
  'received_bytes',
  'cache_hits',
  'cache_misses',
] as const
const KEY = 'tenant_id, grain, at, subject_id'
const COLUMNS = `${KEY}, ${SUMS.join(', ')}, max_ms, durations, errors`

// In the order of the key, so that two processes that add to the same rows never wait for each other in a circle.
const ADD = {
  name: 'metric_add',
  text: `
    insert into metric as m (${COLUMNS})
    select ${COLUMNS} from jsonb_populate_recordset(null::metric, $1::jsonb) order by ${KEY}
    on conflict (${KEY}) do update
      set ${SUMS.map((name) => `${name} = m.${name} + excluded.${name}`).join(', ')},
          max_ms = greatest(m.max_ms, excluded.max_ms), durations = add_counts(m.durations, excluded.durations),
          errors = case when excluded.errors = '{}' then m.errors else add_numbers(m.errors, excluded.errors) end`,
}

export async function addCounts(db: Db, rows: MetricRow[]): Promise<void> {
  await hot(db, ADD, [JSON.stringify(rows)])
}

export type FoundCounts = Omit<MetricRow, 'tenant_id' | 'grain'>

/**
 * Joined to the rows of each span by one look-up: `s(g, f, t)` are its grain, its begin and its end. `offset 0` keeps it
 * that: as a join the planner reads all that the tenant ever counted, 57 ms instead of 10 with 90 days of 20 connections.
 */
export const spansAs = (spans: readonly Span[]): RawBuilder<unknown> => sql`
  unnest(${spans.map(({ grain }) => grain)}::text[], ${spans.map(({ from }) => from)}::timestamptz[],
         ${spans.map(({ to }) => to)}::timestamptz[]) s(g, f, t)`

/** Of one connection, or of `TOGETHER` together. */
export async function listCounts(
  tx: Tx,
  tenant_id: string,
  spans: readonly Span[],
  subject_id: string,
): Promise<FoundCounts[]> {
  const { rows } = await sql<Omit<FoundCounts, 'durations'> & { durations: string }>`
    select m.* from ${spansAs(spans)} cross join lateral (
      select subject_id, at, ${FLOATS}, max_ms, durations::text, errors from metric
       where tenant_id = ${tenant_id} and grain = s.g and at >= s.f and at < s.t and subject_id = ${subject_id} offset 0) m`.execute(
    tx,
  )
  return rows.map((row) => ({ ...row, durations: toNumbers(row.durations) }))
}

/**
 * Of each connection, in all. The buckets are added up one by one: writing out the arrays of 5,700 rows took PostgreSQL 130 ms,
 * taking them apart into rows 110, this 17.
 */
export async function listSums(tx: Tx, tenant_id: string, spans: readonly Span[]): Promise<Summed[]> {
  const { rows } = await sql<Summed>`
    select subject_id, ${SUMMED}, max(max_ms) as max_ms, array[${BUCKETS_SUMMED}]::float8[] as durations,
           coalesce(jsonb_agg(errors) filter (where errors <> '{}'), '[]') as errors
      from ${spansAs(spans)} cross join lateral (
        select subject_id, ${sql.raw(SUMS.join(', '))}, max_ms, durations, errors from metric
         where tenant_id = ${tenant_id} and grain = s.g and at >= s.f and at < s.t and subject_id > ${TOGETHER}::uuid
        offset 0) m
     group by subject_id`.execute(tx)
  return rows
}

export type Summed = Omit<Counts, 'errors'> & { subject_id: string; errors: Record<string, number>[] }

const SUMMED = sql.raw(SUMS.map((name) => `sum(${name})::float8 as ${name}`).join(', '))
const BUCKETS_SUMMED = sql.raw(
  Array.from({ length: BUCKETS }, (_, at) => `coalesce(sum(durations[${at + 1}]), 0)`).join(', '),
)

/** `{1,2}`. The driver's own way through an array takes ten times as long, and there are thousands of them. */
const toNumbers = (text: string): number[] => JSON.parse(`[${text.slice(1, -1)}]`) as number[]

// Read as numbers: none comes near 2^53.
const FLOATS = sql.raw(SUMS.map((name) => `${name}::float8`).join(', '))

export type Lately = Pick<
  MetricRow,
  'tenant_id' | 'subject_id' | 'at' | 'calls' | 'succeeded' | 'unknown' | 'durations'
>

/** Each connection's five minutes since `from`, of all tenants: found by the index that the old ones are emptied by. */
export async function listCountsSince(db: Db, from: Date): Promise<Lately[]> {
  const { rows } = await sql<Lately>`
    select tenant_id, subject_id, at, calls::float8 as calls, succeeded::float8 as succeeded, unknown::float8 as unknown, durations
      from metric where grain = 'five_minutes' and at >= ${from} and subject_id > ${TOGETHER}::uuid`.execute(
    db,
  )
  return rows
}

/** Parts of a question: whether there was any call, or any that did not succeed, since `from`. */
export const anyCallSince = (from: RawBuilder<unknown>) =>
  sql`exists (select from metric where grain = 'five_minutes' and at >= ${from} and subject_id > ${TOGETHER}::uuid)`
export const anyFailedSince = (from: RawBuilder<unknown>) =>
  sql`exists (select from metric where grain = 'five_minutes' and at >= ${from} and subject_id > ${TOGETHER}::uuid
                                   and calls > succeeded)`

export type Busy = Pick<Counts, 'calls' | 'succeeded' | 'total_ms'> & { connection_id: string }

/** The connections with the most calls, the busiest first. */
export async function listBusiest(
  tx: Tx,
  tenant_id: string,
  spans: readonly Span[],
  limit: number,
): Promise<Busy[]> {
  const { rows } = await sql<Busy>`
    select subject_id as connection_id, sum(calls)::float8 as calls, sum(succeeded)::float8 as succeeded,
           sum(total_ms)::float8 as total_ms
      from ${spansAs(spans)} cross join lateral (
        select subject_id, calls, succeeded, total_ms from metric
         where tenant_id = ${tenant_id} and grain = s.g and at >= s.f and at < s.t and subject_id > ${TOGETHER}::uuid
        offset 0) m
     group by subject_id having sum(calls) > 0 order by 2 desc, 1 limit ${limit}`.execute(tx)
  return rows
}

const FORGET = { name: 'metric_forget', text: 'delete from metric where at < $1' }
const FORGET_FINE = {
  name: 'metric_forget_fine',
  text: "delete from metric where grain = 'five_minutes' and at < $1",
}

export async function forgetCounts(db: Db, before: Date, fine_before: Date): Promise<void> {
  await hot(db, FORGET, [before])
  await hot(db, FORGET_FINE, [fine_before])
}
