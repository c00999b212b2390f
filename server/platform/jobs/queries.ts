import { sql } from 'kysely'
import { type Db, hot, type Tx } from '../database/database.ts'
import type { QueueState, Work } from '../queue.ts'
import { claimFrom, keysOf, queueStatements, readQueueState } from '../queue_statements.ts'

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

// The last row also knows when the next standing order falls due.
const QUEUE = queueStatements({
  name: 'job',
  table: 'job',
  columns: ['kind', 'payload'],
  also: 'extract(epoch from (select min(due) from schedule) - now())::float8 * 1000',
})

/** `also` is in how many milliseconds the next standing order falls due. */
export const claimJobs = (db: Db, claim: { id: string; limit: number }) =>
  claimFrom<DueJob>(db, QUEUE, { ...claim, from: null }) // a job may be due before it is enqueued

export async function extendJobs(db: Db, items: DueJob[]): Promise<void> {
  await hot(db, QUEUE.extend, keysOf(items))
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
export async function upsertSchedule(db: Db | Tx, row: ScheduleRow, payload: object = {}): Promise<void> {
  const { tenant_id, name, cron, time_zone, kind, due } = row
  await sql`
    insert into schedule as s (tenant_id, name, cron, time_zone, kind, due, payload)
    values (${tenant_id}, ${name}, ${cron}, ${time_zone}, ${kind}, ${due}, ${JSON.stringify(payload)}::jsonb)
    on conflict (tenant_id, name) do update set cron = excluded.cron, time_zone = excluded.time_zone, kind = excluded.kind,
      due = case when (s.cron, s.time_zone) = (excluded.cron, excluded.time_zone) then s.due else excluded.due end`.execute(
    db,
  )
}

export async function deleteSchedule(tx: Tx, tenant_id: string, name: string): Promise<void> {
  await tx.deleteFrom('schedule').where('tenant_id', '=', tenant_id).where('name', '=', name).execute()
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

export const readQueue = (db: Db): Promise<QueueState> => readQueueState(db, QUEUE)
