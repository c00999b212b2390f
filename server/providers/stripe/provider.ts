import { bearer } from '../../kit/auth.ts'
import { CatchUpQuery } from '../../kit/catch_up.ts'
import type { CreatePayment, FindByReference, ListPayments, RefundPayment } from '../../kit/payments.ts'
import { defineProvider, get, operation, path, post } from '../../kit/provider.ts'
import { stripeSignature } from '../../kit/signatures.ts'
import { Problem } from '../../platform/errors.ts'
import { toUnits } from './amounts.ts'
import { disputeOperations } from './disputes.ts'
import { issuing } from './issuing.ts'
import { questionIn, toAnswer } from './issuing_translate.ts'
import { toRefusal } from './refusals.ts'
import { registration } from './registration.ts'
import { toAsked, toEntityId, toExternalIds, toNews, toPayment, toRefund } from './translate.ts'
import {
  API_VERSION,
  PaymentIntent,
  PaymentIntents,
  Refund,
  Refunds,
  StripeEvent,
  StripeEvents,
} from './wire.ts'

/** With the charge inside, the answer also tells what was refunded or disputed. */
const WITH_CHARGE = { expand: ['latest_charge'] }
const CANCEL_REASONS = ['duplicate', 'fraudulent', 'requested_by_customer', 'abandoned']
const REFUND_REASONS = ['duplicate', 'fraudulent', 'requested_by_customer']

/** docs.stripe.com/declines/codes: the payer's bank, or the network, wants nobody to try this card again. */
const FINAL_CODES = [
  'do_not_try_again',
  'fraudulent',
  'merchant_blacklist',
  'pickup_card',
  'lost_card',
  'stolen_card',
  'restricted_card',
  'revocation_of_all_authorizations',
  'revocation_of_authorization',
  'security_violation',
  'stop_payment_order',
]

const oneOf = (reasons: readonly string[], reason: string | undefined) =>
  reason !== undefined && reasons.includes(reason) ? reason : undefined

const createRequest = (payment: CreatePayment) => {
  for (const field of ['due_date', 'pix_key'] as const)
    if (payment[field] !== undefined)
      throw new Problem('invalid_request', {
        field,
        detail: `Stripe takes no ${field}; say by expires_in_s how long it can be paid`,
      })
  return post('/v1/payment_intents', {
    ...toUnits(payment.money),
    description: payment.description,
    payment_method: payment.source,
    customer: payment.customer,
    capture_method: payment.capture,
    confirm: payment.confirm,
    return_url: payment.return_url,
    ...methodsOf(payment),
    ...expiryOf(payment),
    metadata: { ...payment.metadata, reference: payment.reference },
    ...WITH_CHARGE,
  })
}

const DAY_S = 86_400

/** docs.stripe.com/api/payment_intents/create: a Pix by the second, a boleto by whole days. */
function expiryOf({ method, expires_in_s }: CreatePayment) {
  if (expires_in_s === undefined) return {}
  if (method === 'pix') return { payment_method_options: { pix: { expires_after_seconds: expires_in_s } } }
  if (method !== 'boleto') return {}
  const expires_after_days = Math.ceil(expires_in_s / DAY_S)
  return { payment_method_options: { boleto: { expires_after_days } } }
}

/** Without an address to come back to, methods that send the customer away cannot work. */
const methodsOf = ({ method, return_url }: CreatePayment) =>
  method === undefined || method === 'card'
    ? { automatic_payment_methods: { enabled: true, ...(!return_url && { allow_redirects: 'never' }) } }
    : { payment_method_types: [method] }

/** docs.stripe.com/search: within a minute as a rule, but it may be an hour behind. */
const searchRequest = ({ reference }: FindByReference) =>
  get('/v1/payment_intents/search', {
    query: `metadata["reference"]:"${reference.replace(/["\\]/g, '\\$&')}"`,
    'expand[]': 'data.latest_charge',
  })

const refundRequest = ({ vendor_id, money, reason, reference }: RefundPayment) =>
  post('/v1/refunds', {
    [vendor_id.startsWith('ch_') ? 'charge' : 'payment_intent']: vendor_id,
    amount: money && toUnits(money).amount,
    reason: oneOf(REFUND_REASONS, reason),
    metadata: { reference },
  })

const listRequest = ({ limit, after, customer, from, to }: ListPayments) =>
  get('/v1/payment_intents', {
    limit,
    starting_after: after,
    customer,
    'created[gte]': from && seconds(from),
    'created[lt]': to && seconds(to),
    'expand[]': 'data.latest_charge',
  })

const seconds = (time: string): number => Math.floor(Date.parse(time) / 1000)

