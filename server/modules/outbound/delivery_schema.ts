import Type, { type Static } from 'typebox'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { REPLAY, replayOf } from '../replays/replays.ts'
import { Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import type { AttemptRow, DeliveryRow } from './record_queries.ts'
import type { DeliveryReplayRow } from './replay_queries.ts'
import { EventTypePattern } from './schema.ts'

const DeliveryState = Type.Union([
  Type.Literal('pending'),
  Type.Literal('delivered'),
  Type.Literal('failed'),
  Type.Literal('expired'),
])

const ErrorWords = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'Words that the error of the last attempt has, in capitals or not',
  examples: ['timeout'],
})

export const DeliveryQuery = Type.Object(
  {
    ...PageQuery.properties,
    subscription_id: Type.Optional(Type.String()),
    event_id: Type.Optional(Type.String()),
    state: Type.Optional(DeliveryState),
    event_type: Type.Optional(EventTypePattern),
    status: Type.Optional(
      Type.String({
        pattern: '^[1-5][0-9]{2}$',
        description: 'HTTP status of the last answer, three digits',
        examples: ['503'],
      }),
    ),
    error: Type.Optional(ErrorWords),
    since: Type.Optional(Type.String({ format: 'date-time', description: 'Made then or later' })),
    until: Type.Optional(Type.String({ format: 'date-time', description: 'Made before' })),
  },
  { additionalProperties: false },
)
export type DeliveryQuery = Static<typeof DeliveryQuery>

export const Delivery = Type.Object({
  id: WireId('delivery'),
  event_id: WireId('event'),
  subscription_id: WireId('subscription'),
  event_type: Type.String(),
  state: DeliveryState,
  attempts: Type.Integer(),
  next_at: Nullable(Timestamp),
  status: Nullable(Type.Integer({ description: 'HTTP status of the last answer' })),
  error: Nullable(Type.String({ description: 'Why the last attempt did not succeed, in words' })),
  created_at: Timestamp,
  closed_at: Nullable(Timestamp),
})
export const Deliveries = Page(Delivery)

export const toDelivery = (row: DeliveryRow): Static<typeof Delivery> => ({
  id: toWire('delivery', row.id),
  event_id: toWire('event', row.event_id),
  subscription_id: toWire('subscription', row.subscription_id),
  event_type: row.event_type,
  state: row.state,
  attempts: row.attempts,
  next_at: row.next_at?.toISOString() ?? null,
  status: row.status,
  error: row.error,
  created_at: timeOfId(row.id).toISOString(),
  closed_at: row.closed_at?.toISOString() ?? null,
})

const Ms = Type.Optional(Type.Number())
const Timing = Type.Object(
  { dns_ms: Ms, connect_ms: Ms, tls_ms: Ms, first_byte_ms: Ms, total_ms: Ms },
  { description: 'Milliseconds; the first three only where a new connection was made' },
)

export const Attempt = Type.Object({
  id: WireId('attempt'),
  number: Type.Integer(),
  outcome: Type.Union([Type.Literal('delivered'), Type.Literal('refused'), Type.Literal('failed')]),
  status: Nullable(Type.Integer()),
  duration_ms: Type.Integer(),
  timing: Nullable(Timing),
  request_headers: Type.Record(Type.String(), Type.String()),
  request_body: Nullable(
    Type.String({
      description: 'The first 64 kB of what a payload of its own made; null: the event as it is',
    }),
  ),
  response_headers: Nullable(Type.Record(Type.String(), Type.String())),
  response_body: Nullable(Type.String({ description: 'The first 8 kB, as UTF-8' })),
  error: Nullable(Type.String()),
  ended_at: Timestamp,
})
export const DeliveryWithLog = Type.Intersect([Delivery, Type.Object({ log: Type.Array(Attempt) })])

export const toAttempt = (row: AttemptRow): Static<typeof Attempt> => ({
  id: toWire('attempt', row.id),
  number: row.number,
  outcome: row.outcome,
  status: row.status,
  duration_ms: row.duration_ms,
  timing: row.timing === null ? null : (JSON.parse(row.timing) as Static<typeof Timing>),
  request_headers: JSON.parse(row.request_headers) as Record<string, string>,
  request_body: row.request_body?.toString('utf8') ?? null,
  response_headers: row.response_headers
    ? (JSON.parse(row.response_headers) as Record<string, string>)
    : null,
  response_body: row.response_body?.toString('utf8') ?? null,
  error: row.error,
  ended_at: timeOfId(row.id).toISOString(),
})

export const ParkedKeys = Type.Object({
  data: Type.Array(
    Type.Object({
      key: Type.String(),
      pending: Type.Integer({ description: 'Deliveries that wait, the first one included' }),
      attempts: Type.Integer({ description: 'Of the first one' }),
      delivery_id: WireId('delivery'),
    }),
  ),
})
export const ParkedKey = Type.Object(
  { key: Type.String({ maxLength: 300 }) },
  { additionalProperties: false, examples: [{ key: 'pay_1042' }] },
)

const ReplayedState = Type.Union(
  [Type.Literal('failed'), Type.Literal('delivered'), Type.Literal('expired'), Type.Literal('missing')],
  { description: '`missing`: events it would take and was never sent, of the time before it was there too' },
)

export const CreateReplay = Type.Object(
  {
    subscription_id: WireId('subscription'),
    since: Timestamp,
    until: Type.Optional(Timestamp),
    state: Type.Optional(ReplayedState),
    event_types: Type.Optional(Type.Array(EventTypePattern, { minItems: 1, maxItems: 100 })),
    status: Type.Optional(Type.Integer({ minimum: 100, maximum: 599, description: 'Of the last answer' })),
    error: Type.Optional(ErrorWords),
    per_second: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, description: 'Put back to work a second' }),
    ),
    dry_run: Type.Optional(Type.Boolean({ description: 'Counts, and sends nothing' })),
  },
  { additionalProperties: false, description: 'The failed deliveries where no state is given, until now' },
)
export type CreateReplay = Static<typeof CreateReplay>

export const Replay = Type.Object({
  id: WireId('replay'),
  subscription_id: WireId('subscription'),
  of_state: ReplayedState,
  event_types: Nullable(Type.Array(Type.String())),
  status: Nullable(Type.Integer()),
  error: Nullable(Type.String({ description: 'Words that the last error of each has' })),
  ...REPLAY,
})
export const Replays = Page(Replay)

export const toReplay = (row: DeliveryReplayRow) => ({
  ...replayOf('replay', row),
  subscription_id: toWire('subscription', row.subscription_id),
  of_state: row.of_state,
  event_types: row.event_types,
  status: row.status,
  error: row.error,
})
