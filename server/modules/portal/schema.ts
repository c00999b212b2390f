import Type, { type Static } from 'typebox'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { Customer, Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import type { LinkRow } from './queries.ts'

/** Links: what the tenant says of a customer's page. */

const TypePattern = Type.String({
  pattern: '^(\\*|[a-zA-Z0-9_]+(\\.[a-zA-Z0-9_]+)*(\\.\\*)?)$',
  maxLength: 128,
  description: 'An event type, a family such as `order.*`, or `*`',
  examples: ['order.*'],
})
const TypePatterns = Type.Array(TypePattern, { minItems: 1, maxItems: 100 })

export const Theme = Type.Partial(
  Type.Object({
    brand_name: Type.String({ minLength: 1, maxLength: 60, description: 'In the head of the page' }),
    color: Type.String({
      pattern: '^#[0-9a-fA-F]{6}$',
      description: 'Of buttons and what is chosen',
      examples: ['#0b7285'],
    }),
    logo_url: Type.String({
      pattern: '^https://',
      maxLength: 2_048,
      description: 'An image, by https',
      examples: ['https://example.com/logo.svg'],
    }),
    scheme: Type.Union([Type.Literal('light'), Type.Literal('dark'), Type.Literal('auto')], {
      description: 'Unless given, as the browser of the customer prefers',
    }),
  }),
  { additionalProperties: false },
)
export type Theme = Static<typeof Theme>

const Locale = Type.Union([Type.Literal('en'), Type.Literal('pt-BR')], {
  description: 'Unless given, as the browser of the customer prefers',
})
const FrameOrigin = Type.String({
  pattern: '^https?://',
  maxLength: 253,
  description: 'Of a page that may show this one in a frame: https, or http on the machine itself',
  examples: ['https://app.example.com'],
})

export const CreateLink = Type.Object(
  {
    customer: Customer,
    event_types: Type.Optional(TypePatterns),
    can_edit: Type.Optional(
      Type.Boolean({
        description: 'Default true; else they look at what there is, and neither change nor send anything',
      }),
    ),
    theme: Type.Optional(Theme),
    locale: Type.Optional(Locale),
    frame_origins: Type.Optional(Type.Array(FrameOrigin, { maxItems: 20 })),
    expires_in_s: Type.Optional(
      Type.Integer({ minimum: 60, maximum: 86_400, description: 'Default 3600, an hour' }),
    ),
  },
  { additionalProperties: false, examples: [{ customer: 'shop-1042' }] },
)
export type CreateLink = Static<typeof CreateLink>

export const Link = Type.Object({
  id: WireId('portal_link'),
  customer: Customer,
  event_types: Nullable(Type.Array(Type.String())),
  can_edit: Type.Boolean(),
  theme: Theme,
  locale: Nullable(Locale),
  frame_origins: Type.Array(Type.String()),
  created_at: Timestamp,
  expires_at: Timestamp,
})
export const Links = Page(Link)
export const MadeLink = Type.Intersect([
  Link,
  Type.Object({
    url: Type.String({
      description: 'Opens the page, for whoever has it. Shown once; what stands behind `#` no server is sent',
    }),
  }),
])

export const LinkQuery = Type.Object(
  { ...PageQuery.properties, customer: Type.Optional(Customer) },
  { additionalProperties: false },
)
export type LinkQuery = Static<typeof LinkQuery>
export const RevokeLinks = Type.Object({ customer: Customer }, { additionalProperties: false })
export const Revoked = Type.Object({ revoked: Type.Integer() })

export const toLink = (row: LinkRow): Static<typeof Link> => ({
  id: toWire('portal_link', row.id),
  customer: row.customer,
  event_types: row.event_types,
  can_edit: row.can_edit,
  theme: row.theme as Theme,
  locale: row.locale,
  frame_origins: row.frame_origins,
  created_at: timeOfId(row.id).toISOString(),
  expires_at: row.expires_at.toISOString(),
})
