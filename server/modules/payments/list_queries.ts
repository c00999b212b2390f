import { newest, type Tx } from '../../platform/database/database.ts'
import type { Status } from './moves.ts'
import { type Cause, PAYMENT, type PaymentRow, type Place } from './queries.ts'

/** What is shown of many payments, and of what made one what it is. */

export type Wanted = {
  status?: Status
  connection_id?: string
  customer?: string
  vendor_id?: string
  settlement_id?: string
}

export function listPayments(
  tx: Tx,
  tenant_id: string,
  wanted: Wanted,
  limit: number,
  before: string | null,
): Promise<PaymentRow[]> {
  return tx
    .selectFrom('payment')
    .select(PAYMENT)
    .where('tenant_id', '=', tenant_id)
    .$call(newest(wanted, limit, before))
    .execute() as Promise<PaymentRow[]>
}

export type MoveRow = {
  version: number
  status: string
  captured: string
  refunded: string
  cause: Cause['cause']
  cause_id: string | null
  at: Date
}

const MOST_MOVES = 200

export const listMoves = (tx: Tx, { tenant_id, id }: Place): Promise<MoveRow[]> =>
  tx
    .selectFrom('payment_move')
    .select(['version', 'status', 'captured', 'refunded', 'cause', 'cause_id', 'at'])
    .where('tenant_id', '=', tenant_id)
    .where('payment_id', '=', id)
    .orderBy('version')
    .limit(MOST_MOVES)
    .execute()
