import { setTimeout as sleep } from 'node:timers/promises'
import { toWire } from '../../platform/ids.ts'
import { type Installation, ORDERED } from './installation.ts'
import { read } from './reading.ts'
import type { Arrived } from './receiver.ts'
import { compareCalls, type TruthOfCalls } from './truth_of_calls.ts'

/** What the world outside knows, against what the database holds and what arrived. */
export type Truth = TruthOfCalls & {
  accepted: number
  /** What was answered 2xx and did not reach every subscriber: judged by the two lists outside alone. */
  lost: number
  /** Arrivals beyond the first of one event at one subscriber. */
  duplicates: number
  /** First arrivals, where order was promised, that came before one published earlier. */
  reordered: number
}

const PATIENCE_MS = 300_000

/** Waits until no work is left, for as long as leases and retries may take; false where some stays. */
export async function untilQuiet(installation: Installation, patience_ms = PATIENCE_MS): Promise<boolean> {
  const deadline = performance.now() + patience_ms
  while (performance.now() < deadline) {
    const [row] = await read<{ left: number }>(
      installation,
      `select (select count(*) from inbox_queue)::int + (select count(*) from delivery_queue)::int +
              (select count(*) from delivery_line)::int + (select count(*) from call_queue)::int as left`,
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
  const { broken, ...calls } = await compareCalls(installation)
  const lost = findLost(installation)
  const reordered = [...findReordered(receiver.arrived), ...(await findOvertaken(installation))]
  const arrivals = new Set(receiver.arrived.map(({ path, webhook_id }) => `${path} ${webhook_id}`))
  return {
    accepted: takenOn(sender),
    lost: lost.length,
    duplicates: receiver.arrived.length - arrivals.size,
    ...calls,
    reordered: reordered.length,
    broken: [
      ...lost.map((what) => `${what} was answered 2xx and did not arrive everywhere`),
      ...reordered,
      ...brokenInbox(installation, messages, events),
      ...events.flatMap((event) => brokenEvent(event, installation.pathsFor(event.type), arrivals)),
      ...brokenArrivals(receiver.arrived, all),
      ...receiver.refused.map((why) => `the receiver refused a delivery: ${why}`),
      ...broken,
    ],
  }
}

/** Whatever was answered 2xx and is to be done later. */
const takenOn = ({ accepted, stepped, published, deferred, batches }: Installation['sender']): number =>
  [accepted, stepped, published, deferred, batches].reduce((sum, { size }) => sum + size, 0)

/** By the sender's list and the receiver's list; the product is not asked. */
function findLost({ sender, receiver, pathsFor }: Installation): string[] {
  const reached = new Set(receiver.arrived.map(({ path, about }) => `${path} ${about}`))
  const misses = (about: string, type: string) =>
    pathsFor(type).some((path) => !reached.has(`${path} ${about}`))
  return [
    ...[...sender.accepted].filter(([, payment]) => misses(payment, 'payment.completed')),
    ...[...sender.stepped].filter(([, step]) => misses(step, STEP)),
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

const STEP = 'http.step'

/** Numbered messages that became events before an earlier one: transactions of one entity come one after another. */
async function findOvertaken(installation: Installation): Promise<string[]> {
  const rows = await read<{ entity_id: string; n: number }>(
    installation,
    `select entity_id, (data::jsonb ->> 'n')::int as n from event where type = '${STEP}'
      order by entity_id, xmin::text::bigint, id`,
  )
  return rows.flatMap(({ entity_id, n }, at) => {
    const before = rows[at - 1]
    if (before?.entity_id !== entity_id || before.n < n) return []
    return [`message ${n} of ${entity_id} was worked on after message ${before.n}`]
  })
}

/** Every message that was answered 2xx is in the inbox once, and became one event. */
function brokenInbox({ sender }: Installation, messages: MessageRow[], events: EventRow[]): string[] {
  const of_key = Map.groupBy(messages, ({ event_key }) => event_key)
  const of_message = Map.groupBy(events, ({ message_id }) => message_id)
  const known = new Set(events.map(({ id }) => toWire('event', id)))
  const missing = [...sender.accepted.keys(), ...sender.stepped.keys()].filter((key) => !of_key.has(key))
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
