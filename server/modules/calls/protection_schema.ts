import Type, { type Static } from 'typebox'
import { Rates } from '../connections/connections.ts'
import { Nullable, Timestamp, WireId } from '../wire.ts'

/** The shapes of breakers and limits. */

export const BreakerReport = Type.Object({
  connection_id: WireId('connection'),
  state: Type.Union([Type.Literal('closed'), Type.Literal('open'), Type.Literal('half_open')], {
    description:
      'open: nothing is sent; half_open: one call at a time, or as many as `limits.probes`, is let through to see',
  }),
  reason: Nullable(Type.String({ description: 'Of the state, in words' })),
  opened_at: Nullable(Timestamp),
  next_attempt_at: Nullable(
    Type.String({ format: 'date-time', description: 'null while open: until it is closed by hand' }),
  ),
  changed_at: Nullable(Timestamp),
  failures: Type.Integer({ description: 'In a row while closed, as all servers saw them' }),
  last_failure_at: Nullable(Timestamp),
  successes: Type.Integer({ description: 'Of calls let through since it opened' }),
  limits: Nullable(
    Type.Object(
      {
        failures: Type.Integer(),
        open_s: Type.Integer(),
        successes: Type.Integer(),
        probes: Type.Integer(),
      },
      { description: 'null where it is switched off' },
    ),
  ),
})
export type BreakerReport = Static<typeof BreakerReport>

const Counted = Type.Object({
  level: Type.Union(
    [
      Type.Literal('operation'),
      Type.Literal('connection'),
      Type.Literal('tenant'),
      Type.Literal('installation'),
    ],
    { description: 'What is counted together. A call takes from every level or from none' },
  ),
  operation: Nullable(Type.String({ description: 'The one with limits of its own' })),
  unit: Type.Union([Type.Literal('calls'), Type.Literal('bytes')]),
  limit: Type.Integer({ description: 'Never more in any period of this length' }),
  per_s: Type.Integer(),
  used: Type.Integer({ description: 'With what servers hold in reserve for calls of this moment' }),
  remaining: Type.Integer(),
  resets_at: Nullable(
    Type.String({ format: 'date-time', description: 'When the oldest of what is used counts no longer' }),
  ),
})
export type Counted = Static<typeof Counted>

const VendorSaid = Type.Object({
  operation: Nullable(Type.String({ description: 'One with limits of its own; null: all the others' })),
  paused_until: Nullable(Type.String({ format: 'date-time', description: 'It asked to wait until then' })),
  remaining: Nullable(Type.Integer({ description: 'Calls it still takes until resets_at' })),
  resets_at: Nullable(Timestamp),
})

export const LimitsReport = Type.Object({
  connection_id: WireId('connection'),
  rates: Type.Array(Counted, {
    description: 'Of all levels; that of the installation for administrators only',
  }),
  vendor: Type.Array(VendorSaid, {
    description: 'What the vendor said of its own limits in its answers, as long as it holds',
  }),
  paused_until: Nullable(
    Type.String({
      format: 'date-time',
      description: 'The vendor asked all of the connection to wait until then',
    }),
  ),
  concurrency: Type.Integer(),
  queue: Type.Integer(),
  under_way: Type.Integer({ description: 'In the process that answers' }),
  in_line: Type.Integer({ description: 'In the process that answers' }),
})
export type LimitsReport = Static<typeof LimitsReport>

export const SharedLimits = Type.Object({ rates: Type.Array(Counted) })
export type SharedLimits = Static<typeof SharedLimits>

export const SetSharedLimits = Type.Object(
  { rates: Rates(0, 'Replaces all before; an empty list lifts the limits') },
  { additionalProperties: false },
)

export const UsageQuery = Type.Object(
  {
    from: Type.Optional(
      Type.String({ format: 'date-time', description: 'The first hour; 24 hours ago where absent' }),
    ),
    to: Type.Optional(Type.String({ format: 'date-time', description: 'Up to and without; now' })),
  },
  { additionalProperties: false },
)
export type UsageQuery = Static<typeof UsageQuery>

export const Usage = Type.Object({
  data: Type.Array(
    Type.Object({
      hour: Timestamp,
      calls: Type.Integer({ description: 'Attempts that the limits let through' }),
      bytes: Type.Integer({ description: 'Of bodies, there and back' }),
      refused: Type.Integer({ description: 'By a limit, ours or the vendor’s' }),
    }),
    { description: 'Hours in which something was used, oldest first' },
  ),
})
export type Usage = Static<typeof Usage>
