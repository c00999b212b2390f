import { newWebhookSecret } from '../../kit/webhook_keys.ts'
import { forget, inTenant, once, remember, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import * as queries from './queries.ts'
import type { CreateSubscription, DeliveryQuery, UpdateSubscription } from './schema.ts'
import { toAttempt, toDelivery, toSubscription } from './schema.ts'

/**
 * Who wants which events, and getting them there. A delivery and its work are written in the transaction that
 * publishes the event (`fanOut`), so an event that was accepted has its deliveries. Each is attempted ten times
 * over three days, signed by Standard Webhooks, and every attempt is kept. What is given up stays as a dead
 * letter until somebody replays it.
 */

export async function createSubscription(app: App, actor: Actor, input: CreateSubscription) {
  const id = app.newId()
  const { tenant_id } = actor
  const secret = input.secret ?? newWebhookSecret()
  const { name, event_types } = input
  const url = checkUrl(input.url)
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    await queries.insertSubscription(tx, { tenant_id, id, name, url, event_types, state: 'enabled' })
    await app.vault.put(tx, { tenant_id, owner_id: id, field: 'secret' }, secret)
    forget(tx, 'subscriptions', tenant_id)
    await audit(tx, actor, 'subscription.create', toWire('subscription', id), { url, event_types })
    return found(await queries.findSubscription(tx, tenant_id, id), id)
  })
  return { ...toSubscription(row), secret }
}

export async function readSubscription(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('subscription', wire_id)
  return inTenant(app.db, actor.tenant_id, async (tx) =>
    toSubscription(found(await queries.findSubscription(tx, actor.tenant_id, id), id)),
  )
}

export async function listSubscriptions(app: App, actor: Actor, input: PageInput) {
  const { limit, before } = readPage('subscription', input)
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.listSubscriptions(tx, actor.tenant_id, limit, before),
  )
  return toPage('subscription', rows, limit, toSubscription)
}

export async function updateSubscription(app: App, actor: Actor, wire_id: string, input: UpdateSubscription) {
  const id = fromWire('subscription', wire_id)
  const { tenant_id } = actor
  const change = {
    ...input,
    ...(input.url !== undefined && { url: checkUrl(input.url) }),
    ...(input.state && { state_note: null }),
  }
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    const updated = found(await queries.updateSubscription(tx, tenant_id, id, change), id)
    forget(tx, 'subscriptions', tenant_id)
    await audit(tx, actor, 'subscription.update', wire_id, { changed: Object.keys(input) })
    return updated
  })
  return toSubscription(row)
}

export async function deleteSubscription(app: App, actor: Actor, wire_id: string): Promise<void> {
  const id = fromWire('subscription', wire_id)
  const { tenant_id } = actor
  await inTenant(app.db, tenant_id, async (tx) => {
    if (!(await queries.deleteSubscription(tx, tenant_id, id))) throw missing('subscription', wire_id)
    await app.vault.drop(tx, { tenant_id, owner_id: id })
    forget(tx, 'subscriptions', tenant_id)
    await audit(tx, actor, 'subscription.delete', wire_id)
  })
}

/** The signing secret, for the receiver to verify with. */
export async function readSecret(app: App, actor: Actor, wire_id: string): Promise<{ secret: string }> {
  const id = fromWire('subscription', wire_id)
  const { tenant_id } = actor
  return inTenant(app.db, tenant_id, async (tx) => {
    found(await queries.findSubscription(tx, tenant_id, id), id)
    const secret = await app.vault.get(tx, { tenant_id, owner_id: id, field: 'secret' })
    if (secret === null) throw new Error(`subscription ${wire_id} has no secret`)
    await audit(tx, actor, 'subscription.read_secret', wire_id)
    return { secret }
  })
}

function checkUrl(text: string): string {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new Problem('invalid_request', {
      field: 'url',
      detail:
        'url must be an http or https address without a user name, such as https://example.com/webhooks',
    })
  }
  return url.href
}

const missing = (kind: string, id: string) =>
  new Problem('not_found', { detail: `there is no ${kind} ${id}` })

function found<Row>(row: Row | undefined, id: string): Row {
  if (row === undefined) throw missing('subscription', toWire('subscription', id))
  return row
}

export async function listDeliveries(app: App, actor: Actor, input: DeliveryQuery) {
  const { limit, before } = readPage('delivery', input)
  const filter: queries.DeliveryFilter = {
    ...(input.subscription_id && {
      subscription_id: fromWire('subscription', input.subscription_id, 'subscription_id'),
    }),
    ...(input.event_id && { event_id: fromWire('event', input.event_id, 'event_id') }),
    ...(input.state && { state: input.state }),
  }
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.listDeliveries(tx, actor.tenant_id, filter, limit, before),
  )
  return toPage('delivery', rows, limit, toDelivery)
}

