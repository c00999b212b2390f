import { budgetTogether, compileFilter, lazily, type Matches, takes } from '../../kit/filter.ts'
import { forget, inTenant, once, remember, type Tx } from '../../platform/database/database.ts'
import type { ClientIdentity } from '../../platform/egress/egress.ts'
import type { App } from '../app.ts'
import { type Broker, brokerOf } from './broker.ts'
import { insertOrdered, type OrderedDelivery } from './lane_queries.ts'
import { laneKey, type Ordering } from './order.ts'
import type { PayloadShape } from './payload.ts'
import { plainBecause } from './plain.ts'
import * as queries from './queries.ts'
import { insertDeliveries, type NewDelivery } from './queue_queries.ts'
import { NO_PROOF, type Prover, proofOf } from './receiver_auth.ts'

/** Who listens: a tenant's subscriptions ready for use, kept in memory until one of them changes. */

export type Active = {
  id: string
  url: string
  event_types: string[]
  /** Of the tenant, whose events alone it takes; null: it takes everybody's. */
  customer: string | null
  /** Deliveries to a paused one are made and wait. */
  state: 'enabled' | 'paused'
  matches: Matches | null
  secret: string
  /** Sign beside the new one, each until then. */
  previous: { secret: string; until: Date }[]
  /** Its own headers and its authentication, by lower-case name; all of them secret. */
  headers: Record<string, string>
  timeout_ms: number | null
  /** The wait before each retry; null for the product's own. */
  retry_schedule_s: number[] | null
  disable_after_hours: number | null
  ordering: Ordering | null
  /** Of its deliveries under way at once, in all workers together. */
  max_concurrency: number | null
  /** What is older is not sent any more. */
  expire_after_s: number | null
  /** So many deliveries in so many seconds, in all workers together. */
  rate: { count: number; per_s: number } | null
  content_type: 'json' | 'form'
  /** Its turns for each turn of one that weighs 1. */
  weight: number
  /** What it gets in place of the event. */
  payload: PayloadShape | null
  /** Authentication that is made for each request. */
  prover: Prover | null
  /** Shown to a receiver that asks for a certificate. */
  identity: ClientIdentity | undefined
  /** Where it is no address of HTTP. */
  broker: Broker | null
  /** Why nothing may be sent to it; it was taken when that was permitted. */
  refused: string | null
}

/** An event as `fanOut` needs it; `data` is JSON text. `entity_id`: what it is about. `customer`: whose it is, where it is one customer's. */
export type Published = {
  tenant_id: string
  id: string
  type: string
  data: string
  entity_id?: string | null
  customer?: string | null
}

/** Who listens in each tenant. */
export type Audience = Map<string, Active[]>

/**
 * The subscriptions that events may concern, read before the transaction that publishes them: inside it a second
 * connection would be waited for while one is held, and enough publishers at once would wait for each other for ever.
 * What is published about a subscription is not told to itself (`except`).
 */
export async function audienceOf(
  app: App,
  events: { tenant_id: string }[],
  except: string | null = null,
): Promise<Audience> {
  const tenant_ids = [...new Set(events.map(({ tenant_id }) => tenant_id))]
  const active = await Promise.all(tenant_ids.map((id) => activeSubscriptions(app).get(id)))
  const listeners = (at: number) => [...(active[at]?.values() ?? [])]
  return new Map(tenant_ids.map((id, at) => [id, listeners(at).filter((one) => one.id !== except)]))
}

/** What events lead to: deliveries in any order, and those in lanes. */
export type FanOut = { rows: NewDelivery[]; ordered: OrderedDelivery[] }

export function deliveriesOf(app: App, events: Published[], audience: Audience): FanOut {
  const rows: NewDelivery[] = []
  const ordered: OrderedDelivery[] = []
  for (const event of events) {
    const read = lazily(event.data) // only where a subscription has a filter or a key
    for (const subscription of subscribersOf(event, read, audience)) {
      const row = toDelivery(app, event, subscription)
      const key = laneKey(subscription.ordering, event, read)
      if (key === null) rows.push(row)
      else ordered.push({ ...row, key })
    }
  }
  return { rows, ordered }
}

/** The deliveries of events that are there already. Those that are only published are written beside their events. */
export async function fanOut(app: App, tx: Tx, events: Published[], audience: Audience): Promise<void> {
  const { rows, ordered } = deliveriesOf(app, events, audience)
  if (rows.length > 0) await insertDeliveries(tx, rows)
  await putInLanes(app, tx, ordered)
}

export async function putInLanes(app: App, tx: Tx, ordered: OrderedDelivery[]): Promise<void> {
  if (ordered.length === 0) return
  orderedAt(app).ms = app.clock.monotonic()
  await insertOrdered(tx, ordered)
}

const toDelivery = (app: App, event: Published, subscription: Active): NewDelivery => ({
  tenant_id: event.tenant_id,
  id: app.newId(),
  event_id: event.id,
  subscription_id: subscription.id,
  event_type: event.type,
})

function subscribersOf(event: Published, read: () => unknown, audience: Audience): Active[] {
  const together = budgetTogether()
  return (audience.get(event.tenant_id) ?? []).filter((one) => isFor(one, event, read, together))
}

