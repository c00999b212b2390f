import Type from 'typebox'
import type { EventType } from './catalog.ts'

/** The types of events about money. */

const Money = Type.Object(
  {
    amount: Type.String({ pattern: '^-?[0-9]+$', description: 'Minor units: 15050 is R$ 150,50' }),
    currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217' }),
  },
  { description: 'An exact amount' },
)

const PaymentChange = Type.Object({
  provider: Type.String({ description: 'Provider id' }),
  source_id: Type.Optional(
    Type.String({
      description: 'Source whose message told of it, of a payment that was not made through us',
    }),
  ),
  connection_id: Type.Optional(Type.String({ description: 'Of a payment of ours' })),
  payment: Type.Object({
    id: Type.Optional(Type.String({ description: 'Of a payment of ours: GET /v1/payments/{id}' })),
    vendor_id: Type.Union([Type.String(), Type.Null()], { description: "The vendor's id of the payment" }),
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

const RefundChange = Type.Object({
  provider: Type.String({ description: 'Provider id' }),
  connection_id: Type.String(),
  refund: Type.Object({
    id: Type.String(),
    payment_id: Type.String({ description: 'GET /v1/payments/{id}' }),
    vendor_id: Type.Union([Type.String(), Type.Null()]),
    status: Type.String(),
    money: Money,
  }),
})

const refund = (what: 'completed' | 'failed', description: string): EventType => ({
  name: `refund.${what}`,
  description,
  schema: RefundChange,
  example: {
    provider: 'stripe',
    connection_id: 'con_01jz8k3v9mf2tb7xq4c5n6p8rs',
    refund: {
      id: 'rfd_01jz8k3v9mf2tb7xq4c5n6p8rs',
      payment_id: 'pay_01jz8k3v9mf2tb7xq4c5n6p8rs',
      vendor_id: 're_3PqR8sT9uVwX',
      status: what,
      money: { amount: '5000', currency: 'BRL' },
    },
  },
})

const DisputeChange = Type.Object({
  provider: Type.String({ description: 'Provider id' }),
  connection_id: Type.String(),
  payment_id: Type.String({ description: 'GET /v1/payments/{id}' }),
  dispute: Type.Object({
    id: Type.String({ description: 'GET /v1/disputes/{id}' }),
    vendor_id: Type.String(),
    status: Type.String(),
    is_inquiry: Type.Boolean({ description: 'The bank asks first, and has taken no money back' }),
    money: Money,
    funds: Type.String({ description: 'none, withdrawn or reinstated' }),
    evidence_due_at: Type.Union([Type.String(), Type.Null()]),
  }),
})

const dispute = (what: string, description: string): EventType => ({
  name: `payment.dispute.${what}`,
  description,
  schema: DisputeChange,
  example: {
    provider: 'stripe',
    connection_id: 'con_01jz8k3v9mf2tb7xq4c5n6p8rs',
    payment_id: 'pay_01jz8k3v9mf2tb7xq4c5n6p8rs',
    dispute: {
      id: 'dsp_01jz8k3v9mf2tb7xq4c5n6p8rs',
      vendor_id: 'dp_3PqR8sT9uVwX',
      status: 'needs_response',
      is_inquiry: false,
      money: { amount: '15050', currency: 'BRL' },
      funds: 'withdrawn',
      evidence_due_at: '2026-12-01T23:59:59.000Z',
    },
  },
})

const OF_RECONCILIATION = {
  reconciliation_id: Type.String({ description: 'GET /v1/reconciliations/{id}' }),
  connection_id: Type.String(),
  day: Type.String({ description: "In the tenant's time zone" }),
}

const Reconciled = Type.Object({
  ...OF_RECONCILIATION,
  theirs: Type.Integer({ description: 'How many payments the provider lists' }),
  differences: Type.Integer({ description: 'How many are open' }),
  left_out: Type.Integer({
    description: 'How many taken here were not listed, and not asked for one by one',
  }),
})

const reconciled: EventType = {
  name: 'reconciliation.completed',
  description: "A day of the provider's was held against ours",
  schema: Reconciled,
  example: {
    reconciliation_id: 'rcn_01jz8k3v9mf2tb7xq4c5n6p8rs',
    connection_id: 'con_01jz8k3v9mf2tb7xq4c5n6p8rs',
    day: '2026-11-21',
    theirs: 142,
    differences: 1,
    left_out: 0,
  },
}

const unreconciled: EventType = {
  name: 'reconciliation.failed',
  description: "A day of the provider's could not be held against ours",
  schema: Type.Object({ ...OF_RECONCILIATION, error: Type.String() }),
  example: {
    reconciliation_id: 'rcn_01jz8k3v9mf2tb7xq4c5n6p8rs',
    connection_id: 'con_01jz8k3v9mf2tb7xq4c5n6p8rs',
    day: '2026-11-21',
    error: 'the vendor did not list: no answer within 10 s',
  },
}

export const PAYMENT_TYPES: readonly EventType[] = [
  payment('pending', 'The vendor has the payment and has not decided'),
  payment('authorized', 'The money is held and can be captured'),
  payment('completed', 'The payment succeeded'),
  payment('failed', 'The payment was refused or failed'),
  payment('canceled', 'The payment was given up before it completed'),
  payment('refunded', 'All of the payment was given back'),
  payment('partially_refunded', 'A part of the payment was given back'),
  payment('disputed', 'The payer disputes the payment'),
  payment('expired', 'The payment was not made in time'),
  dispute('opened', 'A payer disputes a payment of ours; answer until evidence_due_at'),
  dispute('escalated', 'What the bank only asked about is a dispute now'),
  dispute('under_review', 'The bank has our evidence'),
  dispute('won', 'The bank found for us'),
  dispute('lost', 'The bank found against us, or it was given up'),
  dispute('closed', 'An inquiry led to nothing'),
  dispute('funds_withdrawn', 'The money of it was taken back until it is decided'),
  dispute('funds_reinstated', 'The money of it is ours again'),
  refund('completed', 'A refund of ours reached the payer'),
  refund('failed', "A refund of ours was refused, or came back from the payer's bank"),
  reconciled,
  unreconciled,
]
