import { inTenant, type Tx } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import { insertAudit, listAuditPage } from './queries.ts'

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

export async function listAudit(app: App, actor: Actor, input: PageInput) {
  const { limit, before } = readPage('audit', input)
  const { tenant_id } = actor
  const rows = await inTenant(app.db, tenant_id, (tx) => listAuditPage(tx, tenant_id, before, limit + 1))
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
