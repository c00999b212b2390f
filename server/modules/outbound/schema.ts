import Type, { type Static } from 'typebox'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import { MASK, MOST_HEADERS } from './headers.ts'
import type { SubscriptionRow } from './queries.ts'
import type { AttemptRow, DeliveryRow } from './record_queries.ts'
import type { ReplayRow } from './replay_queries.ts'

const EventTypePattern = Type.String({
  pattern: '^(\\*|[a-zA-Z0-9_]+(\\.[a-zA-Z0-9_]+)*(\\.\\*)?)$',
  maxLength: 128,
  description: 'An event type, a family such as `payment.*`, or `*`',
  examples: ['payment.*'],
})
const Name = Type.String({ minLength: 1, maxLength: 100, examples: ['Order service'] })
const Url = Type.String({ minLength: 1, maxLength: 2_048, examples: ['https://example.com/webhooks'] })
const EventTypes = Type.Array(EventTypePattern, { minItems: 1, maxItems: 100 })
const State = Type.Union([Type.Literal('enabled'), Type.Literal('paused'), Type.Literal('disabled')], {
  description: 'Deliveries to a paused one are made and wait; a disabled one gets none',
})
const Description = Type.String({ maxLength: 1_000 })
const Metadata = Type.Record(Type.String({ pattern: '^.{1,64}$' }), Type.String({ maxLength: 500 }), {
  maxProperties: 50,
  description: 'Your own notes: names and texts',
  examples: [{ team: 'billing' }],
})
const Filter = Type.Record(Type.String(), Type.Unknown(), {
  description:
    'Conditions on the data of an event; only what fits is delivered. See "Filters" in the documentation',
  examples: [{ 'payment.money.amount': { $gte: 10_000 } }],
})
const Headers = Type.Record(Type.String(), Type.String(), {
  maxProperties: MOST_HEADERS,
  description:
    'Headers of your own, sent with every delivery; their values are kept in the vault and not shown',
  examples: [{ 'x-team': 'billing' }],
})
const Text = Type.String({ minLength: 1, maxLength: 2_000 })
const AuthInput = Type.Union(
  [
    Type.Object(
      { type: Type.Literal('basic'), username: Text, password: Type.String({ maxLength: 2_000 }) },
      { additionalProperties: false },
    ),
    Type.Object({ type: Type.Literal('bearer'), token: Text }, { additionalProperties: false }),
    Type.Object({ type: Type.Literal('api_key'), header: Text, key: Text }, { additionalProperties: false }),
  ],
  { description: 'How Trilho authenticates at the receiver, beside the signature' },
)
const TimeoutMs = Type.Integer({
  minimum: 1_000,
  maximum: 60_000,
  description: 'Default: the server has one',
})
const RetrySchedule = Type.Array(Type.Integer({ minimum: 1, maximum: 604_800 }), {
  maxItems: 20,
  description: 'The longest wait before each retry, in seconds; an empty list retries nothing',
  examples: [[5, 60, 3_600]],
})
const DisableAfterHours = Type.Integer({
  minimum: 1,
  maximum: 8_760,
  description: 'Disabled when nothing succeeded for so long and at least 10 attempts failed; default 120',
})

const SigningSecret = Type.String({
  pattern: '^whsec_[A-Za-z0-9+/]{32,88}={0,2}$',
  description: 'Signing secret of Standard Webhooks (24 to 64 bytes); one is made where it is absent',
})

export const CreateSubscription = Type.Object(
  {
    name: Name,
    url: Url,
    event_types: EventTypes,
    description: Type.Optional(Description),
    metadata: Type.Optional(Metadata),
    filter: Type.Optional(Filter),
    headers: Type.Optional(Headers),
    auth: Type.Optional(AuthInput),
    timeout_ms: Type.Optional(TimeoutMs),
    retry_schedule_s: Type.Optional(RetrySchedule),
    disable_after_hours: Type.Optional(Nullable(DisableAfterHours)),
    secret: Type.Optional(SigningSecret),
  },
  { additionalProperties: false },
)
export type CreateSubscription = Static<typeof CreateSubscription>

/** What is null goes back to what it is without: no filter, no headers, the product's own timeout. */
export const UpdateSubscription = Type.Partial(
  Type.Object({
    name: Name,
    url: Url,
    event_types: EventTypes,
    state: State,
    description: Nullable(Description),
    metadata: Metadata,
    filter: Nullable(Filter),
    headers: Nullable(Headers),
    auth: Nullable(AuthInput),
    timeout_ms: Nullable(TimeoutMs),
    retry_schedule_s: Nullable(RetrySchedule),
    disable_after_hours: Nullable(DisableAfterHours),
  }),
  {
    additionalProperties: false,
    minProperties: 1,
  },
)
export type UpdateSubscription = Static<typeof UpdateSubscription>

