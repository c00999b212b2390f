import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, timeOfId } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { findEvent, listEventsBetween, listEventTypes, prepareNotice } from '../events/events.ts'
import * as outbound from '../outbound/outbound.ts'
import type {
  CreateOwn,
  Own,
  OwnDeliveryQuery,
  OwnQuery,
  ResendFailed,
  UpdateOwn,
} from './customer_schema.ts'
import { findLink } from './queries.ts'
import { toLink } from './schema.ts'

/** What a customer does on their page. Each verb is the room's own behind it, on what is theirs. */

/** The customer who asks; only who came by a link is one. */
export function customerOf({ portal }: Actor): NonNullable<Actor['portal']> {
  if (!portal) throw new Error('a route of the portal was opened to somebody who came by no link')
  return portal
}

/** What a path may name. */
type Named = { id?: string; delivery_id?: string }
const NAMES = ['id', 'delivery_id']

/**
 * The one place where it is decided what is a customer's: every route of the portal passes it before its verb, with
 * all that its path names. Throws 404 for whatever is not theirs, as for what is not there.
 */
export async function mustOwn(app: App, actor: Actor, named: Named): Promise<void> {
  const { customer } = customerOf(actor)
  const unknown = Object.keys(named).find((name) => !NAMES.includes(name))
  if (unknown) throw new Error(`a route of the portal names ${unknown}, and nothing says whose that is`)
  if (named.id === undefined) return
  const [id, delivery_id] = [fromWire('subscription', named.id), named.delivery_id]
  const { tenant_id } = actor
  await inTenant(app.db, tenant_id, async (tx) => {
    if (!(await outbound.isOfCustomer(tx, tenant_id, customer, id))) throw missing('subscription', named.id)
    if (delivery_id === undefined) return
    const found = await outbound.findDelivery(tx, tenant_id, fromWire('delivery', delivery_id, 'delivery_id'))
    if (found?.subscription_id !== id) throw missing('delivery', delivery_id)
  })
}

const missing = (kind: string, id: string | undefined): Problem =>
  new Problem('not_found', { detail: `there is no ${kind} ${id}` })

/** How the page looks and what may be done on it. */
export async function readPortal(app: App, actor: Actor) {
  const { link_id } = customerOf(actor)
  const row = await inTenant(app.db, actor.tenant_id, (tx) => findLink(tx, actor.tenant_id, link_id))
  if (!row) throw new Problem('not_found', { detail: 'the link was revoked' })
  const { customer, can_edit, event_types, theme, locale, expires_at } = toLink(row)
  return { customer, can_edit, event_types, theme, locale, expires_at }
}

/** The newest version of each type that the customer may subscribe to. */
export async function readTypes(app: App, actor: Actor) {
  const { event_types } = customerOf(actor)
  const { data } = await listEventTypes(app, actor)
  const newest = new Map<string, (typeof data)[number]>()
  for (const type of data) if (!newest.has(type.name)) newest.set(type.name, type)
  const offered = [...newest.values()].filter(
    ({ name, deprecated }) => deprecated === null && (event_types === null || covers(event_types, name)),
  )
  return {
    data: offered.map(({ name, version, description, schema, example }) => ({
      ...{ name, version, description, schema, example },
    })),
  }
}

/** Whether all that a pattern takes is taken by one of these. */
const covers = (allowed: readonly string[], pattern: string): boolean =>
  allowed.some((one) => one === '*' || one === pattern || (pattern !== '*' && outbound.matches(one, pattern)))

function checkTypes(actor: Actor, event_types: readonly string[]): void {
  const { event_types: allowed } = customerOf(actor)
  const refused = allowed && event_types.find((pattern) => !covers(allowed, pattern))
  if (!refused || !allowed) return
  throw new Problem('forbidden', {
    field: 'event_types',
    detail: `${refused} is not among what you may subscribe to: ${allowed.join(', ')}`,
  })
}

export async function listOwn(app: App, actor: Actor, input: OwnQuery) {
  const { customer } = customerOf(actor)
  const page = await outbound.listSubscriptions(app, actor, { ...input, customer })
  return { ...page, data: page.data.map(toOwn) }
}

export async function createOwn(app: App, actor: Actor, input: CreateOwn) {
  const { customer } = customerOf(actor)
  checkTypes(actor, input.event_types)
  const { secret, ...made } = await outbound.createSubscription(app, actor, { ...input, customer })
  return { ...toOwn(made), secret }
}

export const readOwn = async (app: App, actor: Actor, id: string): Promise<Own> =>
  toOwn(await outbound.readSubscription(app, actor, id))

export async function updateOwn(app: App, actor: Actor, id: string, input: UpdateOwn): Promise<Own> {
  const before = await outbound.readSubscription(app, actor, id)
  checkTypes(actor, input.event_types?.filter((type) => !before.event_types.includes(type)) ?? [])
  const is_let_in = before.auth !== null || Object.keys(before.headers).length > 0
  if (is_let_in && input.url !== undefined && input.url !== before.url) throw keptAddress()
  const prepare = (notice: outbound.Notice) => prepareNotice(app, notice)
  return toOwn(await outbound.updateSubscription(app, actor, id, input, prepare))
}

/** What a tenant is let in by at one address is not shown to another that its customer names. */
const keptAddress = (): Problem =>
  new Problem('forbidden', {
    field: 'url',
    detail:
      'This address has headers or an authentication of its own, so it is not changed here. Add another one.',
  })

/** Without what the tenant keeps of it to itself: notes, headers, how it authenticates. */
function toOwn(subscription: Own): Own {
  const { id, name, description, url, event_types, state, state_note } = subscription
  const { previous_secret_until, created_at, updated_at } = subscription
  return {
    ...{ id, name, description, url, event_types, state, state_note },
    ...{ previous_secret_until, created_at, updated_at },
  }
}

export const listOwnDeliveries = (app: App, actor: Actor, subscription_id: string, input: OwnDeliveryQuery) =>
  outbound.listDeliveries(app, actor, { ...input, subscription_id })

/**
 * With its attempts and the data of its event as it is sent: null where that is past its retention, and where the tenant
 * shapes what it sends, since the event may hold what the customer is not told.
 */
export async function readOwnDelivery(app: App, actor: Actor, delivery_id: string) {
  const delivery = await outbound.readDelivery(app, actor, delivery_id)
  const event_id = fromWire('event', delivery.event_id)
  const { payload } = await outbound.readSubscription(app, actor, delivery.subscription_id)
  const event = await inTenant(app.db, actor.tenant_id, (tx) => findEvent(tx, actor.tenant_id, event_id))
  return {
    ...delivery,
    data: payload === null ? (event?.data ?? null) : null,
    event_at: timeOfId(event_id).toISOString(),
  }
}

/** So many a second, so that a customer's own receiver survives it. */
const RESENT_PER_SECOND = 50

/** Every failed delivery of a time on is sent once more, by itself. */
export async function resendFailed(
  app: App,
  actor: Actor,
  subscription_id: string,
  { since }: ResendFailed,
): Promise<{ total: number }> {
  const replay = { subscription_id, since, state: 'failed', per_second: RESENT_PER_SECOND } as const
  const { total } = await outbound.createReplay(app, actor, replay, listEventsBetween)
  return { total }
}
