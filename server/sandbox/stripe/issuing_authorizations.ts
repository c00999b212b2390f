import type { Dispatcher } from 'undici'
import { remember } from '../wire.ts'
import { isRefusal, missing, type Refusal, refusal } from './errors.ts'
import { type Form, formOf, readAmount, textOf, unknownParam } from './form.ts'
import { MOST, seconds, stripeId } from './intents.ts'
import type { Card, Issued, SpendingLimit } from './issuing.ts'
import { type Decided, decided } from './issuing_decisions.ts'

/**
 * Authorizations and transactions as docs.stripe.com/issuing/purchases describes them. Stripe looks at the card and its
 * spending controls first, then asks the real-time endpoint and waits two seconds, and then tells everybody.
 */
export type Authorization = {
  id: string
  object: 'issuing.authorization'
  status: 'pending' | 'closed' | 'reversed' | 'expired'
  approved: boolean
  amount: number
  card: Card
  request_history: { approved: boolean; reason: string; amount: number; [field: string]: unknown }[]
  pending_request: Record<string, unknown> | null
  metadata: Record<string, string>
  [field: string]: unknown
}

export type Purchases = Issued & {
  authorizations: Map<string, Authorization>
  transactions: Map<string, Record<string, unknown>>
  /** Where decisions are asked for; null: nowhere. */
  decider(): { url: string; secret: string } | null
  dispatcher: Dispatcher
  /** How long a decision is waited for: two seconds, as docs.stripe.com/issuing/purchases/authorizations says. */
  patience_ms: number
}

const CREATE =
  `amount amount_details authorization_method card currency is_amount_controllable merchant_amount
  merchant_currency merchant_data network_data verification_data wallet`.split(/\s+/)

/** `POST /v1/test_helpers/issuing/authorizations` */
export async function createAuthorization(state: Purchases, form: Form): Promise<Authorization | Refusal> {
  const stranger = unknownParam(form, CREATE)
  if (stranger) return stranger
  const card_id = textOf(form, 'card') ?? ''
  const card = state.cards.get(card_id)
  if (!card) return missing('issuing.card', card_id, 'card')
  const amount = form['amount'] === undefined ? 0 : readAmount(form)
  if (isRefusal(amount)) return amount
  const authorization = newAuthorization(card, form)
  remember(state.authorizations, authorization.id, authorization, MOST)
  await ask(state, authorization, amount, textOf(form, 'is_amount_controllable') === 'true')
  state.tell('issuing_authorization.created', authorization)
  return authorization
}

const VERIFIED = {
  address_line1_check: 'not_provided',
  address_postal_code_check: 'not_provided',
  cvc_check: 'match',
  expiry_check: 'match',
}

function newAuthorization(card: Card, form: Form): Authorization {
  const verification = (form['verification_data'] ?? {}) as Form
  const merchant = formOf(form, 'merchant_data')
  return {
    id: stripeId('iauth'),
    object: 'issuing.authorization',
    amount: 0,
    amount_details: { atm_fee: null, cashback_amount: null },
    approved: false,
    authorization_method: textOf(form, 'authorization_method') ?? 'online',
    balance_transactions: [],
    card,
    cardholder: card.cardholder.id,
    created: seconds(),
    currency: card.currency,
    livemode: false,
    merchant_amount: 0,
    merchant_currency: textOf(form, 'merchant_currency') ?? card.currency,
    merchant_data: {
      category: merchant['category'] ?? 'taxicabs_limousines',
      category_code: CODES[merchant['category'] ?? ''] ?? '4121',
      city: merchant['city'] ?? 'São Paulo',
      country: merchant['country'] ?? 'BR',
      name: merchant['name'] ?? 'Rocket Rides',
      network_id: merchant['network_id'] ?? '1234567890',
      postal_code: null,
      state: null,
    },
    metadata: {},
    pending_request: null,
    request_history: [],
    status: 'pending',
    transactions: [],
    verification_data: {
      ...VERIFIED,
      ...formOf(form, 'verification_data'),
      authentication_exemption: null,
      postal_code: null,
      three_d_secure: verification['three_d_secure'] ? formOf(verification, 'three_d_secure') : null,
    },
    wallet: textOf(form, 'wallet'),
  }
}

const CODES: Record<string, string> = {
  betting_casino_gambling: '7995',
  bakeries: '5462',
  gas_stations: '5541',
}

