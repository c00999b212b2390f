import { sql } from 'kysely'
import type { BreakerState } from '../../kit/breaker.ts'
import { type Db, hot, type Tx } from '../../platform/database/database.ts'

/** Every statement on breakers. */

const EPOCH_MS = sql`floor(extract(epoch from clock_timestamp()) * 1000)`

type Place = { tenant_id: string; connection_id: string }

export type BreakerRow = BreakerState & {
  successes: number
  opened_at: Date | null
  version: number
  /** In a row while closed, of all processes together. */
  failures: number
  last_failure_at: Date | null
  changed_at: Date
}

const BREAKER = [
  'state',
  'reason',
  'successes',
  'opened_at',
  'next_attempt_at',
  'probes',
  'version',
  'failures',
  'last_failure_at',
  'changed_at',
] as const

export const findBreaker = async (tx: Tx, { tenant_id, connection_id }: Place): Promise<BreakerRow | null> =>
  ((await tx
    .selectFrom('breaker')
    .select(BREAKER)
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', connection_id)
    .executeTakeFirst()) as BreakerRow | undefined) ?? null

/** Part of a question. */
export const ANY_NOT_CLOSED = sql`exists (select from breaker where state <> 'closed')`

/** Of all tenants. There are few: a row is a breaker that ever opened, and these are not closed again. */
export async function listNotClosed(
  db: Db,
): Promise<{ tenant_id: string; connection_id: string; reason: string; opened_at: Date | null }[]> {
  return db
    .selectFrom('breaker')
    .select(['tenant_id', 'connection_id', 'reason', 'opened_at'])
    .where('state', '<>', 'closed')
    .limit(10_000)
    .execute()
}

/**
 * False where somebody has moved it since `version`, or where nobody waits for `probe` any more; by hand it is neither.
 * No `open_s`: until it is closed by hand.
 */
export async function openBreaker(
  tx: Tx,
  { tenant_id, connection_id }: Place,
  by: { version?: number; probe?: string; reason: string; open_s: number | null },
): Promise<boolean> {
  const next = by.open_s === null ? null : sql<Date>`clock_timestamp() + ${by.open_s} * interval '1 s'`
  const { rows } = await sql`
    insert into breaker as b (tenant_id, connection_id, state, reason, opened_at, next_attempt_at)
    select ${tenant_id}::uuid, ${connection_id}::uuid, 'open', ${by.reason}, clock_timestamp(), ${next}
    on conflict (tenant_id, connection_id) do update
       set state = 'open', reason = excluded.reason, opened_at = excluded.opened_at, successes = 0, failures = 0,
           changed_at = clock_timestamp(), probes = '{}', next_attempt_at = excluded.next_attempt_at, version = b.version + 1
     where (${by.version ?? null}::int is null or b.version = ${by.version ?? null})
       and (${by.probe ?? null}::text is null or b.probes ? ${by.probe ?? null})
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
       set state = 'closed', reason = excluded.reason, successes = 0, failures = 0, probes = '{}',
           changed_at = clock_timestamp(), opened_at = null, next_attempt_at = null, version = b.version + 1`.execute(
    tx,
  )
}

/**
 * Of all the processes that try, as many as `most` get the row: they alone may send. Probes whose time is over count for
 * nothing. `was` is the state before, read under the lock that the update keeps: of those that come at once one moves it.
 */
export async function takeProbe(
  tx: Tx,
  { tenant_id, connection_id }: Place,
  { id, lease_ms, most }: { id: string; lease_ms: number; most: number },
): Promise<{ version: number; was: BreakerState['state'] } | null> {
  const { rows: before } = await sql<{ was: BreakerState['state'] }>`
    select state as was from breaker
     where tenant_id = ${tenant_id} and connection_id = ${connection_id}
       and (state = 'open' and next_attempt_at <= clock_timestamp()
         or state = 'half_open' and (select count(*) from jsonb_each_text(probes) p where p.value::numeric > ${EPOCH_MS}) < ${most}::int)
       for update`.execute(tx)
  const [locked] = before
  if (!locked) return null
  const { rows } = await sql<{ version: number }>`
    update breaker set state = 'half_open', version = version + 1,
           changed_at = case when state = 'open' then clock_timestamp() else changed_at end,
           probes = (select coalesce(jsonb_object_agg(p.key, p.value), '{}') from jsonb_each(probes) p where p.value::numeric > ${EPOCH_MS})
             || jsonb_build_object(${id}::text, ${EPOCH_MS} + ${lease_ms}::numeric)
     where tenant_id = ${tenant_id} and connection_id = ${connection_id}
    returning version`.execute(tx)
  return rows[0] ? { version: rows[0].version, was: locked.was } : null
}

