import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { readPage, toPage } from '../wire.ts'
import * as queries from './queries.ts'
import { type AlertQuery, type Mute, toAlert } from './schema.ts'

/**
 * What is wrong right now and who knows of it. Rules are looked at once a minute, over what was counted anyway. What is
 * out of line fires once, is told by an event in the same commit, and is resolved by itself when it is in line again;
 * meanwhile somebody may say that they are on it, or that they want to hear no more of it for a while.
 */

export { createRule, deleteRule, listRules, readRule, updateRule } from './rules.ts'
export { watch } from './watch.ts'

export async function listAlerts(app: App, { tenant_id }: Actor, input: AlertQuery) {
  const { limit, before } = readPage('alert', input)
  const rows = await inTenant(app.db, tenant_id, (tx) =>
    queries.listAlerts(tx, tenant_id, input.state, limit, before),
  )
  return toPage('alert', rows, limit, toAlert)
}

export const readAlert = (app: App, { tenant_id }: Actor, wire_id: string) =>
  inTenant(app.db, tenant_id, async (tx) => toAlert(await findAlert(tx, tenant_id, wire_id)))

async function findAlert(tx: Tx, tenant_id: string, wire_id: string): Promise<queries.AlertRow> {
  const row = await queries.findAlert(tx, tenant_id, fromWire('alert', wire_id))
  if (!row) throw new Problem('not_found', { detail: `there is no alert ${wire_id}` })
  return row
}

/** Somebody is on it. Said again it changes nothing; what is resolved needs nobody. */
export async function acknowledgeAlert(app: App, actor: Actor, wire_id: string) {
  const { tenant_id } = actor
  return inTenant(app.db, tenant_id, async (tx) => {
    const { id } = await findAlert(tx, tenant_id, wire_id)
    if (await queries.acknowledgeAlert(tx, { tenant_id, id }, actor.id)) {
      await audit(tx, actor, 'alert.acknowledge', wire_id)
    }
    const row = await findAlert(tx, tenant_id, wire_id)
    if (row.state !== 'resolved') return toAlert(row)
    throw new Problem('conflict', { detail: `alert ${wire_id} is resolved; there is nothing to be on` })
  })
}

/** Nobody is told of its rule and subject for so long, whether this one goes on or fires anew. */
export async function muteAlert(app: App, actor: Actor, wire_id: string, { minutes }: Mute) {
  const { tenant_id } = actor
  const until = minutes === 0 ? null : new Date(app.clock.now().getTime() + minutes * 60_000)
  return inTenant(app.db, tenant_id, async (tx) => {
    const { id, rule_id, subject } = await findAlert(tx, tenant_id, wire_id)
    await queries.muteAlerts(tx, { tenant_id, rule_id, subject }, { id, until })
    await audit(tx, actor, 'alert.mute', toWire('alert', id), { minutes })
    return toAlert(await findAlert(tx, tenant_id, wire_id))
  })
}
