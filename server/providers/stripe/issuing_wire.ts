import Type, { type Static } from 'typebox'
import { maybe, WireInteger } from '../../kit/reads.ts'

/** The fields we read of docs.stripe.com/api/issuing: no number, no CVC. */

const Metadata = maybe(Type.Object({ reference: maybe(Type.String()) }))
const Text = maybe(Type.String())

/** An id, or the object itself. */
const Ref = maybe(Type.Union([Type.String(), Type.Object({ id: Type.String() })]))

export const Cardholder = Type.Object({ id: Type.String(), status: Type.String() })
export type Cardholder = Static<typeof Cardholder>

export const IssuingCard = Type.Object({
  id: Type.String(),
  status: Type.String(),
  type: Type.String(),
  currency: Type.String(),
  cardholder: Ref,
  brand: Text,
  last4: Text,
  exp_month: maybe(Type.Integer()),
  exp_year: maybe(Type.Integer()),
  cancellation_reason: Text,
  metadata: Metadata,
  shipping: maybe(Type.Object({ status: Text, carrier: Text, tracking_number: Text })),
})
export type IssuingCard = Static<typeof IssuingCard>

export const IssuingCards = Type.Object({ data: Type.Array(IssuingCard), has_more: Type.Boolean() })
export type IssuingCards = Static<typeof IssuingCards>

const MerchantData = Type.Object({
  name: Text,
  category: Text,
  category_code: Text,
  city: Text,
  country: Text,
  network_id: Text,
})
export type MerchantData = Static<typeof MerchantData>

const VerificationData = maybe(
  Type.Object({
    address_line1_check: Text,
    address_postal_code_check: Text,
    cvc_check: Text,
    expiry_check: Text,
    authentication_exemption: maybe(Type.Object({ type: Text })),
    three_d_secure: maybe(Type.Object({ result: Text })),
  }),
)

const PendingRequest = maybe(
  Type.Object({
    amount: WireInteger,
    currency: Type.String(),
    merchant_amount: maybe(WireInteger),
    merchant_currency: Text,
    is_amount_controllable: maybe(Type.Boolean()),
  }),
)

const Amounts = {
  amount: WireInteger,
  currency: Type.String(),
  merchant_amount: maybe(WireInteger),
  merchant_currency: Text,
}

export const IssuingAuthorization = Type.Object({
  id: Type.String(),
  ...Amounts,
  approved: Type.Boolean(),
  status: Type.String(),
  card: Type.Union([Type.String(), Type.Object({ id: Type.String() })]),
  created: Type.Integer(),
  authorization_method: Text,
  wallet: Text,
  merchant_data: MerchantData,
  verification_data: VerificationData,
  /** Only in `issuing_authorization.request`. */
  pending_request: PendingRequest,
  request_history: maybe(Type.Array(Type.Object({ approved: maybe(Type.Boolean()), reason: Text }))),
})
export type IssuingAuthorization = Static<typeof IssuingAuthorization>

export const IssuingTransaction = Type.Object({
  id: Type.String(),
  ...Amounts,
  type: Type.String(),
  card: Type.Union([Type.String(), Type.Object({ id: Type.String() })]),
  authorization: Ref,
  created: Type.Integer(),
  merchant_data: MerchantData,
})
export type IssuingTransaction = Static<typeof IssuingTransaction>
