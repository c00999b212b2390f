import Type, { type Static } from 'typebox'
import { CardLimits, EncryptedPin, ReplacementReason, Shipping } from '../../kit/cards.ts'
import { REFUSAL_REASONS, type RefusalReason } from '../../kit/news.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { Customer, IdParams, Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import { type Status as CardStatus, REASONS, type Reason } from './moves.ts'
import type { CardRow, MoveRow } from './queries.ts'

const closed = { additionalProperties: false } as const

const Kind = Type.Union([Type.Literal('virtual'), Type.Literal('physical')])
const CardholderId = Type.String({
  minLength: 1,
  maxLength: 255,
  examples: ['ich_1Pgag4B7WZ01zgkW'],
  description: "The vendor's id of who holds it; the operation cards.create_cardholder makes one",
})
const Metadata = Type.Record(
  Type.String({ pattern: '^[A-Za-z0-9_.-]{1,40}$' }),
  Type.String({ maxLength: 500 }),
  { maxProperties: 49, description: 'Yours; told again by every event' },
)

export const IssueCard = Type.Object(
  {
    connection_id: Type.String({ maxLength: 40, examples: ['con_01jz8k3v9mf2tb7xq4c5n6p8rs'] }),
    cardholder: CardholderId,
    kind: Kind,
    currency: Type.String({ pattern: '^[A-Z]{3}$', examples: ['BRL'], description: 'ISO 4217' }),
    customer: Type.Optional(Customer),
    active: Type.Optional(
      Type.Boolean({ description: 'Can be used at once; otherwise once it is activated' }),
    ),
    limits: Type.Optional(CardLimits),
    shipping: Type.Optional(
      Type.Unsafe<Shipping>({
        ...Shipping,
        description: 'Where a physical card is sent. Told to the vendor, and not kept',
      }),
    ),
    replaces: Type.Optional(
      Type.Object(
        {
          card_id: Type.String({ maxLength: 40, examples: ['crd_01jz8k3v9mf2tb7xq4c5n6p8rs'] }),
          reason: ReplacementReason,
        },
        {
          ...closed,
          description:
            'The card it is issued in place of, of the same cardholder. One that was lost or stolen is blocked or canceled first; one that is damaged or expires serves until this one is activated',
        },
      ),
    ),
    metadata: Type.Optional(Metadata),
  },
  closed,
)
export type IssueCard = Static<typeof IssueCard>

const BlockReason = Type.Union(
  REASONS.map((reason) => Type.Literal(reason)),
  { description: 'customer: at their wish, and can be unblocked. The others stay' },
)
export const BlockCard = Type.Object({ reason: BlockReason }, closed)
export type BlockCard = { reason: (typeof REASONS)[number] }
export const CancelCard = Type.Object({ reason: Type.Optional(BlockReason) }, closed)
export type CancelCard = { reason?: (typeof REASONS)[number] }
export const SetPin = Type.Object({ encrypted_pin: EncryptedPin }, closed)
export type SetPin = Static<typeof SetPin>
export { CardLimits, IdParams }

export const ResolveCard = Type.Object(
  {
    outcome: Type.Union([Type.Literal('issued'), Type.Literal('failed')], {
      description: 'failed: the vendor has made none',
    }),
    vendor_id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description: "The vendor's id of it, where it was issued",
      }),
    ),
    note: Type.String({
      minLength: 3,
      maxLength: 500,
      description: 'Where it was seen; kept in the audit log',
    }),
  },
  closed,
)
export type ResolveCard = Static<typeof ResolveCard>

const Status = Type.Unsafe<CardStatus>(
  Type.Union(
    ['processing', 'inactive', 'active', 'blocked', 'canceled', 'failed'].map((one) => Type.Literal(one)),
    { description: 'processing: the vendor was asked and its answer is not known yet' },
  ),
)

