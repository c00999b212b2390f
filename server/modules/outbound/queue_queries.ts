import { sql } from 'kysely'
import { type Db, hot, type Tx } from '../../platform/database/database.ts'
import type { Claimed, QueueState, Work } from '../../platform/queue.ts'
import { claimFrom, keysOf, queueStatements, readQueueState } from '../../platform/queue_statements.ts'

/** Every statement on deliveries at work: made, claimed, settled, put aside, sent again. */

const QUEUE = queueStatements({
  name: 'delivery',
  table: 'delivery_queue',
  columns: ['event_id', 'subscription_id'],
})

export type NewDelivery = {
  tenant_id: string
  id: string
  event_id: string
  subscription_id: string
  event_type: string
}

/** The record and its work in one statement, for any number of tenants. */
export async function insertDeliveries(tx: Tx, rows: NewDelivery[]): Promise<void> {
  const column = (key: keyof NewDelivery) => rows.map((row) => row[key])
  await sql`
    with r as materialized (select * from unnest(
           ${column('tenant_id')}::uuid[], ${column('id')}::uuid[], ${column('event_id')}::uuid[],
           ${column('subscription_id')}::uuid[], ${column('event_type')}::text[]) r(t, i, e, s, y)),
     record as (insert into delivery (tenant_id, id, event_id, subscription_id, event_type, next_at) select t, i, e, s, y, now() from r)
    insert into delivery_queue (tenant_id, id, event_id, subscription_id, due) select t, i, e, s, now() from r`.execute(
    tx,
  )
}

export type DueDelivery = Work & { event_id: string; subscription_id: string }

export const claimDeliveries = (
  db: Db,
  claim: { id: string; limit: number; from: Date | null },
): Promise<Claimed<DueDelivery>> => claimFrom<DueDelivery>(db, QUEUE, claim)

export async function extendDeliveries(db: Db, items: DueDelivery[]): Promise<void> {
  await hot(db, QUEUE.extend, keysOf(items))
}

/** What one POST came to, and what becomes of its delivery. */
export type Ended = {
  item: DueDelivery
  attempt_id: string
  /** `pending` tries again in `again_ms`. */
  state: 'delivered' | 'failed' | 'pending'
  again_ms: number | null
  outcome: 'delivered' | 'refused' | 'failed'
  status: number | null
  duration_ms: number
  request_headers: string
  response_headers: string | null
  response_body: Buffer | null
  error: string | null
  /** The last attempt that the schedule has was refused or failed. */
  exhausted: boolean
  /** Why the subscription is to be disabled, where the receiver asked for it. */
  disable: string | null
  /** Null where the event is gone. */
  event_type: string | null
}

/*
 * The fence comes first: only rows that still carry our claim are ended, and an attempt is kept either way, since
 * the POST happened. One statement for a whole batch of deliveries, of any tenants and outcomes.
 */
const SETTLE = {
  name: 'delivery_settle',
  text: `
    with r as materialized (select * from unnest(
           $1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::float8[], $7::text[], $8::int2[], $9::int4[],
           $10::text[], $11::text[], $12::bytea[], $13::text[], $14::int2[])
           r(t, i, c, a, state, again_ms, outcome, status, ms, req, res, body, error, n)),
     gone as (delete from delivery_queue q using r
               where q.tenant_id = r.t and q.id = r.i and q.claim = r.c and r.state <> 'pending' returning q.tenant_id, q.id),
     kept as (update delivery_queue q set claim = null, held = false, due = now() + r.again_ms * interval '1 ms' from r
               where q.tenant_id = r.t and q.id = r.i and q.claim = r.c and r.state = 'pending' returning q.tenant_id, q.id, q.due),
     mine as (select tenant_id, id, null::timestamptz as due from gone union all select tenant_id, id, due from kept),
     record as (update delivery d
                   set state = r.state, attempts = r.n, status = r.status, error = r.error, next_at = mine.due,
                       closed_at = case when r.state <> 'pending' then now() end
                  from mine join r on r.t = mine.tenant_id and r.i = mine.id
                 where d.tenant_id = mine.tenant_id and d.id = mine.id)
    insert into attempt (tenant_id, id, delivery_id, number, outcome, status, duration_ms, request_headers, response_headers, response_body, error)
    select t, a, i, n, outcome, status, ms, req, res, body, error from r
    on conflict do nothing`, // told twice where the answer to the first was lost
}

export async function settleDeliveries(db: Db, ended: Ended[]): Promise<void> {
  const of = <T>(pick: (one: Ended) => T): T[] => ended.map(pick)
  await hot(db, SETTLE, [
    of((e) => e.item.tenant_id),
    of((e) => e.item.id),
    of((e) => e.item.claim),
    of((e) => e.attempt_id),
    of((e) => e.state),
    of((e) => e.again_ms),
    of((e) => e.outcome),
    of((e) => e.status),
    of((e) => e.duration_ms),
    of((e) => e.request_headers),
    of((e) => e.response_headers),
    of((e) => e.response_body),
    of((e) => e.error),
    of((e) => e.item.attempts),
  ])
}

/*
 * Deliveries of a paused subscription wait until it is resumed. This one did not count as an attempt. It is looked at
 * again after half an hour all the same, in case the process that resumed went down before it said so.
 */
const HOLD = {
  name: 'delivery_hold',
  text: `
    with mine as (
      update delivery_queue q set claim = null, held = true, due = now() + interval '30 min', attempts = q.attempts - 1
        from unnest($1::uuid[], $2::uuid[], $3::uuid[]) r(t, i, c)
       where q.tenant_id = r.t and q.id = r.i and q.claim = r.c returning q.tenant_id, q.id)
    update delivery d set next_at = null from mine where d.tenant_id = mine.tenant_id and d.id = mine.id`,
}

export async function holdDeliveries(db: Db, items: DueDelivery[]): Promise<void> {
  await hot(db, HOLD, keysOf(items))
}

/** Makes due what was held for a subscription. */
export async function releaseDeliveries(tx: Tx, tenant_id: string, subscription_id: string): Promise<void> {
  await sql`
    with free as (
      update delivery_queue set held = false, due = now()
       where tenant_id = ${tenant_id} and subscription_id = ${subscription_id} and held and claim is null
      returning tenant_id, id)
    update delivery d set next_at = now() from free where d.tenant_id = free.tenant_id and d.id = free.id`.execute(
    tx,
  )
}

/** Puts an ended delivery back to work at once; false where it is still pending. */
export async function requeueDelivery(tx: Tx, tenant_id: string, id: string): Promise<boolean> {
  const { rows } = await sql`
    with moved as (update delivery set state = 'pending', next_at = now(), closed_at = null, error = null
                    where tenant_id = ${tenant_id} and id = ${id} and state <> 'pending'
                   returning tenant_id, id, event_id, subscription_id, attempts)
    insert into delivery_queue (tenant_id, id, event_id, subscription_id, due, attempts)
    select tenant_id, id, event_id, subscription_id, now(), attempts from moved returning id`.execute(tx)
  return rows.length > 0
}

/** Deliveries still under way whose record or event is older than the id: their partitions may not go. */
export async function countQueuedBefore(db: Db, id: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from delivery_queue where id < ${id} or event_id < ${id}`.execute(db)
  return rows[0]?.count ?? 0
}

export const readQueue = (db: Db): Promise<QueueState> => readQueueState(db, QUEUE)
