import { inTenant, type Tx } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import { audienceOf, wakeDeliveries } from '../outbound/outbound.ts'
import { publishAll } from './events.ts'
import { indexerOf } from './found_by.ts'

/**
 * An event of ours, not published yet. `data`: JSON text. `entity_id`: all that is told of one thing keeps its order, and is
 * found by it, as by the other ids in `found_by`.
 */
export type Draft = { type: string; data: string; entity_id: string; found_by?: readonly string[] }

/** Runs `work` and publishes what it made true, in one commit. */
export async function tell<Out>(
  app: App,
  tenant_id: string,
  work: (tx: Tx) => Promise<{ out: Out; drafts: Draft[] }>,
): Promise<Out> {
  // Before a connection is held.
  const [audience, index] = [await audienceOf(app, [{ tenant_id }]), await indexerOf(app, tenant_id)]
  const { out, deliveries } = await inTenant(app.db, tenant_id, async (tx) => {
    const { out, drafts } = await work(tx)
    const events = drafts.map(({ type, data, entity_id }) => ({
      ...{ tenant_id, id: app.newId(), type, data, entity_id, message_id: null },
    }))
    const external_ids = drafts.flatMap(({ entity_id, found_by = [] }, at) =>
      [entity_id, ...found_by].map((value) => ({
        ...{ tenant_id, value_hmac: index(value), kind: 'event', ref_id: events[at]?.id ?? '' },
      })),
    )
    if (events.length === 0) return { out, deliveries: 0 }
    return { out, deliveries: await publishAll(app, tx, { events, external_ids }, audience) }
  })
  if (deliveries > 0) wakeDeliveries(app)
  return out
}
