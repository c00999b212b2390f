import Type, { type Static } from 'typebox'
import { REFUSAL_REASONS, type RefusalReason } from '../../kit/news.ts'
import { Day, Payer } from '../../kit/payments.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { IdParams, Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import type { MoveRow } from './list_queries.ts'
import type { PaymentRow } from './queries.ts'
import type { RefundRow } from './refund_queries.ts'

/** Minor units as text with an ISO 4217 code: R$ 150,50 is `{ amount: "15050", currency: "BRL" }`. */
const Money = Type.Object(
  {
    amount: Type.String({ pattern: '^[1-9][0-9]{0,14}$', description: 'Minor units: "15050" is R$ 150,50' }),
    currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217' }),
  },
  { additionalProperties: false, examples: [{ amount: '15050', currency: 'BRL' }] },
)
const Told = Type.Object({ amount: Type.String(), currency: Type.String() })

const Method = Type.Union([Type.Literal('card'), Type.Literal('pix'), Type.Literal('boleto')])
const Capture = Type.Union([Type.Literal('automatic'), Type.Literal('manual')], {
  description: 'manual holds the money until it is captured; automatic',
})
const Status = Type.Union(
  [
    Type.Literal('processing'),
    Type.Literal('pending'),
    Type.Literal('authorized'),
    Type.Literal('completed'),
    Type.Literal('failed'),
    Type.Literal('canceled'),
    Type.Literal('refunded'),
    Type.Literal('partially_refunded'),
    Type.Literal('disputed'),
    Type.Literal('expired'),
  ],
  {
    description:
      'processing: the vendor was asked and its answer is not known yet, so it is asked until it is; pending: the payer has to do something',
  },
)
const RefundStatus = Type.Union([
  Type.Literal('processing'),
  Type.Literal('pending'),
  Type.Literal('completed'),
  Type.Literal('failed'),
  Type.Literal('canceled'),
])

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
    connection_id: Type.String({ maxLength: 40, examples: ['con_01jz8k3v9mf2tb7xq4c5n6p8rs'] }),
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
    customer: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: "The vendor's id of the customer" }),
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
    metadata: Type.Optional(Metadata),
  },
  { additionalProperties: false },
)
export type CreatePayment = Static<typeof CreatePayment>

const Amount = Type.Optional(
  Type.String({
    pattern: '^[1-9][0-9]{0,14}$',
    description: 'Minor units of the payment’s currency; all that is left where absent',
  }),
)
const Reason = Type.Optional(Type.String({ maxLength: 100, description: 'In the words of the vendor' }))

export const CapturePayment = Type.Object({ amount: Amount }, { additionalProperties: false })
export type CapturePayment = Static<typeof CapturePayment>
export const CancelPayment = Type.Object({ reason: Reason }, { additionalProperties: false })
export type CancelPayment = Static<typeof CancelPayment>
export const CreateRefund = Type.Object({ amount: Amount, reason: Reason }, { additionalProperties: false })
export type CreateRefund = Static<typeof CreateRefund>

const Failure = Nullable(
  Type.Object(
    {
      reason: Type.Unsafe<RefusalReason>(Type.Union(REFUSAL_REASONS.map((reason) => Type.Literal(reason)))),
      code: Nullable(Type.String({ description: "The vendor's; not_sent: it was never asked" })),
      message: Nullable(Type.String()),
    },
    { description: 'Why it failed' },
  ),
)

const Text = Type.Optional(Type.String())
const Action = Nullable(
  Type.Object(
    {
      client_secret: Type.Optional(
        Type.String({ description: "For the vendor's own form in the payer's browser; not kept" }),
      ),
      redirect_url: Text,
      pix_code: Type.Optional(Type.String({ description: 'Copia e cola' })),
      qr_code_url: Text,
      boleto_line: Text,
      boleto_url: Text,
      expires_at: Text,
    },
    { description: 'What the payer has to do; told when it is made and when the vendor is asked' },
  ),
)

