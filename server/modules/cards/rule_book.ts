import { refuseCardNumbers } from '../../kit/card_numbers.ts'
import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import * as queries from './rule_queries.ts'
import { type CreateRule, toRule, type UpdateRule } from './rule_schema.ts'

/** How a tenant keeps its rules. Test and live are apart: a key sees those of its own world. */

export async function listRules(app: App, { tenant_id, environment }: Actor) {
  const rows = await inTenant(app.db, tenant_id, (tx) => queries.listRules(tx, tenant_id, environment))
  return { data: rows.map(toRule) }
}

export async function createRule(app: App, actor: Actor, input: CreateRule) {
  refuseCardNumbers(input)
  const place = { tenant_id: actor.tenant_id, id: app.newId() }
  const { name, position, action, conditions, up_to = null, state = 'enabled' } = input
  refusePartly(action, up_to)
  return inTenant(app.db, actor.tenant_id, async (tx) => {
    const row = {
      ...{ ...place, environment: actor.environment, name, position, action, state },
      ...{ conditions: JSON.stringify(conditions), created_by: actor.id },
      up_to: up_to && JSON.stringify(up_to),
    }
    if (!(await queries.insertRule(tx, row)))
      throw new Problem('conflict', { detail: 'there are 100 rules already; delete one of them' })
    await audit(tx, actor, 'card_rule.create', toWire('card_rule', place.id), { name, action })
    return toRule(found(await queries.findRule(tx, place), actor, place.id))
  })
}

export async function readRule(app: App, actor: Actor, wire_id: string) {
  const place = { tenant_id: actor.tenant_id, id: fromWire('card_rule', wire_id) }
  const row = await inTenant(app.db, actor.tenant_id, (tx) => queries.findRule(tx, place))
  return toRule(found(row, actor, place.id))
}

export async function updateRule(app: App, actor: Actor, wire_id: string, input: UpdateRule) {
  refuseCardNumbers(input)
  const place = { tenant_id: actor.tenant_id, id: fromWire('card_rule', wire_id) }
  const { conditions, up_to, ...change } = input
  return inTenant(app.db, actor.tenant_id, async (tx) => {
    const before = found(await queries.findRule(tx, place), actor, place.id)
    refusePartly(change.action ?? before.action, up_to === undefined ? before.up_to : up_to)
    const given = {
      ...change,
      ...(conditions && { conditions: JSON.stringify(conditions) }),
      ...(up_to !== undefined && { up_to: up_to && JSON.stringify(up_to) }),
    }
    const row = await queries.updateRule(tx, place, given)
    await audit(tx, actor, 'card_rule.update', wire_id, { changed: Object.keys(input) })
    return toRule(found(row, actor, place.id))
  })
}

export async function deleteRule(app: App, actor: Actor, wire_id: string): Promise<void> {
  const place = { tenant_id: actor.tenant_id, id: fromWire('card_rule', wire_id) }
  await inTenant(app.db, actor.tenant_id, async (tx) => {
    found(await queries.findRule(tx, place), actor, place.id)
    await queries.deleteRule(tx, place)
    await audit(tx, actor, 'card_rule.delete', wire_id)
  })
}

/** Nothing of it is approved by a rule that declines. */
function refusePartly(action: queries.RuleRow['action'], up_to: queries.RuleRow['up_to']): void {
  if (action === 'approve' || up_to === null) return
  throw new Problem('invalid_request', {
    field: 'up_to',
    detail: 'up_to belongs to a rule that approves; leave it out, or let it approve',
  })
}

function found(row: queries.RuleRow | undefined, { environment }: Actor, id: string): queries.RuleRow {
  if (row?.environment === environment) return row
  throw new Problem('not_found', { detail: `there is no rule ${toWire('card_rule', id)}` })
}
