import Type, { type Static } from 'typebox'
import { REFUSAL_REASONS, type RefusalReason } from '../../kit/news.ts'
import { Day, Destination, Method } from '../../kit/transfers.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { BodyKey, IdParams, Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import type { MoveRow, TransferRow } from './queries.ts'

const closed = { additionalProperties: false } as const

const Metadata = Type.Record(
  Type.String({ pattern: '^[A-Za-z0-9_.-]{1,40}$' }),
  Type.String({ maxLength: 500 }),
  { maxProperties: 50, description: 'Yours; told again by every event' },
)

export const CreateTransfer = Type.Object(
  {
    connection_id: Type.String({
      maxLength: 40,
      description: 'The account it leaves',
      examples: ['con_01jz8k3v9mf2tb7xq4c5n6p8rs'],
    }),
    money: Type.Object(
      {
        amount: Type.String({
          pattern: '^[1-9][0-9]{0,12}$',
          examples: ['15050'],
          description: 'Minor units: "15050" is R$ 150,50',
        }),
        currency: Type.Literal('BRL'),
      },
      closed,
    ),
    method: Method,
    destination: Type.Unsafe<Destination>({
      ...Destination,
      examples: [{ pix_key: '+5511987654321' }],
      description: 'Kept sealed; lists and events show as much of it as is needed to know it again',
    }),
    scheduled_for: Type.Optional(
      Type.Unsafe<string>({
        ...Day,
        description: 'A day in São Paulo, at most 180 days ahead; at once where absent or today',
      }),
    ),
    description: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 140,
        description: 'What who receives reads, where the bank tells it',
      }),
    ),
    metadata: Type.Optional(Metadata),
    idempotency_key: BodyKey,
  },
  closed,
)
export type CreateTransfer = Static<typeof CreateTransfer>

const Note = (description: string) => Type.String({ minLength: 3, maxLength: 500, description })

export const RejectTransfer = Type.Object({ note: Note('Why; kept in the audit log') }, closed)
export type RejectTransfer = Static<typeof RejectTransfer>

export const ResolveTransfer = Type.Object(
  {
    outcome: Type.Union([Type.Literal('completed'), Type.Literal('failed')], {
      description: '`failed`: no money left the account, and it may be asked for again',
    }),
    vendor_id: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: "The bank's id of it, where it was made" }),
    ),
    note: Note('Where it was seen; kept in the audit log'),
  },
  closed,
)
export type ResolveTransfer = Static<typeof ResolveTransfer>

const Status = Type.Union(
  [
    Type.Literal('awaiting_approval'),
    Type.Literal('scheduled'),
    Type.Literal('pending'),
    Type.Literal('processing'),
    Type.Literal('completed'),
    Type.Literal('failed'),
    Type.Literal('canceled'),
    Type.Literal('returned'),
  ],
  {
    description:
      'awaiting_approval: a second person has to let it go, or it is canceled; scheduled: its day has not come; pending: about to be sent; processing: the bank was asked and has not ended it, or its answer was not seen; returned: it came back',
  },
)

export const Policy = Type.Object({
  environment: Type.Union([Type.Literal('live'), Type.Literal('test')]),
  approve_above: Nullable(
    Type.String({ description: 'Minor units: what is above it needs approval; null: nothing does' }),
  ),
  approve_within_days: Type.Integer({ description: 'What nobody approves for so long is given up' }),
})
export type Policy = Static<typeof Policy>
export const SetPolicy = Type.Object(
  {
    approve_above: Nullable(
      Type.String({
        pattern: '^(0|[1-9][0-9]{0,14})$',
        examples: ['1000000'],
        description: 'Minor units; "0": every transfer needs approval, null: none does',
      }),
    ),
    approve_within_days: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 90, description: 'As it was where absent; 7 at first' }),
    ),
  },
  closed,
)
export type SetPolicy = Static<typeof SetPolicy>

const Text = Nullable(Type.String())
const Told = Type.Object({ amount: Type.String(), currency: Type.String() })

