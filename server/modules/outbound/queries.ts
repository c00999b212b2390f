import { sql } from 'kysely'
import { type Db, hot, type Tx } from '../../platform/database/database.ts'
import { floorId, timeOfId } from '../../platform/ids.ts'
import type { Claimed, QueueState, Work } from '../../platform/queue.ts'
import { LEASE_MS } from '../../platform/queue.ts'
import type { ShownAuth } from './headers.ts'

/** Every statement on subscriptions, deliveries, their queue and their attempts. */

export type SubscriptionRow = {
  id: string
  name: string
  description: string | null
  metadata: Record<string, string>
  url: string
  event_types: string[]
  /** JSON text. */
  filter: string | null
  header_names: string[]
  auth: ShownAuth | null
  timeout_ms: number | null
  retry_schedule_s: number[] | null
  disable_after_hours: number | null
  state: 'enabled' | 'paused' | 'disabled'
  state_note: string | null
  previous_secret_until: Date | null
  created_at: Date
  updated_at: Date
}

const SUBSCRIPTION = [
  'id',
  'name',
  'description',
  'metadata',
  'url',
  'event_types',
  'filter',
  'header_names',
  'auth',
  'timeout_ms',
  'retry_schedule_s',
  'disable_after_hours',
  'state',
  'state_note',
  'previous_secret_until',
  'created_at',
  'updated_at',
] as const

/** What may be set; what is absent stays as it is. `metadata` and `auth` are JSON text. */
export type SubscriptionChange = Partial<
  Omit<SubscriptionRow, 'id' | 'created_at' | 'updated_at' | 'metadata' | 'auth'> & {
    metadata: string
    auth: string | null
    previous_secret: Buffer | null
  }
>

/** How many a tenant has. */
export async function countSubscriptions(tx: Tx, tenant_id: string): Promise<number> {
  const { count } = await tx
    .selectFrom('subscription')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('tenant_id', '=', tenant_id)
    .executeTakeFirstOrThrow()
  return Number(count)
}

export async function insertSubscription(
  tx: Tx,
  row: SubscriptionChange & {
    tenant_id: string
    id: string
    name: string
    url: string
    event_types: string[]
  },
): Promise<void> {
  await tx.insertInto('subscription').values(row).execute()
}

export const findSubscription = (
  tx: Tx,
  tenant_id: string,
  id: string,
): Promise<SubscriptionRow | undefined> =>
  tx
    .selectFrom('subscription')
    .select(SUBSCRIPTION)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .$narrowType<Json>()
    .executeTakeFirst()

/** What is kept as JSON comes back as what was put in. */
type Json = Pick<SubscriptionRow, 'metadata' | 'auth'>

export const listSubscriptions = (
  tx: Tx,
  tenant_id: string,
  limit: number,
  before: string | null,
): Promise<SubscriptionRow[]> =>
  tx
    .selectFrom('subscription')
    .select(SUBSCRIPTION)
    .where('tenant_id', '=', tenant_id)
    .$if(before !== null, (query) => query.where('id', '<', before as string))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .$narrowType<Json>()
    .execute()

export type ActiveRow = SubscriptionRow & { previous_secret: Buffer | null }

/** The enabled and the paused. */
export const listActiveSubscriptions = (tx: Tx, tenant_id: string): Promise<ActiveRow[]> =>
  tx
    .selectFrom('subscription')
    .select([...SUBSCRIPTION, 'previous_secret'])
    .where('tenant_id', '=', tenant_id)
    .where('state', '<>', 'disabled')
    .$narrowType<Json>()
    .execute()

export const updateSubscription = (
  tx: Tx,
  tenant_id: string,
  id: string,
  change: SubscriptionChange,
): Promise<SubscriptionRow | undefined> =>
  tx
    .updateTable('subscription')
    .set({ ...change, updated_at: new Date() })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .returning(SUBSCRIPTION)
    .$narrowType<Json>()
    .executeTakeFirst()

