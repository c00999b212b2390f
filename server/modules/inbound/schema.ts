import Type, { type Static } from 'typebox'
import { timeOfId, toWire } from '../../platform/ids.ts'
import type { SourceCounts } from '../metrics/metrics.ts'
import { Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import type { MessageRow } from './message_queries.ts'
import { completeOptions, SourceOptions, UpdateOptions } from './options.ts'
import type { SourceRow } from './source_queries.ts'
import type { LanePlace, WaitingLane } from './waiting_queries.ts'

const Name = Type.String({ minLength: 1, maxLength: 100, examples: ['Stripe, production'] })
const Description = Type.String({ maxLength: 500, description: 'For people' })
const State = Type.Union([Type.Literal('enabled'), Type.Literal('disabled')])
const Settings = Type.Record(Type.String(), Type.Unknown(), { description: "By the provider's manifest" })
const Secrets = Type.Array(Type.String({ minLength: 1, maxLength: 4_096 }), {
  minItems: 1,
  maxItems: 5,
  description:
    'Signing secrets that verify, the newest first. Never returned. Without one every message is quarantined',
})
const IsDefault = Type.Boolean({
  description: 'Also receives at `/webhooks/{provider}`, where it is the only default',
})

export const CreateSource = Type.Object(
  {
    provider: Type.String({ minLength: 1, maxLength: 32, examples: ['stripe'] }),
    name: Name,
    description: Type.Optional(Description),
    connection_id: Type.Optional(WireId('connection')),
    settings: Type.Optional(Settings),
    options: Type.Optional(SourceOptions),
    secrets: Type.Optional(Secrets),
    is_default: Type.Optional(IsDefault),
  },
  { additionalProperties: false },
)
export type CreateSource = Static<typeof CreateSource>

export const UpdateSource = Type.Partial(
  Type.Object({
    name: Name,
    description: Nullable(Description),
    state: State,
    connection_id: Nullable(WireId('connection')),
    settings: Settings,
    options: UpdateOptions,
    secrets: Secrets,
    is_default: IsDefault,
  }),
  { additionalProperties: false, minProperties: 1 },
)
export type UpdateSource = Static<typeof UpdateSource>

export const Source = Type.Object({
  id: WireId('source'),
  provider: Type.String(),
  name: Type.String(),
  description: Nullable(Type.String()),
  url: Type.String({ description: 'The address to give to the vendor' }),
  connection_id: Nullable(WireId('connection')),
  settings: Type.Unknown(),
  options: Type.Unknown({ description: 'Each as it holds: what was set, or what stands for it' }),
  secrets: Type.Integer({ description: 'How many signing secrets are set' }),
  state: State,
  is_default: Type.Boolean(),
  created_at: Timestamp,
  updated_at: Timestamp,
  last_received_at: Nullable(Timestamp),
  counts: Type.Object(
    {
      received: Type.Integer({ description: 'Taken in, each event once' }),
      duplicates: Type.Integer({ description: 'Copies of what had come before' }),
      quarantined: Type.Integer({
        description: 'Turned away: not signed as it must be, or not of its schema',
      }),
      refused: Type.Integer({
        description:
          'Turned away before that: by its method, address, rate, size, encoding, access token or plain HTTP, or while it was disabled',
      }),
    },
    { description: 'Since it was made; of the last seconds some may be missing' },
  ),
})
export const Sources = Page(Type.Omit(Source, ['secrets']))

export const toSource = (
  row: SourceRow,
  url: string,
  { last_received_at, ...counts }: SourceCounts,
): Omit<Static<typeof Source>, 'secrets'> => ({
  id: toWire('source', row.id),
  provider: row.provider,
  name: row.name,
  description: row.description,
  url,
  connection_id: row.connection_id ? toWire('connection', row.connection_id) : null,
  settings: row.settings,
  options: completeOptions(row.options as SourceOptions),
  state: row.state,
  is_default: row.is_default,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
  last_received_at: last_received_at?.toISOString() ?? null,
  counts,
})

export const Received = Type.Object({
  status: Type.Union([Type.Literal('received'), Type.Literal('duplicate')]),
  id: WireId('message'),
})

const MessageState = Type.Union([
  Type.Literal('pending'),
  Type.Literal('completed'),
  Type.Literal('failed'),
  Type.Literal('ignored'),
  Type.Literal('parked'),
])

export const MessageQuery = Type.Object(
  {
    ...PageQuery.properties,
    source_id: Type.Optional(Type.String()),
    q: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description: 'An id of the vendor’s, or any that the provider names',
      }),
    ),
    state: Type.Optional(MessageState),
    event_type: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    since: Type.Optional(Timestamp),
    until: Type.Optional(Timestamp),
  },
  { additionalProperties: false },
)
export type MessageQuery = Static<typeof MessageQuery>

