import { type RawBuilder, sql } from 'kysely'
import { type Db, hot, seek, type Tx } from '../database/database.ts'
import { type Claim, type Claimed, LOOK_EVERY_MS, type QueueState, type Work } from '../queue.ts'
import { claimFrom, keysOf, queueStatements, readQueueState } from '../queue_statements.ts'

export type DueJob = Work & { kind: string; payload: unknown }

export type NewJob = {
  tenant_id: string
  id: string
  kind: string
  payload: Record<string, unknown>
  due: Date
}

/** True where it falls due before the queues are looked at again anyway. */
export async function insertJob(tx: Tx, job: NewJob): Promise<boolean> {
  const { is_soon } = await tx
    .insertInto('job')
    .values(job)
    .returning(sql<boolean>`due < now() + ${LOOK_EVERY_MS}::float8 * interval '1 ms'`.as('is_soon'))
    .executeTakeFirstOrThrow()
  return is_soon
}

/**
 * Part of a statement: jobs of one kind, due at once, made by the commit of what the rest of it writes. `rows` has
 * `tenant_id`, `id` and `payload`; who runs it tells by `trilho_job` afterwards.
 */
export const jobsOf = (kind: string, rows: string): string => `
    insert into job (tenant_id, id, kind, payload, due) select tenant_id, id, '${kind}', payload, now() from ${rows}`

/** False where it has ended already. */
export async function endJob(tx: Tx, { tenant_id, id }: { tenant_id: string; id: string }): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('job')
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

const MOST_TURNED = 100

// The last row also knows of the standing orders.
const QUEUE = queueStatements({
  name: 'job',
  table: 'job',
  columns: ['kind', 'payload'],
  also: `jsonb_build_object(
           'next_ms', extract(epoch from (select due from schedule where due > now() order by due limit 1) - now())::float8 * 1000,
           'due', (select coalesce(jsonb_agg(s), '[]')
                     from (select tenant_id, name, cron, time_zone, kind, due from schedule
                            where due <= now() order by due limit ${MOST_TURNED}) s))`,
})

export const SOONEST =
  'select least((select due from job order by due limit 1), (select due from schedule order by due limit 1))'

/** Standing orders whose turn it is, and in how many milliseconds the next one falls due. */
export type Orders = { due: DueOrder[]; next_ms: number | null }

/** `due` as PostgreSQL writes it, to the microsecond. */
export type DueOrder = Omit<ScheduleRow, 'due'> & { due: string }

export async function claimJobs(
  db: Db,
  claim: Omit<Claim, 'from'>,
): Promise<Claimed<DueJob> & { orders: Orders }> {
  // A job may be due before it is enqueued.
  const { also, ...claimed } = await claimFrom<DueJob>(db, QUEUE, { ...claim, from: null })
  return { ...claimed, orders: also as Orders }
}

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
  const kept = error.replaceAll('\u0000', '\uFFFD') // PostgreSQL stores no NUL, and a vendor's words may hold one
  await sql`
    update job set claim = null, due = now() + ${wait_ms}::float8 * interval '1 ms', error = ${kept}
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

/** Whether there is anything to do by a turn: SQL that may name `o.due`, when the turn was due. */
export type Sign = RawBuilder<boolean>

/**
 * Moves orders to their next turns, and makes this turn's jobs of those that have anything to do, in one statement; of two
 * processes one wins, and whoever comes late to a turn moves none after it. All signs are looked at before the first order
 * is locked (`order by`): whoever holds up a table that one of them reads holds up no order. Returns how many jobs there are.
 */
export async function turnOrders(db: Db, turns: Turn[], signs: ReadonlyMap<string, Sign>): Promise<number> {
  const when = [...signs].map(([kind, sign]) => sql`when ${kind} then (${sign})`)
  const is_needed = when.length > 0 ? sql`case kind ${sql.join(when, sql` `)} else true end` : sql`true`
  const { rows } = await sql`
    with r as materialized (
      select o.*, ${is_needed} as is_needed
        from unnest(${turns.map(({ tenant_id }) => tenant_id)}::uuid[], ${turns.map(({ name }) => name)}::text[],
                    ${turns.map(({ kind }) => kind)}::text[], ${turns.map(({ due }) => due)}::timestamptz[],
                    ${turns.map(({ next }) => next)}::timestamptz[], ${turns.map(({ job_id }) => job_id)}::uuid[])
             o(tenant_id, name, kind, due, next, job_id)
       order by is_needed, tenant_id, name),
     turned as (
      update schedule s set due = r.next from r where ${sql.raw(seek('s.tenant_id', 'r.tenant_id'))} and s.name = r.name and s.due = r.due
      returning s.tenant_id, s.name, s.kind, s.payload)
    insert into job (tenant_id, id, kind, payload, due)
    select t.tenant_id, r.job_id, t.kind, t.payload, now()
      from turned t join r on r.tenant_id = t.tenant_id and r.name = t.name where r.is_needed
    returning id`.execute(db)
  return rows.length
}

export type Turn = DueOrder & { next: Date; job_id: string }

export const readQueue = (db: Db): Promise<QueueState> => readQueueState(db, QUEUE)
