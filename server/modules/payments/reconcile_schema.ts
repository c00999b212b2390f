import Type, { type Static } from 'typebox'
import { Day } from '../../kit/payments.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import { type DifferenceKind, KINDS } from './compare.ts'
import type { DifferenceRow, ReconciliationRow } from './reconcile_queries.ts'

export const BeginReconciliation = Type.Object(
  {
    connection_id: Type.String({ maxLength: 40, examples: ['con_01jz8k3v9mf2tb7xq4c5n6p8rs'] }),
    day: Type.Unsafe<string>({
      ...Day,
      description: "A day of the tenant's time zone, today at the latest",
      examples: ['2026-11-21'],
    }),
  },
  { additionalProperties: false },
)
export type BeginReconciliation = Static<typeof BeginReconciliation>

export const Reconciliation = Type.Object({
  id: WireId('reconciliation'),
  connection_id: WireId('connection'),
  day: Type.String(),
  state: Type.Union([Type.Literal('running'), Type.Literal('completed'), Type.Literal('failed')]),
  by_clock: Type.Boolean({ description: 'Begun by the clock, as each day is once' }),
  theirs: Nullable(Type.Integer({ description: 'How many payments the provider lists' })),
  differences: Nullable(Type.Integer()),
  left_out: Nullable(
    Type.Integer({
      description:
        'Payments taken here that day which the provider did not list and which it was not asked for one by one. Above 0 the day is not wholly compared',
    }),
  ),
  error: Nullable(Type.String()),
  created_at: Timestamp,
  ended_at: Nullable(Timestamp),
})
export type Reconciliation = Static<typeof Reconciliation>
export const Reconciliations = Page(Reconciliation)

export const ReconciliationQuery = Type.Object(
  { ...PageQuery.properties, connection_id: Type.Optional(Type.String({ maxLength: 40 })) },
  { additionalProperties: false },
)
export type ReconciliationQuery = Static<typeof ReconciliationQuery>

const Side = Type.Record(Type.String(), Type.Unknown())
const State = Type.Union([Type.Literal('open'), Type.Literal('resolved')])

export const Difference = Type.Object({
  id: WireId('difference'),
  reconciliation_id: WireId('reconciliation'),
  connection_id: WireId('connection'),
  day: Type.String(),
  kind: Type.Unsafe<DifferenceKind>(Type.Union(KINDS.map((kind) => Type.Literal(kind)))),
  vendor_id: Type.String(),
  payment_id: Nullable(WireId('payment')),
  ours: Nullable(Side),
  theirs: Nullable(Side),
  state: State,
  resolution: Nullable(
    Type.Union(
      [Type.Literal('refreshed'), Type.Literal('imported'), Type.Literal('accepted'), Type.Literal('gone')],
      { description: 'gone: a later look did not find it any more' },
    ),
  ),
  resolved_by: Nullable(Type.String()),
  resolved_at: Nullable(Timestamp),
  note: Nullable(Type.String()),
  created_at: Timestamp,
})
export type Difference = Static<typeof Difference>
export const Differences = Page(Difference)

export const DifferenceQuery = Type.Object(
  {
    ...PageQuery.properties,
    state: Type.Optional(State),
    connection_id: Type.Optional(Type.String({ maxLength: 40 })),
    reconciliation_id: Type.Optional(Type.String({ maxLength: 40 })),
  },
  { additionalProperties: false },
)
export type DifferenceQuery = Static<typeof DifferenceQuery>

export const ResolveDifference = Type.Object(
  {
    action: Type.Union([Type.Literal('refresh'), Type.Literal('import'), Type.Literal('accept')], {
      description:
        'refresh: ours is read anew from the provider; import: theirs becomes a payment here; accept: it is as it is',
    }),
    note: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: 'Needed to accept' })),
  },
  { additionalProperties: false },
)
export type ResolveDifference = Static<typeof ResolveDifference>

export const toReconciliation = (row: ReconciliationRow): Reconciliation => ({
  id: toWire('reconciliation', row.id),
  connection_id: toWire('connection', row.connection_id),
  day: row.day,
  state: row.state,
  by_clock: row.by_clock,
  theirs: row.theirs,
  differences: row.differences,
  left_out: row.left_out,
  error: row.error,
  created_at: timeOfId(row.id).toISOString(),
  ended_at: row.ended_at?.toISOString() ?? null,
})

export const toDifference = (row: DifferenceRow): Difference => ({
  id: toWire('difference', row.id),
  reconciliation_id: toWire('reconciliation', row.reconciliation_id),
  connection_id: toWire('connection', row.connection_id),
  day: row.day,
  kind: row.kind,
  vendor_id: row.vendor_id,
  payment_id: row.payment_id && toWire('payment', row.payment_id),
  ours: row.ours,
  theirs: row.theirs,
  state: row.state,
  resolution: row.resolution,
  resolved_by: row.resolved_by,
  resolved_at: row.resolved_at?.toISOString() ?? null,
  note: row.note,
  created_at: timeOfId(row.id).toISOString(),
})