export const TypesQuery = Type.Object(
  {
    source_id: Type.Optional(Type.String({ maxLength: 40 })),
    since: Type.Optional(
      Type.String({ format: 'date-time', description: 'A day before `until`, where absent' }),
    ),
    until: Type.Optional(Type.String({ format: 'date-time', description: 'Now, where absent' })),
  },
  { additionalProperties: false },
)
export type TypesQuery = Static<typeof TypesQuery>

export const MessageTypes = Type.Object({
  since: Timestamp,
  until: Timestamp,
  counted: Type.Integer({ description: 'Messages: the newest 50,000 of the range' }),
  counted_since: Nullable(
    Type.String({
      format: 'date-time',
      description: 'Where there are more than were counted: those from here on were. null: all of the range',
    }),
  ),
  types: Type.Array(
    Type.Object({
      event_type: Nullable(Type.String({ description: "The vendor's word; null where it names none" })),
      count: Type.Integer(),
      states: Type.Record(Type.String(), Type.Integer(), { examples: [{ completed: 80, ignored: 3 }] }),
    }),
    { description: 'The busiest first, 200 at most' },
  ),
})

const Flags = Type.Array(Type.String(), {
  description:
    'What was unusual: `late` (after a later one of its entity), `gap` (one before it did not come in time), `changed` (its id came before with another body), `replayed`, `skipped`, `erased`',
})

export const Message = Type.Object({
  id: WireId('message'),
  source_id: WireId('source'),
  event_key: Type.String({ description: "The vendor's id of the event, or the hash of the body" }),
  event_type: Nullable(Type.String({ description: "The vendor's word" })),
  state: MessageState,
  attempts: Type.Integer(),
  error: Nullable(Type.String()),
  flags: Flags,
  received_at: Timestamp,
  closed_at: Nullable(Timestamp),
})
export const Messages = Page(Message)

export const Raw = Type.Object({
  headers: Type.Record(Type.String(), Type.Unknown()),
  body: Type.String({ description: 'The bytes as they came, in base64' }),
})
const Wait = Type.Union([Type.Literal('gap'), Type.Literal('retry'), Type.Literal('blocked')], {
  description:
    '`gap`: a missing number is waited for. `retry`: the next attempt at the first message. `blocked`: that it is replayed or skipped',
})
const Place = Type.Object({
  is_first: Type.Boolean({ description: 'No other message of its entity comes before it' }),
  wait: Nullable(Wait),
  until: Nullable(Timestamp),
})
export const MessageWithBody = Type.Intersect([
  Message,
  Raw,
  Type.Object({
    order: Nullable(
      Type.Object(Place.properties, { description: 'While it waits among the messages of its entity' }),
    ),
  }),
])

const Ref = Type.Object({ kind: Type.String(), id: Type.String() })
const Step = Type.Object({ at: Nullable(Timestamp), step: Type.String(), detail: Type.String() })
/** What was published about it, whom it was sent to, and what else bears its ids. */
export const Story = Type.Object({
  message: MessageWithBody,
  steps: Type.Array(Step, { description: 'What became of it, one after another' }),
  events: Type.Array(Type.Unknown({ description: 'As GET /v1/events/{id}' })),
  deliveries: Type.Array(Type.Unknown({ description: 'As GET /v1/deliveries' })),
  related: Type.Array(Ref, { description: 'Messages, events and calls that bear the same ids' }),
})

export const toPlace = ({ is_head, wait, due }: LanePlace): Static<typeof Place> => ({
  is_first: is_head,
  wait,
  until: wait === null ? null : (due?.toISOString() ?? null),
})

const Waiting = Type.Object({
  message_id: WireId('message'),
  wait: Wait,
  since: Timestamp,
  until: Nullable(Timestamp),
})
export const WaitingEntities = Type.Object({ data: Type.Array(Waiting) })

export const toWaiting = ({ message_id, wait, used_at, due }: WaitingLane): Static<typeof Waiting> => ({
  message_id: toWire('message', message_id),
  wait,
  since: used_at.toISOString(),
  until: due?.toISOString() ?? null,
})

export const toMessage = (row: MessageRow): Static<typeof Message> => ({
  id: toWire('message', row.id),
  source_id: toWire('source', row.source_id),
  event_key: row.event_key,
  event_type: row.event_type,
  state: row.state,
  attempts: row.attempts,
  error: row.error,
  flags: row.flags,
  received_at: timeOfId(row.id).toISOString(),
  closed_at: row.closed_at?.toISOString() ?? null,
})

export const toRaw = (row: { headers: string; body: Buffer }): Static<typeof Raw> => ({
  headers: JSON.parse(row.headers) as Record<string, unknown>,
  body: row.body.toString('base64'),
})