/** One request of the merchant's, approved or not; of the first one that is not, the authorization ends. */
async function ask(
  state: Purchases,
  authorization: Authorization,
  wanted: number,
  is_amount_controllable = false,
): Promise<void> {
  const { currency, card } = authorization
  const pending = { amount: wanted, currency, merchant_amount: wanted, merchant_currency: currency }
  const {
    approved,
    reason,
    amount = wanted,
  } = refused(state, card, authorization, wanted) ??
  (await decided(state, authorization, { ...pending, is_amount_controllable }))
  const request = { ...pending, amount, merchant_amount: amount }
  authorization.pending_request = null
  authorization.request_history.push({
    ...request,
    approved,
    reason,
    created: seconds(),
    reason_message: null,
  })
  const is_first = authorization.request_history.length === 1
  if (is_first) authorization.approved = approved
  if (is_first && !approved) authorization.status = 'closed'
  if (approved || is_first) authorization.amount += amount
  authorization['merchant_amount'] = authorization.amount
}

function refused(
  state: Purchases,
  card: Card,
  { merchant_data }: Authorization,
  amount: number,
): Decided | null {
  if (card.status !== 'active') return { approved: false, reason: `card_${card.status}` }
  const { category, country } = merchant_data as { category: string; country: string }
  const controls = card.spending_controls
  const is_shut =
    (controls.allowed_categories && !controls.allowed_categories.includes(category)) ||
    controls.blocked_categories?.includes(category) ||
    (controls.allowed_merchant_countries && !controls.allowed_merchant_countries.includes(country)) ||
    controls.blocked_merchant_countries?.includes(country)
  const is_passed = controls.spending_limits.some((limit) => passes(state, card, limit, category, amount))
  return is_shut || is_passed ? { approved: false, reason: 'spending_controls' } : null
}

/** Longer intervals are counted since the card was made: nothing here lives for longer than a day. */
function passes(
  state: Purchases,
  card: Card,
  limit: SpendingLimit,
  category: string,
  amount: number,
): boolean {
  const { interval, categories } = limit
  if (categories && !categories.includes(category)) return false
  if (interval === 'per_authorization') return amount > limit.amount
  const before = [...state.authorizations.values()].filter((one) => one.card.id === card.id && one.approved)
  return before.reduce((sum, one) => sum + one.amount, amount) > limit.amount
}

/** `POST /v1/test_helpers/issuing/authorizations/:id/:act` */
export async function actOnAuthorization(
  state: Purchases,
  authorization: Authorization,
  act: string,
  form: Form,
): Promise<Authorization | Refusal> {
  if (authorization.status !== 'pending' && act !== 'capture')
    return refusal(400, { message: `This authorization is ${authorization.status}.` })
  if (act === 'capture') return capture(state, authorization, form)
  if (act === 'expire') authorization.status = 'expired'
  else if (act === 'reverse') reverse(authorization, form)
  else if (act === 'increment') {
    const amount = readAmount(form, 'increment_amount')
    if (isRefusal(amount)) return amount
    await ask(state, authorization, amount)
  } else return refusal(404, { message: `Unrecognized request URL (${act}).` })
  state.tell('issuing_authorization.updated', authorization)
  return authorization
}

function reverse(authorization: Authorization, form: Form): void {
  const amount = Number(textOf(form, 'reverse_amount') ?? authorization.amount)
  authorization.amount = Math.max(0, authorization.amount - amount)
  if (authorization.amount === 0) authorization.status = 'reversed'
}

function capture(state: Purchases, authorization: Authorization, form: Form): Authorization | Refusal {
  if (!authorization.approved) return refusal(400, { message: 'This authorization was not approved.' })
  const amount =
    form['capture_amount'] === undefined ? authorization.amount : readAmount(form, 'capture_amount')
  if (isRefusal(amount)) return amount
  const made = transact(state, authorization.card, -amount, 'capture', authorization)
  ;(authorization['transactions'] as unknown[]).push(made)
  if (textOf(form, 'close_authorization') !== 'false') authorization.status = 'closed'
  state.tell('issuing_authorization.updated', authorization)
  return authorization
}

export function transact(
  state: Purchases,
  card: Card,
  amount: number,
  type: 'capture' | 'refund',
  of: Authorization | null,
): Record<string, unknown> {
  const made = {
    id: stripeId('ipi'),
    object: 'issuing.transaction',
    amount,
    authorization: of?.id ?? null,
    balance_transaction: stripeId('txn'),
    card: card.id,
    cardholder: card.cardholder.id,
    created: seconds(),
    currency: card.currency,
    livemode: false,
    merchant_amount: amount,
    merchant_currency: card.currency,
    merchant_data: of?.['merchant_data'] ?? {
      category: 'taxicabs_limousines',
      category_code: '4121',
      name: 'Rocket Rides',
    },
    metadata: {},
    type,
    wallet: null,
  }
  remember(state.transactions, made.id, made, MOST)
  state.tell('issuing_transaction.created', made)
  return made
}
