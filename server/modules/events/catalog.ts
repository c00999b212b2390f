import Type, { type TSchema } from 'typebox'

/**
 * The event types that ship with the product: our vocabulary, each with a JSON Schema and an example. A tenant
 * adds its own beside them.
 */
export type EventType = { name: string; description: string; schema: TSchema; example: unknown }

const Money = Type.Object(
  {
    amount: Type.String({ pattern: '^-?[0-9]+$', description: 'Minor units: 15050 is R$ 150,50' }),
    currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217' }),
  },
  { description: 'An exact amount' },
)

const PaymentChange = Type.Object({
  provider: Type.String({ description: 'Provider id' }),
  source_id: Type.String({ description: 'Source whose message told of it' }),
  payment: Type.Object({
    vendor_id: Type.String({ description: "The vendor's id of the payment" }),
    status: Type.String(),
    money: Money,
    reference: Type.Optional(
      Type.String({ description: 'Our own reference, where the vendor gave it back' }),
    ),
  }),
})

const example = (status: string) => ({
  provider: 'stripe',
  source_id: 'src_01jz8k3v9mf2tb7xq4c5n6p8rs',
  payment: {
    vendor_id: 'pi_3PqR8sT9uVwX',
    status,
    money: { amount: '15050', currency: 'BRL' },
    reference: 'order-1042',
  },
})

const payment = (status: string, description: string): EventType => ({
  name: `payment.${status}`,
  description,
  schema: PaymentChange,
  example: example(status),
})

export const CATALOG: readonly EventType[] = [
  payment('pending', 'The vendor has the payment and has not decided'),
  payment('authorized', 'The money is held and can be captured'),
  payment('completed', 'The payment succeeded'),
  payment('failed', 'The payment was refused or failed'),
  payment('canceled', 'The payment was given up before it completed'),
  payment('refunded', 'All of the payment was given back'),
  payment('partially_refunded', 'A part of the payment was given back'),
  payment('disputed', 'The payer disputes the payment'),
  payment('expired', 'The payment was not made in time'),
  {
    name: 'webhook.received',
    description: 'A message arrived whose meaning no provider declares; its body as it came',
    schema: Type.Object({}, { additionalProperties: true }),
    example: { any: 'JSON the sender wrote' },
  },
]
