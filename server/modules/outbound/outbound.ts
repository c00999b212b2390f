import { verifyingKey } from '../../kit/webhook_keys.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { readPage, toPage } from '../wire.ts'
import { forgetSubscriptions, wakeDeliveries } from './audience.ts'
import { checkAuthFits } from './broker.ts'
import { readCounterRow } from './counter_queries.ts'
import { disabledNotice, forgive, type Notice, type PrepareNotice } from './health.ts'
import * as lanes from './lane_queries.ts'
import { checkRoom } from './most.ts'
import * as queries from './queries.ts'
import * as queue from './queue_queries.ts'
import { releaseUnlessPaused } from './release.ts'
import type { CreateSubscription, SubscriptionQuery, UpdateSubscription } from './schema.ts'
import { toSubscription } from './schema.ts'
import { signingSecret } from './secrets.ts'
import { checkApart, readSettings, type Settings } from './settings.ts'

export { ANY_DISABLED, listDisabled } from './alert_queries.ts'
export {
  type Audience,
  audienceOf,
  deliveriesOf,
  type FanOut,
  matches,
  putInLanes,
  wakeDeliveries,
} from './audience.ts'
export { deliverTo, listDeliveries, readDelivery, replayDelivery } from './deliveries.ts'
export { Deliveries, Delivery, DeliveryWithLog } from './delivery_schema.ts'
export type { Notice } from './health.ts'
export { previewDelivery } from './preview.ts'
export { findSubscription, isOfCustomer, listNames } from './queries.ts'
export { deliveriesBeside } from './queue_queries.ts'
export {
  findDelivery,
  listAttemptsOf,
  listAttemptsSince,
  listDeliveriesOf,
  readBacklog,
} from './record_queries.ts'
export { createReplay } from './replays.ts'
export { resendTo } from './resend.ts'
export { Counters, Preview, Previewed, RotatedSecret, Secret } from './schema.ts'
export { readSecret, rotateSecret } from './secrets.ts'

/**
 * Who wants which events, and getting them there. A delivery and its work are written in the transaction that
 * publishes the event (`fanOut`), so an event that was accepted has its deliveries. Each is attempted ten times
 * over three days, or as its subscription says, signed by Standard Webhooks, and every attempt is kept. What is given up stays as a dead
 * letter until somebody replays it.
 */

export async function createSubscription(app: App, actor: Actor, input: CreateSubscription) {
  const id = app.newId()
  const { tenant_id } = actor
  const { secret: _secret, signature: _signature, ...wanted } = input
  const secret = signingSecret(input)
  const settings = await readSettings(app, actor.tenant_id, wanted)
  const { name, url = '', event_types } = { ...wanted, ...settings.change }
  checkApart(settings.change.header_names ?? [], input.auth ?? null)
  checkAuthFits(url, input.auth ?? null)
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    await checkRoom(tx, tenant_id, input.customer ?? null)
    await queries.insertSubscription(tx, {
      ...settings.change,
      ...{ tenant_id, id, name, url, event_types, created_by: actor.id },
    })
    await app.vault.put(tx, { tenant_id, owner_id: id, field: 'secret' }, secret)
    await putSealed(app, tx, tenant_id, id, settings)
    forgetSubscriptions(tx, tenant_id)
    await audit(tx, actor, 'subscription.create', toWire('subscription', id), { url, event_types })
    return found(await queries.findSubscription(tx, tenant_id, id), id)
  })
  return { ...toSubscription(row), secret: verifyingKey(secret) }
}

async function putSealed(
  app: App,
  tx: Tx,
  tenant_id: string,
  owner_id: string,
  { sealed }: Settings,
): Promise<void> {
  for (const [field, text] of Object.entries(sealed)) {
    await app.vault.put(tx, { tenant_id, owner_id, field }, text)
  }
}

export async function readSubscription(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('subscription', wire_id)
  return inTenant(app.db, actor.tenant_id, async (tx) =>
    toSubscription(found(await queries.findSubscription(tx, actor.tenant_id, id), id)),
  )
}

