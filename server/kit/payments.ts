import Type, { type Static } from 'typebox'

/** What a caller may say about a payment, the same words for every vendor. */
const MoneyInput = Type.Object(
  {
    amount: Type.String({ pattern: '^[0-9]{1,18}$', description: 'Minor units, as text: "15050" is 150.50' }),
    currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217' }),
  },
  { additionalProperties: false },
)

const VendorId = Type.String({ minLength: 1, maxLength: 255, description: "The vendor's id of the payment" })
const Reference = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'Our own reference, given back by the vendor',
})

export const CreatePayment = Type.Object(
  {
    money: MoneyInput,
    reference: Type.Optional(Reference),
    description: Type.Optional(Type.String({ maxLength: 500 })),
    source: Type.Optional(
      Type.String({ maxLength: 255, description: "The vendor's token of the means of payment" }),
    ),
    customer: Type.Optional(Type.String({ maxLength: 255, description: "The vendor's id of the customer" })),
    capture: Type.Optional(
      Type.Union([Type.Literal('automatic'), Type.Literal('manual')], {
        description: 'automatic unless said otherwise',
      }),
    ),
    method: Type.Optional(
      Type.String({ pattern: '^[a-z][a-z_]{0,39}$', description: 'card, pix, boleto …; any where absent' }),
    ),
    confirm: Type.Optional(Type.Boolean({ description: 'Charge at once; false unless said otherwise' })),
    return_url: Type.Optional(Type.String({ maxLength: 2000 })),
    metadata: Type.Optional(Type.Record(Type.String({ maxLength: 40 }), Type.String({ maxLength: 500 }))),
  },
  { additionalProperties: false },
)
export type CreatePayment = Static<typeof CreatePayment>

export const FindPayment = Type.Object({ vendor_id: VendorId }, { additionalProperties: false })
export type FindPayment = Static<typeof FindPayment>

export const CancelPayment = Type.Object(
  { vendor_id: VendorId, reason: Type.Optional(Type.String({ maxLength: 100 })) },
  { additionalProperties: false },
)
export type CancelPayment = Static<typeof CancelPayment>

/** Without money: everything that was authorised. */
export const CapturePayment = Type.Object(
  { vendor_id: VendorId, money: Type.Optional(MoneyInput) },
  { additionalProperties: false },
)
export type CapturePayment = Static<typeof CapturePayment>

/** Without money: everything that is left. */
export const RefundPayment = Type.Object(
  {
    vendor_id: VendorId,
    money: Type.Optional(MoneyInput),
    reason: Type.Optional(Type.String({ maxLength: 100 })),
    reference: Type.Optional(Reference),
  },
  { additionalProperties: false },
)
export type RefundPayment = Static<typeof RefundPayment>

export const ListPayments = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    after: Type.Optional(Type.String({ maxLength: 255, description: '`next` of the page before' })),
    customer: Type.Optional(Type.String({ maxLength: 255 })),
  },
  { additionalProperties: false },
)
export type ListPayments = Static<typeof ListPayments>

/** All refunds of a payment that its vendor knows. */
export const ListRefunds = Type.Object({ vendor_id: VendorId }, { additionalProperties: false })
export type ListRefunds = Static<typeof ListRefunds>

export const FindByReference = Type.Object({ reference: Reference }, { additionalProperties: false })
export type FindByReference = Static<typeof FindByReference>

type PaymentIds = { vendor_id?: string; payment_id?: string | null; reference?: string }

/** By what a call about a payment is found: the vendor's id and our reference, of what is asked and what came of it. */
export const paymentIds = (input: unknown, output: unknown): (string | null | undefined)[] =>
  [input, output].flatMap((side) => {
    const { vendor_id, payment_id, reference } = (side ?? {}) as PaymentIds
    return [vendor_id, payment_id, reference]
  })
