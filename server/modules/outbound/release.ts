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
  for (let after: string | null = null; ; ) {
    const released = await releaseSome(app, tenant_id, id, after)
    if (released === null) return
    const { deliveries, lanes } = released
    if (deliveries > 0) wakeDeliveries(app)
    if (lanes.count > 0) wakeLanes(app)
    if (deliveries < AT_ONCE && lanes.count < AT_ONCE) return
    after = lanes.last ?? after
  }
}

/** In one transaction: of a million all would be locked until the last of them is written, and take longer than a statement may. */
const AT_ONCE = 5_000

/**
 * Lanes with keys after the one given, since those before it are due; null where the subscription is paused, maybe since a
 * moment ago. What is left where a process goes down falls due by itself, and is parked for nobody until the clock comes.
 */
function releaseSome(app: App, tenant_id: string, id: string, after: string | null) {
  return inTenant(app.db, tenant_id, async (tx) => {
    const state = (await findSubscription(tx, tenant_id, id))?.state
    if (state === 'paused') return null
    const deliveries = await releaseDeliveries(tx, tenant_id, id, AT_ONCE)
    const parked = state !== 'enabled'
    return { deliveries, lanes: await releaseLanes(tx, tenant_id, id, { parked, after, limit: AT_ONCE }) }
  })
}

/** What a process left parked that went down between the end of a subscription, or the parking, and the release. */
export async function releaseParked(app: App): Promise<void> {
  for (const { tenant_id, subscription_id } of await listParkedForNobody(app.db.owner)) {
    await releaseUnlessPaused(app, tenant_id, subscription_id)
  }
}
