import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { toWire } from '../../platform/ids.ts'
import { type Installation, ORDERED } from './installation.ts'
import type { Arrived } from './receiver.ts'

/** What the world outside knows, against what the database holds and what arrived. */
export type Truth = {
  accepted: number
  /** What was answered 2xx and did not reach every subscriber: judged by the two lists outside alone. */
  lost: number
  /** Arrivals beyond the first of one event at one subscriber. */
  duplicates: number
  calls: number
  /** Calls whose end nobody saw. */
  unknown_calls: number
  /** First arrivals, where order was promised, that came before one published earlier. */
  reordered: number
  /** Every promise that was broken, in words. */
  broken: string[]
}

const PATIENCE_MS = 300_000

/** Waits until no work is left, for as long as leases and retries may take; false where some stays. */
export async function untilQuiet(installation: Installation, patience_ms = PATIENCE_MS): Promise<boolean> {
  const deadline = performance.now() + patience_ms
  while (performance.now() < deadline) {
    const [row] = await read<{ left: number }>(
      installation,
      'select (select count(*) from inbox_queue)::int + (select count(*) from delivery_queue)::int + (select count(*) from delivery_line)::int as left',
    )
    if (row?.left === 0) return true
    await sleep(100)
  }
  return false
}

/** What the product says of its own deliveries, to all but the one it is about. */
const NOTICE = /^(delivery|subscription)\./

type MessageRow = { id: string; event_key: string; state: string }
type EventRow = { id: string; type: string; message_id: string | null; deliveries: string[] }
type CallRow = { id: string; state: string }

export async function compare(installation: Installation): Promise<Truth> {
  const { sender, receiver } = installation
  const messages = await read<MessageRow>(installation, 'select id, event_key, state from inbox')
  const all = await read<EventRow>(
    installation,
    `select e.id, e.type, e.message_id, coalesce(array_agg(case when d.state = 'delivered' then d.state else d.state || ' after ' || d.attempts || ': ' || coalesce(d.error, '') end)
                     filter (where d.id is not null), '{}') as deliveries
       from event e left join delivery d on d.tenant_id = e.tenant_id and d.event_id = e.id
      group by e.id, e.type, e.message_id`,
  )
  const events = all.filter(({ type }) => !NOTICE.test(type))
  const calls = await read<CallRow>(installation, 'select id, state from call')
  const lost = findLost(installation)
  const reordered = findReordered(receiver.arrived)
  const arrivals = new Set(receiver.arrived.map(({ path, webhook_id }) => `${path} ${webhook_id}`))
  return {
    accepted: sender.accepted.size + sender.published.size,
    lost: lost.length,
    duplicates: receiver.arrived.length - arrivals.size,
    calls: calls.length,
    reordered: reordered.length,
    unknown_calls: calls.filter(({ state }) => state === 'unknown').length,
    broken: [
      ...lost.map((what) => `${what} was answered 2xx and did not arrive everywhere`),
      ...reordered,
      ...brokenInbox(installation, messages, events),
      ...events.flatMap((event) => brokenEvent(event, installation.pathsFor(event.type), arrivals)),
      ...brokenArrivals(receiver.arrived, all),
      ...receiver.refused.map((why) => `the receiver refused a delivery: ${why}`),
      ...brokenCalls(installation, calls),
    ],
  }
}

/** By the sender's list and the receiver's list; the product is not asked. */
function findLost({ sender, receiver, pathsFor }: Installation): string[] {
  const reached = new Set(receiver.arrived.map(({ path, about }) => `${path} ${about}`))
  const misses = (about: string, type: string) =>
    pathsFor(type).some((path) => !reached.has(`${path} ${about}`))
  return [
    ...[...sender.accepted].filter(([, payment]) => misses(payment, 'payment.completed')),
    ...[...sender.published].filter(([, order]) => misses(order, 'order.placed')),
  ].map(([id]) => id)
}

/** Orders of one lane were published one after another, each when the one before was answered. */
function findReordered(arrived: Arrived[]): string[] {
  const seen = new Set<string>()
  const furthest = new Map<string, number>()
  return arrived.flatMap(({ path, about }) => {
    if (path !== ORDERED || seen.has(about)) return []
    seen.add(about)
    const [lane = '', number = ''] = about.split('-')
    const before = furthest.get(lane) ?? 0
    furthest.set(lane, Math.max(before, Number(number)))
    return Number(number) < before ? [`order ${about} first arrived after order ${lane}-${before}`] : []
  })
}

