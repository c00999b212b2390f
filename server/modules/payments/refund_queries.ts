import { sql } from 'kysely'
import type { Refusal } from '../../kit/news.ts'
import { newest, type Tx } from '../../platform/database/database.ts'
import type { RefundStatus } from './moves.ts'
import type { Place } from './queries.ts'
import { CHANGED } from './stuck.ts'

/** Every statement on refunds. Whoever changes one holds the lock of its payment. */

export type RefundRow = {
  id: string
  payment_id: string
  vendor_id: string | null
  status: RefundStatus
  amount: string
  reason: string | null
  failure: Refusal | null
  /** The mark of whose account it is asked of; null of those of earlier releases. */
  account: Buffer | null
  updated_at: Date
}

const REFUND = [
  'id',
  'payment_id',
  'vendor_id',
  'status',
  'amount',
  'reason',
  'failure',
  'account',
  'updated_at',
] as const

export type NewRefund = Place &
  Pick<RefundRow, 'payment_id' | 'amount' | 'reason' | 'account'> & { actor: string }

export const insertRefund = (tx: Tx, row: NewRefund): Promise<RefundRow> =>
  tx
    .insertInto('refund')
    .values({ ...row, status: 'processing' })
    .returning(REFUND)
    .executeTakeFirstOrThrow() as Promise<RefundRow>

export const findRefund = (tx: Tx, { tenant_id, id }: Place): Promise<RefundRow | undefined> =>
  tx
    .selectFrom('refund')
    .select(REFUND)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst() as Promise<RefundRow | undefined>

export const listRefunds = (
  tx: Tx,
  { tenant_id, id }: Place,
  limit: number,
  before: string | null,
): Promise<RefundRow[]> =>
  tx
    .selectFrom('refund')
    .select(REFUND)
    .where('tenant_id', '=', tenant_id)
    .$call(newest({ payment_id: id }, limit, before))
    .execute() as Promise<RefundRow[]>

/** Those of a payment of which the vendor has not said the last word. */
export const listOpenRefunds = (tx: Tx, { tenant_id, id }: Place): Promise<RefundRow[]> =>
  tx
    .selectFrom('refund')
    .select(REFUND)
    .where('tenant_id', '=', tenant_id)
    .where('payment_id', '=', id)
    .where('status', 'in', ['processing', 'pending'])
    .orderBy('id')
    .execute() as Promise<RefundRow[]>

/** Whether another refund of the payment, whose lock the caller holds, bears the vendor's id. */
export const isClaimed = (tx: Tx, { tenant_id, id }: Place, vendor_id: string): Promise<boolean> =>
  tx
    .selectFrom('refund')
    .select('id')
    .where('tenant_id', '=', tenant_id)
    .where('payment_id', '=', id)
    .where('vendor_id', '=', vendor_id)
    .executeTakeFirst()
    .then((row) => row !== undefined)

/** What our refunds of a payment come to: done, and under way. */
export async function sumRefunds(
  tx: Tx,
  { tenant_id, id }: Place,
): Promise<{ settled: bigint; open: bigint }> {
  const { rows } = await sql<{ settled: string; open: string }>`
    select coalesce(sum(amount) filter (where status = 'completed'), 0)::text as settled,
           coalesce(sum(amount) filter (where status in ('processing', 'pending')), 0)::text as open
      from refund where tenant_id = ${tenant_id} and payment_id = ${id}`.execute(tx)
  return { settled: BigInt(rows[0]?.settled ?? 0), open: BigInt(rows[0]?.open ?? 0) }
}

/** False where it is not in the state it was judged by. */
export async function moveRefund(
  tx: Tx,
  { tenant_id, id }: Place,
  before: RefundStatus,
  after: { status: RefundStatus; vendor_id: string | null; failure: Refusal | null },
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('refund')
    .set({ ...after, failure: after.failure && JSON.stringify(after.failure), updated_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('status', '=', before)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Why asking cannot find out what became of it, and what to do; null where its connection is as it was again. Any move takes it away. */
export const noteWait = (tx: Tx, { tenant_id, id }: Place, why: Refusal | null) =>
  tx
    .updateTable('refund')
    .set({ failure: why && JSON.stringify(why), updated_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('status', '=', 'processing')
    .where(why ? sql<boolean>`failure is null` : sql<boolean>`failure ->> 'code' = ${CHANGED.code}`)
    .execute()
