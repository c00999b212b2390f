import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { wakeLanes } from './audience.ts'
import { listParked as listRows, resumeLane, skipHead } from './parked_queries.ts'
import { findSubscription } from './queries.ts'

/** Keys whose first delivery used up its attempts and stopped all that follows, until somebody decides about it. */

const MOST_SHOWN = 100

export async function listParked(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('subscription', wire_id)
  const { tenant_id } = actor
  const rows = await inTenant(app.db, tenant_id, async (tx) => {
    await mustExist(tx, tenant_id, id, wire_id)
    return listRows(tx, tenant_id, id, MOST_SHOWN)
  })
  return {
    data: rows.map(({ key, pending, attempts, delivery_id }) => ({
      key,
      pending,
      attempts,
      delivery_id: toWire('delivery', delivery_id),
    })),
  }
}

/** Tries the first delivery of the key anew, and what follows after it. */
export const resumeParked = (app: App, actor: Actor, wire_id: string, key: string): Promise<void> =>
  decide(app, actor, wire_id, key, 'subscription.resume_key', resumeLane)

/** Leaves the first delivery of the key as a dead letter and goes on with the next. */
export const skipParked = (app: App, actor: Actor, wire_id: string, key: string): Promise<void> =>
  decide(app, actor, wire_id, key, 'subscription.skip_head', skipHead)

async function decide(
  app: App,
  actor: Actor,
  wire_id: string,
  key: string,
  action: string,
  act: (tx: Tx, tenant_id: string, subscription_id: string, key: string) => Promise<unknown>,
): Promise<void> {
  const id = fromWire('subscription', wire_id)
  const { tenant_id } = actor
  await inTenant(app.db, tenant_id, async (tx) => {
    await mustExist(tx, tenant_id, id, wire_id)
    if (!(await act(tx, tenant_id, id, key))) {
      throw new Problem('conflict', { detail: `no key ${key} of ${wire_id} is parked` })
    }
    await audit(tx, actor, action, wire_id, { key })
  })
  wakeLanes(app)
}

async function mustExist(tx: Tx, tenant_id: string, id: string, wire_id: string): Promise<void> {
  if (await findSubscription(tx, tenant_id, id)) return
  throw new Problem('not_found', { detail: `there is no subscription ${wire_id}` })
}
