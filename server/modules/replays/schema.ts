import Type from 'typebox'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { Nullable, Timestamp } from '../wire.ts'
import type { ReplayRow } from './queries.ts'

const TOTAL = Type.Integer({
  description:
    'How many there were when it was made. Events that are `missing` are counted among the first 100,000 of the span; where more were replayed, so many',
})

/** What every replay shows of itself, beside its id and what it is of. */
export const REPLAY = {
  since: Timestamp,
  until: Timestamp,
  per_second: Nullable(Type.Integer()),
  state: Type.Enum(['running', 'paused', 'completed', 'canceled']),
  total: TOTAL,
  replayed: Type.Integer({ description: 'How many were put back to work' }),
  created_at: Timestamp,
  closed_at: Nullable(Timestamp),
}

export const DryRun = Type.Object({ dry_run: Type.Literal(true), total: TOTAL })

/** What every replay is asked for with. */
export type ReplaySpan = {
  since: string
  until?: string | undefined
  per_second?: number | undefined
  dry_run?: boolean | undefined
}

export type ReplayKind = 'replay' | 'inbox_replay'

export const replayOf = (kind: ReplayKind, row: ReplayRow) => ({
  id: toWire(kind, row.id),
  since: row.since.toISOString(),
  until: row.until.toISOString(),
  per_second: row.per_second,
  state: row.state,
  total: Math.max(row.total, row.replayed), // what came while it went, or was past what is counted
  replayed: row.replayed,
  created_at: timeOfId(row.id).toISOString(),
  closed_at: row.closed_at?.toISOString() ?? null,
})
