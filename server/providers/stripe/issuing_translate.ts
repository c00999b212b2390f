import type {
  AuthorizationQuestion,
  Merchant,
  VendorAuthorization,
  VendorAuthorizationStatus,
  VendorCard,
  VendorCardStatus,
  VendorCardTransaction,
  Verdict,
  Verification,
} from '../../kit/card_news.ts'
import type { News } from '../../kit/news.ts'
import type { WebhookReply } from '../../kit/provider.ts'
import { readPart, words } from '../../kit/reads.ts'
import type { Money } from '../../platform/money.ts'
import { fromUnits, toUnits } from './amounts.ts'
import { IssuingAuthorization, IssuingCard, IssuingTransaction, type MerchantData } from './issuing_wire.ts'
import { API_VERSION, type StripeEvent } from './wire.ts'

/** docs.stripe.com/issuing: cards, authorizations and transactions in our words. */
const CARD_STATUS = words<VendorCardStatus>({ active: 'active', inactive: 'inactive', canceled: 'canceled' })
const AUTHORIZATION_STATUS = words<VendorAuthorizationStatus>({
  pending: 'pending',
  closed: 'closed',
  reversed: 'reversed',
  expired: 'expired',
})

const idOf = (ref: string | { id: string } | null | undefined): string | null =>
  typeof ref === 'object' ? (ref?.id ?? null) : (ref ?? null)

const timeOf = (seconds: number): string => new Date(seconds * 1000).toISOString()

export function toCard(card: IssuingCard): VendorCard {
  const { id, status, type, currency, cancellation_reason, metadata, shipping } = card
  return {
    vendor_id: id,
    status: CARD_STATUS[status] ?? 'pending',
    kind: type === 'physical' ? 'physical' : 'virtual',
    cardholder: idOf(card.cardholder),
    currency: currency.toUpperCase(),
    brand: card.brand ?? null,
    last_four: card.last4 ?? null,
    exp_month: card.exp_month ?? null,
    exp_year: card.exp_year ?? null,
    ...(cancellation_reason && { reason: cancellation_reason }),
    ...(metadata?.reference && { reference: metadata.reference }),
    ...(shipping && {
      shipping: {
        status: shipping.status ?? null,
        carrier: shipping.carrier ?? null,
        tracking_number: shipping.tracking_number ?? null,
      },
    }),
  }
}

const toMerchant = (data: MerchantData): Merchant => ({
  name: data.name ?? null,
  category: data.category ?? null,
  category_code: data.category_code ?? null,
  city: data.city ?? null,
  country: data.country ?? null,
  network_id: data.network_id ?? null,
})

const toVerification = ({ verification_data: told }: IssuingAuthorization): Verification => ({
  three_d_secure: told?.three_d_secure?.result ?? null,
  cvc: told?.cvc_check ?? null,
  expiry: told?.expiry_check ?? null,
  postal_code: told?.address_postal_code_check ?? null,
  address: told?.address_line1_check ?? null,
  exemption: told?.authentication_exemption?.type ?? null,
})

type Amounts = { merchant_amount?: number | string | null; merchant_currency?: string | null }

const toMerchantMoney = ({ merchant_amount, merchant_currency }: Amounts): Money | null =>
  merchant_amount != null && merchant_currency
    ? positive(fromUnits(merchant_amount, merchant_currency))
    : null

/** Stripe counts from its own side: what leaves is negative. */
const positive = ({ amount, currency }: Money): Money => ({ amount: amount.replace(/^-/, ''), currency })

export function toAuthorization(told: IssuingAuthorization, told_at: string): VendorAuthorization {
  const history = told.request_history ?? []
  return {
    vendor_id: told.id,
    card_id: idOf(told.card) ?? '',
    approved: told.approved,
    status: AUTHORIZATION_STATUS[told.status] ?? 'pending',
    money: positive(fromUnits(told.amount, told.currency)),
    merchant_money: toMerchantMoney(told.pending_request ?? told),
    merchant: toMerchant(told.merchant_data),
    method: told.authorization_method ?? null,
    wallet: told.wallet ?? null,
    verification: toVerification(told),
    requests: history.length,
    reason: history.at(-1)?.reason ?? null,
    created_at: timeOf(told.created),
    told_at,
  }
}

/** Of the request before it is answered nothing stands in its history yet: the next one has another number. */
function toQuestion(told: IssuingAuthorization, told_at: string): AuthorizationQuestion | null {
  const { pending_request } = told
  if (!pending_request) return null
  const authorization = toAuthorization(told, told_at)
  const asked = fromUnits(pending_request.amount, pending_request.currency)
  const takes_part = pending_request.is_amount_controllable === true
  return { key: `${told.id}#${authorization.requests}`, asked, authorization, takes_part }
}

function toTransaction(told: IssuingTransaction): VendorCardTransaction {
  const money = fromUnits(told.amount, told.currency)
  return {
    vendor_id: told.id,
    card_id: idOf(told.card) ?? '',
    authorization_id: idOf(told.authorization),
    kind: told.type === 'refund' ? 'refund' : 'capture',
    money: positive(money),
    merchant_money: toMerchantMoney(told),
    merchant: toMerchant(told.merchant_data),
    created_at: timeOf(told.created),
  }
}

const PLACE = 'data.object'
const toldAt = ({ created }: StripeEvent): string => timeOf(typeof created === 'number' ? created : 0)

/** docs.stripe.com/api/events/types, those that begin with `issuing_`. */
export function toIssuingNews(event: StripeEvent): News[] {
  const { type, data } = event
  if (type === 'issuing_authorization.request') {
    const question = questionIn(event)
    return question ? [{ type: 'card.authorization_asked', question }] : []
  }
  if (type.startsWith('issuing_card.'))
    return [{ type: 'card.changed', card: toCard(readPart(IssuingCard, data.object, PLACE)) }]
  if (type.startsWith('issuing_authorization.')) {
    const told = readPart(IssuingAuthorization, data.object, PLACE)
    return [{ type: 'card.authorization_changed', authorization: toAuthorization(told, toldAt(event)) }]
  }
  if (type === 'issuing_transaction.created') {
    const told = readPart(IssuingTransaction, data.object, PLACE)
    return [{ type: 'card.transaction_made', transaction: toTransaction(told) }]
  }
  return []
}

/** docs.stripe.com/issuing/controls/real-time-authorizations: the answer to the webhook is the decision. */
export function questionIn(event: StripeEvent): AuthorizationQuestion | null {
  if (event.type !== 'issuing_authorization.request') return null
  return toQuestion(readPart(IssuingAuthorization, event.data.object, PLACE), toldAt(event))
}

/** `amount` only where `is_amount_controllable` allows it, and above zero. */
export const toAnswer = ({ approved, reason, decision_id, part }: Verdict): WebhookReply => ({
  status: 200,
  content_type: 'application/json',
  headers: { 'stripe-version': API_VERSION },
  body: JSON.stringify({
    approved,
    ...(approved && part && { amount: toUnits(part).amount }),
    metadata: { trilho_reason: reason, ...(decision_id !== null && { trilho_decision: decision_id }) },
  }),
})
