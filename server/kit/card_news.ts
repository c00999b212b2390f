import type { Money } from '../platform/money.ts'

/** Cards, what is authorized on them and what is taken from them, as their issuer tells of it. */

/** `pending` is also what a word we do not know means: nothing follows from it. */
export type VendorCardStatus = 'pending' | 'inactive' | 'active' | 'canceled'

/** Never with a number: `vendor_id` is the token of it. */
export type VendorCard = {
  vendor_id: string
  status: VendorCardStatus
  kind: 'virtual' | 'physical'
  /** The vendor's id of who holds it. */
  cardholder: string | null
  /** ISO 4217. */
  currency: string
  brand: string | null
  last_four: string | null
  exp_month: number | null
  exp_year: number | null
  /** Why it is canceled, where the vendor says so: `lost`, `stolen`. */
  reason?: string
  /** Our own reference, where the vendor gave it back. */
  reference?: string
  /** Of a physical one on its way: the vendor's words. */
  shipping?: { status: string | null; carrier: string | null; tracking_number: string | null }
}

/** `pending`: the money is held. An unknown word is `pending`. */
export type VendorAuthorizationStatus = 'pending' | 'closed' | 'reversed' | 'expired'

export type Merchant = {
  name: string | null
  /** The vendor's word: `taxicabs_limousines`. */
  category: string | null
  /** ISO 18245. */
  category_code: string | null
  city: string | null
  /** ISO 3166, two letters where the vendor has them. */
  country: string | null
  network_id: string | null
}

/** What was verified of who pays: `match`, `mismatch`, `not_provided`; of 3-D Secure `authenticated` and the like. */
export type Verification = {
  three_d_secure: string | null
  cvc: string | null
  expiry: string | null
  postal_code: string | null
  address: string | null
  exemption: string | null
}

export type VendorAuthorization = {
  vendor_id: string
  /** The vendor's id of the card. */
  card_id: string
  approved: boolean
  status: VendorAuthorizationStatus
  /** Held, in the currency of the card. */
  money: Money
  /** As the merchant asked for it. */
  merchant_money: Money | null
  merchant: Merchant
  /** `online`, `chip`, `contactless`, `keyed_in`, `swipe`: the vendor's word. */
  method: string | null
  wallet: string | null
  verification: Verification
  /** How often the merchant has asked for it so far: an authorization may be raised. */
  requests: number
  /** The vendor's word for why the last request was approved or not. */
  reason: string | null
  /** RFC 3339, UTC: when it was made, and when this was told of it. */
  created_at: string
  told_at: string
}

/**
 * May it be held? `asked` comes on top of what is held already; `key` is the same whenever the same is asked again.
 * `takes_part`: the merchant also takes less than it asked for.
 */
export type AuthorizationQuestion = {
  key: string
  asked: Money
  authorization: VendorAuthorization
  takes_part?: boolean
}

/** `part`: so much of what was asked for is approved, and no more; only of a question that takes it. */
export type Verdict = { approved: boolean; reason: string; decision_id: string | null; part?: Money }

export type VendorCardTransaction = {
  vendor_id: string
  card_id: string
  /** Null where the merchant took it without asking before. */
  authorization_id: string | null
  kind: 'capture' | 'refund'
  /** Not below zero: `kind` says which way it went. */
  money: Money
  merchant_money: Money | null
  merchant: Merchant
  created_at: string
}

export type CardNews = { type: 'card.changed'; card: VendorCard } & NoOther
export type CardQuestionNews = { type: 'card.authorization_asked'; question: AuthorizationQuestion } & NoOther
export type CardAuthorizationNews = {
  type: 'card.authorization_changed'
  authorization: VendorAuthorization
} & NoOther
export type CardTransactionNews = {
  type: 'card.transaction_made'
  transaction: VendorCardTransaction
} & NoOther

type NoOther = { payment?: never; refund?: never; data?: never }
