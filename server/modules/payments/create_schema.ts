import Type, { type Static } from 'typebox'
import { Day, Instructions, Payer } from '../../kit/payments.ts'
import { BodyKey } from '../wire.ts'

/** What is asked of us to make a payment. */

/** Minor units as text with an ISO 4217 code: R$ 150,50 is `{ amount: "15050", currency: "BRL" }`. */
const Money = Type.Object(
  {
    amount: Type.String({ pattern: '^[1-9][0-9]{0,14}$', description: 'Minor units: "15050" is R$ 150,50' }),
    currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217' }),
  },
  { additionalProperties: false, examples: [{ amount: '15050', currency: 'BRL' }] },
)

export const Method = Type.Union([Type.Literal('card'), Type.Literal('pix'), Type.Literal('boleto')])
export const Capture = Type.Union([Type.Literal('automatic'), Type.Literal('manual')], {
  description: 'manual holds the money until it is captured; automatic',
})
const Metadata = Type.Record(
  Type.String({ pattern: '^[A-Za-z0-9_.-]{1,40}$' }),
  Type.String({ maxLength: 500 }),
  {
    maxProperties: 49, // ours is one more, and Stripe takes 50
    description: 'Yours; told again by every event',
  },
)

export const CreatePayment = Type.Object(
  {
    connection_id: Type.Optional(
      Type.String({
        maxLength: 40,
        description: 'Which takes it; chosen by a payment route where absent',
        examples: ['con_01jz8k3v9mf2tb7xq4c5n6p8rs'],
      }),
    ),
    route_id: Type.Optional(
      Type.String({
        maxLength: 40,
        description: 'The payment route that chooses the connection; the default one where both are absent',
      }),
    ),
    money: Money,
    method: Type.Optional(Method),
    source: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description:
          "The vendor's token of the means of payment: the payment is made at once. Without it the payer finishes it. Never a card number",
      }),
    ),
    sources: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^con_[0-9a-z]{26}$' }),
        Type.String({ minLength: 1, maxLength: 255 }),
        {
          maxProperties: 10,
          description:
            "Tokens of the same means of payment by connection, since each is one vendor's: in place of source where the payment is routed. Connections without one are not asked",
        },
      ),
    ),
    customer: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: "The vendor's id of the customer" }),
    ),
    installments: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 24, description: 'In how many parts the payer pays it; 1' }),
    ),
    capture: Type.Optional(Capture),
    description: Type.Optional(Type.String({ maxLength: 500 })),
    return_url: Type.Optional(
      Type.String({ maxLength: 2000, description: 'Where the payer comes back to after a step elsewhere' }),
    ),
    due_date: Type.Optional(
      Type.Unsafe<string>({ ...Day, description: 'Until when it is to be paid', examples: ['2026-12-31'] }),
    ),
    expires_in_s: Type.Optional(
      Type.Integer({
        minimum: 60,
        maximum: 31_536_000,
        description:
          'How long it can be paid: from now, or in whole days past the due date; as the connection says',
      }),
    ),
    payer: Type.Optional(
      Type.Unsafe<Payer>({
        ...Payer,
        description: 'Who is to pay; needed where there is a due date. Told to the vendor, and not kept',
        examples: [{ name: 'Fulano de Tal', document: '12345678909' }],
      }),
    ),
    pix_key: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 77,
        description: 'Which Pix key of yours receives; that of the connection',
      }),
    ),
    instructions: Type.Optional(
      Type.Unsafe<string[]>({
        ...Instructions,
        description: 'What the payer is to read before paying, line by line, where the provider shows it',
        examples: [['Do not accept after the due date']],
      }),
    ),
    metadata: Type.Optional(Metadata),
    idempotency_key: BodyKey,
  },
  { additionalProperties: false },
)
export type CreatePayment = Static<typeof CreatePayment>
