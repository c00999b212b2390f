import { randomBytes } from 'node:crypto'
import { remember } from '../wire.ts'
import { type Decline, declineOf } from './declines.ts'
import { isRefusal, type Refusal, refusal } from './errors.ts'
import { type Form, formOf, listOf, readAmount, textOf, unknownParam } from './form.ts'

/** Payment intents, charges and refunds, as docs.stripe.com/api describes them; everything in memory. */
export type Intent = {
  id: string
  object: 'payment_intent'
  status: IntentStatus
  amount: number
  amount_capturable: number
  amount_received: number
  currency: string
  capture_method: string
  confirmation_method: 'automatic'
  payment_method: string | null
  latest_charge: string | null
  last_payment_error: unknown
  metadata: Record<string, string>
  created: number
  canceled_at: number | null
  cancellation_reason: string | null
  [field: string]: unknown
}

export type IntentStatus =
  | 'requires_payment_method'
  | 'requires_confirmation'
  | 'requires_action'
  | 'requires_capture'
  | 'processing'
  | 'succeeded'
  | 'canceled'

export type Charge = {
  id: string
  object: 'charge'
  amount: number
  amount_captured: number
  amount_refunded: number
  captured: boolean
  refunded: boolean
  paid: boolean
  status: 'succeeded' | 'failed'
  payment_intent: string
  [field: string]: unknown
}

export type Refund = {
  id: string
  object: 'refund'
  amount: number
  status: 'succeeded'
  [field: string]: unknown
}

/** Told of every change, so that webhooks say what really happened. */
export type Tell = (type: string, object: unknown) => void

export type Ledger = {
  intents: Map<string, Intent>
  charges: Map<string, Charge>
  refunds: Map<string, Refund>
  /** What follows from a charge that took money. */
  charged(charge: Charge): void
  tell: Tell
}

export const MOST = 50_000
export const stripeId = (prefix: string) => `${prefix}_3${randomBytes(12).toString('hex')}`
export const seconds = () => Math.floor(Date.now() / 1000)

const CREATE_PARAMS = `allowed_payment_method_types amount automatic_payment_methods capture_method confirm
  confirmation_method currency customer description metadata off_session payment_method payment_method_options
  payment_method_types receipt_email return_url setup_future_usage shipping statement_descriptor
  statement_descriptor_suffix transfer_group`.split(/\s+/)

export function createIntent(ledger: Ledger, form: Form): Intent | Refusal {
  const stranger = unknownParam(form, CREATE_PARAMS)
  if (stranger) return stranger
  const amount = readAmount(form)
  if (isRefusal(amount)) return amount
  const currency = textOf(form, 'currency')?.toLowerCase()
  if (!currency) {
    return refusal(400, {
      code: 'parameter_missing',
      message: 'Missing required param: currency.',
      param: 'currency',
    })
  }
  if (!/^[a-z]{3}$/.test(currency)) {
    return refusal(400, { message: `Invalid currency: ${currency}.`, param: 'currency' })
  }
  const intent = newIntent(form, amount, currency)
  remember(ledger.intents, intent.id, intent, MOST)
  ledger.tell('payment_intent.created', intent)
  return form['confirm'] === 'true' ? confirmIntent(ledger, intent, form) : intent
}

export function newIntent(form: Form, amount: number, currency: string): Intent {
  const id = stripeId('pi')
  // Renamed by Stripe; versions before and after are both spoken.
  const allowed = listOf(form, 'allowed_payment_method_types')
  const types = [...allowed, ...listOf(form, 'payment_method_types')]
  const payment_method = textOf(form, 'payment_method')
  return {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: allowed.length > 0 ? allowed : null,
    amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: types.length > 0 ? null : { allow_redirects: 'always', enabled: true },
    canceled_at: null,
    cancellation_reason: null,
    capture_method: textOf(form, 'capture_method') ?? 'automatic_async',
    client_secret: `${id}_secret_${randomBytes(12).toString('hex')}`,
    confirmation_method: 'automatic',
    created: seconds(),
    currency,
    customer: textOf(form, 'customer'),
    description: textOf(form, 'description'),
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    metadata: formOf(form, 'metadata'),
    next_action: null,
    on_behalf_of: null,
    payment_method,
    payment_method_options: {},
    payment_method_types: types.length > 0 ? types : ['card'],
    processing: null,
    receipt_email: textOf(form, 'receipt_email'),
    review: null,
    setup_future_usage: textOf(form, 'setup_future_usage'),
    shipping: null,
    source: null,
    statement_descriptor: textOf(form, 'statement_descriptor'),
    statement_descriptor_suffix: textOf(form, 'statement_descriptor_suffix'),
    status: payment_method ? 'requires_confirmation' : 'requires_payment_method',
    transfer_data: null,
    transfer_group: textOf(form, 'transfer_group'),
  }
}

