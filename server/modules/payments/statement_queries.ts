import { sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'
import { NOT_SENT } from '../calls/calls.ts'
import type { PaymentRow, Place } from './queries.ts'

/** Which of these operations of the vendor are payments of ours already: connections may share an account there. */
export async function listClaimed(
  tx: Tx,
  tenant_id: string,
  provider: string,
  vendor_ids: readonly string[],
): Promise<Set<string>> {
  const { rows } = await sql<{ vendor_id: string }>`
    select p.vendor_id from unnest(${vendor_ids}::text[]) v
      cross join lateral (select vendor_id from payment
        where tenant_id = ${tenant_id} and vendor_id = v and provider = ${provider} offset 0) p`.execute(tx)
  return new Set(rows.map(({ vendor_id }) => vendor_id))
}

/** Where there are so many, nobody knows whether they are all. */
export const MOST_ALIKE = 1_000

/**
 * Other payments at the provider, of the same amount, that may stand in its statement and bear no id of it: those that
 * nobody saw the end of either, and those that were declined.
 */
export const listAlike = (
  tx: Tx,
  { tenant_id, id }: Place,
  { provider, amount, currency }: PaymentRow,
  since: Date,
): Promise<Pick<PaymentRow, 'id' | 'sent_at'>[]> =>
  tx
    .selectFrom('payment')
    .select(['id', 'sent_at'])
    .where('tenant_id', '=', tenant_id)
    .where('status', 'in', ['processing', 'failed'])
    .where('vendor_id', 'is', null)
    .where('held', '=', false)
    .where('provider', '=', provider)
    .where('amount', '=', amount)
    .where('currency', '=', currency)
    .where('id', '<>', id)
    .where(sql<boolean>`coalesce(sent_at, updated_at) >= ${since}`)
    .where(sql<boolean>`failure ->> 'code' is distinct from ${NOT_SENT}`)
    .limit(MOST_ALIKE)
    .execute()
