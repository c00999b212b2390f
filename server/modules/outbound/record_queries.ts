import { type RawBuilder, sql } from 'kysely'
import { reachedIn, type Tx } from '../../platform/database/database.ts'
import { floorId, timeOfId } from '../../platform/ids.ts'

/** Every statement that reads the records: deliveries and their attempts. */

export type DeliveryRow = {
  id: string
  event_id: string
  subscription_id: string
  event_type: string
  state: 'pending' | 'delivered' | 'failed' | 'expired'
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

/** What no index leads to; null takes all. */
export type Narrowed = {
  /** As a subscription names them: exact ones, and families. */
  event_types: string[] | null
  /** Of the last answer. */
  status: number | null
  /** Words of the last error, in capitals or not. */
  error: string | null
}

export function isNarrowed({ event_types, status, error }: Narrowed): RawBuilder<boolean> {
  const wanted = [sql<boolean>`true`]
  if (event_types !== null && !event_types.includes('*')) {
    const families = event_types.filter((type) => type.endsWith('.*'))
    const likes = families.map((type) => `${type.slice(0, -1).replaceAll('_', '\\_')}%`)
    wanted.push(sql`(event_type = any(${event_types}::text[]) or event_type like any(${likes}::text[]))`)
  }
  if (status !== null) wanted.push(sql`status = ${status}::int`)
  if (error !== null) wanted.push(sql`position(lower(${error}::text) in lower(error)) > 0`)
  return sql<boolean>`${sql.join(wanted, sql` and `)}`
}

export type DeliveryFilter = Partial<{
  subscription_id: string
  event_id: string
  state: DeliveryRow['state']
  /** When they were made. */
  since: Date
  until: Date
  narrowed: Narrowed | null
}>

type Page = { before: string | null; most: number }

/**
 * At most `most` of what is pending, which is a question of its own: nothing in the records leads to it. `looked` is the
 * last of so many; some of them may have ended since, and the page is the shorter for it.
 */
async function within(tx: Tx, tenant_id: string, filter: DeliveryFilter, page: Page) {
  const { subscription_id, event_id, state, since, until } = filter
  const { before } = page
  const waits = state === 'pending' && !event_id ? await listPendingIds(tx, tenant_id, filter, page) : null
  const records = waits === null ? tx : among(tx, tenant_id, waits)
  let query = records.selectFrom('delivery').where('tenant_id', '=', tenant_id)
  if (subscription_id) query = query.where('subscription_id', '=', subscription_id)
  // A delivery is never older than its event, which leaves earlier partitions out.
  if (event_id) query = query.where('event_id', '=', event_id).where('id', '>', event_id)
  if (state) query = query.where(inState(state, event_id !== undefined))
  if (since) query = query.where('id', '>=', floorId(since))
  if (until) query = query.where('id', '<', floorId(until))
  if (before) query = query.where('id', '<', before)
  const looked = (waits && waits.length >= page.most && waits.at(-1)) || null
  return { found: query.orderBy('id', 'desc'), of_waiting: waits !== null, looked }
}

/** In place of the records those of so many ids, each looked up by its key, however few the tenant has beside them. */
const among = (tx: Tx, tenant_id: string, ids: string[]): Tx =>
  tx.with(
    'delivery',
    () => sql<DeliveryRow>`
      (select d.* from unnest(${ids}::uuid[]) w(id)
        cross join lateral (select * from delivery where tenant_id = ${tenant_id} and id = w.id offset 0) d)`,
  ) as unknown as Tx

/** Trouble has an index, which holds all that failed: of one event there are few, and it is no choice. */
export const inState = (state: DeliveryRow['state'], of_event = false): RawBuilder<boolean> =>
  of_event || state === 'pending' || state === 'delivered' ? sql`state = ${state}` : sql`trouble = ${state}`

/** The newest of what waits: in the queue, or in a line where it keeps an order. */
async function listPendingIds(
  tx: Tx,
  tenant_id: string,
  { subscription_id, since, until }: DeliveryFilter,
  { before, most }: Page,
): Promise<string[]> {
  const bound = sql.raw(String(most)) // in the text, where the planner and the reader see it
  const of = (table: 'delivery_queue' | 'delivery_line', id: 'id' | 'delivery_id') => {
    const wanted = [sql<boolean>`tenant_id = ${tenant_id}`]
    if (subscription_id) wanted.push(sql`subscription_id = ${subscription_id}`)
    if (since) wanted.push(sql`${sql.ref(id)} >= ${floorId(since)}`)
    if (until) wanted.push(sql`${sql.ref(id)} < ${floorId(until)}`)
    if (before) wanted.push(sql`${sql.ref(id)} < ${before}`)
    return sql`(select ${sql.ref(id)} as id from ${sql.table(table)} where ${sql.join(wanted, sql` and `)} order by ${sql.ref(id)} desc limit ${bound})`
  }
  const { rows } = await sql<{ id: string }>`
    select id from (${of('delivery_queue', 'id')} union all ${of('delivery_line', 'delivery_id')}) waits
     order by id desc limit ${bound}`.execute(tx)
  return rows.map(({ id }) => id)
}

/** How many deliveries one page looks at, where what they are asked for has no index. */
const MOST_LOOKED_AT = 5_000
/** In the text, where the planner and the reader see it. */
const LOOKED_AT = sql.raw<number>(String(MOST_LOOKED_AT))

/**
 * Newest first. By type, status and error no index leads, which would cost every delivery: so a page looks at so many
 * and says by `reached` where it stopped looking.
 */
export async function listDeliveries(
  tx: Tx,
  tenant_id: string,
  filter: DeliveryFilter,
  limit: number,
  before: string | null,
): Promise<{ rows: DeliveryRow[]; reached: string | null }> {
  const { narrowed } = filter
  const most = narrowed ? MOST_LOOKED_AT : limit + 1
  const { found, of_waiting, looked } = await within(tx, tenant_id, filter, { before, most })
  if (!narrowed) {
    const rows = await found
      .select(DELIVERY)
      .limit(limit + 1)
      .execute()
    return { rows, reached: rows.length > limit ? null : looked }
  }
  const rows = await tx
    .selectFrom(found.select(DELIVERY).limit(LOOKED_AT).as('page'))
    .select(DELIVERY)
    .where(isNarrowed(narrowed))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
  if (rows.length > limit) return { rows, reached: null }
  return { rows, reached: of_waiting ? looked : await reachedIn(found, MOST_LOOKED_AT) }
}

const CLOCKS_DIFFER_MS = 3_600_000

export type AttemptRow = {
  id: string
  number: number
  outcome: 'delivered' | 'refused' | 'failed'
  status: number | null
  duration_ms: number
  timing: string | null
  request_headers: string
  request_body: Buffer | null
  response_headers: string | null
  response_body: Buffer | null
  error: string | null
}

/** The newest of them, in their order. An attempt comes after its delivery, if on another machine's clock, which leaves earlier partitions out. */
export async function listAttempts(tx: Tx, tenant_id: string, delivery_id: string): Promise<AttemptRow[]> {
  const newest = await tx
    .selectFrom('attempt')
    .select([
      'id',
      'number',
      'outcome',
      'status',
      'duration_ms',
      'timing',
      'request_headers',
      'request_body',
      'response_headers',
      'response_body',
      'error',
    ])
    .where('tenant_id', '=', tenant_id)
    .where('delivery_id', '=', delivery_id)
    .where('id', '>', floorId(new Date(timeOfId(delivery_id).getTime() - CLOCKS_DIFFER_MS)))
    .orderBy('id', 'desc')
    .limit(200)
    .execute()
  return newest.reverse()
}

/** Of these events, the newest first; a delivery is never older than its event. */
export const listDeliveriesOf = (
  tx: Tx,
  tenant_id: string,
  event_ids: readonly string[],
  limit: number,
): Promise<DeliveryRow[]> =>
  tx
    .selectFrom('delivery')
    .select(DELIVERY)
    .where('tenant_id', '=', tenant_id)
    .where('event_id', 'in', event_ids)
    .where('id', '>', earliest(event_ids))
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()

const earliest = (ids: readonly string[]): string => [...ids].sort()[0] ?? ''

export type ShortAttempt = Pick<
  AttemptRow,
  'id' | 'number' | 'outcome' | 'status' | 'duration_ms' | 'error'
> & {
  delivery_id: string
}

/** Of these deliveries, in the order they ended. */
export const listAttemptsOf = (
  tx: Tx,
  tenant_id: string,
  delivery_ids: readonly string[],
  limit: number,
): Promise<ShortAttempt[]> =>
  tx
    .selectFrom('attempt')
    .select(['id', 'delivery_id', 'number', 'outcome', 'status', 'duration_ms', 'error'])
    .where('tenant_id', '=', tenant_id)
    .where('delivery_id', 'in', delivery_ids)
    .where('id', '>', floorId(new Date(timeOfId(earliest(delivery_ids)).getTime() - CLOCKS_DIFFER_MS)))
    .orderBy('id')
    .limit(limit)
    .execute()

export type SeenAttempt = Pick<AttemptRow, 'id' | 'number' | 'outcome' | 'status' | 'duration_ms'> &
  Pick<DeliveryRow, 'subscription_id' | 'event_type' | 'state'> & { delivery_id: string }

/** From this id on, the newest `limit` of them, with their deliveries as they are now: for those who watch them go. */
export async function listAttemptsSince(
  tx: Tx,
  tenant_id: string,
  from_id: string,
  limit: number,
): Promise<SeenAttempt[]> {
  const { rows } = await sql<SeenAttempt>`
    select a.id, a.delivery_id, a.number, a.outcome, a.status, a.duration_ms, d.subscription_id, d.event_type, d.state
      from (select id, delivery_id, number, outcome, status, duration_ms from attempt
             where tenant_id = ${tenant_id} and id >= ${from_id} order by id desc limit ${limit}) a
      cross join lateral (select subscription_id, event_type, state from delivery
                           where tenant_id = ${tenant_id} and a.delivery_id = id offset 0) d`.execute(tx)
  return rows
}

/** What waits for its turn, counted as far as `MOST_COUNTED` rows of each queue, the oldest first. */
type Backlog = { depth: number; due: number; oldest_s: number; is_more: boolean }

const MOST_COUNTED = 10_000
/** In the text, where the planner and the reader see it. */
const BOUND = sql.raw(String(MOST_COUNTED))

/** Of one tenant, with and without order. What a paused subscription or a parked key holds back is deep, but not due. */
export async function readBacklog(tx: Tx, tenant_id: string): Promise<Backlog> {
  const { rows } = await sql<Backlog>`
    select coalesce(sum(n), 0)::int as depth, coalesce(sum(n) filter (where due <= now()), 0)::int as due,
           count(*) >= ${MOST_COUNTED} as is_more,
           coalesce(extract(epoch from now() - min(due) filter (where due <= now())), 0)::float8 as oldest_s
      from ((select due, 1 as n from delivery_queue where tenant_id = ${tenant_id} order by id limit ${BOUND})
            union all
            (select due, pending from delivery_lane where tenant_id = ${tenant_id} limit ${BOUND})) q`.execute(
    tx,
  )
  return rows[0] ?? { depth: 0, due: 0, oldest_s: 0, is_more: false }
}
