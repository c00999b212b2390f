import type { News, PayerAction, PaymentStatus, VendorPayment, VendorRefund } from '../../kit/news.ts'
import { readPart, words } from '../../kit/reads.ts'
import { fromUnits } from './amounts.ts'
import { toDispute } from './disputes.ts'
import { toIssuingNews } from './issuing_translate.ts'
import { toFailure } from './refusals.ts'
import { Charge, Dispute, PaymentIntent, Refund, type StripeEvent } from './wire.ts'

/** docs.stripe.com/payments/paymentintents/lifecycle */
const STATUS = words<PaymentStatus>({
  requires_payment_method: 'pending',
  requires_confirmation: 'pending',
  requires_action: 'pending',
  processing: 'pending',
  requires_capture: 'authorized',
  succeeded: 'completed',
  canceled: 'canceled',
})

const REFUND_STATUS = words<VendorRefund['status']>({
  succeeded: 'completed',
  failed: 'failed',
  canceled: 'canceled',
})

export function toPayment(intent: PaymentIntent): VendorPayment {
  const { id, currency, created, amount_received, last_payment_error, metadata } = intent
  const charge = typeof intent.latest_charge === 'object' ? intent.latest_charge : null
  const method = charge?.payment_method_details?.type ?? onlyOne(intent.payment_method_types)
  const status = statusOf(intent, charge)
  return {
    vendor_id: id,
    status,
    money: fromUnits(intent.amount, currency),
    ...(metadata?.reference && { reference: metadata.reference }),
    ...(status === 'failed' && last_payment_error && { failure: toFailure(last_payment_error) }),
    ...(method !== undefined && { method }),
    created_at: new Date(created * 1000).toISOString(),
    ...(amount_received !== undefined && { captured: fromUnits(amount_received, currency) }),
    ...(charge && isCaptured(charge) && { refunded: fromUnits(String(givenOf(charge)), currency) }),
  }
}

/** With what the payer has to do yet, for who asked. News goes to many, and does without. */
export function toAsked(intent: PaymentIntent): VendorPayment {
  const payment = toPayment(intent)
  return payment.status === 'pending' ? { ...payment, action: actionOf(intent) } : payment
}

function actionOf({ client_secret, next_action }: PaymentIntent): PayerAction {
  const { redirect_to_url, pix_display_qr_code: pix, boleto_display_details: boleto } = next_action ?? {}
  const expires_s = pix?.expires_at ?? boleto?.expires_at
  return {
    ...(client_secret && { client_secret }),
    ...(redirect_to_url?.url && { redirect_url: redirect_to_url.url }),
    ...(pix?.data && { pix_code: pix.data }),
    ...(pix?.image_url_png && { qr_code_url: pix.image_url_png }),
    ...(boleto?.number && { boleto_line: boleto.number.replace(/\D/g, '') }),
    ...(boleto?.hosted_voucher_url && { boleto_url: boleto.hosted_voucher_url }),
    ...(expires_s && { expires_at: new Date(expires_s * 1000).toISOString() }),
  }
}

/** A refused try puts an intent back to its first state: the error beside it is what tells them apart. */
function statusOf(intent: PaymentIntent, charge: Charge | null): PaymentStatus {
  if (intent.status === 'requires_payment_method' && intent.last_payment_error) return 'failed'
  if (intent.status === 'canceled' && intent.cancellation_reason === 'expired') return 'expired'
  if (intent.status === 'succeeded' && charge) return statusOfCharge(charge)
  return STATUS[intent.status] ?? 'pending'
}

/** Stripe calls it a refund too where money that was only held is let go. */
const isCaptured = ({ captured }: Charge) => captured !== false

const takenOf = ({ amount, amount_captured }: Charge): bigint => BigInt(amount_captured ?? amount)

/** What was given back. What a capture in part leaves of the hold stands among the refunds of the charge as well. */
function givenOf(charge: Charge): bigint {
  const back = BigInt(charge.amount_refunded) - (BigInt(charge.amount) - takenOf(charge))
  return back > 0n ? back : 0n
}

