import type { DisputeStatus, VendorDispute } from '../../kit/news.ts'
import type { AnswerDispute } from '../../kit/payments.ts'
import { get, operation, path, post } from '../../kit/provider.ts'
import { words } from '../../kit/reads.ts'
import { fromUnits } from './amounts.ts'
import { Dispute, Disputes } from './wire.ts'

/** docs.stripe.com/api/disputes/object#dispute_object-status; `warning_` is of inquiries, which take no money back. */
const STATUS = words<DisputeStatus>({
  needs_response: 'needs_response',
  warning_needs_response: 'needs_response',
  under_review: 'under_review',
  warning_under_review: 'under_review',
  won: 'won',
  lost: 'lost',
  warning_closed: 'closed',
  prevented: 'closed',
})

const FUNDS = words<VendorDispute['funds']>({
  'charge.dispute.funds_withdrawn': 'withdrawn',
  'charge.dispute.funds_reinstated': 'reinstated',
})

/** What Stripe does not say yet, or says in a word we do not know, is still open. */
export function toDispute(dispute: Dispute, event_type = ''): VendorDispute {
  const { id, payment_intent, charge, amount, currency, reason, created, evidence_details } = dispute
  const status = dispute.status ?? ''
  const due_s = evidence_details?.due_by
  return {
    vendor_id: id,
    payment_id: payment_intent ?? charge,
    status: STATUS[status] ?? 'under_review',
    is_inquiry: status.startsWith('warning_'),
    money: fromUnits(amount, currency),
    funds: FUNDS[event_type] ?? fundsOf(dispute),
    has_evidence: evidence_details?.has_evidence === true,
    ...(reason && { reason }),
    ...(due_s && { evidence_due_at: new Date(due_s * 1000).toISOString() }),
    ...(created && { opened_at: new Date(created * 1000).toISOString() }),
  }
}

function fundsOf({ balance_transactions }: Dispute): VendorDispute['funds'] {
  const moved = (balance_transactions ?? []).map(({ amount }) => BigInt(amount))
  if (moved.some((amount) => amount > 0n)) return 'reinstated'
  return moved.some((amount) => amount < 0n) ? 'withdrawn' : 'none'
}

const answerRequest = ({ vendor_id, text, details, submit }: AnswerDispute) =>
  post(path`/v1/disputes/${vendor_id}`, {
    evidence: { ...details, uncategorized_text: text },
    submit,
  })

/** docs.stripe.com/api/disputes: a closed one is accepted, and lost. */
export const disputeOperations = {
  disputes: operation({
    request: ({ vendor_id }: { vendor_id: string }) =>
      get('/v1/disputes', {
        [vendor_id.startsWith('ch_') ? 'charge' : 'payment_intent']: vendor_id,
        limit: 100,
      }),
    reads: Disputes,
    translate: ({ data }) => data.map((dispute) => toDispute(dispute)),
  }),
  answer_dispute: operation({
    request: answerRequest,
    reads: Dispute,
    translate: (dispute) => toDispute(dispute),
  }),
  accept_dispute: operation({
    request: ({ vendor_id }: { vendor_id: string }) => post(path`/v1/disputes/${vendor_id}/close`),
    reads: Dispute,
    translate: (dispute) => toDispute(dispute),
  }),
}
