import Type, { type TSchema } from 'typebox'
import { Problem } from '../platform/errors.ts'
import { type Kind, PREFIXES, parseWire, toWire } from '../platform/ids.ts'

/** The shapes that every room's `schema.ts` shares: ids, times, pages. */

export const WireId = (kind: Kind) =>
  Type.String({
    pattern: `^${PREFIXES[kind]}_[0-9a-hjkmnp-tv-z]{26}$`,
    examples: [`${PREFIXES[kind]}_01jz8k3v9mf2tb7xq4c5n6p8rs`],
  })

/** A path parameter: the pattern is checked by `fromWire`, whose error names the kind. */
export const IdParams = Type.Object({ id: Type.String() }, { additionalProperties: false })

export const Timestamp = Type.String({ format: 'date-time', description: 'RFC 3339, UTC' })

/** Of a tenant, by the name it has there: an account number, a shop. */
export const Customer = Type.String({
  minLength: 1,
  maxLength: 128,
  description: "A customer of the tenant's, by the tenant's own name for it",
  examples: ['shop-1042'],
})

export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** Newest first; `cursor` is the `next_cursor` of the page before. */
export const PageQuery = Type.Object(
  {
    limit: Type.Optional(Type.String({ pattern: '^[0-9]{1,3}$', description: '1 to 200, default 50' })),
    cursor: Type.Optional(Type.String({ description: 'next_cursor of the page before' })),
  },
  { additionalProperties: false },
)

export const Page = <T extends TSchema>(item: T) =>
  Type.Object({ data: Type.Array(item), next_cursor: Nullable(Type.String()) })

export type PageInput = { limit?: string | undefined; cursor?: string | undefined }

/** Query strings are text, and bodies are never coerced: the number is read here, once. */
export function readPage(kind: Kind, input: PageInput): { limit: number; before: string | null } {
  const limit = input.limit === undefined ? 50 : Number(input.limit)
  if (limit < 1 || limit > 200) {
    throw new Problem('invalid_request', { field: 'limit', detail: 'limit must be between 1 and 200' })
  }
  if (input.cursor === undefined) return { limit, before: null }
  const before = parseWire(kind, input.cursor)
  if (before === null) {
    throw new Problem('invalid_cursor', {
      field: 'cursor',
      detail: 'cursor must be the next_cursor of an earlier page of this list',
    })
  }
  return { limit, before }
}

/** Rows come one more than asked for, so that the last page knows it is the last. */
export function toPage<Row extends { id: string }, Item>(
  kind: Kind,
  rows: Row[],
  limit: number,
  toItem: (row: Row) => Item,
): { data: Item[]; next_cursor: string | null } {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { data: page.map(toItem), next_cursor: rows.length > limit && last ? toWire(kind, last.id) : null }
}

/** In the body, for those who keep it there; the header of that name says the same. */
export const BodyKey = Type.Optional(
  Type.String({
    pattern: '^[!-~]{1,255}$',
    examples: ['order-1042'],
    description: 'The same as the header `Idempotency-Key`; give either, or the same twice',
  }),
)
