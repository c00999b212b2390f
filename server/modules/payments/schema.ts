import Type, { type Static } from 'typebox'
import { REFUSAL_REASONS, type RefusalReason } from '../../kit/news.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { IdParams, Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import { Capture, Method } from './create_schema.ts'
import { Dispute } from './dispute_schema.ts'
import type { MoveRow } from './list_queries.ts'
import type { PaymentRow } from './queries.ts'
import type { RefundRow } from './refund_queries.ts'
import type { TryRow } from './routing_queries.ts'

const Told = Type.Object({ amount: Type.String(), currency: Type.String() })

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
  route_id: Nullable(WireId('payment_route')),
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
const Try = Type.Object({
  number: Type.Integer(),
  connection_id: WireId('connection'),
  provider: Type.String(),
  state: Type.Union([Type.Literal('asked'), Type.Literal('moved_on'), Type.Literal('skipped')], {
    description: 'asked: the one it is at; moved_on: it surely took nothing; skipped: it could not be asked',
  }),
  failure: Failure,
  call_id: Nullable(Type.String()),
  at: Timestamp,
})
const STORY = {
  ...PAYMENT,
  disputes: Type.Array(Dispute),
  tries: Type.Array(Try, { description: 'Of one that was routed: the connections it was sent to' }),
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
    route_id: row.route_id && toWire('payment_route', row.route_id),
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

export const toTry = ({ connection_id, at, ...row }: TryRow): Static<typeof Try> => ({
  ...row,
  connection_id: toWire('connection', connection_id),
  at: at.toISOString(),
})

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