/** What its attempts came to since it was made. */
export async function readCounters(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('subscription', wire_id)
  const { tenant_id } = actor
  return inTenant(app.db, tenant_id, async (tx) => {
    found(await queries.findSubscription(tx, tenant_id, id), id)
    const row = await readCounterRow(tx, tenant_id, id)
    return {
      attempts: Number(row?.attempts ?? 0),
      delivered: Number(row?.delivered ?? 0),
      failed: Number(row?.failed ?? 0),
      last_attempt_at: row?.last_attempt_at?.toISOString() ?? null,
      last_delivered_at: row?.last_delivered_at?.toISOString() ?? null,
    }
  })
}

export async function listSubscriptions(app: App, actor: Actor, input: SubscriptionQuery) {
  const { limit, before } = readPage('subscription', input)
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.listSubscriptions(tx, actor.tenant_id, input.customer ?? null, limit, before),
  )
  return toPage('subscription', rows, limit, toSubscription)
}

/** What was waiting for a paused subscription is due when it is resumed, and ends as failed when it is disabled. */
export async function updateSubscription(
  app: App,
  actor: Actor,
  wire_id: string,
  input: UpdateSubscription,
  prepare: PrepareNotice,
) {
  const id = fromWire('subscription', wire_id)
  const { tenant_id } = actor
  const settings = await readSettings(app, actor.tenant_id, input)
  const tell = input.state === 'disabled' ? await prepare(disabledBy(actor, id)) : null
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    const before = found(await queries.lockSubscription(tx, tenant_id, id), id)
    const { auth = before.auth } = input
    checkApart(settings.change.header_names ?? before.header_names, auth)
    checkAuthFits(settings.change.url ?? before.url, auth)
    const note = input.state ? { state_note: null } : {}
    const updated = found(
      await queries.updateSubscription(tx, tenant_id, id, { ...settings.change, ...note }),
      id,
    )
    await putSealed(app, tx, tenant_id, id, settings)
    if (input.state) await forgive(tx, tenant_id, id)
    if (settings.change.rate_count !== undefined && settings.change.rate_count !== before.rate_count)
      await queries.forgetRate(tx, tenant_id, id)
    forgetSubscriptions(tx, tenant_id)
    await audit(tx, actor, 'subscription.update', wire_id, { changed: Object.keys(input) })
    if (tell && before.state !== 'disabled') await tell(tx)
    return updated
  })
  if (tell) wakeDeliveries(app)
  if (input.state) await releaseUnlessPaused(app, tenant_id, id)
  return toSubscription(row)
}

const disabledBy = (actor: Actor, id: string): Notice =>
  disabledNotice({ tenant_id: actor.tenant_id, subscription_id: id }, `it was disabled by ${actor.id}`)

export async function deleteSubscription(app: App, actor: Actor, wire_id: string): Promise<void> {
  const id = fromWire('subscription', wire_id)
  const { tenant_id } = actor
  await inTenant(app.db, tenant_id, async (tx) => {
    if (!(await queries.deleteSubscription(tx, tenant_id, id))) throw missing(wire_id)
    await app.vault.drop(tx, { tenant_id, owner_id: id })
    await forgive(tx, tenant_id, id)
    forgetSubscriptions(tx, tenant_id)
    await audit(tx, actor, 'subscription.delete', wire_id)
  })
  await releaseUnlessPaused(app, tenant_id, id)
}

const missing = (id: string) => new Problem('not_found', { detail: `there is no subscription ${id}` })

function found<Row>(row: Row | undefined, id: string): Row {
  if (row === undefined) throw missing(toWire('subscription', id))
  return row
}

/** When the first of it is due, in any order and in lanes: selects of one value. */
export const SOONEST_DELIVERIES = [queue.SOONEST_DELIVERY, lanes.LANES.soonest]

/** Deliveries that still need an event older than the id. */
export const heldEvents = async (app: App, before_id: string): Promise<number> =>
  (await queue.countQueuedBefore(app.db.worker, before_id)) +
  (await lanes.countLinedBefore(app.db.worker, before_id))
