import { sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'
import type { Place } from './queries.ts'

/** Every statement that reads transactions for who asks, and the one thing they may change. */

export type TransactionRow = {
  id: string
  bank_id: string
  account_id: string
  user_id: string
  vendor_id: string
  status: 'booked' | 'pending' | 'future'
  amount: string
  currency: string
  exact: string | null
  kind: string
  description: string
  at: Date
  is_final: boolean
  category: string | null
  vendor_category: string | null
  counterparty: Record<string, string> | null
  removed_at: Date | null
  updated_at: Date
}

const TRANSACTION = [
  'id',
  'bank_id',
  'account_id',
  'user_id',
  'vendor_id',
  'status',
  'amount',
  'currency',
  'exact',
  'kind',
  'description',
  'at',
  'is_final',
  'category',
  'vendor_category',
  'counterparty',
  'removed_at',
  'updated_at',
] as const

/** By what an index leads to them; nothing leads to all of the tenant's. */
export type Lead = Partial<{ account_id: string; bank_id: string; user_id: string }>
/** Days, inclusive; the hours beside them are left to the caller. */
export type Span = Partial<{ from: string; to: string }>
export type Mark = Pick<TransactionRow, 'at' | 'id'>

/** Newest first. */
export function listTransactions(
  tx: Tx,
  tenant_id: string,
  lead: Lead,
  { from, to, below, limit }: Span & { below: Mark | null; limit: number },
): Promise<TransactionRow[]> {
  let query = tx.selectFrom('bank_transaction').select(TRANSACTION).where('tenant_id', '=', tenant_id)
  for (const [column, value] of Object.entries(lead))
    query = query.where(column as keyof Lead, '=', value as string)
  if (from !== undefined) query = query.where('at', '>=', sql<Date>`(${from}::date - 1)::timestamptz`)
  if (to !== undefined) query = query.where('at', '<', sql<Date>`(${to}::date + 3)::timestamptz`)
  if (below !== null) query = query.where(sql<boolean>`(at, id) < (${below.at}, ${below.id})`)
  return query.orderBy('at', 'desc').orderBy('id', 'desc').limit(limit).execute() as Promise<TransactionRow[]>
}

export const findTransaction = (tx: Tx, { tenant_id, id }: Place): Promise<TransactionRow | undefined> =>
  tx
    .selectFrom('bank_transaction')
    .select(TRANSACTION)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst() as Promise<TransactionRow | undefined>

export const setCategory = (
  tx: Tx,
  { tenant_id, id }: Place,
  category: string | null,
): Promise<TransactionRow | undefined> =>
  tx
    .updateTable('bank_transaction')
    .set({ category, updated_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .returning(TRANSACTION)
    .executeTakeFirst() as Promise<TransactionRow | undefined>