/** False where it was disabled already, or is gone. */
export async function disableSubscription(
  tx: Tx,
  tenant_id: string,
  id: string,
  note: string,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('subscription')
    .set({ state: 'disabled', state_note: note, updated_at: new Date() })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '<>', 'disabled')
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

/** Old secrets whose time of overlap is over, of all tenants. */
export async function forgetPreviousSecrets(owner: Db): Promise<void> {
  await sql`
    update subscription set previous_secret = null, previous_secret_until = null
     where previous_secret_until <= now()`.execute(owner)
}

export async function deleteSubscription(tx: Tx, tenant_id: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('subscription')
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}

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

/*
 * `due` moves ahead by the lease and `claim` becomes ours; attempts rise here, so that a delivery that brings the
 * process down still runs out of them. Rows of a killed worker fall due when its lease ends. `from` skips the dead
 * rows below the last claim, which pile up while somebody holds a snapshot. The last row says when to look again: when
 * the next row falls due, or after a lease where another worker is taking what is due now and may yet die.
 */
const CLAIM = {
  name: 'delivery_claim',
  text: `
    with c as materialized (
      select tenant_id, id, due from delivery_queue
       where due <= now() and due >= coalesce($3::timestamptz - interval '2 s', '-infinity')
       order by due limit $2 for no key update skip locked),
     t as (update delivery_queue q set claim = $1, due = now() + interval '${LEASE_MS} ms', attempts = q.attempts + 1
             from c where q.tenant_id = c.tenant_id and q.id = c.id
           returning q.tenant_id, q.id, q.event_id, q.subscription_id, q.attempts, c.due as was)
    select tenant_id, id, event_id, subscription_id, attempts, was, null::float8 as wait_ms from t
    union all
    select null, null, null, null, null, null,
           least(extract(epoch from (select min(due) from delivery_queue where due > now()) - now())::float8 * 1000,
                 case when exists (select from delivery_queue where due <= now() and due >= coalesce($3::timestamptz - interval '2 s', '-infinity')
                                      and id <> all (array(select id from c))) then ${LEASE_MS}::float8 end)`,
}

type ClaimRow = DueDelivery & { was: Date; wait_ms: number | null }

export async function claimDeliveries(
  db: Db,
  claim: { id: string; limit: number; from: Date | null },
): Promise<Claimed<DueDelivery>> {
  const rows = await hot<ClaimRow>(db, CLAIM, [claim.id, claim.limit, claim.from])
  const next = rows.pop()
  return {
    items: rows.map(({ was: _was, wait_ms: _wait_ms, ...item }) => ({ ...item, claim: claim.id })),
    wait_ms: next?.wait_ms ?? null,
    reached: rows.at(-1)?.was ?? null,
  }
}

const EXTEND = {
  name: 'delivery_extend',
  text: `
    update delivery_queue q set due = now() + interval '${LEASE_MS} ms'
      from unnest($1::uuid[], $2::uuid[], $3::uuid[]) r(t, i, c)
     where q.tenant_id = r.t and q.id = r.i and q.claim = r.c`,
}

