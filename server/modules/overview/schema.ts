import Type, { type Static } from 'typebox'
import { Figures } from '../metrics/metrics.ts'
import { Nullable, Timestamp, WireId } from '../wire.ts'

export const OverviewQuery = Type.Object(
  {
    range: Type.Optional(
      Type.Union([Type.Literal('1h'), Type.Literal('24h'), Type.Literal('7d'), Type.Literal('30d')], {
        description: 'Of this length, up to `to`; 24h where absent. `from` wins over it',
      }),
    ),
    from: Type.Optional(
      Type.String({
        format: 'date-time',
        description: 'Of a range of your own; the step it falls into counts',
      }),
    ),
    to: Type.Optional(Type.String({ format: 'date-time', description: 'Now where absent; up to 400 days' })),
  },
  { additionalProperties: false },
)
export type OverviewQuery = Static<typeof OverviewQuery>

const State = Type.Union([Type.Literal('enabled'), Type.Literal('disabled')])
const Health = Type.Union([
  Type.Literal('unknown'),
  Type.Literal('healthy'),
  Type.Literal('degraded'),
  Type.Literal('unhealthy'),
])

const Connections = Type.Object({
  total: Type.Integer(),
  enabled: Type.Integer(),
  disabled: Type.Integer(),
  by_health: Type.Object(
    { unknown: Type.Integer(), healthy: Type.Integer(), degraded: Type.Integer(), unhealthy: Type.Integer() },
    { description: 'Of those that are enabled' },
  ),
})

const TopConnection = Type.Object({
  connection_id: WireId('connection'),
  name: Nullable(Type.String({ description: 'null where it was deleted' })),
  provider: Nullable(Type.String()),
  state: Nullable(State),
  health: Nullable(Health),
  calls: Type.Integer(),
  succeeded: Type.Integer(),
  errors: Type.Integer({ description: 'Refused, failed or unknown' }),
  success_rate: Type.Number({ description: 'Percent, to a tenth' }),
  mean_ms: Type.Number(),
})

const { calls, succeeded, success_rate, mean_ms, p50_ms, p95_ms, p99_ms, cache_hits, cache_misses } =
  Figures.properties
const CallStep = Type.Object({
  at: Timestamp,
  ...{ calls, succeeded, success_rate, mean_ms, p50_ms, p95_ms, p99_ms, cache_hits, cache_misses },
  errors: Type.Integer({ description: 'Refused, failed or unknown' }),
  limited: Type.Integer({ description: 'Of these, those that a limit turned away' }),
})
export type CallStep = Static<typeof CallStep>

const Calls = Type.Object({
  total: Figures,
  previous: Figures,
  series: Type.Array(CallStep, {
    description: 'Every step of the range, also those in which nothing was done',
  }),
  top_connections: Type.Array(TopConnection, { description: 'The ten with the most calls' }),
})

const FLOW = {
  count: Type.Integer(),
  mean_ms: Nullable(Type.Number()),
  outcomes: Type.Record(Type.String(), Type.Integer(), { examples: [{ completed: 80, ignored: 3 }] }),
}
const FlowTotal = Type.Object(FLOW)
const Backlog = Type.Object({
  depth: Type.Integer({ description: 'All that is not ended, as far as 10,000' }),
  due: Type.Integer({ description: 'Of these, what could be worked on now' }),
  oldest_s: Type.Number({
    description: 'For how long the first of what is due has waited; 0 where nothing is',
  }),
  is_more: Type.Boolean({ description: 'There is more than was counted' }),
})
const flow = (outcomes: string, time: string) =>
  Type.Object(
    {
      total: FlowTotal,
      previous: FlowTotal,
      series: Type.Array(Type.Object({ at: Timestamp, ...FLOW })),
      backlog: Backlog,
    },
    { description: `outcomes: ${outcomes}. mean_ms: ${time}` },
  )

const Breaker = Type.Object({
  connection_id: WireId('connection'),
  name: Nullable(Type.String()),
  state: Type.Union([Type.Literal('open'), Type.Literal('half_open')]),
  reason: Type.String(),
  opened_at: Nullable(Timestamp),
  next_attempt_at: Nullable(Type.String({ format: 'date-time', description: 'null: closed by hand alone' })),
})

const Limit = Type.Object({
  connection_id: Nullable(WireId('connection')),
  name: Nullable(Type.String()),
  level: Type.String({ description: '`operation`, `connection` or `tenant`' }),
  operation: Nullable(Type.String()),
  unit: Type.String({ description: '`calls` or `bytes`' }),
  limit: Type.Integer(),
  per_s: Type.Integer(),
  used: Type.Integer(),
  share_percent: Type.Integer(),
  resets_at: Nullable(Timestamp),
})

export const Overview = Type.Object({
  from: Timestamp,
  to: Timestamp,
  step: Type.Union([Type.Literal('five_minutes'), Type.Literal('hour'), Type.Literal('day')], {
    description: 'Of every series; hours and days are those of UTC',
  }),
  previous: Type.Object(
    { from: Timestamp, to: Timestamp },
    { description: 'As long, and ends where this begins' },
  ),
  connections: Nullable(Connections),
  calls: Calls,
  inbound: Nullable(
    flow(
      '`completed`, `ignored`, `failed`, `parked`, `duplicate`, `quarantined`',
      'from the door to the end of the work, of those that were worked on',
    ),
  ),
  outbound: Nullable(flow('`delivered`, `refused`, `failed`', 'of an attempt')),
  breakers: Type.Array(Breaker, { description: 'Those that are not closed; 50 at most' }),
  limits: Type.Array(Limit, { description: 'Of which 80 % or more is used; 20 at most' }),
})
export type Overview = Static<typeof Overview>
