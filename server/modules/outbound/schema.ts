import Type, { type Static } from 'typebox'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import type { AttemptRow, DeliveryRow, SubscriptionRow } from './queries.ts'

const EventTypePattern = Type.String({
  pattern: '^(\\*|[a-zA-Z0-9_]+(\\.[a-zA-Z0-9_]+)*(\\.\\*)?)$',
  maxLength: 128,
  description: 'An event type, a family such as `payment.*`, or `*`',
  examples: ['payment.*'],
})
const Name = Type.String({ minLength: 1, maxLength: 100, examples: ['Order service'] })
const Url = Type.String({ minLength: 1, maxLength: 2_048, examples: ['https://example.com/webhooks'] })
const EventTypes = Type.Array(EventTypePattern, { minItems: 1, maxItems: 100 })
const State = Type.Union([Type.Literal('enabled'), Type.Literal('disabled')])

export const CreateSubscription = Type.Object(
  {
    name: Name,
    url: Url,
    event_types: EventTypes,
    secret: Type.Optional(
      Type.String({
        pattern: '^whsec_[A-Za-z0-9+/]{32,88}={0,2}$',
        description: 'Signing secret of Standard Webhooks (24 to 64 bytes); one is made where it is absent',
      }),
    ),
  },
  { additionalProperties: false },
)
export type CreateSubscription = Static<typeof CreateSubscription>

export const UpdateSubscription = Type.Partial(
  Type.Object({ name: Name, url: Url, event_types: EventTypes, state: State }),
  {
    additionalProperties: false,
    minProperties: 1,
  },
)
export type UpdateSubscription = Static<typeof UpdateSubscription>

export const Subscription = Type.Object({
  id: WireId('subscription'),
  name: Type.String(),
  url: Type.String(),
  event_types: Type.Array(Type.String()),
  state: State,
  state_note: Nullable(Type.String()),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export const SubscriptionWithSecret = Type.Intersect([Subscription, Type.Object({ secret: Type.String() })])
export const Subscriptions = Page(Subscription)
export const Secret = Type.Object({ secret: Type.String() })

export const toSubscription = (row: SubscriptionRow): Static<typeof Subscription> => ({
  id: toWire('subscription', row.id),
  name: row.name,
  url: row.url,
  event_types: row.event_types,
  state: row.state,
  state_note: row.state_note,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})

const DeliveryState = Type.Union([Type.Literal('pending'), Type.Literal('delivered'), Type.Literal('failed')])

export const DeliveryQuery = Type.Object(
  {
    ...PageQuery.properties,
    subscription_id: Type.Optional(Type.String()),
    event_id: Type.Optional(Type.String()),
    state: Type.Optional(DeliveryState),
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

export const Attempt = Type.Object({
  id: WireId('attempt'),
  number: Type.Integer(),
  outcome: Type.Union([Type.Literal('delivered'), Type.Literal('refused'), Type.Literal('failed')]),
  status: Nullable(Type.Integer()),
  duration_ms: Type.Integer(),
  request_headers: Type.Record(Type.String(), Type.String()),
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
  request_headers: JSON.parse(row.request_headers) as Record<string, string>,
  response_headers: row.response_headers
    ? (JSON.parse(row.response_headers) as Record<string, string>)
    : null,
  response_body: row.response_body?.toString('utf8') ?? null,
  error: row.error,
  ended_at: timeOfId(row.id).toISOString(),
})