const Failure = Nullable(
  Type.Object({
    reason: Type.Unsafe<RefusalReason>(Type.Union(REFUSAL_REASONS.map((reason) => Type.Literal(reason)))),
    code: Nullable(
      Type.String({
        description:
          "The vendor's; not_sent: it was never asked; connection_changed, connection_deleted, too_many_to_look_through: asking cannot find it out",
      }),
    ),
    message: Nullable(Type.String()),
  }),
)

const CARD = {
  id: WireId('card'),
  connection_id: WireId('connection'),
  provider: Type.String(),
  vendor_id: Nullable(Type.String({ description: "The vendor's token of it; null until it has told it" })),
  status: Status,
  reason: Nullable(
    Type.Unsafe<Reason>(
      Type.String({ description: 'Why it is blocked or canceled; vendor: somebody did it there' }),
    ),
  ),
  wish: Nullable(
    Type.Object(
      {
        status: Type.Optional(Type.String()),
        reason: Type.Optional(Type.String()),
        limits: Type.Optional(CardLimits),
      },
      {
        description:
          'What the vendor was asked to make of it and has not confirmed yet; it holds here already',
      },
    ),
  ),
  kind: Kind,
  cardholder: Type.String(),
  customer: Nullable(Type.String()),
  currency: Type.String(),
  brand: Nullable(Type.String()),
  last_four: Nullable(Type.String()),
  exp_month: Nullable(Type.Integer()),
  exp_year: Nullable(Type.Integer()),
  limits: CardLimits,
  shipping: Nullable(
    Type.Object({
      status: Nullable(Type.String({ description: "The vendor's word" })),
      carrier: Nullable(Type.String()),
      tracking_number: Nullable(Type.String()),
    }),
  ),
  replaces: Nullable(Type.Object({ card_id: WireId('card'), reason: ReplacementReason })),
  metadata: Type.Record(Type.String(), Type.String()),
  failure: Failure,
  created_at: Timestamp,
  updated_at: Timestamp,
}
export const Card = Type.Object(CARD)
export type Card = Static<typeof Card>
export const Cards = Page(Card)

const Move = Type.Object({
  version: Type.Integer(),
  status: Type.String(),
  reason: Nullable(Type.String()),
  cause: Type.String({ description: 'request, reply, news or answer' }),
  cause_id: Nullable(Type.String({ description: 'Of the call, message or key' })),
  at: Timestamp,
})
export const CardStory = Type.Object({
  ...CARD,
  moves: Type.Array(Move, { description: 'What made it what it is, oldest first' }),
})

export const CardQuery = Type.Object(
  {
    ...PageQuery.properties,
    status: Type.Optional(Status),
    connection_id: Type.Optional(Type.String({ maxLength: 40 })),
    cardholder: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    customer: Type.Optional(Customer),
    vendor_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    replaces: Type.Optional(
      Type.String({
        maxLength: 40,
        description: 'Those issued in place of this card',
        examples: ['crd_01jz8k3v9mf2tb7xq4c5n6p8rs'],
      }),
    ),
  },
  closed,
)
export type CardQuery = Static<typeof CardQuery>

export const toCard = (row: CardRow): Card => ({
  id: toWire('card', row.id),
  connection_id: toWire('connection', row.connection_id),
  provider: row.provider,
  vendor_id: row.vendor_id,
  status: row.status,
  reason: row.reason,
  wish: row.wish,
  kind: row.kind,
  cardholder: row.cardholder,
  customer: row.customer,
  currency: row.currency,
  brand: row.brand,
  last_four: row.last_four,
  exp_month: row.exp_month,
  exp_year: row.exp_year,
  limits: row.limits,
  shipping: row.shipping ?? null,
  replaces:
    row.replaces === null || row.replacement_reason === null
      ? null
      : { card_id: toWire('card', row.replaces), reason: row.replacement_reason },
  metadata: row.metadata,
  failure: row.failure,
  created_at: timeOfId(row.id).toISOString(),
  updated_at: row.updated_at.toISOString(),
})

export const toMove = ({ at, ...row }: MoveRow): Static<typeof Move> => ({ ...row, at: at.toISOString() })
