import { sql } from 'kysely'
import type { Db, Tx } from '../../platform/database/database.ts'
import type { Sign } from '../../platform/jobs/jobs.ts'

/** Every statement on how far the events that vendors kept were read. */

export type Place = { tenant_id: string; source_id: string }

export type CatchUpRow = {
  seen_until: Date | null
  job_id: string | null
  began_at: Date | null
  ended_at: Date | null
  read: number
  added: number
  error: string | null
}

const ROW = ['seen_until', 'job_id', 'began_at', 'ended_at', 'read', 'added', 'error'] as const

export const findCatchUp = (tx: Tx, { tenant_id, source_id }: Place): Promise<CatchUpRow | undefined> =>
  tx
    .selectFrom('source_catch_up')
    .select(ROW)
    .where('tenant_id', '=', tenant_id)
    .where('source_id', '=', source_id)
    .executeTakeFirst()

/** A job that died is not waited for any longer than this. */
const LONGEST_S = 3_600

/**
 * Of all tenants: those whose vendor can be asked, that are at rest for a quarter of an hour, who waits longest first. A
 * share of all each minute, so that their turns spread over the quarter; none where those at work are so many already.
 */
export async function listToCatchUp(owner: Db, providers: readonly string[]): Promise<Place[]> {
  const { rows } = await sql<Place>`
    with able as (
      select s.tenant_id, s.id as source_id, coalesce(c.ended_at, '-infinity') as ended_at,
             c.job_id is not null and c.began_at > now() - make_interval(secs => ${LONGEST_S}) as at_work
        from source s left join source_catch_up c on c.tenant_id = s.tenant_id and c.source_id = s.id
       where s.state = 'enabled' and s.connection_id is not null and s.provider = any (${providers}::text[]))
    select tenant_id, source_id from able
     where at_work is not true and ended_at < now() - interval '14 min 30 s'
     order by ended_at, source_id
     limit (select greatest(0, least(ceil(count(*) / 15.0), ${MOST_AT_WORK} - count(*) filter (where at_work)))::int
              from able)`.execute(owner)
  return rows
}

/** Whether the vendor of any source can be asked. */
export const anyToCatchUp = (providers: readonly string[]): Sign =>
  sql<boolean>`exists (select from source where state = 'enabled' and connection_id is not null
                                           and provider = any (${providers}::text[]))`

const MOST_AT_WORK = 256

const MOST_OF_CONNECTION = 100

/** Those of a connection: the ones their vendor tells by our doing before the others, and of these the oldest. */
export async function listOfConnection(
  tx: Tx,
  { tenant_id, connection_id, provider }: { tenant_id: string; connection_id: string; provider: string },
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select s.id from source s
      left join source_registration r on r.tenant_id = s.tenant_id and r.source_id = s.id and r.state = 'registered'
     where s.tenant_id = ${tenant_id} and s.connection_id = ${connection_id} and s.provider = ${provider}
       and s.state = 'enabled'
     order by r.source_id is null, s.id limit ${MOST_OF_CONNECTION}`.execute(tx)
  return rows.map(({ id }) => id)
}

type Begun = { job_id: string; from: Date | null; is_asked: boolean }

/** False where another job is at it. `from` reads again from there on, what was read; who asks has seen what went wrong before. */
export async function beginCatchUp(
  tx: Tx,
  { tenant_id, source_id }: Place,
  { job_id, from, is_asked }: Begun,
): Promise<boolean> {
  const { rows } = await sql`
    insert into source_catch_up as c (tenant_id, source_id, seen_until, job_id, began_at)
    values (${tenant_id}, ${source_id}, null, ${job_id}, now())
    on conflict (tenant_id, source_id) do update
       set job_id = excluded.job_id, began_at = now(), seen_until = case when c.seen_until is not null then least(c.seen_until, ${from}::timestamptz) end,
           error = case when ${is_asked} then null else c.error end
     where c.job_id is null or c.began_at < now() - make_interval(secs => ${LONGEST_S})
    returning source_id`.execute(tx)
  return rows.length > 0
}

export type Progress = { seen_until: Date; read: number; added: number }

/** All before `seen_until` was taken in. False where the job is not the one at work any more. */
export async function keepProgress(
  tx: Tx,
  { tenant_id, source_id }: Place,
  job_id: string,
  progress: Progress,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('source_catch_up')
    .set({ ...progress, began_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('source_id', '=', source_id)
    .where('job_id', '=', job_id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** It is put off. False where the job is not the one at work any more. */
export async function stillWaits(tx: Tx, { tenant_id, source_id }: Place, job_id: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('source_catch_up')
    .set({ began_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('source_id', '=', source_id)
    .where('job_id', '=', job_id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export const endCatchUp = (tx: Tx, { tenant_id, source_id }: Place, job_id: string, error: string | null) =>
  tx
    .updateTable('source_catch_up')
    .set({ job_id: null, ended_at: sql`now()`, error })
    .where('tenant_id', '=', tenant_id)
    .where('source_id', '=', source_id)
    .where('job_id', '=', job_id)
    .execute()
