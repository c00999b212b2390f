import { sql } from 'kysely'
import { type Db, hot, type Tx } from '../database/database.ts'
import { type Claimed, LEASE_MS, type QueueState, type Work } from '../queue.ts'

export type DueJob = Work & { kind: string; payload: unknown }

export type NewJob = {
  tenant_id: string
  id: string
  kind: string
  payload: Record<string, unknown>
  due: Date
}

export async function insertJob(tx: Tx, job: NewJob): Promise<void> {
  await tx.insertInto('job').values(job).execute()
}

// As the other claims. The last row also knows when the next standing order falls due.
const CLAIM = {
  name: 'job_claim',
  text: `
    with c as materialized (
      select tenant_id, id from job where due <= now() order by due limit $2 for no key update skip locked),
     t as (update job j set claim = $1, due = now() + interval '${LEASE_MS} ms', attempts = j.attempts + 1
             from c where j.tenant_id = c.tenant_id and j.id = c.id
           returning j.tenant_id, j.id, j.kind, j.payload, j.attempts)
    select tenant_id, id, kind, payload, attempts, null::float8 as job_ms, null::float8 as schedule_ms from t
    union all
    select null, null, null, null, null,
           least(extract(epoch from (select min(due) from job where due > now()) - now())::float8 * 1000,
                 case when exists (select from job where due <= now() and id <> all (array(select id from c))) then ${LEASE_MS}::float8 end),
           extract(epoch from (select min(due) from schedule) - now())::float8 * 1000`,
}

type ClaimRow = DueJob & { job_ms: number | null; schedule_ms: number | null }

export async function claimJobs(
  db: Db,
  claim: { id: string; limit: number },
): Promise<Claimed<DueJob> & { schedule_ms: number | null }> {
  const rows = await hot<ClaimRow>(db, CLAIM, [claim.id, claim.limit])
  const next = rows.pop()
  const items = rows.map(({ job_ms: _j, schedule_ms: _s, ...item }) => ({ ...item, claim: claim.id }))
  return { items, wait_ms: next?.job_ms ?? null, reached: null, schedule_ms: next?.schedule_ms ?? null }
}

const EXTEND = {
  name: 'job_extend',
  text: `
    update job j set due = now() + interval '${LEASE_MS} ms' from unnest($1::uuid[], $2::uuid[], $3::uuid[]) r(t, i, c)
     where j.tenant_id = r.t and j.id = r.i and j.claim = r.c`,
}

export async function extendJobs(db: Db, items: DueJob[]): Promise<void> {
  await hot(db, EXTEND, [items.map((j) => j.tenant_id), items.map((j) => j.id), items.map((j) => j.claim)])
}

export async function deleteJob(db: Db, { tenant_id, id, claim }: DueJob): Promise<void> {
  await sql`delete from job where tenant_id = ${tenant_id} and id = ${id} and claim = ${claim}`.execute(db)
}

export async function retryJob(
  db: Db,
  { tenant_id, id, claim }: DueJob,
  wait_ms: number,
  error: string,
): Promise<void> {
  await sql`
    update job set claim = null, due = now() + ${wait_ms}::float8 * interval '1 ms', error = ${error}
     where tenant_id = ${tenant_id} and id = ${id} and claim = ${claim}`.execute(db)
}

export type ScheduleRow = {
  tenant_id: string
  name: string
  cron: string
  time_zone: string
  kind: string
  due: Date
}

/** An order whose time was changed starts from its new time; one that stands as it was keeps its turn. */
export async function upsertSchedule(db: Db, row: ScheduleRow): Promise<void> {
  const { tenant_id, name, cron, time_zone, kind, due } = row
  await sql`
    insert into schedule as s (tenant_id, name, cron, time_zone, kind, due)
    values (${tenant_id}, ${name}, ${cron}, ${time_zone}, ${kind}, ${due})
    on conflict (tenant_id, name) do update set cron = excluded.cron, time_zone = excluded.time_zone, kind = excluded.kind,
      due = case when (s.cron, s.time_zone) = (excluded.cron, excluded.time_zone) then s.due else excluded.due end`.execute(
    db,
  )
}

export async function listDueSchedules(db: Db): Promise<ScheduleRow[]> {
  const { rows } = await sql<ScheduleRow>`
    select tenant_id, name, cron, time_zone, kind, due from schedule where due <= now() order by due limit 100`.execute(
    db,
  )
  return rows
}

/** Moves the order to its next turn and makes this turn's job, in one statement; of two processes one wins. */
export async function turnSchedule(db: Db, row: ScheduleRow, next: Date, job_id: string): Promise<void> {
  await sql`
    with turned as (update schedule set due = ${next}
                     where tenant_id = ${row.tenant_id} and name = ${row.name} and due <= now()
                    returning tenant_id, kind, payload)
    insert into job (tenant_id, id, kind, payload, due)
    select tenant_id, ${job_id}::uuid, kind, payload, now() from turned`.execute(db)
}

/** How much work there is, and for how many seconds the longest overdue row has waited. */
export async function readQueue(db: Db): Promise<QueueState> {
  const { rows } = await sql<QueueState>`
    select count(*)::int as depth, coalesce(greatest(extract(epoch from now() - min(due)), 0), 0)::float8 as oldest_s
      from job`.execute(db)
  return rows[0] ?? { depth: 0, oldest_s: 0 }
}