export const RotateSecret = Type.Object(
  {
    secret: Type.Optional(SigningSecret),
    overlap_hours: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 168, description: 'How long the old one signs too; default 24' }),
    ),
  },
  { additionalProperties: false, examples: [{ overlap_hours: 24 }] },
)
export type RotateSecret = Static<typeof RotateSecret>
export const RotatedSecret = Type.Object({
  secret: Type.String(),
  previous_secret_until: Nullable(Timestamp),
})

const ShownAuth = Type.Object({
  type: Type.Union([Type.Literal('basic'), Type.Literal('bearer'), Type.Literal('api_key')]),
  username: Type.Optional(Type.String()),
  header: Type.Optional(Type.String()),
})

export const Subscription = Type.Object({
  id: WireId('subscription'),
  name: Type.String(),
  description: Nullable(Type.String()),
  metadata: Type.Record(Type.String(), Type.String()),
  url: Type.String(),
  event_types: Type.Array(Type.String()),
  filter: Nullable(Type.Record(Type.String(), Type.Unknown())),
  headers: Type.Record(Type.String(), Type.String(), { description: 'Names; the values are not shown' }),
  auth: Nullable(ShownAuth),
  timeout_ms: Nullable(Type.Integer()),
  retry_schedule_s: Nullable(Type.Array(Type.Integer())),
  disable_after_hours: Nullable(Type.Integer()),
  state: State,
  state_note: Nullable(Type.String()),
  previous_secret_until: Nullable(Timestamp),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export const SubscriptionWithSecret = Type.Intersect([Subscription, Type.Object({ secret: Type.String() })])
export const Subscriptions = Page(Subscription)
export const Secret = Type.Object({ secret: Type.String() })

export const toSubscription = (row: SubscriptionRow): Static<typeof Subscription> => ({
  id: toWire('subscription', row.id),
  name: row.name,
  description: row.description,
  metadata: row.metadata,
  url: row.url,
  event_types: row.event_types,
  filter: row.filter === null ? null : (JSON.parse(row.filter) as Record<string, unknown>),
  headers: Object.fromEntries(row.header_names.map((name) => [name, MASK])),
  auth: row.auth,
  timeout_ms: row.timeout_ms,
  retry_schedule_s: row.retry_schedule_s,
  disable_after_hours: row.disable_after_hours,
  state: row.state,
  state_note: row.state_note,
  previous_secret_until: row.previous_secret_until?.toISOString() ?? null,
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

const ReplayedState = Type.Union([Type.Literal('failed'), Type.Literal('delivered')])

export const CreateReplay = Type.Object(
  {
    subscription_id: WireId('subscription'),
    since: Timestamp,
    until: Type.Optional(Timestamp),
    state: Type.Optional(ReplayedState),
    dry_run: Type.Optional(Type.Boolean({ description: 'Counts, and sends nothing' })),
  },
  { additionalProperties: false, description: 'The failed deliveries where no state is given, until now' },
)
export type CreateReplay = Static<typeof CreateReplay>

export const Replay = Type.Object({
  id: WireId('replay'),
  subscription_id: WireId('subscription'),
  since: Timestamp,
  until: Timestamp,
  of_state: ReplayedState,
  state: Type.Union([Type.Literal('running'), Type.Literal('completed'), Type.Literal('canceled')]),
  total: Type.Integer({ description: 'How many there were when it was made' }),
  replayed: Type.Integer({ description: 'How many were put back to work' }),
  created_at: Timestamp,
  closed_at: Nullable(Timestamp),
})
export const Replays = Page(Replay)
export const DryRun = Type.Object({ dry_run: Type.Literal(true), total: Type.Integer() })

export const toReplay = (row: ReplayRow): Static<typeof Replay> => ({
  id: toWire('replay', row.id),
  subscription_id: toWire('subscription', row.subscription_id),
  since: row.since.toISOString(),
  until: row.until.toISOString(),
  of_state: row.of_state,
  state: row.state,
  total: row.total,
  replayed: row.replayed,
  created_at: timeOfId(row.id).toISOString(),
  closed_at: row.closed_at?.toISOString() ?? null,
})
