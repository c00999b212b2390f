import Type, { type Static } from 'typebox'
import { toWire } from '../../platform/ids.ts'
import { Customer, Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import { AuthInput, ShownAuth } from './auth_schema.ts'
import { MASK, MOST_HEADERS } from './headers.ts'
import { PayloadShape } from './payload.ts'
import type { SubscriptionRow } from './queries.ts'

export const EventTypePattern = Type.String({
  pattern: '^(\\*|[a-zA-Z0-9_]+(\\.[a-zA-Z0-9_]+)*(\\.\\*)?)$',
  maxLength: 128,
  description: 'An event type, a family such as `payment.*`, or `*`',
  examples: ['payment.*'],
})
const Name = Type.String({ minLength: 1, maxLength: 100, examples: ['Order service'] })
const Url = Type.String({
  minLength: 1,
  maxLength: 2_048,
  description:
    'An http or https address, or that of a queue: amqps, kafkas, natss, rediss or sqs. See "Destinations" in the documentation',
  examples: ['https://example.com/webhooks'],
})
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
const Order = Type.Object(
  {
    per: Type.Union([Type.Literal('subscription'), Type.Literal('key')]),
    key: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 500,
        description: 'A path into the event',
        examples: ['data.payment.vendor_id'],
      }),
    ),
    on_failure: Type.Optional(
      Type.Union([Type.Literal('block'), Type.Literal('park'), Type.Literal('skip')]),
    ),
    after_attempts: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  },
  {
    additionalProperties: false,
    description:
      'Deliveries in the order in which their events were committed: all of them, or those with the same key',
    examples: [{ per: 'key', key: 'data.payment.vendor_id', on_failure: 'block' }],
  },
)
const Rate = Type.Object(
  {
    count: Type.Integer({ minimum: 1, maximum: 100_000 }),
    per_s: Type.Integer({ minimum: 1, maximum: 86_400 }),
  },
  {
    additionalProperties: false,
    description: 'At most so many requests in so many seconds',
    examples: [{ count: 10, per_s: 1 }],
  },
)
const ContentType = Type.Union([Type.Literal('json'), Type.Literal('form')], {
  description: '`form` sends application/x-www-form-urlencoded: `data[payment][id]=…`',
})
const MaxConcurrency = Type.Integer({ minimum: 1, maximum: 1_000, description: 'Requests under way at once' })
const Weight = Type.Integer({
  minimum: 1,
  maximum: 100,
  description:
    "Its turns for each turn of one that weighs 1, among the tenant's own, while more is due than can be sent",
})
const ExpireAfterS = Type.Integer({
  minimum: 1,
  maximum: 2_592_000,
  description: 'What could not be delivered by this age, in seconds, ends as expired',
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

const Signature = Type.Union([Type.Literal('v1'), Type.Literal('v1a')], {
  description:
    'Of Standard Webhooks. `v1`: HMAC-SHA256 by a shared secret. `v1a`: ed25519; receivers get the public key as their `secret`',
})

export const CreateSubscription = Type.Object(
  {
    name: Name,
    url: Url,
    event_types: EventTypes,
    customer: Type.Optional(Customer),
    description: Type.Optional(Description),
    metadata: Type.Optional(Metadata),
    filter: Type.Optional(Filter),
    headers: Type.Optional(Headers),
    auth: Type.Optional(AuthInput),
    timeout_ms: Type.Optional(TimeoutMs),
    retry_schedule_s: Type.Optional(RetrySchedule),
    disable_after_hours: Type.Optional(Nullable(DisableAfterHours)),
    order: Type.Optional(Nullable(Order)),
    max_concurrency: Type.Optional(Nullable(MaxConcurrency)),
    rate: Type.Optional(Nullable(Rate)),
    content_type: Type.Optional(ContentType),
    payload: Type.Optional(Nullable(PayloadShape)),
    weight: Type.Optional(Weight),
    expire_after_s: Type.Optional(Nullable(ExpireAfterS)),
    signature: Type.Optional(Signature),
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
    order: Nullable(Order),
    max_concurrency: Nullable(MaxConcurrency),
    rate: Nullable(Rate),
    content_type: ContentType,
    payload: Nullable(PayloadShape),
    weight: Weight,
    expire_after_s: Nullable(ExpireAfterS),
  }),
  {
    additionalProperties: false,
    minProperties: 1,
  },
)
export type UpdateSubscription = Static<typeof UpdateSubscription>

/** What of a subscription decides what it sends; each stands in place of the subscription's own. */
export const Preview = Type.Object(
  {
    subscription_id: Type.Optional(WireId('subscription')),
    event_types: Type.Optional(EventTypes),
    filter: Type.Optional(Nullable(Filter)),
    payload: Type.Optional(Nullable(PayloadShape)),
    content_type: Type.Optional(ContentType),
  },
  { additionalProperties: false },
)
export type Preview = Static<typeof Preview>

export const Previewed = Type.Object({
  event: Type.Object({ id: WireId('event'), type: Type.String(), version: Type.Integer() }),
  matches: Type.Boolean({ description: 'Whether the event is one that would be delivered' }),
  missed_by: Nullable(
    Type.Union([Type.Literal('customer'), Type.Literal('event_types'), Type.Literal('filter')]),
  ),
  url: Nullable(Type.String()),
  headers: Type.Record(Type.String(), Type.String()),
  body: Nullable(Type.String({ description: 'To the byte' })),
  error: Nullable(Type.String({ description: 'Why there is no body' })),
})

export const RotateSecret = Type.Object(
  {
    signature: Type.Optional(Signature),
    secret: Type.Optional(SigningSecret),
    overlap_hours: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 168,
        description: 'How long the old one signs too; default 24. 0 ends every old one at once',
      }),
    ),
  },
  { additionalProperties: false, examples: [{ overlap_hours: 24 }] },
)
export type RotateSecret = Static<typeof RotateSecret>
export const RotatedSecret = Type.Object({
  secret: Type.String(),
  previous_secret_until: Nullable(Timestamp),
})