export function confirmIntent(ledger: Ledger, intent: Intent, form: Form): Intent | Refusal {
  if (!['requires_payment_method', 'requires_confirmation', 'requires_action'].includes(intent.status)) {
    return wrongState(intent, 'confirmed')
  }
  const method = textOf(form, 'payment_method') ?? intent.payment_method
  if (method === null) {
    const message =
      "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method."
    return refusal(400, { code: 'payment_intent_unexpected_state', message, payment_intent: intent })
  }
  intent.payment_method = method
  const decline = declineOf(method)
  if (decline) return declined(ledger, intent, decline)
  if (/authenticationRequired|threeDSecure/.test(method)) return askForAction(ledger, intent)
  return charge(ledger, intent)
}

function declined(ledger: Ledger, intent: Intent, decline: Decline): Refusal {
  const failed = newCharge(intent, { status: 'failed', paid: false, captured: false })
  remember(ledger.charges, failed.id, failed, MOST)
  const error = { type: 'card_error', ...decline, charge: failed.id }
  intent.status = 'requires_payment_method'
  intent.latest_charge = failed.id
  intent.last_payment_error = error
  intent.payment_method = null
  ledger.tell('payment_intent.payment_failed', intent)
  return refusal(402, { ...error, payment_intent: intent })
}

function askForAction(ledger: Ledger, intent: Intent): Intent {
  intent.status = 'requires_action'
  intent['next_action'] = { type: 'use_stripe_sdk', use_stripe_sdk: {} }
  ledger.tell('payment_intent.requires_action', intent)
  return intent
}

function charge(ledger: Ledger, intent: Intent): Intent {
  const manual = intent.capture_method === 'manual'
  const made = newCharge(intent, { status: 'succeeded', paid: true, captured: !manual })
  remember(ledger.charges, made.id, made, MOST)
  intent.latest_charge = made.id
  intent.last_payment_error = null
  intent.status = manual ? 'requires_capture' : 'succeeded'
  intent.amount_capturable = manual ? intent.amount : 0
  intent.amount_received = manual ? 0 : intent.amount
  if (!manual) ledger.tell('charge.succeeded', made)
  ledger.tell(manual ? 'payment_intent.amount_capturable_updated' : 'payment_intent.succeeded', intent)
  if (!manual) ledger.charged(made)
  return intent
}

function newCharge(intent: Intent, state: Pick<Charge, 'status' | 'paid' | 'captured'>): Charge {
  return {
    id: stripeId('ch'),
    object: 'charge',
    amount: intent.amount,
    amount_captured: state.captured ? intent.amount : 0,
    amount_refunded: 0,
    balance_transaction: state.captured ? stripeId('txn') : null,
    created: seconds(),
    currency: intent.currency,
    description: intent['description'],
    disputed: false,
    livemode: false,
    metadata: intent.metadata,
    payment_intent: intent.id,
    payment_method: intent.payment_method,
    refunded: false,
    ...state,
  }
}

export function captureIntent(ledger: Ledger, intent: Intent, form: Form): Intent | Refusal {
  if (intent.status !== 'requires_capture') return wrongState(intent, 'captured')
  const amount =
    form['amount_to_capture'] === undefined ? intent.amount_capturable : readAmount(form, 'amount_to_capture')
  if (isRefusal(amount)) return amount
  if (amount > intent.amount_capturable) {
    const message = `The amount to capture (${amount}) is greater than the capturable amount (${intent.amount_capturable}).`
    return refusal(400, { code: 'amount_too_large', message, param: 'amount_to_capture' })
  }
  intent.status = 'succeeded'
  intent.amount_received = amount
  intent.amount_capturable = 0
  const made = ledger.charges.get(intent.latest_charge ?? '')
  // What is not captured is let go, and counts as refunded.
  if (made)
    Object.assign(made, { captured: true, amount_captured: amount, amount_refunded: made.amount - amount })
  ledger.tell('charge.captured', made ?? intent)
  ledger.tell('payment_intent.succeeded', intent)
  return intent
}

export function cancelIntent(ledger: Ledger, intent: Intent, form: Form): Intent | Refusal {
  if (['succeeded', 'canceled', 'processing'].includes(intent.status)) return wrongState(intent, 'canceled')
  intent.status = 'canceled'
  intent.canceled_at = seconds()
  intent.cancellation_reason = textOf(form, 'cancellation_reason')
  intent.amount_capturable = 0
  ledger.tell('payment_intent.canceled', intent)
  return intent
}

function wrongState(intent: Intent, act: string): Refusal {
  const message = `This PaymentIntent could not be ${act} because it has a status of ${intent.status}.`
  return refusal(400, { code: 'payment_intent_unexpected_state', message, payment_intent: intent })
}
