import Type, { type Static } from 'typebox'
import { DISPUTE_STATUSES, type DisputeStatus } from '../../kit/news.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import type { DisputeRow } from './dispute_queries.ts'

const Status = Type.Unsafe<DisputeStatus>(
  Type.Union(
    DISPUTE_STATUSES.map((status) => Type.Literal(status)),
    { description: 'needs_response: until evidence_due_at; closed: an inquiry that led to nothing' },
  ),
)

export const Dispute = Type.Object({
  id: WireId('dispute'),
  payment_id: WireId('payment'),
  connection_id: WireId('connection'),
  provider: Type.String(),
  vendor_id: Type.String(),
  status: Status,
  is_inquiry: Type.Boolean({ description: 'The bank asks first, and has taken no money back' }),
  money: Type.Object({ amount: Type.String(), currency: Type.String() }),
  reason: Nullable(Type.String({ description: "The vendor's word" })),
  funds: Type.Union([Type.Literal('none'), Type.Literal('withdrawn'), Type.Literal('reinstated')], {
    description: 'What became of the money meanwhile',
  }),
  has_evidence: Type.Boolean(),
  evidence_due_at: Nullable(Timestamp),
  opened_at: Nullable(Timestamp),
  closed_at: Nullable(Timestamp),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type Dispute = Static<typeof Dispute>
export const Disputes = Page(Dispute)

export const DisputeQuery = Type.Object(
  {
    ...PageQuery.properties,
    status: Type.Optional(Status),
    payment_id: Type.Optional(Type.String({ maxLength: 40 })),
    connection_id: Type.Optional(Type.String({ maxLength: 40 })),
  },
  { additionalProperties: false },
)
export type DisputeQuery = Static<typeof DisputeQuery>

export const SubmitEvidence = Type.Object(
  {
    text: Type.String({
      minLength: 1,
      maxLength: 20_000,
      description: 'What speaks for you, for the bank to read',
    }),
    details: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z_]{1,60}$' }), Type.String({ maxLength: 20_000 }), {
        maxProperties: 30,
        description:
          "By the vendor's names for it: shipping_tracking_number, product_description. Not kept here",
        examples: [{ shipping_tracking_number: 'BR123456789' }],
      }),
    ),
    submit: Type.Optional(
      Type.Boolean({ description: 'false only keeps it at the vendor; true, and the bank takes it once' }),
    ),
  },
  { additionalProperties: false },
)
export type SubmitEvidence = Static<typeof SubmitEvidence>

export const toDispute = (row: DisputeRow): Dispute => ({
  id: toWire('dispute', row.id),
  payment_id: toWire('payment', row.payment_id),
  connection_id: toWire('connection', row.connection_id),
  provider: row.provider,
  vendor_id: row.vendor_id,
  status: row.status,
  is_inquiry: row.is_inquiry,
  money: { amount: row.amount, currency: row.currency },
  reason: row.reason,
  funds: row.funds,
  has_evidence: row.has_evidence,
  evidence_due_at: row.evidence_due_at?.toISOString() ?? null,
  opened_at: row.opened_at?.toISOString() ?? null,
  closed_at: row.closed_at?.toISOString() ?? null,
  created_at: timeOfId(row.id).toISOString(),
  updated_at: row.updated_at.toISOString(),
})
