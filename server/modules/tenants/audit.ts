import { inTenant, type Tx } from '../../platform/database/database.ts'
import { floorId, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { readPage, toPage } from '../wire.ts'
import { type AuditFilter, insertAudit, listAuditPage } from './queries.ts'
import type { AuditQuery } from './schema.ts'

/**
 * Writes down, in the transaction that changes it, who did what to what and from where. `action` is
 * `<noun>.<verb>`, `target` a wire id, `detail` what changed; secrets have no place in it.
 */
export async function audit(
  tx: Tx,
  actor: Actor,
  action: string,
  target: string,
  detail: Record<string, unknown> = {},
): Promise<void> {
  const { tenant_id, id, ip, request_id } = actor
  await insertAudit(tx, {
    tenant_id,
    actor: id,
    action,
    target,
    ip,
    request_id,
    detail: JSON.stringify(detail),
  })
}

export async function listAudit(app: App, { tenant_id }: Actor, input: AuditQuery) {
  const { limit, before } = readPage('audit', input)
  const filter = filterOf(input, before)
  const rows = await inTenant(app.db, tenant_id, (tx) => listAuditPage(tx, tenant_id, filter, limit + 1))
  return toPage('audit', rows, limit, (row) => ({
    id: toWire('audit', row.id),
    actor: row.actor,
    action: row.action,
    target: row.target,
    ip: row.ip,
    request_id: row.request_id,
    detail: row.detail as Record<string, unknown>,
    at: row.at.toISOString(),
  }))
}

/** Ids tell the time, so a range of time is a range of ids; of two bounds above the lower one holds. */
function filterOf({ actor, action, target, from, to }: AuditQuery, before: string | null): AuditFilter {
  const end = to === undefined ? null : floorId(new Date(to))
  const below = end !== null && (before === null || end < before) ? end : before
  return {
    ...(actor !== undefined && { actor }),
    ...(action !== undefined && { action }),
    ...(target !== undefined && { target }),
    ...(from !== undefined && { from: floorId(new Date(from)) }),
    ...(below !== null && { below }),
  }
}
