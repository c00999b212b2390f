import Type, { type Static } from 'typebox'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { Nullable, Timestamp, WireId } from '../wire.ts'
import type { DeferredRow } from './deferred_queries.ts'

/** When and how often a deferred call is tried again, later than the retries of one try. */
export const RetryLater = Type.Object(
  {
    times: Type.Optional(Type.Integer({ minimum: 0, maximum: 20, description: 'After the first try; 5' })),
    after_ms: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 3_600_000,
        description: 'Before the second try, and twice as long before each that follows, 6 h at most; 10 s',
      }),
    ),
  },
  { additionalProperties: false },
)

export const DeferredState = Type.Union([
  Type.Literal('queued'),
  Type.Literal('started'),
  Type.Literal('succeeded'),
  Type.Literal('refused'),
  Type.Literal('failed'),
  Type.Literal('unknown'),
  Type.Literal('canceled'),
])

/** A call that is made later, alone or in a batch. */
export const DeferredCall = Type.Object({
  id: WireId('call'),
  connection_id: WireId('connection'),
  batch_id: Nullable(WireId('batch')),
  operation: Nullable(Type.String()),
  state: DeferredState,
  status: Nullable(Type.Integer()),
  tries: Type.Integer({ description: 'Each is a call of its own on record, with its attempts' }),
  next_try_at: Nullable(Timestamp),
  error: Nullable(Type.String()),
  created_at: Timestamp,
  closed_at: Nullable(Timestamp),
})
export type DeferredCall = Static<typeof DeferredCall>

export const toDeferred = (row: DeferredRow): DeferredCall => ({
  id: toWire('call', row.id),
  connection_id: toWire('connection', row.connection_id),
  batch_id: row.batch_id ? toWire('batch', row.batch_id) : null,
  operation: row.operation,
  state: row.state,
  status: row.status,
  tries: row.tries,
  next_try_at: row.state === 'queued' ? row.due.toISOString() : null,
  error: row.error,
  created_at: timeOfId(row.id).toISOString(),
  closed_at: row.closed_at?.toISOString() ?? null,
})