function statusOfCharge(charge: Charge): PaymentStatus {
  const { disputed, refunded } = charge
  if (!isCaptured(charge)) return refunded ? 'canceled' : 'authorized'
  if (disputed) return 'disputed'
  const back = givenOf(charge)
  if (back === 0n) return 'completed'
  return refunded || back >= takenOf(charge) ? 'refunded' : 'partially_refunded'
}

const onlyOne = (names: string[] | undefined) => (names?.length === 1 ? names[0] : undefined)

export const toRefund = ({
  id,
  amount,
  currency,
  status,
  payment_intent,
  charge,
  metadata,
}: Refund): VendorRefund => ({
  vendor_id: id,
  payment_id: payment_intent ?? charge ?? null,
  status: REFUND_STATUS[status ?? ''] ?? 'pending',
  money: fromUnits(amount, currency),
  ...(metadata?.reference && { reference: metadata.reference }),
})

/** A charge made without an intent is a payment of its own. */
const toRefundedPayment = (charge: Charge): VendorPayment => ({
  vendor_id: charge.payment_intent ?? charge.id,
  status: statusOfCharge(charge),
  money: fromUnits(charge.amount, charge.currency),
  ...(charge.metadata?.reference && { reference: charge.metadata.reference }),
  ...(charge.payment_method_details && { method: charge.payment_method_details.type }),
  created_at: new Date(charge.created * 1000).toISOString(),
  // Its capture may have been in part, and be told of later.
  ...(isCaptured(charge) && {
    captured: fromUnits(String(takenOf(charge)), charge.currency),
    refunded: fromUnits(String(givenOf(charge)), charge.currency),
  }),
})

function toDisputedPayment({ payment_intent, charge, amount, currency }: Dispute): VendorPayment {
  const money = fromUnits(amount, currency)
  return { vendor_id: payment_intent ?? charge, status: 'disputed', money, disputed: money }
}

const changed = (payment: VendorPayment): News[] => [{ type: 'payment.changed', payment }]

/** One that was opened is told of with its payment, also where that was not made through us. */
function disputed(type: string, dispute: Dispute): News[] {
  const told: News = { type: 'dispute.changed', dispute: toDispute(dispute, type) }
  return type === 'charge.dispute.created' ? [...changed(toDisputedPayment(dispute)), told] : [told]
}

const REFUND_EVENTS = ['refund.created', 'refund.updated', 'refund.failed', 'charge.refund.updated']

/** docs.stripe.com/api/events/types. What is not about a payment is no news yet. */
export function toNews(event: StripeEvent): News[] {
  const { type, data } = event
  const { object } = data
  const place = 'data.object'
  if (type.startsWith('issuing_')) return toIssuingNews(event)
  if (type.startsWith('payment_intent.')) return changed(toPayment(readPart(PaymentIntent, object, place)))
  if (type === 'charge.refunded') return changed(toRefundedPayment(readPart(Charge, object, place)))
  if (type.startsWith('charge.dispute.')) return disputed(type, readPart(Dispute, object, place))
  if (REFUND_EVENTS.includes(type))
    return [{ type: 'refund.changed', refund: toRefund(readPart(Refund, object, place)) }]
  return []
}

/** Ids by which somebody would look for it: the object, what it hangs on, and our own reference. */
export function toExternalIds({ data: { object } }: StripeEvent): (string | null)[] {
  const { id, payment_intent, charge, customer, invoice, latest_charge, metadata, card, authorization } =
    object
  const reference = (metadata as { reference?: unknown } | null | undefined)?.reference
  const of_card = (card as { id?: unknown } | null | undefined)?.id ?? card
  const ids = [
    id,
    payment_intent,
    charge,
    customer,
    invoice,
    latest_charge,
    reference,
    of_card,
    authorization,
  ]
  return ids.map((value) => (typeof value === 'string' ? value : null))
}

/** Everything about one payment bears the id of its intent, or of its authorization on a card of ours, and so keeps its order. */
export function toEntityId({ data: { object } }: StripeEvent): string | null {
  const { payment_intent, charge, authorization, id } = object
  if (typeof payment_intent === 'string') return payment_intent
  if (typeof authorization === 'string') return authorization
  return typeof charge === 'string' ? charge : (id ?? null)
}
