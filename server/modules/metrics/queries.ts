import { sql } from 'kysely'
import { type Db, hot, type Tx } from '../../platform/database/database.ts'

/** Every statement on what was counted. */

export type Grain = 'hour' | 'day'

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

export type Span = { grain: Grain; from: Date; to: Date }

export type FoundCounts = Omit<MetricRow, 'tenant_id' | 'grain'>

/** Of all connections, or of one. */
export async function listCounts(
  tx: Tx,
  tenant_id: string,
  { grain, from, to }: Span,
  subject_id: string | null,
): Promise<FoundCounts[]> {
  const only = subject_id === null ? sql`` : sql`and subject_id = ${subject_id}`
  const { rows } = await sql<FoundCounts>`
    select subject_id, at, ${FLOATS}, max_ms, durations, errors from metric
     where tenant_id = ${tenant_id} and grain = ${grain} and at >= ${from} and at < ${to} ${only}`.execute(tx)
  return rows
}

// Read as numbers: none comes near 2^53.
const FLOATS = sql.raw(SUMS.map((name) => `${name}::float8`).join(', '))

const FORGET = { name: 'metric_forget', text: 'delete from metric where at < $1' }

export async function forgetCounts(db: Db, before: Date): Promise<void> {
  await hot(db, FORGET, [before])
}