const PAYMENT = {
  id: WireId('payment'),
  connection_id: WireId('connection'),
  provider: Type.String(),
  vendor_id: Nullable(Type.String({ description: "The vendor's id of it; null until it has told it" })),
  status: Status,
  held: Type.Boolean({ description: 'Not sent: somebody has to confirm or cancel it' }),
  method: Method,
  capture: Capture,
  money: Told,
  captured: Told,
  refunded: Told,
  customer: Nullable(Type.String()),
  description: Nullable(Type.String()),
  metadata: Type.Record(Type.String(), Type.String()),
  failure: Failure,
  due_date: Nullable(Type.String()),
  expires_at: Nullable(Timestamp),
  pix_code: Nullable(Type.String({ description: 'Copia e cola, while the payer may pay by it' })),
  settlement_id: Nullable(
    Type.String({
      description: "The vendor's id of the money that came, where it is not vendor_id: Pix's endToEndId",
    }),
  ),
  created_at: Timestamp,
  updated_at: Timestamp,
  completed_at: Nullable(Timestamp),
}
export const Payment = Type.Object(PAYMENT)
export type Payment = Static<typeof Payment>
export const AskedPayment = Type.Object({ ...PAYMENT, action: Action })
export type AskedPayment = Static<typeof AskedPayment>
export const Payments = Page(Payment)

const Move = Type.Object({
  version: Type.Integer(),
  status: Type.String(),
  captured: Type.String(),
  refunded: Type.String(),
  cause: Type.String({ description: 'request, risk, reply, news, answer or refund' }),
  cause_id: Nullable(Type.String({ description: 'Of the call, message, refund or key' })),
  at: Timestamp,
})
const STORY = {
  ...PAYMENT,
  moves: Type.Array(Move, { description: 'What made it what it is, oldest first' }),
}
export const PaymentStory = Type.Object(STORY)
export const AskedStory = Type.Object({ ...STORY, action: Action })

export const PaymentQuery = Type.Object(
  {
    ...PageQuery.properties,
    status: Type.Optional(Status),
    connection_id: Type.Optional(Type.String({ maxLength: 40 })),
    customer: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    vendor_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    settlement_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  },
  { additionalProperties: false },
)
export type PaymentQuery = Static<typeof PaymentQuery>

export const QrQuery = Type.Object(
  { format: Type.Optional(Type.Union([Type.Literal('svg'), Type.Literal('png')], { description: 'svg' })) },
  { additionalProperties: false },
)
export type QrQuery = Static<typeof QrQuery>

export const Refund = Type.Object({
  id: WireId('refund'),
  payment_id: WireId('payment'),
  vendor_id: Nullable(Type.String()),
  status: RefundStatus,
  money: Told,
  reason: Nullable(Type.String()),
  failure: Failure,
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type Refund = Static<typeof Refund>
export const Refunds = Page(Refund)

export { IdParams, PageQuery }

export const toPayment = (row: PaymentRow): Payment => {
  const { currency } = row
  return {
    id: toWire('payment', row.id),
    connection_id: toWire('connection', row.connection_id),
    provider: row.provider,
    vendor_id: row.vendor_id,
    status: row.status,
    held: row.held,
    method: row.method,
    capture: row.capture,
    money: { amount: row.amount, currency },
    captured: { amount: row.captured, currency },
    refunded: { amount: row.refunded, currency },
    customer: row.customer,
    description: row.description,
    metadata: row.metadata,
    failure: row.failure,
    due_date: row.due_date,
    expires_at: row.expires_at?.toISOString() ?? null,
    pix_code: row.pix_code,
    settlement_id: row.settlement_id,
    created_at: timeOfId(row.id).toISOString(),
    updated_at: row.updated_at.toISOString(),
    completed_at: row.completed_at?.toISOString() ?? null,
  }
}

export const toMove = ({ at, ...row }: MoveRow): Static<typeof Move> => ({ ...row, at: at.toISOString() })

export const toRefund = (row: RefundRow, currency: string): Refund => ({
  id: toWire('refund', row.id),
  payment_id: toWire('payment', row.payment_id),
  vendor_id: row.vendor_id,
  status: row.status,
  money: { amount: row.amount, currency },
  reason: row.reason,
  failure: row.failure,
  created_at: timeOfId(row.id).toISOString(),
  updated_at: row.updated_at.toISOString(),
})