export async function readDelivery(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('delivery', wire_id)
  return inTenant(app.db, actor.tenant_id, async (tx) => {
    const row = await queries.findDelivery(tx, actor.tenant_id, id)
    if (!row) throw missing('delivery', wire_id)
    const attempts = await queries.listAttempts(tx, actor.tenant_id, id)
    return { ...toDelivery(row), log: attempts.map(toAttempt) }
  })
}

/** Sends an ended delivery once more, at once; its attempts go on counting. */
export async function replayDelivery(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('delivery', wire_id)
  const { tenant_id } = actor
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    if (!(await queries.findDelivery(tx, tenant_id, id))) throw missing('delivery', wire_id)
    if (!(await queries.requeueDelivery(tx, tenant_id, id))) {
      throw new Problem('conflict', {
        detail: `delivery ${wire_id} is still pending; it will be attempted by itself`,
      })
    }
    await audit(tx, actor, 'delivery.replay', wire_id)
    return queries.findDelivery(tx, tenant_id, id)
  })
  wakeDeliveries(app)
  if (!row) throw missing('delivery', wire_id)
  return toDelivery(row)
}

export const wakeDeliveries = (app: App): void => app.db.notify('trilho_delivery', 'new')

/** An event as `fanOut` needs it. */
export type Published = { tenant_id: string; id: string; type: string }

/** Who listens in each tenant. */
export type Audience = Map<string, Active[]>

/**
 * The subscriptions that events may concern, read before the transaction that publishes them: inside it a second
 * connection would be waited for while one is held, and enough publishers at once would wait for each other for ever.
 */
export async function audienceOf(app: App, events: Published[]): Promise<Audience> {
  const tenant_ids = [...new Set(events.map(({ tenant_id }) => tenant_id))]
  const active = await Promise.all(tenant_ids.map((id) => activeSubscriptions(app).get(id)))
  return new Map(tenant_ids.map((id, at) => [id, [...(active[at]?.values() ?? [])]]))
}

/** Writes the deliveries of events in the transaction that publishes them. Returns how many there are. */
export async function fanOut(app: App, tx: Tx, events: Published[], audience: Audience): Promise<number> {
  const rows: queries.NewDelivery[] = events.flatMap((event) =>
    subscribersOf(event, audience).map((subscription) => ({
      tenant_id: event.tenant_id,
      id: app.newId(),
      event_id: event.id,
      subscription_id: subscription.id,
      event_type: event.type,
    })),
  )
  if (rows.length > 0) await queries.insertDeliveries(tx, rows)
  return rows.length
}

const subscribersOf = ({ tenant_id, type }: Published, audience: Audience): Active[] =>
  (audience.get(tenant_id) ?? []).filter(({ event_types }) =>
    event_types.some((pattern) => matches(pattern, type)),
  )

/** `payment.completed`, `payment.*` (one or more words) or `*`. */
export const matches = (pattern: string, type: string): boolean =>
  pattern === '*' || pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1)))

type Active = { id: string; url: string; event_types: string[]; secrets: string[] }

/** A tenant's enabled subscriptions with their secrets, by id. */
const activeSubscriptions = once((app: App) =>
  remember(app.db, {
    topic: 'subscriptions',
    load: (tenant_id) => inTenant(app.db, tenant_id, (tx) => loadActive(app, tx, tenant_id)),
  }),
)

async function loadActive(app: App, tx: Tx, tenant_id: string): Promise<Map<string, Active>> {
  const active = new Map<string, Active>()
  for (const { id, url, event_types } of await queries.listEnabledSubscriptions(tx, tenant_id)) {
    const { secret } = await app.vault.getAll(tx, { tenant_id, owner_id: id })
    if (secret) active.set(id, { id, url, event_types, secrets: [secret] })
  }
  return active
}

/** Where a delivery goes, or null where its subscription is gone or disabled. */
export async function receiverOf(
  app: App,
  tenant_id: string,
  subscription_id: string,
): Promise<Active | null> {
  return (await activeSubscriptions(app).get(tenant_id)).get(subscription_id) ?? null
}

/** What the receiver asked for with 410 Gone. */
export async function disableSubscription(
  app: App,
  tenant_id: string,
  id: string,
  why: string,
): Promise<void> {
  await inTenant(app.db, tenant_id, async (tx) => {
    await queries.updateSubscription(tx, tenant_id, id, { state: 'disabled', state_note: why })
    forget(tx, 'subscriptions', tenant_id)
  })
}

/** Deliveries that still need an event older than the id. */
export const heldEvents = (app: App, before_id: string): Promise<number> =>
  queries.countQueuedBefore(app.db.worker, before_id)
