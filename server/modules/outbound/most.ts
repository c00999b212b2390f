import type { Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { countSubscriptions, lockSubscriptions } from './queries.ts'

/** How many there may be: each event is held against every one of a tenant's, and no customer may fill that alone. */

const MOST_OF_TENANT = 1_000
const MOST_OF_CUSTOMER = 50

/**
 * Throws 409 where one more is too many; until the transaction ends nobody else of the tenant may add one. `customer` is null
 * for one of the tenant's own.
 */
export async function checkRoom(tx: Tx, tenant_id: string, customer: string | null): Promise<void> {
  await lockSubscriptions(tx, tenant_id)
  await checkMost(tx, tenant_id, null, MOST_OF_TENANT)
  if (customer !== null) await checkMost(tx, tenant_id, customer, MOST_OF_CUSTOMER)
}

async function checkMost(tx: Tx, tenant_id: string, customer: string | null, most: number): Promise<void> {
  if ((await countSubscriptions(tx, tenant_id, customer)) < most) return
  const whose = customer === null ? 'tenant' : 'customer'
  throw new Problem('conflict', {
    detail: `a ${whose} has at most ${most} subscriptions; delete one that is not used`,
  })
}
