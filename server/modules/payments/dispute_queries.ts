import { sql } from 'kysely'
import { newest, type Tx } from '../../platform/database/database.ts'
import type { Standing } from './dispute_moves.ts'
import { isEnded } from './dispute_moves.ts'
import type { Place } from './queries.ts'

/** Every statement on disputes. Whoever changes one holds the lock of its payment. */

export type DisputeRow = Omit<Standing, 'evidence_due_at'> & {
  id: string
  payment_id: string
  connection_id: string
  provider: string
  vendor_id: string
  currency: string
  evidence_due_at: Date | null
  opened_at: Date | null
  closed_at: Date | null
  version: number
  updated_at: Date
}

const DISPUTE = [
  'id',
  'payment_id',
  'connection_id',
  'provider',
  'vendor_id',
  'status',
  'is_inquiry',
  'amount',
  'currency',
  'reason',
  'funds',
  'has_evidence',
  'evidence_due_at',
  'opened_at',
  'closed_at',
  'version',
  'updated_at',
] as const

export const findDispute = (tx: Tx, { tenant_id, id }: Place): Promise<DisputeRow | undefined> =>
  tx
    .selectFrom('dispute')
    .select(DISPUTE)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst() as Promise<DisputeRow | undefined>

export const findByVendor = (
  tx: Tx,
  { tenant_id, connection_id, vendor_id }: { tenant_id: string; connection_id: string; vendor_id: string },
): Promise<DisputeRow | undefined> =>
  tx
    .selectFrom('dispute')
    .select(DISPUTE)
    .where('tenant_id', '=', tenant_id)
    .where('vendor_id', '=', vendor_id)
    .where('connection_id', '=', connection_id)
    .executeTakeFirst() as Promise<DisputeRow | undefined>

const MOST_OF_PAYMENT = 100

/** Those of a payment, the newest first. */
export const listOfPayment = (tx: Tx, { tenant_id, id }: Place): Promise<DisputeRow[]> =>
  tx
    .selectFrom('dispute')
    .select(DISPUTE)
    .where('tenant_id', '=', tenant_id)
    .where('payment_id', '=', id)
    .orderBy('id', 'desc')
    .limit(MOST_OF_PAYMENT)
    .execute() as Promise<DisputeRow[]>

export type WantedDisputes = { status?: Standing['status']; payment_id?: string; connection_id?: string }

export function listDisputes(
  tx: Tx,
  tenant_id: string,
  wanted: WantedDisputes,
  limit: number,
  before: string | null,
): Promise<DisputeRow[]> {
  return tx
    .selectFrom('dispute')
    .select(DISPUTE)
    .where('tenant_id', '=', tenant_id)
    .$call(newest(wanted, limit, before))
    .execute() as Promise<DisputeRow[]>
}

export type NewDispute = Place &
  Pick<DisputeRow, 'payment_id' | 'connection_id' | 'provider' | 'vendor_id' | 'currency'> &
  Standing & { opened_at: string | null }

export const insertDispute = (tx: Tx, row: NewDispute): Promise<DisputeRow> =>
  tx
    .insertInto('dispute')
    .values({ ...row, closed_at: isEnded(row) ? sql`now()` : null })
    .returning(DISPUTE)
    .executeTakeFirstOrThrow() as Promise<DisputeRow>

/** From the version it was judged by; undefined where it has changed meanwhile. */
export const moveDispute = (
  tx: Tx,
  { tenant_id, id }: Place,
  version: number,
  after: Standing,
): Promise<DisputeRow | undefined> =>
  tx
    .updateTable('dispute')
    .set({
      ...after,
      closed_at: isEnded(after) ? sql`coalesce(closed_at, now())` : null,
      version: version + 1,
      updated_at: sql`now()`,
    })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('version', '=', version)
    .returning(DISPUTE)
    .executeTakeFirst() as Promise<DisputeRow | undefined>
