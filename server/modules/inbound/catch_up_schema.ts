import Type, { type Static } from 'typebox'
import { Nullable, Timestamp, WireId } from '../wire.ts'
import type { CatchUpRow } from './catch_up_queries.ts'

export const StartCatchUp = Type.Object(
  {
    from: Type.Optional(
      Type.String({
        format: 'date-time',
        description:
          'From when on, where that is before what was read last; no further back than copies are known',
        examples: ['2026-11-20T08:00:00Z'],
      }),
    ),
  },
  { additionalProperties: false },
)
export type StartCatchUp = Static<typeof StartCatchUp>

export const SourceCatchUp = Type.Object({
  source_id: WireId('source'),
  state: Type.Union([Type.Literal('idle'), Type.Literal('running')]),
  seen_until: Nullable(
    Type.String({ format: 'date-time', description: 'All that the vendor listed before is here' }),
  ),
  began_at: Nullable(Timestamp),
  ended_at: Nullable(Timestamp),
  read: Type.Integer({ description: 'Of the last run: how many events the vendor listed' }),
  added: Type.Integer({ description: 'How many of them had not come by webhook' }),
  error: Nullable(
    Type.String({
      description:
        'Why the last run stopped, where the next one goes on; what could not be read any more stands here until it is started by hand',
    }),
  ),
})

export const toCatchUp = (source_id: string, row: CatchUpRow | undefined): Static<typeof SourceCatchUp> => ({
  source_id,
  state: row?.job_id ? 'running' : 'idle',
  seen_until: row?.seen_until?.toISOString() ?? null,
  began_at: row?.began_at?.toISOString() ?? null,
  ended_at: row?.ended_at?.toISOString() ?? null,
  read: row?.read ?? 0,
  added: row?.added ?? 0,
  error: row?.error ?? null,
})