/** The probe came back well: one success more, and the last of them closes. Null where it was not waited for. */
export async function probeSucceeded(
  tx: Tx,
  { tenant_id, connection_id }: Place,
  probe: { id: string; successes: number },
): Promise<BreakerState['state'] | null> {
  const { rows } = await sql<{ state: BreakerState['state'] }>`
    update breaker set successes = successes + 1, version = version + 1,
           probes = case when successes + 1 >= ${probe.successes} then '{}' else probes - ${probe.id}::text end,
           state = case when successes + 1 >= ${probe.successes} then 'closed' else state end,
           reason = case when successes + 1 >= ${probe.successes} then 'the vendor answers again' else reason end,
           opened_at = case when successes + 1 >= ${probe.successes} then null else opened_at end,
           changed_at = case when successes + 1 >= ${probe.successes} then clock_timestamp() else changed_at end,
           next_attempt_at = null
     where tenant_id = ${tenant_id} and connection_id = ${connection_id} and probes ? ${probe.id}
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
    update breaker set probes = probes - ${id}::text, version = version + 1
     where tenant_id = ${tenant_id} and connection_id = ${connection_id} and probes ? ${id}
    returning 1`.execute(tx)
  return rows.length > 0
}

// A failure is a statement, a success is none: what is usual costs nothing. Version 0 is a breaker that never opened.
const COUNT = {
  name: 'count_failure',
  text: `
    insert into breaker as b (tenant_id, connection_id, state, reason, version, failures, last_failure_at)
    values ($1, $2, 'closed', 'it has not opened yet', 0, 1, clock_timestamp())
    on conflict (tenant_id, connection_id) do update set failures = b.failures + 1, last_failure_at = clock_timestamp()
     where b.state = 'closed' and b.version = $3
    returning failures`,
}

/** How many there are now, in a row and of all processes; null where the state has changed since `version`. */
export async function countFailure(
  db: Db,
  { tenant_id, connection_id }: Place,
  version: number,
): Promise<number | null> {
  const [row] = await hot<{ failures: number }>(db, COUNT, [tenant_id, connection_id, version])
  return row?.failures ?? null
}

const FORGIVE = {
  name: 'forgive_failures',
  text: `
    update breaker set failures = 0
     where tenant_id = $1 and connection_id = $2 and version = $3 and failures > 0 returning 1`,
}

/** The vendor answered, so its failures are in a row no more. False where there were none. */
export async function forgiveFailures(
  db: Db,
  { tenant_id, connection_id }: Place,
  version: number,
): Promise<boolean> {
  return (await hot(db, FORGIVE, [tenant_id, connection_id, version])).length > 0
}

/** Of all tenants, those that ever opened: whose version is 0 never did. */
export async function listStates(db: Db): Promise<{ connection_id: string; state: BreakerState['state'] }[]> {
  const { rows } = await sql<{ connection_id: string; state: BreakerState['state'] }>`
    select connection_id, state from breaker where version > 0`.execute(db)
  return rows
}

export type OpenBreaker = Pick<BreakerRow, 'state' | 'reason' | 'opened_at' | 'next_attempt_at'> & {
  connection_id: string
}

/** Those of a tenant that let nothing through, or one call at a time. */
export const listOpenBreakers = async (tx: Tx, tenant_id: string, limit: number): Promise<OpenBreaker[]> =>
  (await tx
    .selectFrom('breaker')
    .select(['connection_id', 'state', 'reason', 'opened_at', 'next_attempt_at'])
    .where('tenant_id', '=', tenant_id)
    .where(sql<boolean>`state <> 'closed'`) // in the text, as the index has it
    .orderBy('opened_at', 'desc')
    .limit(limit)
    .execute()) as OpenBreaker[]
