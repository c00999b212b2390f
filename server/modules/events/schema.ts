import Type, { type Static } from 'typebox'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import type { EventRow, EventTypeRow } from './queries.ts'

const TypeName = Type.String({
  pattern: '^[a-zA-Z0-9_]+(\\.[a-zA-Z0-9_]+)*$',
  minLength: 1,
  maxLength: 128,
  description: 'Words of letters, digits and `_`, with dots between',
  examples: ['order.shipped'],
})

export const PublishEvent = Type.Object(
  {
    type: TypeName,
    data: Type.Unknown({ description: 'Any JSON; it is sent to the byte as it is written here' }),
    entity_id: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: 'What the event is about, to find it by' }),
    ),
  },
  { additionalProperties: false, examples: [{ type: 'payment.completed', data: {} }] },
)
export type PublishEvent = Static<typeof PublishEvent>

export const Event = Type.Object({
  id: WireId('event'),
  type: Type.String(),
  data: Type.Unknown(),
  entity_id: Nullable(Type.String()),
  message_id: Nullable(WireId('message')),
  created_at: Timestamp,
})
export const Events = Page(Event)
export const Published = Type.Object({
  id: WireId('event'),
  type: Type.String(),
  deliveries: Type.Integer(),
  created_at: Timestamp,
})

export const TestSent = Type.Object({ event_id: WireId('event'), delivery_id: WireId('delivery') })

export const EventQuery = Type.Object(
  { ...PageQuery.properties, type: Type.Optional(TypeName) },
  { additionalProperties: false },
)
export type EventQuery = Static<typeof EventQuery>

export const toEvent = (row: EventRow) => ({
  id: toWire('event', row.id),
  type: row.type,
  data: JSON.parse(row.data) as unknown,
  entity_id: row.entity_id,
  message_id: row.message_id ? toWire('message', row.message_id) : null,
  created_at: timeOfId(row.id).toISOString(),
})

export const CreateEventType = Type.Object(
  {
    name: TypeName,
    description: Type.String({ minLength: 1, maxLength: 1_000 }),
    schema: Type.Object({}, { additionalProperties: true, description: 'JSON Schema of the data' }),
    example: Type.Unknown(),
  },
  { additionalProperties: false },
)
export type CreateEventType = Static<typeof CreateEventType>

export const EventType = Type.Object({
  name: Type.String(),
  description: Type.String(),
  schema: Type.Unknown(),
  example: Type.Unknown(),
})
export const EventTypes = Type.Object({ data: Type.Array(EventType) })
export const TypeParams = Type.Object({ name: Type.String() }, { additionalProperties: false })

export const toEventType = ({
  name,
  description,
  schema,
  example,
}: EventTypeRow): Static<typeof EventType> => ({
  name,
  description,
  schema,
  example,
})

export const SearchQuery = Type.Object(
  { q: Type.String({ minLength: 1, maxLength: 255, description: "Any id, ours or the vendor's" }) },
  { additionalProperties: false },
)
export const Found = Type.Object({
  data: Type.Array(Type.Object({ kind: Type.String(), id: Type.String() })),
})
