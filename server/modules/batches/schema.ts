import Type, { type Static } from 'typebox'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { DeferredCall, type DeferredState, MakeCall } from '../calls/calls.ts'
import { Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import type { BatchRow } from './queries.ts'

export const CreateBatch = Type.Object(
  {
    calls: Type.Array(MakeCall, {
      minItems: 1,
      maxItems: 1_000,
      description: 'Each as the body of a call; `mode` is left out',
    }),
    concurrency: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 50, description: 'Calls under way at once; 5' }),
    ),
    delay_ms: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 60_000, description: 'Between the starts of two calls; 0' }),
    ),
  },
  { additionalProperties: false, examples: [{ calls: [{ method: 'GET', path: '/' }] }] },
)
export type CreateBatch = Static<typeof CreateBatch>

const Count = Type.Integer({ minimum: 0 })
export const Batch = Type.Object({
  id: WireId('batch'),
  connection_id: WireId('connection'),
  state: Type.Union([Type.Literal('running'), Type.Literal('completed'), Type.Literal('canceled')]),
  total: Count,
  queued: Count,
  started: Count,
  succeeded: Count,
  refused: Count,
  failed: Count,
  unknown: Count,
  canceled: Count,
  concurrency: Type.Integer(),
  delay_ms: Type.Integer(),
  actor: Type.String(),
  request_id: Nullable(Type.String()),
  created_at: Timestamp,
  closed_at: Nullable(Timestamp),
})
export type Batch = Static<typeof Batch>

/** Lists tell no counts, which would have to be counted for each. */
export const Batches = Page(
  Type.Omit(Batch, ['queued', 'started', 'succeeded', 'refused', 'failed', 'unknown', 'canceled']),
)

export const BatchQuery = Type.Object(
  { ...PageQuery.properties, connection_id: Type.Optional(Type.String()) },
  { additionalProperties: false },
)
export type BatchQuery = Static<typeof BatchQuery>

export const ItemQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.String({ pattern: '^([1-9]|[1-4][0-9]|50)$', description: '1 to 50, default 50' }),
    ),
    cursor: Type.Optional(
      Type.String({ pattern: '^[0-9]{1,4}$', description: 'next_cursor of the page before' }),
    ),
  },
  { additionalProperties: false },
)
export type ItemQuery = Static<typeof ItemQuery>

export const Items = Type.Object({
  data: Type.Array(
    Type.Object({
      position: Type.Integer({ description: 'In the request, from 0' }),
      ...DeferredCall.properties,
      report: Type.Unknown({ description: 'As a call answers it; null until it is over' }),
    }),
  ),
  next_cursor: Nullable(Type.String()),
})

export type Counts = Partial<Record<DeferredState, number>>

export const toHead = (row: BatchRow) => ({
  id: toWire('batch', row.id),
  connection_id: toWire('connection', row.connection_id),
  state: row.state,
  total: row.total,
  concurrency: row.concurrency,
  delay_ms: row.delay_ms,
  actor: row.actor,
  request_id: row.request_id,
  created_at: timeOfId(row.id).toISOString(),
  closed_at: row.closed_at?.toISOString() ?? null,
})

export const toBatch = (row: BatchRow, counts: Counts): Batch => ({ ...toHead(row), ...allCounts(counts) })

export const allCounts = (counts: Counts): Record<DeferredState, number> => ({
  queued: counts.queued ?? 0,
  started: counts.started ?? 0,
  succeeded: counts.succeeded ?? 0,
  refused: counts.refused ?? 0,
  failed: counts.failed ?? 0,
  unknown: counts.unknown ?? 0,
  canceled: counts.canceled ?? 0,
})
