import Type, { type Static } from 'typebox'
import { DeliveryWithLog } from '../outbound/outbound.ts'
import { Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import { CreateLink, Link, Theme } from './schema.ts'

/** What a customer sees and gives on their page: of a subscription less than its tenant does. */

export const Portal = Type.Object({
  customer: Link.properties.customer,
  can_edit: Type.Boolean(),
  event_types: Link.properties.event_types,
  theme: Theme,
  locale: Link.properties.locale,
  expires_at: Timestamp,
})

export const OfferedTypes = Type.Object({
  data: Type.Array(
    Type.Object({
      name: Type.String(),
      version: Type.Integer(),
      description: Type.String(),
      schema: Type.Unknown(),
      example: Type.Unknown(),
    }),
  ),
})

const Name = Type.String({ minLength: 1, maxLength: 100, examples: ['Order service'] })
const Description = Type.String({ maxLength: 1_000 })
const Url = Type.String({
  pattern: '^https?://',
  maxLength: 2_048,
  description: 'An http or https address',
  examples: ['https://example.com/webhooks'],
})
const EventTypes = Type.Array(CreateLink.properties.event_types.items, { minItems: 1, maxItems: 100 })

const State = Type.Union([Type.Literal('enabled'), Type.Literal('paused'), Type.Literal('disabled')])

export const CreateOwn = Type.Object(
  { name: Name, url: Url, event_types: EventTypes, description: Type.Optional(Description) },
  { additionalProperties: false },
)
export type CreateOwn = Static<typeof CreateOwn>

export const UpdateOwn = Type.Partial(
  Type.Object({
    name: Name,
    url: Url,
    event_types: EventTypes,
    description: Nullable(Description),
    state: State,
  }),
  { additionalProperties: false, minProperties: 1 },
)
export type UpdateOwn = Static<typeof UpdateOwn>

export const Own = Type.Object({
  id: WireId('subscription'),
  name: Type.String(),
  description: Nullable(Type.String()),
  url: Type.String(),
  event_types: Type.Array(Type.String()),
  state: State,
  state_note: Nullable(Type.String({ description: 'Why it was disabled, where it was not by hand' })),
  previous_secret_until: Nullable(Timestamp),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type Own = Static<typeof Own>
export const Owns = Page(Own)
export const OwnWithSecret = Type.Intersect([Own, Type.Object({ secret: Type.String() })])

export const RotateOwn = Type.Object(
  {
    overlap_hours: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 168, description: 'How long the old one signs too; default 24' }),
    ),
  },
  { additionalProperties: false, examples: [{ overlap_hours: 24 }] },
)

export const OwnDelivery = Type.Intersect([
  DeliveryWithLog,
  Type.Object({
    data: Nullable(Type.String({ description: 'Of the event, as JSON text, to the byte as it is sent' })),
    event_at: Timestamp,
  }),
])

export type OwnQuery = Static<typeof PageQuery>

export const OwnDeliveryQuery = Type.Object(
  {
    ...PageQuery.properties,
    state: Type.Optional(
      Type.Union([
        Type.Literal('pending'),
        Type.Literal('delivered'),
        Type.Literal('failed'),
        Type.Literal('expired'),
      ]),
    ),
  },
  { additionalProperties: false },
)
export type OwnDeliveryQuery = Static<typeof OwnDeliveryQuery>

export const DeliveryParams = Type.Object(
  { id: Type.String(), delivery_id: Type.String() },
  { additionalProperties: false },
)

export const ResendFailed = Type.Object(
  { since: Timestamp },
  { additionalProperties: false, description: 'Those of events from then on whose last attempt failed' },
)
export type ResendFailed = Static<typeof ResendFailed>
export const Resending = Type.Object({ total: Type.Integer({ description: 'How many are sent again' }) })
