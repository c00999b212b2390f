import { type Count, callLimits, countsOf, type Rate, usedOf } from '../../kit/call_limits.ts'
import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire } from '../../platform/ids.ts'
import { type Actor, type App, INSTALLATION } from '../app.ts'
import { type LimitedConnection, openConnection } from '../connections/connections.ts'
import { storedRatesOf } from '../operations/operations.ts'
import { type Guards, guardsOf } from './guards.ts'
import { listUsage, listVendorLimits, type VendorLimit } from './limit_queries.ts'
import { limitStore } from './limit_store.ts'
import type { Counted, LimitsReport, SharedLimits, Usage, UsageQuery } from './protection_schema.ts'
import { setSharedRates, tenantCounts } from './shared_limits.ts'

/** What people see of limits, and what a tenant and an administrator set. */

export async function readLimits(app: App, actor: Actor, wire_id: string): Promise<LimitsReport> {
  const connection = await openConnection(app, actor.tenant_id, fromWire('connection', wire_id))
  const { place, limits, bulkhead } = await guardsOf(app, connection)
  const counts = [
    ...countsOfConnection(place, limits),
    ...(await tenantCounts(app, actor.tenant_id)),
    // How busy the others are is no tenant's business.
    ...(actor.scopes.includes('admin') ? await tenantCounts(app, INSTALLATION) : []),
  ]
  const said = await inTenant(app.db, actor.tenant_id, (tx) => listVendorLimits(tx, place))
  const vendor = said.map(toVendorSaid)
  return {
    connection_id: wire_id,
    rates: await used(app, counts),
    vendor,
    paused_until: vendor.find(({ operation }) => operation === null)?.paused_until ?? null,
    concurrency: limits.concurrency,
    queue: limits.queue,
    under_way: bulkhead.under_way(),
    in_line: bulkhead.in_line(),
  }
}

const countsOfConnection = (place: Guards['place'], { rates, operations }: Guards['limits']): Count[] => [
  ...countsOf('connection', place, rates),
  ...Object.entries(operations).flatMap(([operation, own]) =>
    countsOf('operation', { ...place, operation }, own),
  ),
]

/** A limit of which much is used: of a connection, or, with `connection_id` null, of the whole tenant. */
export type TightLimit = Counted & { connection_id: string | null; share_percent: number }

/** Of these connections and of the tenant, those limits of which so much is used already, the fullest first. */
export async function listTightLimits(
  app: App,
  tenant_id: string,
  connections: readonly LimitedConnection[],
  from_percent: number,
): Promise<TightLimit[]> {
  const stored = await storedRatesOf(
    app,
    tenant_id,
    connections.map(({ id }) => id),
  )
  const counts = [
    ...connections.flatMap(({ id: connection_id, provider, limits }) => {
      const known = app.providers.get(provider)
      const place = { tenant_id, connection_id, operation: '' }
      return known ? countsOfConnection(place, callLimits(known, limits, stored.get(connection_id))) : []
    }),
    ...(await tenantCounts(app, tenant_id)),
  ]
  if (counts.length === 0) return []
  return (await used(app, counts))
    .map((one, at) => ({
      ...one,
      connection_id: one.level === 'tenant' ? null : (counts[at]?.connection_id ?? null),
      share_percent: Math.round((one.used * 100) / one.limit),
    }))
    .filter(({ share_percent }) => share_percent >= from_percent)
    .sort((a, b) => b.share_percent - a.share_percent)
}

async function used(app: App, counts: readonly Count[]): Promise<Counted[]> {
  const { rings, now_ms } = await limitStore(app).read(counts)
  return counts.map(({ level, operation, unit, most, per_s }, at) => {
    const ring = rings[at]
    const { used, resets_ms } = ring ? usedOf(ring, now_ms) : { used: 0, resets_ms: null }
    return {
      level,
      operation: operation || null,
      unit,
      limit: most,
      per_s,
      used,
      remaining: Math.max(0, most - used),
      resets_at: resets_ms === null ? null : new Date(resets_ms).toISOString(),
    }
  })
}

const toVendorSaid = ({ operation, paused_until, remaining, resets_at }: VendorLimit) => ({
  operation: operation || null,
  paused_until: paused_until?.toISOString() ?? null,
  remaining: remaining === null ? null : Number(remaining),
  resets_at: resets_at?.toISOString() ?? null,
})

export async function readSharedLimits(
  app: App,
  { tenant_id }: Actor,
  of: 'tenant' | 'installation',
): Promise<SharedLimits> {
  const counts = await tenantCounts(app, of === 'tenant' ? tenant_id : INSTALLATION)
  return { rates: await used(app, counts) }
}

export async function setSharedLimits(
  app: App,
  actor: Actor,
  rates: readonly Rate[],
  of: 'tenant' | 'installation',
): Promise<SharedLimits> {
  await setSharedRates(app, actor, rates, of)
  return readSharedLimits(app, actor, of)
}

const DAY_MS = 24 * 60 * 60 * 1000
const LONGEST_MS = 93 * DAY_MS

/** Of one connection, or of all of the tenant's where none is named; 93 days at most. */
export async function readUsage(
  app: App,
  { tenant_id }: Actor,
  { from, to }: UsageQuery,
  wire_id: string | null,
): Promise<Usage> {
  const connection_id = wire_id === null ? null : fromWire('connection', wire_id)
  if (connection_id !== null) await openConnection(app, tenant_id, connection_id)
  const end = to === undefined ? app.clock.now() : new Date(to)
  const begin = from === undefined ? new Date(end.getTime() - DAY_MS) : new Date(from)
  if (end.getTime() - begin.getTime() > LONGEST_MS) {
    throw new Problem('invalid_request', {
      field: 'from',
      detail: 'from may lie 93 days before to; ask for less',
    })
  }
  const rows = await inTenant(app.db, tenant_id, (tx) =>
    listUsage(tx, tenant_id, { connection_id, from: begin, to: end }),
  )
  return {
    data: rows.map(({ hour, calls, bytes, refused }) => ({
      hour: hour.toISOString(),
      calls: Number(calls),
      bytes: Number(bytes),
      refused: Number(refused),
    })),
  }
}
