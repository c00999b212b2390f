import type { VendorPayment } from '../../kit/news.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { parseWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import type { OpenConnection } from '../connections/connections.ts'
import { findByVendorIds, findUntold, type Whose } from './ours_queries.ts'
import type { PaymentRow } from './queries.ts'

/** Which payments of ours are those that a vendor lists. */

/** A statement is of the whole account, to which other connections may lead as well. */
export const whoseOf = ({ tenant_id, id, opened: { provider } }: OpenConnection): Whose => ({
  tenant_id,
  provider: provider.id,
  connection_id: provider.payments?.settles === 'statement' ? null : id,
})

/** By the vendor's ids: first by those we know, else by ours where the vendor gave it back. */
export async function oursAmong(
  app: App,
  connection: OpenConnection,
  listed: readonly VendorPayment[],
): Promise<Map<string, PaymentRow>> {
  const whose = whoseOf(connection)
  const ids = listed.map(({ vendor_id }) => vendor_id)
  return inTenant(app.db, connection.tenant_id, async (tx) => {
    const known = await findByVendorIds(tx, whose, ids)
    // Where two connections have it, it is this one's.
    known.sort(
      (a, b) => Number(a.connection_id === connection.id) - Number(b.connection_id === connection.id),
    )
    const found = new Map(known.map((row) => [String(row.vendor_id), row]))
    for (const theirs of listed) {
      const untold = found.has(theirs.vendor_id) ? null : await untoldOf(tx, connection, theirs)
      if (untold) found.set(theirs.vendor_id, untold)
    }
    return found
  })
}

/** Ours that bears no id of the vendor's yet and whose id the vendor gave back. */
export async function untoldOf(
  tx: Tx,
  connection: OpenConnection,
  { reference }: VendorPayment,
): Promise<PaymentRow | null> {
  const id = reference === undefined ? null : parseWire('payment', reference)
  if (id === null) return null
  const [untold] = await findUntold(tx, whoseOf(connection), [id])
  // What bears its id at a connection that it has left is a try that took nothing.
  const is_left = untold && untold.try_number > 1 && untold.connection_id !== connection.id
  return is_left ? null : (untold ?? null)
}
