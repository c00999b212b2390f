import type { Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { toDelivery } from './delivery_schema.ts'
import * as queries from './queries.ts'
import * as queue from './queue_queries.ts'
import * as records from './record_queries.ts'

type Past = { id: string; type: string; customer: string | null }

/**
 * One event of the past to one subscription, whatever types and filter that has. There is one delivery of it, however
 * often this is asked: one that is under way is told of, one that has ended is sent once more, and where there is none
 * it is made. The caller wakes the deliveries after the commit.
 */
export async function resendTo(app: App, actor: Actor, tx: Tx, event: Past, wire_id: string) {
  const { tenant_id } = actor
  const subscription_id = fromWire('subscription', wire_id, 'subscription_id')
  await checkReceiver(tx, tenant_id, event, subscription_id)
  const place = { event_id: event.id, subscription_id }
  await queue.lockResend(tx, subscription_id)
  const { rows } = await records.listDeliveries(tx, tenant_id, place, 1, null)
  const [before] = rows
  const id = before?.id ?? app.newId()
  if (!before) await queue.insertDeliveries(tx, [{ tenant_id, id, ...place, event_type: event.type }])
  else if (before.state !== 'pending') await queue.requeueDelivery(tx, tenant_id, id)
  if (before?.state !== 'pending') {
    const about = { event_id: toWire('event', event.id), subscription_id: wire_id }
    await audit(tx, actor, 'delivery.resend', toWire('delivery', id), about)
  }
  const row = await records.findDelivery(tx, tenant_id, id)
  if (!row) throw new Error(`delivery ${id} was made and is not there`)
  return toDelivery(row)
}

async function checkReceiver(tx: Tx, tenant_id: string, event: Past, id: string): Promise<void> {
  const wire_id = toWire('subscription', id)
  const row = await queries.findSubscription(tx, tenant_id, id)
  if (!row) throw new Problem('not_found', { detail: `there is no subscription ${wire_id}` })
  if (row.state !== 'enabled') {
    throw new Problem('conflict', { detail: `subscription ${wire_id} is ${row.state}; enable it first` })
  }
  if (row.customer !== null && row.customer !== event.customer) {
    const detail = `subscription ${wire_id} is a customer's, and the event ${toWire('event', event.id)} is not of that customer`
    throw new Problem('conflict', { field: 'subscription_id', detail })
  }
}
