import Type, { type Static, type TSchema } from 'typebox'
import type { VendorDispute, VendorPayment, VendorRefund } from './news.ts'
import type { Operation } from './provider.ts'
import { settlesOf } from './settles.ts'

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

/** A day of the calendar: `2026-12-31`. */
export const Day = Type.String({ pattern: '^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' })
const SettlementId = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 255,
    description:
      "The vendor's id of the money that came, where it is another than the payment's: Pix's endToEndId",
  }),
)

/** Who is to pay: CPF or CNPJ, digits and letters alone. */
export const Payer = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200 }),
    document: Type.String({ pattern: '^([0-9]{11}|[0-9A-Z]{12}[0-9]{2})$', description: 'CPF or CNPJ' }),
  },
  { additionalProperties: false },
)

export type Payer = Static<typeof Payer>

/** Lines, as they stand on a boleto. */
export const Instructions = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
  minItems: 1,
  maxItems: 10,
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
    due_date: Type.Optional(Day),
    expires_in_s: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 31_536_000,
        description: 'How long it can be paid: from now, or past the due date',
      }),
    ),
    payer: Type.Optional(Payer),
    installments: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 24, description: 'In how many parts the payer pays it; 1' }),
    ),
    pix_key: Type.Optional(
      Type.String({ maxLength: 77, description: 'Which of our keys receives; that of the connection' }),
    ),
    instructions: Type.Optional(Instructions),
    metadata: Type.Optional(Type.Record(Type.String({ maxLength: 40 }), Type.String({ maxLength: 500 }))),
  },
  { additionalProperties: false },
)
export type CreatePayment = Static<typeof CreatePayment>

export const Moment = Type.String({
  pattern: '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,12}Z$',
  description: 'RFC 3339, UTC: payments from it on, or before it',
})

/** With when it was made, for vendors that find nothing without. */
export const FindPayment = Type.Object(
  { vendor_id: VendorId, created_at: Type.Optional(Moment) },
  { additionalProperties: false },
)
export type FindPayment = Static<typeof FindPayment>

/** With the whole amount, for vendors that want to be told. */
export const CancelPayment = Type.Object(
  {
    vendor_id: VendorId,
    money: Type.Optional(MoneyInput),
    reason: Type.Optional(Type.String({ maxLength: 100 })),
  },
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
    settlement_id: SettlementId,
  },
  { additionalProperties: false },
)
export type RefundPayment = Static<typeof RefundPayment>

export const ListPayments = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    after: Type.Optional(Type.String({ maxLength: 255, description: '`next` of the page before' })),
    customer: Type.Optional(Type.String({ maxLength: 255 })),
    from: Type.Optional(Moment),
    to: Type.Optional(Moment),
  },
  { additionalProperties: false },
)
export type ListPayments = Static<typeof ListPayments>

/** All refunds of a payment that its vendor knows. */
export const ListRefunds = Type.Object(
  { vendor_id: VendorId, settlement_id: SettlementId },
  { additionalProperties: false },
)
export type ListRefunds = Static<typeof ListRefunds>

/** With what else of the payment says where it is looked for. */
export const FindByReference = Type.Object(
  { reference: Reference, due_date: Type.Optional(Day) },
  { additionalProperties: false },
)
export type FindByReference = Static<typeof FindByReference>

/** What passed through the account in a time, whoever asked for it. */
export const StatementQuery = Type.Object({ from: Moment, to: Moment }, { additionalProperties: false })
export type StatementQuery = Static<typeof StatementQuery>

/** All disputes of a payment that its vendor knows. */
export const ListDisputes = Type.Object({ vendor_id: VendorId }, { additionalProperties: false })
export type ListDisputes = Static<typeof ListDisputes>

const DisputeId = Type.String({ minLength: 1, maxLength: 255, description: "The vendor's id of the dispute" })