export async function extendDeliveries(db: Db, items: DueDelivery[]): Promise<void> {
  await hot(db, EXTEND, [
    items.map((item) => item.tenant_id),
    items.map((item) => item.id),
    items.map((item) => item.claim),
  ])
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
  await hot(db, HOLD, [
    items.map((item) => item.tenant_id),
    items.map((item) => item.id),
    items.map((item) => item.claim),
  ])
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

export type Subscribed = { tenant_id: string; subscription_id: string }

export type Failing = Subscribed & {
  since: Date
  failures: number
  is_new: boolean
}

/** Adds failed attempts to what their subscriptions have; sorted, so that workers never wait for each other in a ring. */
export async function countFailures(tx: Tx, attempts: Subscribed[]): Promise<Failing[]> {
  const { rows } = await sql<Failing>`
    insert into subscription_failing (tenant_id, subscription_id, failures)
    select t, s, count(*) from unnest(${attempts.map((one) => one.tenant_id)}::uuid[],
                                      ${attempts.map((one) => one.subscription_id)}::uuid[]) r(t, s)
     group by t, s order by t, s
    on conflict (tenant_id, subscription_id) do update set failures = subscription_failing.failures + excluded.failures
    returning tenant_id, subscription_id, since, failures, xmax = 0 as is_new`.execute(tx)
  return rows
}

export const listFailing = (db: Db, tenant_id: string): Promise<{ subscription_id: string }[]> =>
  db.selectFrom('subscription_failing').select('subscription_id').where('tenant_id', '=', tenant_id).execute()

/** One success forgives what came before it. */
export async function forgiveFailures(tx: Tx, tenant_id: string, subscription_id: string): Promise<void> {
  await tx
    .deleteFrom('subscription_failing')
    .where('tenant_id', '=', tenant_id)
    .where('subscription_id', '=', subscription_id)
    .execute()
}

export type DeliveryRow = {
  id: string
  event_id: string
  subscription_id: string
  event_type: string
  state: 'pending' | 'delivered' | 'failed'
  attempts: number
  next_at: Date | null
  status: number | null
  error: string | null
  closed_at: Date | null
}

const DELIVERY = [
  'id',
  'event_id',
  'subscription_id',
  'event_type',
  'state',
  'attempts',
  'next_at',
  'status',
  'error',
  'closed_at',
] as const

export const findDelivery = (tx: Tx, tenant_id: string, id: string): Promise<DeliveryRow | undefined> =>
  tx
    .selectFrom('delivery')
    .select(DELIVERY)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()

export type DeliveryFilter = { subscription_id?: string; event_id?: string; state?: DeliveryRow['state'] }

export const listDeliveries = (
  tx: Tx,
  tenant_id: string,
  filter: DeliveryFilter,
  limit: number,
  before: string | null,
): Promise<DeliveryRow[]> => {
  const { subscription_id, event_id, state } = filter
  let query = tx.selectFrom('delivery').select(DELIVERY).where('tenant_id', '=', tenant_id)
  if (subscription_id) query = query.where('subscription_id', '=', subscription_id)
  // A delivery is never older than its event, which leaves earlier partitions out.
  if (event_id) query = query.where('event_id', '=', event_id).where('id', '>', event_id)
  if (state) query = query.where('state', '=', state)
  if (before) query = query.where('id', '<', before)
  return query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}

const CLOCKS_DIFFER_MS = 3_600_000

export type AttemptRow = {
  id: string
  number: number
  outcome: 'delivered' | 'refused' | 'failed'
  status: number | null
  duration_ms: number
  request_headers: string
  response_headers: string | null
  response_body: Buffer | null
  error: string | null
}

/** An attempt comes after its delivery, if on another machine's clock, which leaves earlier partitions out. */
export const listAttempts = (tx: Tx, tenant_id: string, delivery_id: string): Promise<AttemptRow[]> =>
  tx
    .selectFrom('attempt')
    .select([
      'id',
      'number',
      'outcome',
      'status',
      'duration_ms',
      'request_headers',
      'response_headers',
      'response_body',
      'error',
    ])
    .where('tenant_id', '=', tenant_id)
    .where('delivery_id', '=', delivery_id)
    .where('id', '>', floorId(new Date(timeOfId(delivery_id).getTime() - CLOCKS_DIFFER_MS)))
    .orderBy('id')
    .limit(200)
    .execute()

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

/** How much work there is, and for how many seconds the longest overdue row has waited. */
export async function readQueue(db: Db): Promise<QueueState> {
  const { rows } = await sql<QueueState>`
    select count(*)::int as depth, coalesce(greatest(extract(epoch from now() - min(due)), 0), 0)::float8 as oldest_s
      from delivery_queue`.execute(db)
  return rows[0] ?? { depth: 0, oldest_s: 0 }
}

export type ReplayRow = {
  id: string
  subscription_id: string
  since: Date
  until: Date
  of_state: 'failed' | 'delivered'
  state: 'running' | 'completed' | 'canceled'
  reached: string
  total: number
  replayed: number
  closed_at: Date | null
}

const REPLAY = [
  'id',
  'subscription_id',
  'since',
  'until',
  'of_state',
  'state',
  'reached',
  'total',
  'replayed',
  'closed_at',
] as const

/** What a replay goes through: deliveries made in `[since, until)`. */
export type ReplayRange = Pick<ReplayRow, 'subscription_id' | 'since' | 'until' | 'of_state'>

export async function countToReplay(tx: Tx, tenant_id: string, range: ReplayRange): Promise<number> {
  const { count } = await tx
    .selectFrom('delivery')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('tenant_id', '=', tenant_id)
    .where('subscription_id', '=', range.subscription_id)
    .where('id', '>=', floorId(range.since))
    .where('id', '<', floorId(range.until))
    .where('state', '=', range.of_state)
    .executeTakeFirstOrThrow()
  return Number(count)
}

export async function insertReplay(
  tx: Tx,
  row: ReplayRange & { tenant_id: string; id: string; reached: string; total: number },
): Promise<void> {
  await tx.insertInto('replay').values(row).execute()
}

export const findReplay = (tx: Tx, tenant_id: string, id: string): Promise<ReplayRow | undefined> =>
  tx
    .selectFrom('replay')
    .select(REPLAY)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()

export const listReplays = (
  tx: Tx,
  tenant_id: string,
  limit: number,
  before: string | null,
): Promise<ReplayRow[]> =>
  tx
    .selectFrom('replay')
    .select(REPLAY)
    .where('tenant_id', '=', tenant_id)
    .$if(before !== null, (query) => query.where('id', '<', before as string))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()

/** Ends a replay that runs; undefined where it has ended. */
export const endReplay = (
  tx: Tx,
  tenant_id: string,
  id: string,
  state: 'completed' | 'canceled',
): Promise<ReplayRow | undefined> =>
  tx
    .updateTable('replay')
    .set({ state, closed_at: new Date() })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '=', 'running')
    .returning(REPLAY)
    .executeTakeFirst()

