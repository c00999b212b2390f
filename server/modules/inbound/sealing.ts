import { inTenant, type Tx } from '../../platform/database/database.ts'
import type { App } from '../app.ts'

/**
 * Bodies that their source wants encrypted are sealed with the key of the tenant before they are stored, taken in or
 * refused, and opened where they are read. Which they are stands among the headers that are kept. The address is sealed
 * with the body: who tells by GET tells in the query.
 */
const MARK = ':sealed'
const PATH = ':path'
/** What the mark says where the address stands before the body, and a line break between them. */
const WITH_PATH = 'with the path'

const contextOf = (id: string): string => `inbox body ${id}`

type Kept = { id: string; headers: string; body: Buffer }

export async function sealBody<Row extends Kept & { tenant_id: string }>(app: App, row: Row): Promise<Row> {
  const { tenant_id, id } = row
  const { [PATH]: path, ...headers } = JSON.parse(row.headers) as Record<string, unknown>
  const has_path = path !== undefined
  const plain = has_path ? Buffer.concat([Buffer.from(`${path}\n`), row.body]) : row.body
  const body = await inTenant(app.db, tenant_id, (tx) => app.vault.seal(tx, tenant_id, contextOf(id), plain))
  return { ...row, body, headers: JSON.stringify({ ...headers, [MARK]: has_path ? WITH_PATH : '1' }) }
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
  const plain = await app.vault.open(tx, tenant_id, contextOf(row.id), row.body)
  if (mark !== WITH_PATH) return { ...row, headers: JSON.stringify(headers), body: plain }
  const end = plain.indexOf('\n')
  const path = plain.toString('utf8', 0, end)
  return { ...row, headers: JSON.stringify({ ...headers, [PATH]: path }), body: plain.subarray(end + 1) }
}

/** For whoever is in no transaction of the tenant's. Most are not sealed and wait for nothing. */
export async function opened<Row extends Kept & { tenant_id: string }>(app: App, row: Row): Promise<Row> {
  if (!row.headers.includes(MARK)) return row
  return inTenant(app.db, row.tenant_id, (tx) => openBody(app, tx, row.tenant_id, row))
}
