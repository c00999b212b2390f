import Type, { type Static } from 'typebox'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { Preview } from '../outbound/outbound.ts'
import { Customer, Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import type { EventRow, EventTypeRow } from './queries.ts'

const TypeName = Type.String({
  pattern: '^[a-zA-Z0-9_]+(\\.[a-zA-Z0-9_]+)*$',
  minLength: 1,
  maxLength: 128,
  description: 'Words of letters, digits and `_`, with dots between',
  examples: ['order.shipped'],
})

const Version = Type.Integer({
  minimum: 1,
  maximum: 1_000,
  description: 'Of the type; the newest unless given',
})

export const PublishEvent = Type.Object(
  {
    type: TypeName,
    version: Type.Optional(Version),
    data: Type.Unknown({ description: 'Any JSON; it is sent to the byte as it is written here' }),
    entity_id: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: 'What the event is about, to find it by' }),
    ),
    customer: Type.Optional(Customer),
  },
  { additionalProperties: false, examples: [{ type: 'payment.completed', data: {} }] },
)
export type PublishEvent = Static<typeof PublishEvent>

export const Event = Type.Object({
  id: WireId('event'),
  type: Type.String(),
  version: Type.Integer({ description: 'Of the type, by which its data was checked' }),
  data: Type.Unknown(),
  entity_id: Nullable(Type.String()),
  customer: Nullable(Customer),
  message_id: Nullable(WireId('message')),
  created_at: Timestamp,
})
export const Events = Page(Event)
export const Published = Type.Object({
  id: WireId('event'),
  type: Type.String(),
  version: Type.Integer(),
  deprecated: Nullable(Type.String({ description: 'What to use instead, where this version is deprecated' })),
  deliveries: Type.Integer(),
  created_at: Timestamp,
})

export const ResendEvent = Type.Object(
  { subscription_id: WireId('subscription') },
  { additionalProperties: false },
)
export type ResendEvent = Static<typeof ResendEvent>

export const TestSent = Type.Object({ event_id: WireId('event'), delivery_id: WireId('delivery') })

export const PreviewSubscription = Type.Object(
  {
    event_id: Type.Optional(WireId('event')),
    event_type: Type.Optional(TypeName),
    version: Type.Optional(Version),
    ...Preview.properties,
  },
  {
    additionalProperties: false,
    examples: [{ event_type: 'payment.completed', payload: { template: { id: '{{data.payment.id}}' } } }],
  },
)
export type PreviewSubscription = Static<typeof PreviewSubscription>

export const EventQuery = Type.Object(
  { ...PageQuery.properties, type: Type.Optional(TypeName) },
  { additionalProperties: false },
)
export type EventQuery = Static<typeof EventQuery>

export const toEvent = (row: EventRow) => ({
  id: toWire('event', row.id),
  type: row.type,
  version: row.version,
  data: JSON.parse(row.data) as unknown,
  entity_id: row.entity_id,
  customer: row.customer,
  message_id: row.message_id ? toWire('message', row.message_id) : null,
  created_at: timeOfId(row.id).toISOString(),
})

const Description = Type.String({ minLength: 1, maxLength: 1_000 })

export const CreateEventType = Type.Object(
  {
    name: TypeName,
    version: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000,
        description: '1 unless given; another schema is another version',
      }),
    ),
    description: Description,
    schema: Type.Object({}, { additionalProperties: true, description: 'JSON Schema of the data' }),
    example: Type.Optional(Type.Unknown({ description: 'Data that fits the schema' })),
  },
  { additionalProperties: false },
)
export type CreateEventType = Static<typeof CreateEventType>

export const UpdateEventType = Type.Object(
  {
    version: Type.Optional(Version),
    description: Type.Optional(Description),
    deprecated: Type.Optional(
      Nullable(
        Type.Object(
          { message: Type.String({ maxLength: 500, description: 'What to use instead' }) },
          { additionalProperties: false },
        ),
      ),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
)
export type UpdateEventType = Static<typeof UpdateEventType>

export const EventType = Type.Object({
  name: Type.String(),
  version: Type.Integer(),
  description: Type.String(),
  schema: Type.Unknown(),
  example: Type.Unknown(),
  deprecated: Nullable(Type.Object({ since: Timestamp, message: Type.String() })),
})
export const EventTypes = Type.Object({ data: Type.Array(EventType) })

export const ImportTypes = Type.Object(
  {
    openapi: Type.Object(
      {},
      {
        additionalProperties: true,
        description: 'An OpenAPI document; its `webhooks` are read (3.0: `x-webhooks`)',
      },
    ),
    dry_run: Type.Optional(Type.Boolean({ description: 'Tell what would be done, and do nothing' })),
  },
  { additionalProperties: false },
)
export type ImportTypes = Static<typeof ImportTypes>

export const ImportedTypes = Type.Object({
  dry_run: Type.Boolean(),
  data: Type.Array(
    Type.Object({
      name: Type.String(),
      result: Type.Union([
        Type.Literal('created'),
        Type.Literal('new_version'),
        Type.Literal('unchanged'),
        Type.Literal('skipped'),
      ]),
      version: Nullable(Type.Integer()),
      because: Nullable(Type.String({ description: 'Why it was skipped' })),
    }),
  ),
})

/** Query strings are text, and nothing coerces them. */
export const VersionQuery = Type.Object(
  {
    version: Type.Optional(
      Type.String({ pattern: '^[1-9][0-9]{0,3}$', description: 'All versions unless given' }),
    ),
  },
  { additionalProperties: false },
)
export const TypeParams = Type.Object({ name: Type.String() }, { additionalProperties: false })

export const toEventType = ({
  deprecated_at,
  deprecation,
  ...type
}: EventTypeRow): Static<typeof EventType> => ({
  ...type,
  deprecated: deprecated_at && { since: deprecated_at.toISOString(), message: deprecation ?? '' },
})

export const SearchQuery = Type.Object(
  {
    q: Type.String({
      minLength: 1,
      maxLength: 255,
      description:
        "Any id, ours or the vendor's; a customer, a CPF, an e-mail, the last four digits of a card",
    }),
  },
  { additionalProperties: false },
)
export const Found = Type.Object({
  data: Type.Array(
    Type.Object({
      kind: Type.String({ description: 'card, payment, bank, message, event, call, member …' }),
      id: Type.String(),
      title: Nullable(Type.String({ description: 'null where the credential may not read it' })),
      state: Nullable(Type.String()),
      at: Timestamp,
      part_of: Nullable(
        Type.String({ description: 'What shows it: the payment of a refund, the bank of an account' }),
      ),
      leads_to: Nullable(Type.String({ description: 'Where it is read' })),
    }),
    { description: 'Things before what is told of them, each newest first' },
  ),
  is_more: Type.Boolean({
    description:
      'Whether there is more than this; `q` of `/v1/messages` and `/v1/calls` finds all, page by page',
  }),
})
