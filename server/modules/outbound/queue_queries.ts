import { CompiledQuery, type RawBuilder, sql } from 'kysely'
import {
  byteas,
  type Db,
  hot,
  int2s,
  int4s,
  type Statement,
  seek,
  type Tx,
  texts,
  uuids,
  within,
} from '../../platform/database/database.ts'
import type { Claim, Claimed, QueueState, Work } from '../../platform/queue.ts'
import {
  claimFrom,
  claimTurns,
  keysOf,
  type Looked,
  listWaiting,
  listWaitingAgain,
  oneMore,
  readQueueState,
  type Seen,
  type Turn,
  turnStatements,
  type Waiting,
} from '../../platform/queue_statements.ts'

/** Every statement on deliveries at work: made, claimed, settled, put aside, sent again. */

export const QUEUE = turnStatements({
  name: 'delivery',
  table: 'delivery_queue',
  columns: ['event_id', 'subscription_id', 'cuts', 'renewed_at', 'told'],
  // A claim that is there still was never ended: the process went down over it, or lost its database.
  sets: `, cuts = case when q.claim is null then q.cuts else ${oneMore('q.cuts')} end`,
})

export type NewDelivery = {
  tenant_id: string
  id: string
  event_id: string
  subscription_id: string
  event_type: string
}

/** Part of the statement that writes their events: each record with its work, for any number of tenants. */
export function deliveriesBeside(rows: NewDelivery[]): RawBuilder<unknown> {
  const ids = (key: keyof NewDelivery) => uuids(rows.map((row) => row[key]))
  return sql`
     d as materialized (select * from unnest(
           ${ids('tenant_id')}::uuid[], ${ids('id')}::uuid[], ${ids('event_id')}::uuid[],
           ${ids('subscription_id')}::uuid[], ${texts(rows.map((row) => row.event_type))}::text[]) d(t, i, e, s, y)),
     delivered as (insert into delivery (tenant_id, id, event_id, subscription_id, event_type, next_at) select t, i, e, s, y, now() from d),
     work as (insert into delivery_queue (tenant_id, id, event_id, subscription_id, due) select t, i, e, s, now() from d)`
}

/** Of an event that is there. */
export async function insertDeliveries(tx: Tx, rows: NewDelivery[]): Promise<void> {
  await sql`with ${deliveriesBeside(rows)} select`.execute(tx)
}

export type DueDelivery = Work & {
  event_id: string
  subscription_id: string
  /** How often it was taken up and cut off: attempts that do not count. */
  cuts: number
  /** When it was last sent again by hand, which begins its age anew. */
  renewed_at: Date | null
  /** The tenant was told that it fails, and not that it came through. */
  told: boolean
}

export const SOONEST_DELIVERY = QUEUE.soonest

export const claimDeliveries = (db: Db, claim: Claim): Promise<Claimed<DueDelivery>> =>
  claimFrom<DueDelivery>(db, QUEUE, claim)

export const claimDeliveryTurns = (db: Db, claim: { id: string; limit: number }, turns: Turn[]) =>
  claimTurns<DueDelivery>(db, QUEUE, claim, turns)

export const listWaitingDeliveries = (db: Db, after: string, limit: number): Promise<Waiting[]> =>
  listWaiting(db, QUEUE, after, limit)

export const listWaitingDeliveriesAgain = (db: Db, known: Seen[]): Promise<Looked> =>
  listWaitingAgain(db, QUEUE, known)

export async function extendDeliveries(db: Db, items: DueDelivery[]): Promise<void> {
  await hot(db, QUEUE.extend, keysOf(items))
}

