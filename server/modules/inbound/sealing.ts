import { inTenant, type Tx } from '../../platform/database/database.ts'
import type { App } from '../app.ts'

/**
 * Bodies that their source wants encrypted are sealed with the key of the tenant before they are stored, taken in or
 * refused, and opened where they are read. Which they are stands among the headers that are kept.
 */
const MARK = ':sealed'

const contextOf = (id: string): string => `inbox body ${id}`

type Kept = { id: string; headers: string; body: Buffer }

export async function sealBody<Row extends Kept & { tenant_id: string }>(app: App, row: Row): Promise<Row> {
  const { tenant_id, id, body, headers } = row
  const sealed = await inTenant(app.db, tenant_id, (tx) => app.vault.seal(tx, tenant_id, contextOf(id), body))
  const marked = { ...(JSON.parse(headers) as Record<string, unknown>), [MARK]: '1' }
  return { ...row, body: sealed, headers: JSON.stringify(marked) }
}

/** As it came, whether it was sealed or not. */
export async function openBody<Row extends Kept>(
  app: App,
  tx: Tx,
  tenant_id: string,
  row: Row,
): Promise<Row> {
  if (!row.headers.includes(MARK)) return row
  const { [MARK]: mark, ...headers } = JSON.parse(row.headers) as Record<string, unknown>
  if (mark === undefined) return row
  const body = await app.vault.open(tx, tenant_id, contextOf(row.id), row.body)
  return { ...row, headers: JSON.stringify(headers), body }
}

/** For whoever is in no transaction of the tenant's. Most are not sealed and wait for nothing. */
export async function opened<Row extends Kept & { tenant_id: string }>(app: App, row: Row): Promise<Row> {
  if (!row.headers.includes(MARK)) return row
  return inTenant(app.db, row.tenant_id, (tx) => openBody(app, tx, row.tenant_id, row))
}