const Shown = Type.Object(
  {
    pix_key: Text,
    pix_key_type: Text,
    name: Text,
    document: Text,
    bank_code: Text,
    branch: Text,
    number: Text,
    kind: Text,
  },
  { description: 'Personal numbers masked' },
)
export type Shown = Static<typeof Shown>

const Failure = Nullable(
  Type.Object(
    {
      reason: Type.Unsafe<RefusalReason>(Type.Union(REFUSAL_REASONS.map((reason) => Type.Literal(reason)))),
      code: Nullable(Type.String({ description: "The bank's; not_sent: it was never asked" })),
      message: Text,
    },
    { description: 'Why it failed or came back; while it is processing, why its end cannot be found out' },
  ),
)

const TRANSFER = {
  id: WireId('transfer'),
  connection_id: WireId('connection'),
  provider: Type.String(),
  status: Status,
  method: Method,
  money: Told,
  returned: Told,
  to: Shown,
  scheduled_for: Text,
  description: Text,
  metadata: Type.Record(Type.String(), Type.String()),
  number: Nullable(Type.Integer({ description: 'Ours, by which the bank knows it' })),
  vendor_id: Nullable(Type.String({ description: "The bank's id of it; null until it has told it" })),
  vendor_status: Nullable(Type.String({ description: "The bank's own word" })),
  end_to_end_id: Nullable(Type.String({ description: 'Of a Pix, where the bank tells it' })),
  receipt: Nullable(Type.String({ description: "The bank's code by which its receipt is checked" })),
  failure: Failure,
  created_by: Type.String(),
  decided_by: Nullable(Type.String({ description: 'Who approved or rejected it' })),
  approve_by: Nullable(
    Type.String({
      format: 'date-time',
      description: 'What was not approved by then is canceled; null: nobody has to',
    }),
  ),
  created_at: Timestamp,
  sent_at: Nullable(Timestamp),
  completed_at: Nullable(Timestamp),
  updated_at: Timestamp,
}
export const Transfer = Type.Object(TRANSFER)
export type Transfer = Static<typeof Transfer>
export const Transfers = Page(Transfer)

const Move = Type.Object({
  version: Type.Integer(),
  status: Type.String(),
  vendor_status: Nullable(Type.String()),
  cause: Type.String({ description: 'request, approval, schedule, reply, news or answer' }),
  cause_id: Nullable(Type.String({ description: 'Of the call, message or key' })),
  at: Timestamp,
})
export const TransferStory = Type.Object({
  ...TRANSFER,
  destination: Type.Unsafe<Destination>({ ...Destination, description: 'Whole' }),
  moves: Type.Array(Move, { description: 'What made it what it is, oldest first' }),
})

export const TransferQuery = Type.Object(
  {
    ...PageQuery.properties,
    status: Type.Optional(Status),
    method: Type.Optional(Method),
    connection_id: Type.Optional(Type.String({ maxLength: 40 })),
    vendor_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    end_to_end_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  },
  closed,
)
export type TransferQuery = Static<typeof TransferQuery>

export { IdParams }

export const toTransfer = (row: TransferRow): Transfer => {
  const { currency } = row
  return {
    id: toWire('transfer', row.id),
    connection_id: toWire('connection', row.connection_id),
    provider: row.provider,
    status: row.status,
    method: row.method,
    money: { amount: row.amount, currency },
    returned: { amount: row.returned, currency },
    to: row.shown,
    scheduled_for: row.scheduled_for,
    description: row.description,
    metadata: row.metadata,
    number: row.number,
    vendor_id: row.vendor_id,
    vendor_status: row.vendor_word,
    end_to_end_id: row.end_to_end_id,
    receipt: row.receipt,
    failure: row.failure,
    created_by: row.actor,
    decided_by: row.approver,
    approve_by: row.approve_by?.toISOString() ?? null,
    created_at: timeOfId(row.id).toISOString(),
    sent_at: row.sent_at?.toISOString() ?? null,
    completed_at: row.completed_at?.toISOString() ?? null,
    updated_at: row.updated_at.toISOString(),
  }
}

export const toMove = ({ at, vendor_word, ...row }: MoveRow): Static<typeof Move> => ({
  ...row,
  vendor_status: vendor_word,
  at: at.toISOString(),
})
