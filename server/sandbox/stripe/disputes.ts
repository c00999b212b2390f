import { remember } from '../wire.ts'
import { missing, type Refusal, refusal } from './errors.ts'
import { type Form, formOf, textOf } from './form.ts'
import { type Charge, MOST, seconds, stripeId, type Tell } from './intents.ts'

/** Disputes, as docs.stripe.com/api/disputes has them: opened by test cards, decided by what their evidence says. */
export type Dispute = {
  id: string
  object: 'dispute'
  status: string
  amount: number
  currency: unknown
  charge: string
  payment_intent: string
  balance_transactions: { id: string; amount: number }[]
  evidence: Record<string, string>
  evidence_details: { due_by: number; has_evidence: boolean; past_due: boolean; submission_count: number }
  [field: string]: unknown
}

export type Disputes = { charges: Map<string, Charge>; disputes: Map<string, Dispute>; tell: Tell }

const WEEK_S = 7 * 86_400

/** docs.stripe.com/testing#disputes: some cards are disputed as soon as they are charged. */
export function disputeByCard(state: Disputes, charge: Charge): void {
  const card = String(charge['payment_method'])
  if (!/createDispute/.test(card)) return
  const is_inquiry = /Inquiry/.test(card)
  const made: Dispute = {
    id: stripeId('dp'),
    object: 'dispute',
    amount: charge.amount,
    balance_transactions: [],
    charge: charge.id,
    created: seconds(),
    currency: charge['currency'],
    evidence: {},
    evidence_details: {
      due_by: seconds() + WEEK_S,
      has_evidence: false,
      past_due: false,
      submission_count: 0,
    },
    is_charge_refundable: is_inquiry,
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    reason: 'fraudulent',
    status: is_inquiry ? 'warning_needs_response' : 'needs_response',
  }
  remember(state.disputes, made.id, made, MOST)
  charge['disputed'] = true
  state.tell('charge.dispute.created', made)
  if (!is_inquiry) moveFunds(state, made, -made.amount, 'charge.dispute.funds_withdrawn')
}

function moveFunds({ tell }: Disputes, dispute: Dispute, amount: number, type: string): void {
  dispute.balance_transactions = [...dispute.balance_transactions, { id: stripeId('txn'), amount }]
  tell(type, dispute)
}

export function updateDispute(state: Disputes, id: string, form: Form): Dispute | Refusal {
  const dispute = state.disputes.get(id)
  if (!dispute) return missing('dispute', id, 'dispute')
  if (!/needs_response$/.test(dispute.status))
    return refusal(400, {
      message: `This dispute is ${dispute.status}: no evidence can be submitted any more.`,
    })
  dispute.evidence = { ...dispute.evidence, ...formOf(form, 'evidence') }
  dispute.evidence_details.has_evidence = true
  if (textOf(form, 'submit') === 'false') {
    state.tell('charge.dispute.updated', dispute)
    return dispute
  }
  dispute.evidence_details.submission_count += 1
  const is_inquiry = dispute.status.startsWith('warning_')
  dispute.status = is_inquiry ? 'warning_under_review' : 'under_review'
  state.tell('charge.dispute.updated', dispute)
  const said = dispute.evidence['uncategorized_text']
  if (said === 'winning_evidence') end(state, dispute, is_inquiry ? 'warning_closed' : 'won')
  if (said === 'losing_evidence') end(state, dispute, 'lost')
  return dispute
}

export function closeDispute(state: Disputes, id: string): Dispute | Refusal {
  const dispute = state.disputes.get(id)
  if (!dispute) return missing('dispute', id, 'dispute')
  if (['won', 'lost', 'warning_closed'].includes(dispute.status))
    return refusal(400, { message: `This dispute is already closed: ${dispute.status}.` })
  return end(state, dispute, 'lost')
}

function end(state: Disputes, dispute: Dispute, status: string): Dispute {
  dispute.status = status
  state.tell('charge.dispute.closed', dispute)
  if (status === 'won') moveFunds(state, dispute, dispute.amount, 'charge.dispute.funds_reinstated')
  return dispute
}
