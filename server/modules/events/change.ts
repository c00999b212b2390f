import { inTenant, type Tx } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import { audienceOf, wakeDeliveries } from '../outbound/outbound.ts'
import { publishAll } from './events.ts'

/** What is true from now on of a thing of the product itself, such as a connection. */
export type Change = {
  tenant_id: string
  type: string
  /** The thing's id on the wire. */
  entity_id: string
  data: Record<string, unknown>
}

/**
 * Makes something true and tells of it in one commit. Where `work` says that nothing changed, nobody is told; returns
 * what it said.
 */
export async function publishChange(
  app: App,
  { tenant_id, type, entity_id, data }: Change,
  work: (tx: Tx) => Promise<boolean>,
): Promise<boolean> {
  const event = { tenant_id, id: app.newId(), type, data: JSON.stringify(data), entity_id, message_id: null }
  const audience = await audienceOf(app, [event])
  const deliveries = await inTenant(app.db, tenant_id, async (tx) =>
    (await work(tx)) ? publishAll(app, tx, { events: [event], external_ids: [] }, audience) : null,
  )
  if (deliveries !== null && deliveries > 0) wakeDeliveries(app)
  return deliveries !== null
}