/** Whether a subscription takes an event. */
export const isFor = (
  { customer, event_types, matches: filter }: Active,
  { type, data, customer: of = null }: Pick<Published, 'type' | 'data' | 'customer'>,
  read = lazily(data),
  together = budgetTogether(),
): boolean =>
  (customer === null || customer === of) &&
  event_types.some((pattern) => matches(pattern, type)) &&
  (filter === null || takes(filter, read, together))

/** When this process last wrote something that keeps an order. */
const orderedAt = once((_app: App) => ({ ms: Number.NEGATIVE_INFINITY }))
/** No transaction that published lasts as long. */
const RECENTLY_MS = 120_000

/** After the commit. Lanes are looked at only where something in order was published, which spares the others a statement. */
export function wakeDeliveries(app: App): void {
  app.db.notify('trilho_delivery', 'new')
  if (app.clock.monotonic() - orderedAt(app).ms < RECENTLY_MS) wakeLanes(app)
}

export const wakeLanes = (app: App): void => app.db.notify('trilho_delivery', 'lane')

/** `payment.completed`, `payment.*` (one or more words) or `*`. */
export const matches = (pattern: string, type: string): boolean =>
  pattern === '*' || pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1)))

/** Where a delivery goes, or null where its subscription is gone or disabled. */
export async function receiverOf(
  app: App,
  tenant_id: string,
  subscription_id: string,
): Promise<Active | null> {
  return (await activeSubscriptions(app).get(tenant_id)).get(subscription_id) ?? null
}

/** To be said in every transaction that changes a subscription. */
export const forgetSubscriptions = (tx: Tx, tenant_id: string): void => forget(tx, 'subscriptions', tenant_id)

const activeSubscriptions = once((app: App) =>
  remember(app.db, {
    topic: 'subscriptions',
    load: (tenant_id) => inTenant(app.db, tenant_id, (tx) => loadActive(app, tx, tenant_id)),
  }),
)

async function loadActive(app: App, tx: Tx, tenant_id: string): Promise<Map<string, Active>> {
  const active = new Map<string, Active>()
  await queries.readAsOfNow(tx)
  const rows = await queries.listActiveSubscriptions(tx, tenant_id)
  const sealed = await app.vault.getAllOf(
    tx,
    tenant_id,
    rows.map(({ id }) => id),
  )
  for (const row of rows) {
    const { secret, headers = '{}', auth = '{}' } = sealed.get(row.id) ?? {}
    if (!secret) continue
    const shown_to = JSON.parse(auth) as Record<string, string>
    const broker = brokerOf(row.url, row.auth, shown_to, row.id)
    // A broker is shown credentials once, not with each message.
    const proof = broker ? NO_PROOF : proofOf(row.auth, shown_to, row.id)
    const { id, url, event_types, customer, timeout_ms, retry_schedule_s, disable_after_hours } = row
    const { ordering, max_concurrency, weight, expire_after_s, content_type, rate_count, rate_per_s } = row
    active.set(id, {
      ...{ id, url, event_types, customer, timeout_ms, retry_schedule_s, disable_after_hours, secret },
      ...{ ordering, max_concurrency, weight, expire_after_s, content_type },
      rate: rate_count !== null && rate_per_s !== null ? { count: rate_count, per_s: rate_per_s } : null,
      state: row.state === 'paused' ? 'paused' : 'enabled',
      matches: row.filter ? readFilter(row.filter) : null,
      payload: row.payload === null ? null : (JSON.parse(row.payload) as PayloadShape),
      previous: await openPrevious(app, tx, tenant_id, row),
      headers: { ...JSON.parse(headers), ...proof.headers } as Record<string, string>,
      prover: proof.prover,
      identity: proof.identity,
      broker,
      refused: refusedBecause(app, row),
    })
  }
  return active
}

function refusedBecause(app: App, { url, auth }: queries.ActiveRow): string | null {
  const because = plainBecause(app, url)
  if (because !== null) return `the address ${because}`
  const token = auth?.type === 'oauth2' ? plainBecause(app, auth.token_url) : null
  return token && `the address of its access token ${token}`
}

/** Rules may have grown stricter since it was taken: then it lets everything through, as what cannot be judged does. */
function readFilter(text: string): Matches | null {
  try {
    return compileFilter(JSON.parse(text))
  } catch {
    return null
  }
}

/** Where the sealed bytes stand. */
export const previousSecretOf = (id: string): string => `subscription.previous_secret ${id}`

async function openPrevious(
  app: App,
  tx: Tx,
  tenant_id: string,
  { id, previous_secrets }: queries.ActiveRow,
): Promise<Active['previous']> {
  const previous: Active['previous'] = []
  for (const { sealed, until } of previous_secrets) {
    if (new Date(until) <= app.clock.now()) continue
    const place = previousSecretOf(id)
    const secret = await app.vault.open(tx, tenant_id, place, Buffer.from(sealed, 'base64'))
    previous.push({ secret: secret.toString('utf8'), until: new Date(until) })
  }
  return previous
}