export const stripe = defineProvider({
  id: 'stripe',
  name: 'Stripe',
  category: 'payments',
  docs: 'https://docs.stripe.com/api',
  base_url: { live: 'https://api.stripe.com', test: 'https://api.stripe.com' },
  fields: [
    {
      key: 'secret_key',
      label: 'Secret key',
      hint: 'Dashboard, Developers, API keys: begins with sk_ or, restricted, rk_',
      secret: true,
      required: true,
      pattern: '[\\x21-\\x7e]+',
      worlds: { live: '[sr]k_live_.*', test: '[sr]k_test_.*' },
      example: 'sk_test_…',
    },
    {
      key: 'base_url',
      label: 'Base URL',
      hint: 'only for a sandbox or a gateway in between; without /v1',
      type: 'url',
      example: 'https://api.stripe.com',
    },
    {
      key: 'account',
      label: 'Connected account',
      hint: 'the account of a platform to act for; begins with acct_',
      pattern: 'acct_[A-Za-z0-9]+',
    },
  ],
  auth: bearer('secret_key'),
  limits: { requests_per_minute: 6000, timeout_ms: 30_000 },
  encoding: 'form',
  api_version: {
    default: API_VERSION,
    pattern: '[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[.][a-z]+)?',
    header: 'stripe-version',
  },
  headers: ({ account }): Record<string, string> =>
    typeof account === 'string' ? { 'stripe-account': account } : {},
  idempotency_header: 'idempotency-key',
  reference: { header: 'request-id' },
  test: get('/v1/balance'),
  refusal: toRefusal,
  operations: {
    'events.list': operation({
      input: CatchUpQuery,
      request: ({ from, to, after }) =>
        get('/v1/events', {
          'created[gte]': seconds(from),
          'created[lt]': seconds(to),
          starting_after: after,
          limit: 100,
        }),
      reads: StripeEvents,
      translate: ({ data, has_more }) => ({ next: has_more ? (data.at(-1)?.id ?? null) : null }),
    }),
  },
  payments: {
    settles: 'idempotency_key',
    final_codes: FINAL_CODES,
    create: operation({ request: createRequest, reads: PaymentIntent, translate: toAsked }),
    find: operation({
      request: ({ vendor_id }) =>
        get(path`/v1/payment_intents/${vendor_id}`, { 'expand[]': 'latest_charge' }),
      reads: PaymentIntent,
      translate: toAsked,
    }),
    cancel: operation({
      request: ({ vendor_id, reason }) =>
        post(path`/v1/payment_intents/${vendor_id}/cancel`, {
          cancellation_reason: oneOf(CANCEL_REASONS, reason),
          ...WITH_CHARGE,
        }),
      reads: PaymentIntent,
      translate: toPayment,
    }),
    capture: operation({
      request: ({ vendor_id, money }) =>
        post(path`/v1/payment_intents/${vendor_id}/capture`, {
          amount_to_capture: money && toUnits(money).amount,
          ...WITH_CHARGE,
        }),
      reads: PaymentIntent,
      translate: toPayment,
    }),
    find_by_reference: operation({
      request: searchRequest,
      reads: PaymentIntents,
      translate: ({ data: [first] }) => (first ? toPayment(first) : null),
    }),
    ...disputeOperations,
    refund: operation({ request: refundRequest, reads: Refund, translate: toRefund }),
    refunds: operation({
      request: ({ vendor_id }) =>
        get('/v1/refunds', {
          [vendor_id.startsWith('ch_') ? 'charge' : 'payment_intent']: vendor_id,
          limit: 100,
        }),
      reads: Refunds,
      translate: ({ data }) => data.map(toRefund),
    }),
    list: operation({
      request: listRequest,
      reads: PaymentIntents,
      translate: ({ data, has_more }) => ({
        payments: data.map(toPayment),
        next: has_more ? (data.at(-1)?.id ?? null) : null,
      }),
    }),
  },
  cards: issuing,
  sensitive: ['pin.encrypted_number', 'encrypted_pin'],
  webhooks: {
    decides: { question: questionIn, answer: toAnswer },
    registration,
    signature: stripeSignature(),
    reads: StripeEvent,
    event_id: ({ id }) => id,
    event_type: ({ type }) => type,
    entity_id: toEntityId,
    // Stripe promises no order and numbers nothing: `created`, in seconds, sorts what waits.
    order: 'time',
    position: ({ created }) => (typeof created === 'number' ? created * 1000 : null),
    external_ids: toExternalIds,
    // docs.stripe.com/api/events: access to events through the API is guaranteed for 30 days only.
    catch_up: { operation: 'events.list', items: 'data', kept_days: 30 },
    translate: toNews,
  },
})
