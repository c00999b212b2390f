import { sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'
import type { PaymentRow, Place } from './queries.ts'

/** Which of these operations of the vendor are payments of ours already. */
export async function listClaimed(
  tx: Tx,
  tenant_id: string,
  connection_id: string,
  vendor_ids: readonly string[],
): Promise<Set<string>> {
  const { rows } = await sql<{ vendor_id: string }>`
    select p.vendor_id from unnest(${vendor_ids}::text[]) v
      cross join lateral (select vendor_id from payment
        where tenant_id = ${tenant_id} and vendor_id = v and connection_id = ${connection_id} offset 0) p`.execute(
    tx,
  )
  return new Set(rows.map(({ vendor_id }) => vendor_id))
}

const MOST = 1_000

/** Other payments of the connection that nobody saw the end of either, of the same amount. */
export const listAlike = (tx: Tx, { tenant_id, id }: Place, row: PaymentRow) =>
  tx
    .selectFrom('payment')
    .select(['id', 'sent_at'])
    .where('tenant_id', '=', tenant_id)
    .where('status', '=', 'processing')
    .where('vendor_id', 'is', null)
    .where('held', '=', false)
    .where('connection_id', '=', row.connection_id)
    .where('amount', '=', row.amount)
    .where('currency', '=', row.currency)
    .where('id', '<>', id)
    .limit(MOST)
    .execute()
