import { sql } from 'kysely'
import type { BreakerState } from '../../kit/breaker.ts'
import type { Rate } from '../../kit/call_limits.ts'
import type { Granted, Unused } from '../../kit/limiter.ts'
import { type Db, hot, type Tx } from '../../platform/database/database.ts'

/** Every statement on breakers and on the counted calls of connections. */

export type Place = { tenant_id: string; connection_id: string }

export type BreakerRow = BreakerState & {
  successes: number
  opened_at: Date | null
  probe: string | null
  version: number
}

const BREAKER = [
  'state',
  'reason',
  'successes',
  'opened_at',
  'next_attempt_at',
  'probe',
  'probe_until',
  'version',
] as const

export const findBreaker = async (tx: Tx, { tenant_id, connection_id }: Place): Promise<BreakerRow | null> =>
  ((await tx
    .selectFrom('breaker')
    .select(BREAKER)
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', connection_id)
    .executeTakeFirst()) as BreakerRow | undefined) ?? null

/** False where somebody has moved it since `version`. No `open_s`: until it is closed by hand. */
export async function openBreaker(
  tx: Tx,
  { tenant_id, connection_id }: Place,
  by: { version: number | null; reason: string; open_s: number | null },
): Promise<boolean> {
  const next = by.open_s === null ? null : sql<Date>`clock_timestamp() + ${by.open_s} * interval '1 s'`
  const { rows } = await sql`
    insert into breaker as b (tenant_id, connection_id, state, reason, opened_at, next_attempt_at)
    select ${tenant_id}::uuid, ${connection_id}::uuid, 'open', ${by.reason}, clock_timestamp(), ${next}
    on conflict (tenant_id, connection_id) do update
       set state = 'open', reason = excluded.reason, opened_at = excluded.opened_at, successes = 0, probe = null,
           probe_until = null, next_attempt_at = excluded.next_attempt_at, version = b.version + 1
     where ${by.version}::int is null or b.version = ${by.version}
    returning 1`.execute(tx)
  return rows.length > 0
}

export async function closeBreaker(
  tx: Tx,
  { tenant_id, connection_id }: Place,
  reason: string,
): Promise<void> {
  await sql`
    insert into breaker as b (tenant_id, connection_id, state, reason)
    values (${tenant_id}, ${connection_id}, 'closed', ${reason})
    on conflict (tenant_id, connection_id) do update
       set state = 'closed', reason = excluded.reason, successes = 0, probe = null, probe_until = null,
           opened_at = null, next_attempt_at = null, version = b.version + 1`.execute(tx)
}

/** Of all the processes that try, one gets the row back: it alone may send. */
export async function takeProbe(
  tx: Tx,
  { tenant_id, connection_id }: Place,
  probe: { id: string; lease_ms: number },
): Promise<number | null> {
  const { rows } = await sql<{ version: number }>`
    update breaker set state = 'half_open', probe = ${probe.id}, version = version + 1,
           probe_until = clock_timestamp() + ${probe.lease_ms} * interval '1 ms'
     where tenant_id = ${tenant_id} and connection_id = ${connection_id}
       and (state = 'open' and next_attempt_at <= clock_timestamp()
         or state = 'half_open' and (probe is null or probe_until <= clock_timestamp()))
    returning version`.execute(tx)
  return rows[0]?.version ?? null
}

/** The probe came back well: one success more, and the last of them closes. Null where it was not waited for. */
export async function probeSucceeded(
  tx: Tx,
  { tenant_id, connection_id }: Place,
  probe: { id: string; successes: number },
): Promise<BreakerState['state'] | null> {
  const { rows } = await sql<{ state: BreakerState['state'] }>`
    update breaker set successes = successes + 1, probe = null, probe_until = null, version = version + 1,
           state = case when successes + 1 >= ${probe.successes} then 'closed' else state end,
           reason = case when successes + 1 >= ${probe.successes} then 'the vendor answers again' else reason end,
           opened_at = case when successes + 1 >= ${probe.successes} then null else opened_at end,
           next_attempt_at = null
     where tenant_id = ${tenant_id} and connection_id = ${connection_id} and probe = ${probe.id}
    returning state`.execute(tx)
  return rows[0]?.state ?? null
}

/** The probe was never sent, or says nothing about the vendor: the next one may try. */
export async function giveBackProbe(
  tx: Tx,
  { tenant_id, connection_id }: Place,
  id: string,
): Promise<boolean> {
  const { rows } = await sql`
    update breaker set probe = null, probe_until = null, version = version + 1
     where tenant_id = ${tenant_id} and connection_id = ${connection_id} and probe = ${id}
    returning 1`.execute(tx)
  return rows.length > 0
}

// Two rows at most, locked for the length of one statement; a block of calls at a time, so seldom.
const TAKE = { name: 'take_calls', text: 'select * from take_calls($1, $2, $3, $4, $5, $6, $7)' }

export async function takeCalls(
  db: Db,
  { tenant_id, connection_id }: Place,
  rates: readonly Rate[],
  want: number,
  unused: Unused,
): Promise<Granted> {
  type Row = { granted: number; at_ms: string; ends_ms: number; wait_ms: string }
  const periods = rates.map(({ per_s }) => per_s)
  const most = rates.map(({ calls }) => calls)
  const [row] = await hot<Row>(db, TAKE, [
    tenant_id,
    connection_id,
    periods,
    most,
    want,
    unused.calls,
    unused.at_ms,
  ])
  if (!row) throw new Error('take_calls gave no row')
  return { ...row, at_ms: Number(row.at_ms), wait_ms: Number(row.wait_ms) }
}

const PAUSE = {
  name: 'rate_pause',
  text: `
    update rate_window set paused_until = greatest(paused_until, clock_timestamp() + $3 * interval '1 ms')
     where tenant_id = $1 and connection_id = $2`,
}

export async function pauseCalls(
  db: Db,
  { tenant_id, connection_id }: Place,
  pause_ms: number,
): Promise<void> {
  await hot(db, PAUSE, [tenant_id, connection_id, pause_ms])
}

export type WindowRow = {
  per_s: number
  head: number
  taken: number[]
  paused_until: Date | null
  now_ms: number
}

export async function listWindows(tx: Tx, { tenant_id, connection_id }: Place): Promise<WindowRow[]> {
  const { rows } = await sql<Omit<WindowRow, 'head'> & { head: string }>`
    select per_s, head, taken, paused_until, extract(epoch from clock_timestamp())::float8 * 1000 as now_ms
      from rate_window where tenant_id = ${tenant_id} and connection_id = ${connection_id}`.execute(tx)
  return rows.map((row) => ({ ...row, head: Number(row.head) }))
}
