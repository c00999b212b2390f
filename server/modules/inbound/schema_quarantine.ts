import Type, { type Static } from 'typebox'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import type { QuarantineRow } from './quarantine_queries.ts'
import { Raw } from './schema.ts'

export const QuarantineQuery = Type.Object(
  { ...PageQuery.properties, source_id: Type.Optional(Type.String()) },
  { additionalProperties: false },
)
export type QuarantineQuery = Static<typeof QuarantineQuery>

export const Quarantined = Type.Object({
  id: WireId('quarantine'),
  source_id: WireId('source'),
  reason: Type.String({ examples: ['bad_signature'] }),
  detail: Type.String(),
  ip: Nullable(Type.String()),
  received_at: Timestamp,
})
export const Quarantine = Page(Quarantined)
export const QuarantinedWithBody = Type.Intersect([Quarantined, Raw])

const FORTNIGHT_S = 14 * 86_400

export const Release = Type.Object(
  {
    clock_ahead_s: Type.Optional(
      Type.Integer({
        minimum: -FORTNIGHT_S, // a clock that was further off than partitions are made stored nothing
        maximum: FORTNIGHT_S,
        examples: [3600],
        description:
          'Where our own clock was wrong as it came: by how many seconds it was ahead, negative where it was behind. It is verified as of the time that was right; the signature must hold all the same',
      }),
    ),
  },
  { additionalProperties: false },
)
export type Release = Static<typeof Release>

export const ReleaseQuery = Type.Omit(PageQuery, ['limit'], { additionalProperties: false })
export const Released = Type.Object({
  released: Type.Integer(),
  refused: Type.Integer({ description: 'Looked at and still refused' }),
  next_cursor: Nullable(
    Type.String({ description: 'Where there are more than were looked at: ask again with it' }),
  ),
})

export const Discard = Type.Object(
  {
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: 100, examples: ['bad_signature'] })),
    ip: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'From where it came' })),
    since: Timestamp,
    until: Type.Optional(Type.String({ format: 'date-time', description: 'Now, where absent' })),
    dry_run: Type.Optional(Type.Boolean({ description: 'Only count' })),
  },
  { additionalProperties: false },
)
export type Discard = Static<typeof Discard>

export const Discarded = Type.Union([
  Type.Object({ discarded: Type.Integer() }),
  Type.Object({
    dry_run: Type.Literal(true),
    total: Type.Integer(),
    until: Type.String({
      format: 'date-time',
      description: 'Up to when was counted: given back, nothing that came since is discarded',
    }),
  }),
])

export const toQuarantined = (row: QuarantineRow): Static<typeof Quarantined> => ({
  id: toWire('quarantine', row.id),
  source_id: toWire('source', row.source_id),
  reason: row.reason,
  detail: row.detail,
  ip: row.ip,
  received_at: timeOfId(row.id).toISOString(),
})