/** What one POST came to, and what becomes of its delivery. */
export type Ended = {
  item: DueDelivery
  attempt_id: string
  /** `pending` tries again in `again_ms`, or waits for somebody where that is null. */
  state: 'delivered' | 'failed' | 'expired' | 'pending'
  again_ms: number | null
  outcome: 'delivered' | 'refused' | 'failed'
  status: number | null
  duration_ms: number
  /** JSON: milliseconds of each step; null where nothing was tried. */
  timing: string | null
  request_headers: string
  /** Where it is not the event as it is: the beginning of what was sent. */
  request_body: Buffer | null
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

/** The arrays that tell of attempts, $1 to $15, as `attemptsIn` names them. */
export const attemptArrays = (ended: Ended[]): Buffer[] => [
  uuids(ended.map((e) => e.item.tenant_id)),
  uuids(ended.map((e) => e.item.subscription_id)),
  uuids(ended.map((e) => e.item.id)),
  uuids(ended.map((e) => e.attempt_id)),
  int2s(ended.map((e) => e.item.attempts)),
  texts(ended.map((e) => e.state)),
  texts(ended.map((e) => e.outcome)),
  int2s(ended.map((e) => e.status)),
  int4s(ended.map((e) => e.duration_ms)),
  texts(ended.map((e) => e.timing)),
  texts(ended.map((e) => e.request_headers)),
  texts(ended.map((e) => e.response_headers)),
  byteas(ended.map((e) => e.response_body)),
  texts(ended.map((e) => e.error)),
  byteas(ended.map((e) => e.request_body)),
]

/** `r`, with what is further told of each from $16 on. */
export const attemptsIn = (types: string, names: string): string => `
    r as materialized (select * from unnest(
           $1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::int2[], $6::text[], $7::text[], $8::int2[], $9::int4[], $10::text[],
           $11::text[], $12::text[], $13::bytea[], $14::text[], $15::bytea[]${types})
           r(t, s, i, a, n, state, outcome, status, ms, timing, req, res, body, error, sent${names}))`

/*
 * Attempts are kept whatever the fence says, since the POSTs happened, and counted where they are new: an answer that
 * was lost makes the same attempts be told twice. Sorted, so that workers never wait for each other in a ring.
 */
export const ATTEMPTS = `
    made as (
      insert into attempt (tenant_id, id, delivery_id, number, outcome, status, duration_ms, timing, request_headers, response_headers, response_body, error, request_body)
      select t, a, i, n, outcome, status, ms, timing, req, res, body, error, sent from r
      on conflict do nothing returning tenant_id, id),
    counted as (
      insert into subscription_counter as k (tenant_id, subscription_id, minute, attempts, delivered, failed, last_attempt_at, last_delivered_at)
      select t, s, date_trunc('minute', now()), count(*), count(*) filter (where outcome = 'delivered'), count(*) filter (where outcome <> 'delivered'),
             now(), case when bool_or(outcome = 'delivered') then now() end
        from r where ${within('(t, a)', 'select tenant_id, id from made')} group by t, s order by t, s
      on conflict (tenant_id, subscription_id, minute) do update set
        attempts = k.attempts + excluded.attempts, delivered = k.delivered + excluded.delivered, failed = k.failed + excluded.failed,
        last_attempt_at = excluded.last_attempt_at, last_delivered_at = coalesce(excluded.last_delivered_at, k.last_delivered_at))`

/** What of a record changes with an attempt; `r` is the attempt, `due` when the next one comes. */
export const recordOf = (due: string): string => `
                   set state = r.state, attempts = r.n, status = r.status, error = r.error, next_at = ${due},
                       closed_at = case when r.state <> 'pending' then now() end`

/*
 * The fence comes first: only rows that still carry our claim are ended. One statement for a whole batch of
 * deliveries, of any tenants and outcomes.
 */
const SETTLE = {
  name: 'delivery_settle',
  text: `
    with ${attemptsIn(', $16::uuid[], $17::int4[]', ', c, again_ms')},
     gone as (delete from delivery_queue q using r
               where ${seek('q.tenant_id', 'r.t')} and q.id = r.i and q.claim = r.c and r.state <> 'pending' returning q.tenant_id, q.id),
     kept as (update delivery_queue q set claim = null, held = false, due = now() + r.again_ms * interval '1 ms' from r
               where ${seek('q.tenant_id', 'r.t')} and q.id = r.i and q.claim = r.c and r.state = 'pending' returning q.tenant_id, q.id),
     mine as (select * from gone union all select * from kept),
     record as (update delivery d ${recordOf("case when r.state = 'pending' then now() + r.again_ms * interval '1 ms' end")} from r
                 where ${seek('d.tenant_id', 'r.t')} and d.id = r.i and ${within('(r.t, r.i)', 'select tenant_id, id from mine')}),
    ${ATTEMPTS}
    select id from mine`,
}

/** By itself or in a transaction. Returns the ids that were still ours. */
export async function settleDeliveries(db: Db | Tx, ended: Ended[]): Promise<Set<string>> {
  const claims = uuids(ended.map((e) => e.item.claim))
  const agains = int4s(ended.map((e) => (e.again_ms === null ? null : Math.round(e.again_ms))))
  const values = [...attemptArrays(ended), claims, agains]
  return idsOf(await run<{ id: string }>(db, SETTLE, values))
}

const idsOf = (rows: { id: string }[]): Set<string> => new Set(rows.map(({ id }) => id))

/** A hot statement, also within a transaction. */
export async function run<Row extends object>(
  db: Db | Tx,
  statement: Statement,
  values: unknown[],
): Promise<Row[]> {
  if ('pool' in db) return hot<Row>(db, statement, values)
  const { rows } = await db.executeQuery(CompiledQuery.raw(statement.text, values))
  return rows as Row[]
}

/*
 * What was taken and not attempted goes back, and did not count. Deliveries of a paused subscription wait until it is
 * resumed; they are looked at again after half an hour all the same, in case the process that resumed went down before
 * it said so. Others wait for so long as they are told.
 */
const PUT_BACK = {
  name: 'delivery_put_back',
  text: `
    with mine as (
      update delivery_queue q set claim = null, held = r.ms is null, due = now() + coalesce(r.ms * interval '1 ms', interval '30 min'),
                                  attempts = q.attempts - 1
        from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::float8[]) r(t, i, c, ms)
       where ${seek('q.tenant_id', 'r.t')} and q.id = r.i and q.claim = r.c returning q.tenant_id, q.id, q.due, q.held)
    update delivery d set next_at = null from mine where mine.held and ${seek('d.tenant_id', 'mine.tenant_id')} and d.id = mine.id`,
}

/** `for_ms` null holds it until its subscription is resumed. */
export async function putBackDeliveries(db: Db, items: DueDelivery[], for_ms: number | null): Promise<void> {
  await hot(db, PUT_BACK, [...keysOf(items), items.map(() => for_ms)])
}

/**
 * Makes due so many of those that were held for a subscription; fewer where no more are left. What somebody else has
 * locked is being taken up or made due, and is looked at again by whoever puts it aside once more.
 */
export async function releaseDeliveries(
  tx: Tx,
  tenant_id: string,
  subscription_id: string,
  limit: number,
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    with free as materialized (
      select tenant_id, id from delivery_queue
       where tenant_id = ${tenant_id} and subscription_id = ${subscription_id} and held and claim is null
       limit ${limit} for update skip locked),
     moved as (
      update delivery_queue q set held = false, due = now() from free where q.tenant_id = free.tenant_id and q.id = free.id
      returning q.tenant_id, q.id),
     record as (
      update delivery d set next_at = now() from moved where d.tenant_id = moved.tenant_id and d.id = moved.id)
    select count(*)::int as count from moved`.execute(tx)
  return rows[0]?.count ?? 0
}

/** Puts an ended delivery back to work at once; false where it is still pending. */
export async function requeueDelivery(tx: Tx, tenant_id: string, id: string): Promise<boolean> {
  const { rows } = await sql`
    with moved as (update delivery set state = 'pending', next_at = now(), closed_at = null, error = null
                    where tenant_id = ${tenant_id} and id = ${id} and state <> 'pending'
                   returning tenant_id, id, event_id, subscription_id, attempts, told)
    insert into delivery_queue (tenant_id, id, event_id, subscription_id, due, attempts, renewed_at, told)
    select tenant_id, id, event_id, subscription_id, now(), attempts, now(), told from moved returning id`.execute(
    tx,
  )
  return rows.length > 0
}

/** In the transaction that tells of it. Beside the statement that settles, since few deliveries are told of. */
export async function noteTold(tx: Tx, { tenant_id, id }: DueDelivery, told: boolean): Promise<void> {
  await sql`
    with record as (update delivery set told = ${told} where tenant_id = ${tenant_id} and id = ${id})
    update delivery_queue set told = ${told} where tenant_id = ${tenant_id} and id = ${id}`.execute(tx)
}

/** Until the end of the transaction: of two who send past events to a subscription the second sees what the first did. */
export async function lockResend(tx: Tx, subscription_id: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`resend ${subscription_id}`}, 0))`.execute(tx)
}

/** Deliveries still under way whose record or event is older than the id: their partitions may not go. */
export async function countQueuedBefore(db: Db, id: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from delivery_queue where id < ${id} or event_id < ${id}`.execute(db)
  return rows[0]?.count ?? 0
}

export const readQueue = (db: Db): Promise<QueueState> => readQueueState(db, QUEUE)
