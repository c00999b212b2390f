import { callLimits } from '../../kit/call_limits.ts'
import { inTenant, once } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { listTightLimits } from '../calls/calls.ts'
import { listNamed } from '../connections/connections.ts'
import { listCountsSince } from '../metrics/metrics.ts'
import { type Breach, isOut, plain, type Rules, windowOf } from './breaches.ts'

/** A limit fills by calls, so only connections that were called lately are looked at. */
const LATELY_MIN = 10
/** Of one tenant. */
const MOST_LOOKED_AT = 200

export async function limitBreaches(app: App, rules: Rules): Promise<Breach[]> {
  const called = Map.groupBy(
    await listCountsSince(app, windowOf(app, LATELY_MIN)),
    ({ tenant_id }) => tenant_id,
  )
  const found: Breach[] = []
  for (const [tenant_id, rows] of called) {
    if (rules.of(tenant_id).length === 0) continue
    const busiest = [...new Set(rows.toSorted((a, b) => b.calls - a.calls).map((row) => row.subject_id))]
    found.push(...(await ofTenant(app, rules, tenant_id, busiest.slice(0, MOST_LOOKED_AT))))
  }
  return found.filter(isOut)
}

/** Of the limits that providers have where nobody sets any, the calls of the smallest. */
export const leastLimit = once((app: App): number => {
  const limits = [...app.providers.values()].map((provider) => callLimits(provider, {}))
  const rates = limits.flatMap((one) => [...one.rates, ...Object.values(one.operations).flat()])
  return Math.min(...rates.flatMap(({ calls }) => calls ?? []))
})

/** The fullest limit of each connection; the tenant's own limits are about no connection. */
async function ofTenant(app: App, rules: Rules, tenant_id: string, ids: string[]): Promise<Breach[]> {
  const named = await inTenant(app.db, tenant_id, (tx) => listNamed(tx, tenant_id, ids))
  const least = Math.min(...rules.of(tenant_id).map(({ threshold }) => threshold ?? 0))
  const tight = await listTightLimits(app, tenant_id, named, least)
  const fullest = new Map(tight.toReversed().map((limit) => [limit.connection_id, limit]))
  return [...fullest.values()].flatMap((limit) => {
    const { connection_id, share_percent, used, unit, per_s } = limit
    const note = `${used} of ${limit.limit} ${unit} per ${per_s} s`
    const about =
      connection_id === null
        ? rules.of(tenant_id).filter((rule) => rule.connection_id === null)
        : rules.about(tenant_id, connection_id)
    const subject = connection_id === null ? '' : toWire('connection', connection_id)
    return about.map((rule) => plain(rule, subject, share_percent, note))
  })
}
