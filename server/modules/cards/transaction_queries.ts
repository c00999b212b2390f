import { sql } from 'kysely'
import type { Merchant } from '../../kit/card_news.ts'
import { newest, type Tx } from '../../platform/database/database.ts'
import type { AuthorizationRow } from './authorization_queries.ts'
import type { Place } from './queries.ts'

/** Every statement on the money that was taken from cards and given back. */

export type TransactionRow = {
  id: string
  card_id: string
  connection_id: string
  authorization_id: string | null
  vendor_id: string
  kind: 'capture' | 'refund'
  amount: string
  currency: string
  merchant_amount: string | null
  merchant_currency: string | null
  merchant: Merchant
  made_at: Date
}

const TRANSACTION = [
  'id',
  'card_id',
  'connection_id',
  'authorization_id',
  'vendor_id',
  'kind',
  'amount',
  'currency',
  'merchant_amount',
  'merchant_currency',
  'merchant',
  'made_at',
] as const

export type NewTransaction = Omit<TransactionRow, 'merchant'> & {
  tenant_id: string
  vendor_authorization_id: string | null
  merchant: string
  category: string | null
}

/** Null where it is known already. */
export const insertTransaction = async (tx: Tx, row: NewTransaction): Promise<TransactionRow | null> => {
  const made = await tx
    .insertInto('card_transaction')
    .values(row)
    .onConflict((conflict) => conflict.columns(['tenant_id', 'vendor_id', 'connection_id']).doNothing())
    .returning(TRANSACTION)
    .executeTakeFirst()
  return (made as TransactionRow | undefined) ?? null
}

/** What was told of before its authorization was; true where there is such. */
export async function adoptTransactions(
  tx: Tx,
  { tenant_id, id }: Place,
  { card_id, vendor_id }: Pick<AuthorizationRow, 'card_id' | 'vendor_id'>,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('card_transaction')
    .set({ authorization_id: id })
    .where('tenant_id', '=', tenant_id)
    .where('vendor_authorization_id', '=', vendor_id)
    .where('authorization_id', 'is', null)
    .where('card_id', '=', card_id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** What was taken and given back of an authorization. */
export async function sumTransactions(tx: Tx, { tenant_id, id }: Place) {
  const { rows } = await sql<{ captured: string; refunded: string }>`
    select coalesce(sum(amount) filter (where kind = 'capture'), 0)::text as captured,
           coalesce(sum(amount) filter (where kind = 'refund'), 0)::text as refunded
      from card_transaction where tenant_id = ${tenant_id} and authorization_id = ${id}`.execute(tx)
  return rows[0] ?? { captured: '0', refunded: '0' }
}

export type WantedTransactions = { card_id?: string; authorization_id?: string; vendor_id?: string }

export function listTransactions(
  tx: Tx,
  tenant_id: string,
  wanted: WantedTransactions,
  limit: number,
  before: string | null,
): Promise<TransactionRow[]> {
  return tx
    .selectFrom('card_transaction')
    .select(TRANSACTION)
    .where('tenant_id', '=', tenant_id)
    .$call(newest(wanted, limit, before))
    .execute() as Promise<TransactionRow[]>
}