export const Subscription = Type.Object({
  id: WireId('subscription'),
  customer: Nullable(Customer),
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
  order: Nullable(Order),
  max_concurrency: Nullable(Type.Integer()),
  rate: Nullable(Rate),
  content_type: ContentType,
  payload: Nullable(PayloadShape),
  weight: Type.Integer(),
  created_by: Nullable(Type.String({ description: 'Id of the key, client or person' })),
  expire_after_s: Nullable(Type.Integer()),
  state: State,
  state_note: Nullable(Type.String()),
  previous_secret_until: Nullable(Timestamp),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export const Counters = Type.Object({
  attempts: Type.Integer(),
  delivered: Type.Integer(),
  failed: Type.Integer({ description: 'Attempts that were refused or failed' }),
  last_attempt_at: Nullable(Timestamp),
  last_delivered_at: Nullable(Timestamp),
})

export const SubscriptionWithSecret = Type.Intersect([Subscription, Type.Object({ secret: Type.String() })])
export const Subscriptions = Page(Subscription)
export const SubscriptionQuery = Type.Object(
  { ...PageQuery.properties, customer: Type.Optional(Customer) },
  { additionalProperties: false },
)
export type SubscriptionQuery = Static<typeof SubscriptionQuery>
export const Secret = Type.Object({ secret: Type.String() })

export const toSubscription = (row: SubscriptionRow): Static<typeof Subscription> => ({
  id: toWire('subscription', row.id),
  customer: row.customer,
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
  order: row.ordering,
  max_concurrency: row.max_concurrency,
  rate:
    row.rate_count !== null && row.rate_per_s !== null
      ? { count: row.rate_count, per_s: row.rate_per_s }
      : null,
  content_type: row.content_type,
  payload: row.payload === null ? null : (JSON.parse(row.payload) as PayloadShape),
  weight: row.weight,
  created_by: row.created_by,
  expire_after_s: row.expire_after_s,
  state: row.state,
  state_note: row.state_note,
  previous_secret_until: row.previous_secret_until?.toISOString() ?? null,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})
