import { sql } from 'kysely'
import type { VendorPayment } from '../../kit/news.ts'
import type { Tx } from '../../platform/database/database.ts'
import { PAYMENT, type PaymentRow } from './queries.ts'

/** Whose payments are looked through; without a connection those of all that lead to the provider. */
export type Whose = { tenant_id: string; provider: string; connection_id: string | null }

/** Ours of what the vendor lists, by its ids, and by nothing else: the index of connections would be read through for each. */
export const findByVendorIds = (
  tx: Tx,
  { tenant_id, provider, connection_id }: Whose,
  vendor_ids: readonly string[],
): Promise<PaymentRow[]> =>
  sql<PaymentRow>`
    select ${sql.join(PAYMENT.map((column) => sql.ref(`p.${column}`)))}
      from unnest(${vendor_ids}::text[]) r(v)
      cross join lateral (select * from payment where tenant_id = ${tenant_id} and vendor_id = r.v offset 0) p
     where p.provider = ${provider} and (${connection_id}::uuid is null or p.connection_id = ${connection_id}::uuid)`
    .execute(tx)
    .then(({ rows }) => rows)

/** Ours that the vendor gave back our ids of, and whose vendor's ids nobody has told us yet. */
export const findUntold = (
  tx: Tx,
  { tenant_id, provider }: Omit<Whose, 'connection_id'>,
  ids: readonly string[],
): Promise<PaymentRow[]> =>
  sql<PaymentRow>`
    select ${sql.join(PAYMENT.map((column) => sql.ref(`p.${column}`)))}
      from unnest(${ids}::uuid[]) r(i)
      cross join lateral (
        select * from payment
         where tenant_id = ${tenant_id} and id = r.i and vendor_id is null and provider = ${provider} offset 0) p`
    .execute(tx)
    .then(({ rows }) => rows)

/** One of an amount that was sent to the provider and of which nobody knows whether it was made. */
export const findUnknown = (
  tx: Tx,
  { tenant_id, provider }: Omit<Whose, 'connection_id'>,
  { amount, currency }: VendorPayment['money'],
): Promise<{ id: string } | undefined> =>
  tx
    .selectFrom('payment')
    .select('id')
    .where('tenant_id', '=', tenant_id)
    .where('status', '=', 'processing')
    .where('vendor_id', 'is', null)
    .where('held', '=', false)
    .where('provider', '=', provider)
    .where('amount', '=', amount)
    .where('currency', '=', currency)
    .limit(1)
    .executeTakeFirst()
