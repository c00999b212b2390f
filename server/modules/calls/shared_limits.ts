import { ALL, type Count, countsOf, type Rate, rateFault } from '../../kit/call_limits.ts'
import { forget, inTenant, once, remember } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { type Actor, type App, INSTALLATION } from '../app.ts'
import { audit, isTestKey } from '../tenants/tenants.ts'
import { findRates, putRates } from './limit_queries.ts'

/** Limits above connections: what a tenant sets for all of its own, and the administrator for all of the installation. */

const known = once((app: App) =>
  remember(app.db, { topic: 'rates', load: (tenant_id) => findRates(app.db.worker, tenant_id) }),
)

/** What a call of this tenant has to take from beside the counts of its connection. */
export async function countsAbove(app: App, tenant_id: string): Promise<Count[]> {
  const [tenant, installation] = await Promise.all([
    tenantCounts(app, tenant_id),
    tenantCounts(app, INSTALLATION),
  ])
  return [...tenant, ...installation]
}

/** The counts that one of them set; tenant 0 is the installation. */
export async function tenantCounts(app: App, tenant_id: string): Promise<Count[]> {
  const level = tenant_id === INSTALLATION ? 'installation' : 'tenant'
  return countsOf(level, { tenant_id, connection_id: ALL, operation: '' }, await known(app).get(tenant_id))
}

/** Replaces what was set before; none lifts the limits. Every server keeps them from its next block of calls on. */
export async function setSharedRates(
  app: App,
  actor: Actor,
  rates: readonly Rate[],
  of: 'tenant' | 'installation',
): Promise<void> {
  const fault = rateFault(rates)
  if (fault) throw new Problem('invalid_request', { field: 'rates', detail: `rates ${fault}` })
  const tenant_id = of === 'tenant' ? actor.tenant_id : INSTALLATION
  if (isTestKey(actor)) {
    throw new Problem('forbidden', {
      detail: 'A test key does not change what live shares with it. Use a live key.',
    })
  }
  await inTenant(app.db, tenant_id, async (tx) => {
    await putRates(tx, tenant_id, rates)
    await audit(tx, { ...actor, tenant_id }, 'limits.set', of, { rates })
    forget(tx, 'rates', tenant_id)
  })
}
