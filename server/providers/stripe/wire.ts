import Type, { type Static } from 'typebox'
import { maybe, WireInteger } from '../../kit/reads.ts'

/** The fields we read of what Stripe writes. docs.stripe.com/api, the objects of these names. */
export const API_VERSION = '2026-10-28.endive'

const PaymentError = Type.Object({
  type: Type.String(),
  code: maybe(Type.String()),
  decline_code: maybe(Type.String()),
  message: maybe(Type.String()),
})

export const ErrorBody = Type.Object({ error: PaymentError })
export type PaymentError = Static<typeof PaymentError>

const Metadata = maybe(Type.Object({ reference: maybe(Type.String()) }))
const MethodDetails = maybe(Type.Object({ type: Type.String() }))

export const Charge = Type.Object({
  id: Type.String(),
  amount: WireInteger,
  amount_captured: maybe(WireInteger),
  amount_refunded: WireInteger,
  /** False for one that only holds the money. */
  captured: maybe(Type.Boolean()),
  currency: Type.String(),
  created: Type.Integer(),
  refunded: Type.Boolean(),
  disputed: Type.Boolean(),
  payment_intent: maybe(Type.String()),
  payment_method_details: MethodDetails,
  metadata: Metadata,
})
export type Charge = Static<typeof Charge>

/** docs.stripe.com/api/payment_intents/object#payment_intent_object-next_action */
const NextAction = Type.Object({
  redirect_to_url: maybe(Type.Object({ url: maybe(Type.String()) })),
  pix_display_qr_code: maybe(
    Type.Object({
      data: maybe(Type.String()),
      image_url_png: maybe(Type.String()),
      expires_at: maybe(Type.Integer()),
    }),
  ),
  boleto_display_details: maybe(
    Type.Object({
      number: maybe(Type.String()),
      hosted_voucher_url: maybe(Type.String()),
      expires_at: maybe(Type.Integer()),
    }),
  ),
})

export const PaymentIntent = Type.Object({
  id: Type.String(),
  status: Type.String(),
  amount: WireInteger,
  amount_received: Type.Optional(WireInteger),
  currency: Type.String(),
  created: Type.Integer(),
  cancellation_reason: maybe(Type.String()),
  last_payment_error: maybe(PaymentError),
  /** An id, or the charge itself where it was asked for with `expand`. */
  latest_charge: maybe(Type.Union([Type.String(), Charge])),
  payment_method_types: Type.Optional(Type.Array(Type.String())),
  client_secret: maybe(Type.String()),
  next_action: maybe(NextAction),
  metadata: Metadata,
})
export type PaymentIntent = Static<typeof PaymentIntent>

export const PaymentIntents = Type.Object({ data: Type.Array(PaymentIntent), has_more: Type.Boolean() })

export const Refund = Type.Object({
  id: Type.String(),
  amount: WireInteger,
  currency: Type.String(),
  status: maybe(Type.String()),
  payment_intent: maybe(Type.String()),
  charge: maybe(Type.String()),
  metadata: Metadata,
})
export type Refund = Static<typeof Refund>

export const Refunds = Type.Object({ data: Type.Array(Refund) })

/** docs.stripe.com/api/disputes/object */
export const Dispute = Type.Object({
  id: Type.String(),
  status: maybe(Type.String()),
  reason: maybe(Type.String()),
  created: maybe(Type.Integer()),
  evidence_details: maybe(
    Type.Object({ due_by: maybe(Type.Integer()), has_evidence: maybe(Type.Boolean()) }),
  ),
  /** Below zero what was taken back, above what came again. */
  balance_transactions: maybe(Type.Array(Type.Object({ amount: WireInteger }))),
  amount: WireInteger,
  currency: Type.String(),
  charge: Type.String(),
  payment_intent: maybe(Type.String()),
})
export type Dispute = Static<typeof Dispute>

export const Disputes = Type.Object({ data: Type.Array(Dispute) })

export const StripeEvent = Type.Object({
  id: Type.String({ minLength: 1 }),
  type: Type.String({ minLength: 1 }),
  /** Unix time in seconds. */
  created: maybe(Type.Unknown()),
  data: Type.Object({
    object: Type.Object({
      id: maybe(Type.String()),
      object: maybe(Type.String()),
      payment_intent: maybe(Type.Unknown()),
      charge: maybe(Type.Unknown()),
      customer: maybe(Type.Unknown()),
      invoice: maybe(Type.Unknown()),
      latest_charge: maybe(Type.Unknown()),
      card: maybe(Type.Unknown()),
      authorization: maybe(Type.Unknown()),
      metadata: maybe(Type.Unknown()),
    }),
  }),
})
export type StripeEvent = Static<typeof StripeEvent>

/** `secret` only in the answer that makes one. */
export const WebhookEndpoint = Type.Object({
  id: Type.String({ minLength: 1 }),
  url: Type.String(),
  secret: maybe(Type.String()),
})
export type WebhookEndpoint = Static<typeof WebhookEndpoint>

export const WebhookEndpoints = Type.Object({ data: Type.Array(WebhookEndpoint) })

export const Deleted = Type.Object({ id: Type.String(), deleted: Type.Boolean() })

export const StripeEvents = Type.Object({
  data: Type.Array(Type.Object({ id: Type.String() })),
  has_more: Type.Boolean(),
})
