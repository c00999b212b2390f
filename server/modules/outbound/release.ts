import { inTenant } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import { wakeDeliveries, wakeLanes } from './audience.ts'
import { releaseLanes } from './lane_queries.ts'
import { listParkedForNobody } from './parked_queries.ts'
import { findSubscription } from './queries.ts'
import { releaseDeliveries } from './queue_queries.ts'

/**
 * Makes due what waits for a subscription, unless that is paused; where it is disabled or gone, also what waits for a
 * decision that nobody can make any more: all of it ends as failed. Whoever ends a pause, or a subscription, calls it
 * after the commit, and whoever puts a delivery or a lane aside calls it after that: one of the two comes last and sees
 * what the other did.
 */
export async function releaseUnlessPaused(app: App, tenant_id: string, id: string): Promise<void> {
  const released = await inTenant(app.db, tenant_id, async (tx) => {
    const state = (await findSubscription(tx, tenant_id, id))?.state
    if (state === 'paused') return 0
    const deliveries = await releaseDeliveries(tx, tenant_id, id)
    return deliveries + (await releaseLanes(tx, tenant_id, id, { parked: state !== 'enabled' }))
  })
  if (released === 0) return
  wakeDeliveries(app)
  wakeLanes(app)
}

/** What a process left parked that went down between the end of a subscription, or the parking, and the release. */
export async function releaseParked(app: App): Promise<void> {
  for (const { tenant_id, subscription_id } of await listParkedForNobody(app.db.owner)) {
    await releaseUnlessPaused(app, tenant_id, subscription_id)
  }
}
