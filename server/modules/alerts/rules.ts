import { inTenant, sqlState, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { type Actor, type App, INSTALLATION } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { type AlertKind, kindOf } from './kinds.ts'
import * as queries from './queries.ts'
import { type CreateRule, toRule, type UpdateRule } from './schema.ts'

/** What a tenant wants to be told of: the rules it began with, changed, and more of its own. */

export async function listRules(app: App, { tenant_id }: Actor) {
  const rows = await inTenant(app.db, tenant_id, (tx) => queries.listRules(tx, tenant_id))
  return { data: rows.map(toRule) }
}

export const readRule = (app: App, { tenant_id }: Actor, wire_id: string) =>
  inTenant(app.db, tenant_id, async (tx) => toRule(await findRule(tx, tenant_id, wire_id)))

async function findRule(tx: Tx, tenant_id: string, wire_id: string): Promise<queries.RuleRow> {
  const row = await queries.findRule(tx, tenant_id, fromWire('alert_rule', wire_id))
  if (!row) throw missing(wire_id)
  return row
}

const missing = (wire_id: string) => new Problem('not_found', { detail: `there is no alert rule ${wire_id}` })

/** What it does not say is as usual for its kind. */
export async function createRule(app: App, actor: Actor, input: CreateRule) {
  const { tenant_id } = actor
  const { kind, connection_id, ...said } = input
  checkPlace(tenant_id, kind, connection_id)
  checkFit(kind, said)
  const { threshold, minutes, counts_calls, severity } = kindOf(kind)
  const usual = {
    severity,
    threshold: threshold?.usual ?? null,
    minutes: minutes?.usual ?? null,
    least_calls: counts_calls ? USUAL_LEAST_CALLS : null,
  }
  const own = connection_id ? fromWire('connection', connection_id, 'connection_id') : null
  const id = app.newId()
  const row = { ...usual, ...said, tenant_id, id, kind, connection_id: own }
  return inTenant(app.db, tenant_id, async (tx) => {
    if ((await queries.countRules(tx, tenant_id)) >= queries.MOST_RULES) {
      const detail = `a tenant has at most ${queries.MOST_RULES} alert rules; delete one that is not used`
      throw new Problem('conflict', { detail })
    }
    const made = await queries.insertRule(tx, row)
    await audit(tx, actor, 'alert_rule.create', toWire('alert_rule', id), input)
    return toRule(made)
  }).catch(explain)
}

const USUAL_LEAST_CALLS = 20

export async function updateRule(app: App, actor: Actor, wire_id: string, change: UpdateRule) {
  const { tenant_id } = actor
  return inTenant(app.db, tenant_id, async (tx) => {
    const { id, kind } = await findRule(tx, tenant_id, wire_id)
    checkFit(kind, change)
    const row = await queries.updateRule(tx, tenant_id, id, change)
    await audit(tx, actor, 'alert_rule.update', wire_id, change)
    return toRule(row)
  })
}

/** What fires by it is resolved at the next look. */
export async function deleteRule(app: App, actor: Actor, wire_id: string): Promise<void> {
  const { tenant_id } = actor
  const id = fromWire('alert_rule', wire_id)
  await inTenant(app.db, tenant_id, async (tx) => {
    if (!(await queries.deleteRule(tx, tenant_id, id))) throw missing(wire_id)
    await audit(tx, actor, 'alert_rule.delete', wire_id)
  })
}

function checkPlace(tenant_id: string, kind: AlertKind, connection_id: string | undefined): void {
  const { about } = kindOf(kind)
  if (about === 'installation' && tenant_id !== INSTALLATION) {
    const detail = `${kind} is about the whole installation: it is its administrator's, and set there`
    throw new Problem('invalid_request', { field: 'kind', detail })
  }
  if (connection_id !== undefined && about !== 'connection') {
    const detail = `${kind} is not about a connection; leave connection_id out`
    throw new Problem('invalid_request', { field: 'connection_id', detail })
  }
}

/** A rule says what its kind has, and within its bounds. */
function checkFit(kind: AlertKind, { threshold, minutes, least_calls }: UpdateRule): void {
  const { counts_calls, ...bounds } = kindOf(kind)
  within(kind, 'threshold', threshold, bounds.threshold)
  within(kind, 'minutes', minutes, bounds.minutes)
  within(kind, 'least_calls', least_calls, counts_calls ? { min: 1, max: 1_000_000 } : null)
}

function within(
  kind: AlertKind,
  field: string,
  value: number | undefined,
  bounds: { min: number; max: number } | null,
): void {
  if (value === undefined) return
  if (bounds === null) {
    throw new Problem('invalid_request', { field, detail: `${kind} has no ${field}; leave it out` })
  }
  if (value >= bounds.min && value <= bounds.max) return
  const detail = `${field} of ${kind} is between ${bounds.min} and ${bounds.max}`
  throw new Problem('invalid_request', { field, detail })
}

function explain(error: unknown): never {
  if (sqlState(error) !== '23503') throw error
  throw new Problem('invalid_request', { field: 'connection_id', detail: 'there is no such connection' })
}
