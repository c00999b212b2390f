import { usedCalls } from '../../kit/call_limits.ts'
import { inTenant } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { checkEnvironment, type OpenConnection, openConnection } from '../connections/connections.ts'
import { audit } from '../tenants/tenants.ts'
import { changeAndTell } from './breakers.ts'
import * as queries from './guard_queries.ts'
import { guardsOf } from './guards.ts'
import type { BreakerReport, LimitsReport } from './schema.ts'

/** What people see and do of the stages between a call and its vendor. */

const open = (app: App, { tenant_id }: Actor, wire_id: string): Promise<OpenConnection> =>
  openConnection(app, tenant_id, fromWire('connection', wire_id))

export async function readBreaker(app: App, actor: Actor, wire_id: string): Promise<BreakerReport> {
  const { place, limits } = guardsOf(app, await open(app, actor, wire_id))
  const row = await inTenant(app.db, actor.tenant_id, (tx) => queries.findBreaker(tx, place))
  return {
    connection_id: wire_id,
    state: row?.state ?? 'closed',
    reason: row?.reason ?? null,
    opened_at: row?.opened_at?.toISOString() ?? null,
    next_attempt_at: row?.next_attempt_at?.toISOString() ?? null,
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
  const { place } = guardsOf(app, connection)
  const reason = `${to} by hand, by ${actor.id}`
  await changeAndTell(app, place, `connection.breaker_${to}`, reason, async (tx) => {
    await audit(tx, actor, to === 'opened' ? 'breaker.open' : 'breaker.close', wire_id)
    if (to === 'closed') await queries.closeBreaker(tx, place, reason)
    else await queries.openBreaker(tx, place, { version: null, reason, open_s: null })
    return true
  })
  return readBreaker(app, actor, wire_id)
}

export async function readLimits(app: App, actor: Actor, wire_id: string): Promise<LimitsReport> {
  const { place, limits, bulkhead } = guardsOf(app, await open(app, actor, wire_id))
  const rows = await inTenant(app.db, actor.tenant_id, (tx) => queries.listWindows(tx, place))
  const rates = limits.rates.map(({ calls, per_s }) => {
    const row = rows.find((window) => window.per_s === per_s)
    const used = row ? usedCalls(row, row.now_ms) : 0
    return { calls, per_s, used, remaining: Math.max(0, calls - used) }
  })
  const paused = rows.flatMap(({ paused_until, now_ms }) =>
    paused_until && paused_until.getTime() > now_ms ? [paused_until.toISOString()] : [],
  )
  return {
    connection_id: wire_id,
    rates,
    paused_until: paused.sort().at(-1) ?? null,
    concurrency: limits.concurrency,
    queue: limits.queue,
    under_way: bulkhead.under_way(),
    in_line: bulkhead.in_line(),
  }
}