/** The replay, kept from changing until the transaction ends; undefined where it does not run. */
export const lockReplay = (tx: Tx, tenant_id: string, id: string): Promise<ReplayRow | undefined> =>
  tx
    .selectFrom('replay')
    .select(REPLAY)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '=', 'running')
    .forUpdate()
    .executeTakeFirst()

/**
 * Puts the next deliveries of a replay back to work and moves its cursor in the same statement, so that a crash
 * repeats none and leaves none out. Returns how many it looked at: fewer than asked for where it is through.
 */
export async function replayNext(
  tx: Tx,
  tenant_id: string,
  replay: ReplayRow,
  limit: number,
): Promise<number> {
  const { rows } = await sql<{ looked_at: number }>`
    with next as materialized (
           select tenant_id, id from delivery
            where tenant_id = ${tenant_id} and subscription_id = ${replay.subscription_id} and state = ${replay.of_state}
              and id > ${replay.reached} and id < ${floorId(replay.until)} order by id limit ${limit}),
         moved as (update delivery d set state = 'pending', next_at = now(), closed_at = null, error = null from next
                    where d.tenant_id = next.tenant_id and d.id = next.id and d.state = ${replay.of_state}
                   returning d.tenant_id, d.id, d.event_id, d.subscription_id, d.attempts),
         queued as (insert into delivery_queue (tenant_id, id, event_id, subscription_id, due, attempts)
                    select tenant_id, id, event_id, subscription_id, now(), attempts from moved),
         cursor as (update replay set replayed = replayed + (select count(*) from moved),
                                      reached = coalesce((select id from next order by id desc limit 1), reached)
                     where tenant_id = ${tenant_id} and id = ${replay.id})
    select count(*)::int as looked_at from next`.execute(tx)
  return rows[0]?.looked_at ?? 0
}
