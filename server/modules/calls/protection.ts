import { inTenant } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { checkEnvironment, type OpenConnection, openConnection } from '../connections/connections.ts'
import { audit } from '../tenants/tenants.ts'
import * as queries from './breaker_queries.ts'
import { move } from './breakers.ts'
import { guardsOf } from './guards.ts'
import type { BreakerReport } from './protection_schema.ts'

/** What people see of the breaker of a connection, and how they move it by hand. */

const open = (app: App, { tenant_id }: Actor, wire_id: string): Promise<OpenConnection> =>
  openConnection(app, tenant_id, fromWire('connection', wire_id))

export async function readBreaker(app: App, actor: Actor, wire_id: string): Promise<BreakerReport> {
  const { place, limits } = await guardsOf(app, await open(app, actor, wire_id))
  const row = await inTenant(app.db, actor.tenant_id, (tx) => queries.findBreaker(tx, place))
  return {
    connection_id: wire_id,
    state: row?.state ?? 'closed',
    reason: row && row.version > 0 ? row.reason : null,
    opened_at: row?.opened_at?.toISOString() ?? null,
    next_attempt_at: row?.next_attempt_at?.toISOString() ?? null,
    changed_at: row && row.version > 0 ? row.changed_at.toISOString() : null,
    failures: row?.failures ?? 0,
    last_failure_at: row?.last_failure_at?.toISOString() ?? null,
    successes: row?.successes ?? 0,
    limits: limits.breaker,
  }
}

/** Stays open until it is closed by hand, also where the breaker is switched off. */
export const openBreaker = (app: App, actor: Actor, wire_id: string): Promise<BreakerReport> =>
  moveByHand(app, actor, wire_id, 'opened')

export const closeBreaker = (app: App, actor: Actor, wire_id: string): Promise<BreakerReport> =>
  moveByHand(app, actor, wire_id, 'closed')

async function moveByHand(
  app: App,
  actor: Actor,
  wire_id: string,
  to: 'opened' | 'closed',
): Promise<BreakerReport> {
  const connection = await open(app, actor, wire_id)
  checkEnvironment(actor, connection.environment)
  const { place } = await guardsOf(app, connection)
  const reason = `${to} by hand, by ${actor.id}`
  await move(app, place, { to, reason }, async (tx) => {
    await audit(tx, actor, to === 'opened' ? 'breaker.open' : 'breaker.close', wire_id)
    if (to === 'closed') await queries.closeBreaker(tx, place, reason)
    else await queries.openBreaker(tx, place, { reason, open_s: null })
    return { is_told: true }
  })
  return readBreaker(app, actor, wire_id)
}
