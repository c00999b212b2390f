import type pg from 'pg'
import { fromWire, toWire } from '../platform/ids.ts'
import { fillInbox, reckonInbox, workLeft } from './backlog_ground.ts'
import { makeSource, makeSubscription, makeTenant, type Place } from './place.ts'

/** What is replayed: messages that came in and failed, or deliveries that went out and failed. */
export type Side = {
  of: string
  path: string
  /** Fills it; whose it is, and what to ask for. */
  open(place: Place, rows: number): Promise<{ tenant: string; wanted: object }>
  left(root: pg.Pool): Promise<number>
  /** What became of all: each number is to be as many as there were. */
  reckon(root: pg.Pool): Promise<Record<string, number>>
}

export const INBOUND: Side = {
  of: 'messages',
  path: '/v1/message-replays',
  async open({ app, root }, count) {
    const actor = await makeTenant(app, 'Bench')
    const made = await makeSource(app, actor)
    await fillInbox(root, [made], { count, run: 'replay', state: 'failed' })
    return {
      tenant: toWire('tenant', actor.tenant_id),
      wanted: { source_id: made.source, states: ['failed'] },
    }
  },
  left: workLeft,
  reckon: reckonInbox,
}

export const OUTBOUND: Side = {
  of: 'deliveries',
  path: '/v1/replays',
  async open(place, count) {
    const { app, root } = place
    const actor = await makeTenant(app, 'Bench')
    const receiver = await place.program('./receiver.ts')
    const { id } = await makeSubscription(app, actor, `http://127.0.0.1:${receiver.ready}/`)
    await fillDeliveries(root, { tenant: actor.tenant_id, subscription: fromWire('subscription', id), count })
    return { tenant: toWire('tenant', actor.tenant_id), wanted: { subscription_id: id } }
  },
  async left(root) {
    const { rows } = await root.query<{ left: number }>('select count(*)::int as left from delivery_queue')
    return rows[0]?.left ?? 0
  },
  /** A POST that the kill cut off is made again; it is on record once. */
  async reckon(root) {
    const { rows } = await root.query<Record<string, number>>(
      `select (select count(*)::int from delivery where state = 'delivered' and attempts >= 11) as delivered,
              (select count(distinct delivery_id)::int from attempt where outcome = 'delivered') as told,
              (select count(*)::int from attempt where outcome = 'delivered') as attempts`,
    )
    return rows[0] ?? {}
  },
}

const AT_ONCE = 50_000
const DAY_SO_FAR = `date_trunc('day', now() at time zone 'utc') at time zone 'utc'`

/** Dead letters of ten attempts, each of an event of its own, their times spread over the day so far. */
async function fillDeliveries(
  root: pg.Pool,
  { tenant, subscription, count }: { tenant: string; subscription: string; count: number },
): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) {
    await root.query(FILL, [tenant, subscription, from, Math.min(AT_ONCE, count - from), count])
  }
  await root.query('analyze delivery, event')
}

const FILL = `
  with m as materialized (
    select n, (left(v7_floor(${DAY_SO_FAR} + (now() - ${DAY_SO_FAR}) * (n / $5::float8))::text, 13) || '-7' || substr(gen_random_uuid()::text, 16))::uuid as i
      from generate_series($3::int, $3::int + $4::int - 1) n),
  events as (insert into event (tenant_id, id, type, data) select $1::uuid, i, 'payment.completed', '{"n":' || n || '}' from m)
  insert into delivery (tenant_id, id, event_id, subscription_id, event_type, state, attempts, status, error, closed_at)
  select $1::uuid, i, i, $2::uuid, 'payment.completed', 'failed', 10, 503, 'the receiver answered 503', now() from m`
