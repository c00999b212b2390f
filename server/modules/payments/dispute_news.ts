import type { VendorDispute } from '../../kit/news.ts'
import type { Tx } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import type { Draft } from '../events/events.ts'
import { isAgainst, nextOf, type Standing, standingOf, toldOf } from './dispute_moves.ts'
import * as disputes from './dispute_queries.ts'
import { toDispute } from './dispute_schema.ts'
import type * as queries from './queries.ts'
import { applyWord } from './told.ts'

/** How what a vendor says of a dispute becomes true, and moves the payment with it. */

const standingNow = ({ evidence_due_at, ...row }: disputes.DisputeRow): Standing => ({
  ...{ status: row.status, is_inquiry: row.is_inquiry, funds: row.funds, has_evidence: row.has_evidence },
  ...{ amount: row.amount, reason: row.reason },
  evidence_due_at: evidence_due_at?.toISOString() ?? null,
})

/** `asked_at`: of an answer, the versions of those known when it was asked; any other is news. */
type Heard = queries.Cause & { asked_at?: ReadonlyMap<string, number> }

/** The caller holds the lock of the payment. What the vendor told in another currency is told as it is. */
export async function applyDispute(
  app: App,
  tx: Tx,
  tenant_id: string,
  payment: queries.PaymentRow,
  told: VendorDispute,
  heard: Heard,
): Promise<Draft[]> {
  const { connection_id, provider } = payment
  const { vendor_id } = told
  const known = await disputes.findByVendor(tx, { tenant_id, connection_id, vendor_id })
  const before = known ? standingNow(known) : null
  const is_answer = heard.asked_at !== undefined && heard.asked_at.get(vendor_id) === known?.version
  const after = before ? nextOf(before, standingOf(told), is_answer) : standingOf(told)
  if (!after) return []
  const row = known
    ? await disputes.moveDispute(tx, { tenant_id, id: known.id }, known.version, after)
    : await disputes.insertDispute(tx, {
        ...{ tenant_id, id: app.newId(), payment_id: payment.id, connection_id, provider, vendor_id },
        ...{ ...after, currency: told.money.currency, opened_at: told.opened_at ?? null },
      })
  if (!row) throw new Error('a dispute changed under the lock of its payment')
  const drafts = toldOf(before, after).map((what) => disputeEvent(row, payment, what, heard))
  return [...drafts, ...(await movePayment(tx, tenant_id, payment, heard))]
}

/** In doubt, or lost, while one of its disputes speaks against it; taken again once none does. */
async function movePayment(
  tx: Tx,
  tenant_id: string,
  { id }: queries.PaymentRow,
  { cause, cause_id }: queries.Cause,
): Promise<Draft[]> {
  const place = { tenant_id, id }
  const is_disputed = (await disputes.listOfPayment(tx, place)).some(isAgainst)
  const status = is_disputed ? 'disputed' : 'completed'
  const applied = await applyWord(tx, place, { status }, { cause, cause_id, ends_dispute: !is_disputed })
  return applied?.drafts ?? []
}

function disputeEvent(
  row: disputes.DisputeRow,
  payment: queries.PaymentRow,
  what: string,
  { cause, cause_id }: queries.Cause,
): Draft {
  const { connection_id, provider, payment_id, created_at: _c, updated_at: _u, ...dispute } = toDispute(row)
  const about = { provider, connection_id, payment_id, cause, cause_id, dispute }
  const found_by = [toWire('dispute', row.id), row.vendor_id, payment.vendor_id].filter((id) => id !== null)
  return { type: `payment.dispute.${what}`, data: JSON.stringify(about), entity_id: payment_id, found_by }
}
