import type { Money } from '../platform/money.ts'
import type { NewsOfBank } from './bank_news.ts'
import type { CardAuthorizationNews, CardNews, CardQuestionNews, CardTransactionNews } from './card_news.ts'

/**
 * News is what a provider's message means, in our words, before any room has acted on it. `reactions.ts` maps each
 * kind to the verb that receives it; news that no room claims is published under its own name.
 */
export type News =
  | PaymentNews
  | RefundNews
  | DisputeNews
  | NewsOfBank
  | CardNews
  | CardQuestionNews
  | CardAuthorizationNews
  | CardTransactionNews
  | OtherNews

export type PaymentNews = { type: 'payment.changed'; payment: VendorPayment; refund?: never; data?: never }

export type DisputeNews = {
  type: 'dispute.changed'
  dispute: VendorDispute
  payment?: never
  refund?: never
  data?: never
}

export type RefundNews = { type: 'refund.changed'; refund: VendorRefund; payment?: never; data?: never }

/** `data` is JSON text, byte for byte as the vendor wrote it: numbers keep their digits, members their order. */
export type OtherNews = { type: string; data: string; payment?: never; refund?: never }

/**
 * The name of a vendor's own word: `order/paid` of `http` becomes `http.order_paid`, a name the catalog takes, apart
 * from ours, so that no outsider can publish a `payment.completed`.
 */
export function newsName(provider: string, word: string | null): string {
  const name = (word ?? '')
    .replace(/[^A-Za-z0-9_.]+/g, '_')
    .replace(/[.]{2,}/g, '.')
    .slice(0, 100)
    .replace(/^[._]+|[._]+$/g, '')
  return `${provider}.${name || 'received'}`
}

/**
 * `pending` is also what a word we do not know means: only the vendor's own word ends a payment.
 * `failed` is the last word of one try; where the vendor lets the customer try again, `completed` may follow it.
 */
export const PAYMENT_STATUSES = [
  'pending',
  'authorized',
  'completed',
  'failed',
  'canceled',
  'refunded',
  'partially_refunded',
  'disputed',
  'expired',
] as const

export type PaymentStatus = (typeof PAYMENT_STATUSES)[number]

/** A payment as the vendor sees it now. */
export type VendorPayment = {
  vendor_id: string
  status: PaymentStatus
  /** Of the payment; of the dispute where the message tells only that, and then `disputed` says the same. */
  money: Money
  /** Our own reference, where the vendor gave it back. */
  reference?: string
  failure?: Refusal
  /** `card`, `pix`, `boleto` …: the vendor's word, lower case. */
  method?: string
  /** RFC 3339, UTC. */
  created_at?: string
  /** Of the money that came, where the vendor names it apart from the payment (Pix: endToEndId). Refunds are of it. */
  settlement_id?: string
  /**
   * What was captured, refunded or is in dispute so far, where the message says. Of one that is `canceled`: what that gave
   * back, had it been taken.
   */
  captured?: Money
  refunded?: Money
  disputed?: Money
  /** What the payer still has to do; only where it was asked for, never in news. */
  action?: PayerAction
}

/** By one of these the payer finishes a payment. */
export type PayerAction = {
  /** For the vendor's own form in the payer's browser; whoever has it can pay, and read the payment. */
  client_secret?: string
  redirect_url?: string
  /** Pix "copia e cola". */
  pix_code?: string
  qr_code_url?: string
  /** The 47 digits of a boleto. */
  boleto_line?: string
  boleto_url?: string
  /** RFC 3339, UTC. */
  expires_at?: string
}

export type VendorRefund = {
  vendor_id: string
  payment_id: string | null
  status: 'pending' | 'completed' | 'failed' | 'canceled'
  money: Money
  /** Our own reference, where the vendor gave it back. */
  reference?: string
}

/** What of a dispute is still to come; `closed` is an inquiry that led to nothing. */
export const DISPUTE_STATUSES = ['needs_response', 'under_review', 'won', 'lost', 'closed'] as const
export type DisputeStatus = (typeof DISPUTE_STATUSES)[number]

/** What a payer disputes at their bank, as the vendor sees it now. */
export type VendorDispute = {
  vendor_id: string
  /** The vendor's id of the payment. */
  payment_id: string
  status: DisputeStatus
  /** The bank asks first, and has taken nothing back. */
  is_inquiry: boolean
  money: Money
  /** What became of the money, as far as this message says. */
  funds: 'none' | 'withdrawn' | 'reinstated'
  has_evidence: boolean
  /** The vendor's word. */
  reason?: string
  /** Until when one may answer, RFC 3339. */
  evidence_due_at?: string
  opened_at?: string
}

/** Why a vendor said no, in our words. A no we do not know is `unknown`, never a guess. */
export const REFUSAL_REASONS = [
  'insufficient_funds',
  'card_declined',
  'card_expired',
  'card_incorrect',
  'card_lost_or_stolen',
  'card_unsupported',
  'fraud_suspected',
  'limit_exceeded',
  'authentication_required',
  'amount_invalid',
  'not_permitted',
  'state_conflict',
  'not_found',
  'duplicate',
  'invalid_request',
  'credentials_refused',
  'rate_limited',
  'vendor_unavailable',
  'unknown',
] as const

export type RefusalReason = (typeof REFUSAL_REASONS)[number]

const BY_STATUS: Readonly<Record<number, RefusalReason>> = {
  400: 'invalid_request',
  401: 'credentials_refused',
  403: 'not_permitted',
  404: 'not_found',
  409: 'state_conflict',
  410: 'not_found',
  422: 'invalid_request',
  429: 'rate_limited',
}

/** For want of a word of the vendor's. */
export const reasonOfStatus = (status: number): RefusalReason =>
  BY_STATUS[status] ?? (status >= 500 ? 'vendor_unavailable' : 'unknown')

/** `code` and `message` are the vendor's own words, kept for the people who must ask the vendor. */
export type Refusal = { reason: RefusalReason; code: string | null; message: string | null }