/** `submit`: it goes to the bank, which takes it once; else it is only kept there. */
export const AnswerDispute = Type.Object(
  {
    vendor_id: DisputeId,
    text: Type.String({ maxLength: 20_000 }),
    details: Type.Optional(Type.Record(Type.String({ maxLength: 60 }), Type.String({ maxLength: 20_000 }))),
    submit: Type.Boolean(),
  },
  { additionalProperties: false },
)
export type AnswerDispute = Static<typeof AnswerDispute>

export const AcceptDispute = Type.Object({ vendor_id: DisputeId }, { additionalProperties: false })
export type AcceptDispute = Static<typeof AcceptDispute>

/**
 * `settles` says how an outcome nobody saw is found out: the same request again under its idempotency key, a lookup
 * by our reference, or a search in the vendor's statement.
 */
export type Payments = {
  settles: 'idempotency_key' | 'lookup' | 'statement'
  /**
   * Of `lookup`: what is made bears an id that follows from our reference, and the vendor makes nothing twice under it.
   * So what it does not know yet may be asked for once more.
   */
  repeats?: true
  /** What it takes, the usual one first; `card` unless said otherwise. */
  methods?: readonly string[]
  /** Whether the payer may pay in parts. */
  installments?: true
  /** Whether it shows its payer lines of text beside the description. */
  instructions?: true
  /** The vendor's codes of a no after which nobody may be asked for this payment again, by the rules of the networks. */
  final_codes?: readonly string[]
  create?: Operation<CreatePayment, VendorPayment>
  /** Null: the vendor has none such. */
  find?: Operation<FindPayment, VendorPayment | null>
  find_by_reference?: Operation<FindByReference, VendorPayment | null>
  statement?: Operation<StatementQuery, VendorPayment[]>
  cancel?: Operation<CancelPayment, VendorPayment>
  capture?: Operation<CapturePayment, VendorPayment>
  refund?: Operation<RefundPayment, VendorRefund>
  refunds?: Operation<ListRefunds, VendorRefund[]>
  list?: Operation<ListPayments, PaymentPage>
  disputes?: Operation<ListDisputes, VendorDispute[]>
  answer_dispute?: Operation<AnswerDispute, VendorDispute>
  accept_dispute?: Operation<AcceptDispute, VendorDispute>
}

export type PaymentPage = { payments: VendorPayment[]; next: string | null }

const INPUTS: Record<PaymentVerb, TSchema> = {
  create: CreatePayment,
  find: FindPayment,
  find_by_reference: FindByReference,
  statement: StatementQuery,
  cancel: CancelPayment,
  capture: CapturePayment,
  refund: RefundPayment,
  refunds: ListRefunds,
  list: ListPayments,
  disputes: ListDisputes,
  answer_dispute: AnswerDispute,
  accept_dispute: AcceptDispute,
}
export type PaymentVerb = Exclude<
  keyof Payments,
  'settles' | 'repeats' | 'methods' | 'installments' | 'instructions' | 'final_codes'
>

/** What a provider of payments can do, as operations: `payments.create` and the like. */
export function paymentOperations(payments: Payments | undefined): Record<string, Operation> {
  const named: Record<string, Operation> = {}
  for (const verb of Object.keys(INPUTS) as PaymentVerb[]) {
    const found = payments?.[verb] as Operation | undefined
    if (!found || !payments) continue
    const settles = found.settles ?? settlesOf(payments, verb)
    const external_ids = found.external_ids ?? paymentIds
    named[`payments.${verb}`] = { ...found, input: INPUTS[verb], external_ids, ...(settles && { settles }) }
  }
  return named
}

type PaymentIds = {
  vendor_id?: string
  payment_id?: string | null
  reference?: string
  settlement_id?: string
}

/** By what a call about a payment is found: the vendor's id and our reference, of what is asked and what came of it. */
const paymentIds = (input: unknown, output: unknown): (string | null | undefined)[] =>
  [input, output].flatMap((side) => {
    const { vendor_id, payment_id, reference, settlement_id } = (side ?? {}) as PaymentIds
    return [vendor_id, payment_id, reference, settlement_id]
  })
