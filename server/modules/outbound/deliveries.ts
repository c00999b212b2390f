import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { readPage, toPage } from '../wire.ts'
import { type Published, wakeDeliveries } from './audience.ts'
import type { DeliveryQuery } from './delivery_schema.ts'
import { toAttempt, toDelivery } from './delivery_schema.ts'
import { findSubscription } from './queries.ts'
import * as queue from './queue_queries.ts'
import * as records from './record_queries.ts'

// Deliveries as one reads them, sends them once more, and makes them by hand.

const missing = (kind: string, id: string) =>
  new Problem('not_found', { detail: `there is no ${kind} ${id}` })

export async function listDeliveries(app: App, actor: Actor, input: DeliveryQuery) {
  const { limit, before } = readPage('delivery', input)
  const filter = {
    narrowed: narrowedBy(input),
    ...(input.subscription_id && {
      subscription_id: fromWire('subscription', input.subscription_id, 'subscription_id'),
    }),
    ...(input.event_id && { event_id: fromWire('event', input.event_id, 'event_id') }),
    ...(input.state && { state: input.state }),
    ...(input.since && { since: new Date(input.since) }),
    ...(input.until && { until: new Date(input.until) }),
  }
  const { rows, reached } = await inTenant(app.db, actor.tenant_id, (tx) =>
    records.listDeliveries(tx, actor.tenant_id, filter, limit, before),
  )
  const page = toPage('delivery', rows, limit, toDelivery)
  return page.next_cursor === null && reached ? { ...page, next_cursor: toWire('delivery', reached) } : page
}

function narrowedBy({ event_type, status, error }: DeliveryQuery): records.Narrowed | null {
  if (event_type === undefined && status === undefined && error === undefined) return null
  return {
    event_types: event_type === undefined ? null : [event_type],
    status: status === undefined ? null : Number(status),
    error: error ?? null,
  }
}

export async function readDelivery(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('delivery', wire_id)
  return inTenant(app.db, actor.tenant_id, async (tx) => {
    const row = await records.findDelivery(tx, actor.tenant_id, id)
    if (!row) throw missing('delivery', wire_id)
    const attempts = await records.listAttempts(tx, actor.tenant_id, id)
    return { ...toDelivery(row), log: attempts.map(toAttempt) }
  })
}

/** Sends an ended delivery once more, at once; its attempts go on counting. */
export async function replayDelivery(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('delivery', wire_id)
  const { tenant_id } = actor
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    const before = await records.findDelivery(tx, tenant_id, id)
    if (!before) throw missing('delivery', wire_id)
    await mustReceive(tx, tenant_id, before.subscription_id)
    if (!(await queue.requeueDelivery(tx, tenant_id, id))) {
      throw new Problem('conflict', {
        detail: `delivery ${wire_id} is still pending; it will be attempted by itself`,
      })
    }
    await audit(tx, actor, 'delivery.replay', wire_id)
    return records.findDelivery(tx, tenant_id, id)
  })
  wakeDeliveries(app)
  if (!row) throw missing('delivery', wire_id)
  return toDelivery(row)
}

/** To one that is disabled or gone it would only fail once more. */
async function mustReceive(tx: Tx, tenant_id: string, id: string): Promise<void> {
  const state = (await findSubscription(tx, tenant_id, id))?.state ?? 'gone'
  if (state === 'enabled' || state === 'paused') return
  const remedy = state === 'gone' ? 'send its event to another one' : 'enable it first'
  throw new Problem('conflict', {
    detail: `subscription ${toWire('subscription', id)} is ${state}; ${remedy}`,
  })
}

/** The delivery of one event to one subscription, whatever types it takes; in the transaction that stores the event. */
export async function deliverTo(app: App, tx: Tx, event: Published, wire_id: string): Promise<string> {
  const { tenant_id, id: event_id, type: event_type } = event
  const subscription_id = fromWire('subscription', wire_id)
  const subscription = await findSubscription(tx, tenant_id, subscription_id)
  if (!subscription) throw missing('subscription', wire_id)
  const { state } = subscription
  if (state !== 'enabled') {
    throw new Problem('conflict', { detail: `subscription ${wire_id} is ${state}; enable it first` })
  }
  const id = app.newId()
  await queue.insertDeliveries(tx, [{ tenant_id, id, event_id, subscription_id, event_type }])
  return toWire('delivery', id)
}
