import { inTenant, once, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import {
  type Audience,
  audienceOf,
  deliveriesBeside,
  deliveriesOf,
  deliverTo,
  type FanOut,
  type Notice,
  putInLanes,
  resendTo,
  wakeDeliveries,
} from '../outbound/outbound.ts'
import { audit } from '../tenants/tenants.ts'
import { readPage, toPage } from '../wire.ts'
import * as queries from './queries.ts'
import { type EventQuery, type ResendEvent, toEvent } from './schema.ts'

/**
 * Facts in our own words. An event is stored in one transaction with the deliveries it causes; its data is kept
 * and sent to the byte. Types come from a catalog with a schema and an example each, and a tenant adds its own.
 */

/**
 * What the product has to say about a subscription, to all others of the tenant. Reads whom it concerns; what it gives
 * writes it in a transaction of the caller's, who wakes the deliveries after it.
 */
export async function prepareNotice(app: App, notice: Notice): Promise<(tx: Tx) => Promise<number>> {
  const { tenant_id, type, entity_id, subscription_id } = notice
  const data = JSON.stringify(notice.data)
  const event = { tenant_id, id: app.newId(), type, data, entity_id, message_id: null }
  const audience = await audienceOf(app, [event], subscription_id)
  return (tx) => publishAll(app, tx, { events: [event], external_ids: [] }, audience)
}

/** A `webhook.test` for one subscription and nobody else, whatever types and filter it has. */
export async function sendTest(app: App, actor: Actor, subscription_id: string) {
  const { tenant_id } = actor
  const id = app.newId()
  const data = JSON.stringify({ subscription_id, sent_by: actor.id })
  const event = { tenant_id, id, type: 'webhook.test', data, entity_id: null, message_id: null }
  const delivery_id = await inTenant(app.db, tenant_id, async (tx) => {
    await queries.insertEvents(tx, [event], [])
    await audit(tx, actor, 'subscription.test', subscription_id)
    return deliverTo(app, tx, event, subscription_id)
  })
  wakeDeliveries(app)
  return { event_id: toWire('event', id), delivery_id }
}

/** One that was published, to one subscription and nobody else; see `resendTo`. */
export async function resendEvent(app: App, actor: Actor, wire_id: string, { subscription_id }: ResendEvent) {
  const id = fromWire('event', wire_id)
  const delivery = await inTenant(app.db, actor.tenant_id, async (tx) => {
    const event = await queries.findEvent(tx, actor.tenant_id, id)
    if (!event) throw new Problem('not_found', { detail: `there is no event ${wire_id}` })
    return resendTo(app, actor, tx, event, subscription_id)
  })
  wakeDeliveries(app)
  return delivery
}

/**
 * Stores events and their deliveries, of any number of tenants, and the ids of others by which they, or what led
 * to them, are found. Returns how many deliveries there are.
 */
export async function publishAll(
  app: App,
  tx: Tx,
  { events, external_ids }: { events: queries.NewEvent[]; external_ids: queries.ExternalId[] },
  audience: Audience,
): Promise<number> {
  return store(app, tx, { events, external_ids }, deliveriesOf(app, events, audience))
}

/** The same, where it is known already who gets what. */
export async function store(
  app: App,
  tx: Tx,
  { events, external_ids }: { events: queries.NewEvent[]; external_ids: queries.ExternalId[] },
  { rows, ordered }: FanOut,
): Promise<number> {
  const beside = rows.length > 0 ? deliveriesBeside(rows) : null
  if (events.length + external_ids.length > 0) await queries.insertEvents(tx, events, external_ids, beside)
  for (const hear of listeners(app)) await hear(tx, events)
  await putInLanes(app, tx, ordered)
  return rows.length + ordered.length
}

type Hear = (tx: Tx, events: readonly queries.NewEvent[]) => Promise<void>
const listeners = once((_app: App): Hear[] => [])

/** Whoever has to know of events as they are published: asked in the transaction of every publication. */
export const whenPublished = (app: App, hear: Hear): void => void listeners(app).push(hear)

export { publishChange } from './change.ts'
export { indexerOf, leadTo, listFound, search } from './found_by.ts'
export { type Described, describeBy, seekBy } from './hits.ts'
export { publish } from './publish.ts'
export { findEvent, foundBy } from './queries.ts'
export { TestSent } from './schema.ts'
export { type Draft, tell } from './tell.ts'
export { listEventTypes } from './types.ts'
export type ExternalId = queries.ExternalId
export type NewEvent = queries.NewEvent

export const readPayloads = (app: App, wanted: { tenant_id: string; event_id: string }[]) =>
  queries.readPayloads(app.db.worker, wanted)

export { anyEventSince, listEventsBetween, listEventsOf, listEventsSince } from './queries.ts'

/** Of each of these tenants that has any, how many events of a type there were since then; no further than 1,000. */
export const countEventsSince = (app: App, tenant_ids: readonly string[], type: string, since: Date) =>
  queries.countEventsSince(app.db.worker, tenant_ids, type, {
    since,
    until: new Date(app.clock.now().getTime() + 60_000),
  })

export async function listEvents(app: App, actor: Actor, input: EventQuery) {
  const { limit, before } = readPage('event', input)
  const filter = input.type ? { type: input.type } : {}
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.listEvents(tx, actor.tenant_id, filter, limit, before),
  )
  return toPage('event', rows, limit, toEvent)
}

export async function readEvent(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('event', wire_id)
  const row = await inTenant(app.db, actor.tenant_id, (tx) => queries.findEvent(tx, actor.tenant_id, id))
  if (!row) throw new Problem('not_found', { detail: `there is no event ${wire_id}` })
  return toEvent(row)
}
