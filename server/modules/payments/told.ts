import type { Tx } from '../../platform/database/database.ts'
import type { Draft } from '../events/events.ts'
import { isAgainst } from './dispute_moves.ts'
import { listOfPayment } from './dispute_queries.ts'
import { isNews, nextOf, type Standing, type Word } from './moves.ts'
import * as queries from './queries.ts'
import { toPayment } from './schema.ts'

/** How what somebody says of a payment becomes true, and is told, in one transaction. */

/**
 * Moves a payment by what is said of it; gives the event that tells of it, none where nothing changed that is worth
 * telling. `asked_at` is the version an answer was asked at: where it has moved since, the answer is news like any.
 */
export async function applyWord(
  tx: Tx,
  place: queries.Place,
  word: Word,
  cause: queries.Cause & { asked_at?: number; ends_dispute?: boolean },
): Promise<{ row: queries.PaymentRow; drafts: Draft[] } | null> {
  const row = await queries.lockPayment(tx, place)
  if (!row) return null
  const before = queries.standingOf(row)
  const is_answer = cause.asked_at === row.version || cause.ends_dispute === true
  const after = nextOf(before, await withoutEnded(tx, place, word), is_answer)
  if (!after || !(await queries.movePayment(tx, place, row, after, cause))) return { row, drafts: [] }
  const moved = movedRow(row, after)
  return { row: moved, drafts: isNews(before, after) ? [paymentEvent(moved, cause)] : [] }
}

/** Vendors call a payment disputed for ever: one whose disputes all ended for us is not. */
export async function withoutEnded<Said extends Pick<Word, 'status'>>(
  tx: Tx,
  place: queries.Place,
  said: Said,
): Promise<Said> {
  if (said.status !== 'disputed') return said
  const disputes = await listOfPayment(tx, place)
  return disputes.length > 0 && !disputes.some(isAgainst) ? { ...said, status: 'completed' } : said
}

const movedRow = (row: queries.PaymentRow, after: Standing): queries.PaymentRow => ({
  ...row,
  status: after.status,
  vendor_id: after.vendor_id,
  captured: String(after.captured),
  refunded: String(after.refunded),
  failure: after.failure,
  settlement_id: after.settlement_id,
  expires_at: after.expires_at === null ? null : new Date(after.expires_at),
  pix_code: after.pix_code,
  held: false,
  version: row.version + 1,
})

/** Fields beside those of a vendor's own news are those of the payment as the API tells it. */
export function paymentEvent(row: queries.PaymentRow, { cause, cause_id }: queries.Cause): Draft {
  const {
    held: _held,
    updated_at: _at,
    completed_at: _done,
    pix_code: _code, // for the payer, and not for all who listen
    route_id: _route,
    provider,
    connection_id,
    ...payment
  } = toPayment(row)
  const about = { provider, connection_id, cause, cause_id, payment: { ...payment, reference: payment.id } }
  const found_by = [row.vendor_id, row.settlement_id].filter((id) => id !== null)
  return { type: `payment.${row.status}`, data: JSON.stringify(about), entity_id: payment.id, found_by }
}