/** Every message that was answered 2xx is in the inbox once, and became one event. */
function brokenInbox({ sender }: Installation, messages: MessageRow[], events: EventRow[]): string[] {
  const of_key = Map.groupBy(messages, ({ event_key }) => event_key)
  const of_message = Map.groupBy(events, ({ message_id }) => message_id)
  const known = new Set(events.map(({ id }) => toWire('event', id)))
  const missing = [...sender.accepted.keys()].filter((key) => !of_key.has(key))
  const doubled = [...of_key].filter(([, rows]) => rows.length > 1)
  const unpublished = [...sender.published.keys()].filter((id) => !known.has(id))
  const unended = messages.filter(({ state }) => state !== 'completed')
  const odd = messages.filter(({ id }) => of_message.get(id)?.length !== 1)
  return [
    ...missing.map((key) => `${key} was answered 2xx and is not in the inbox`),
    ...doubled.map(([key, rows]) => `${key} is in the inbox ${rows.length} times`),
    ...unpublished.map((id) => `${id} was answered 2xx and is no event`),
    ...unended.map(({ event_key, state }) => `${event_key} is ${state}, not completed`),
    ...odd.map(({ id, event_key }) => `${event_key} has ${of_message.get(id)?.length ?? 0} events, not one`),
  ]
}

/** Every event has its deliveries, each ended well, and each reached its subscriber. */
function brokenEvent({ id, deliveries }: EventRow, due: string[], arrivals: Set<string>): string[] {
  const wire_id = toWire('event', id)
  const count = deliveries.length === due.length ? [] : [`${deliveries.length} deliveries, not ${due.length}`]
  const states = deliveries.filter((state) => state !== 'delivered').map((state) => `a delivery ${state}`)
  const unseen = due.filter((path) => !arrivals.has(`${path} ${wire_id}`)).map((path) => `none at ${path}`)
  return [...count, ...states, ...unseen].map((fault) => `${wire_id} has ${fault}`)
}

/** What arrives twice says that it does: one thing has one `webhook-id` at one subscriber, and it is an event's. */
function brokenArrivals(arrived: Arrived[], events: EventRow[]): string[] {
  const known = new Set(events.map(({ id }) => toWire('event', id)))
  const told = arrived.filter(({ about }) => about !== '') // notices are about deliveries
  const ids = Map.groupBy(told, ({ path, about }) => `${path} ${about}`)
  const several = [...ids].filter(([, all]) => new Set(all.map(({ webhook_id }) => webhook_id)).size > 1)
  const invented = arrived.filter(({ webhook_id }) => !known.has(webhook_id))
  return [
    ...several.map(([what]) => `${what} arrived under several webhook-ids`),
    ...invented.map(({ webhook_id }) => `${webhook_id} arrived and is no event`),
  ]
}

/** What the vendor was asked is on record, every call has an end, and no record contradicts what its caller was told. */
function brokenCalls({ sender, receiver }: Installation, calls: CallRow[]): string[] {
  const open = calls.filter(({ state }) => state === 'started')
  const state_of = new Map(calls.map(({ id, state }) => [toWire('call', id), state]))
  const wrong = [...sender.called].filter(
    ([id, state]) => ![state, 'unknown'].includes(state_of.get(id) ?? ''),
  )
  const unrecorded = receiver.asked.length - calls.length
  return [
    ...open.map(({ id }) => `${toWire('call', id)} has no end`),
    ...wrong.map(([id, state]) => `${id} was ${state} to its caller and is ${state_of.get(id)} on record`),
    ...(unrecorded > 0 ? [`the vendor was asked ${unrecorded} times more than there are calls`] : []),
  ]
}

async function read<Row extends object>({ database_url }: Installation, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: database_url, options: '-c role=trilho_owner' })
  client.on('error', () => {}) // PostgreSQL is restarted under us; the query says so
  await client.connect()
  try {
    const { rows } = await client.query<Row>(text)
    return rows
  } finally {
    await client.end()
  }
}
