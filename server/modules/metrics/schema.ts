import Type, { type Static } from 'typebox'
import { percentile } from '../../kit/durations.ts'
import { toWire } from '../../platform/ids.ts'
import { Nullable, Timestamp, WireId } from '../wire.ts'
import type { Counts } from './queries.ts'
import type { Flow } from './traffic_queries.ts'

export const MetricsQuery = Type.Object(
  {
    from: Type.Optional(
      Type.String({ format: 'date-time', description: '24 hours ago where absent; whole hours count' }),
    ),
    to: Type.Optional(Type.String({ format: 'date-time', description: 'Now where absent' })),
    step: Type.Optional(
      Type.Union([Type.Literal('hour'), Type.Literal('day')], {
        description: 'Of the series: hours up to 31 days, days up to 400; days are those of UTC',
      }),
    ),
    connection_id: Type.Optional(WireId('connection')),
  },
  { additionalProperties: false },
)
export type MetricsQuery = Static<typeof MetricsQuery>

const Ms = Nullable(Type.Number({ description: 'Milliseconds, right to a tenth of itself' }))

const FIGURES = {
  calls: Type.Integer(),
  succeeded: Type.Integer(),
  refused: Type.Integer({ description: 'The provider said no' }),
  failed: Type.Integer({ description: 'The provider failed, could not be reached, or was not asked' }),
  unknown: Type.Integer({ description: 'Nobody saw how it ended' }),
  success_rate: Nullable(
    Type.Number({ description: 'Percent of the calls, to a tenth; null without calls' }),
  ),
  attempts: Type.Integer(),
  mean_ms: Ms,
  max_ms: Type.Integer(),
  p50_ms: Ms,
  p95_ms: Ms,
  p99_ms: Ms,
  sent_bytes: Type.Integer(),
  received_bytes: Type.Integer(),
  cache_hits: Type.Integer(),
  cache_misses: Type.Integer(),
  errors: Type.Record(Type.String(), Type.Integer(), {
    description: 'How many, by what was wrong',
    examples: [{ timeout: 3, status_503: 12, limiter: 1 }],
  }),
}

export const Figures = Type.Object(FIGURES)
export type Figures = Static<typeof Figures>

export const Metrics = Type.Object({
  from: Timestamp,
  to: Timestamp,
  total: Figures,
  connections: Type.Array(Type.Object({ connection_id: WireId('connection'), ...FIGURES }), {
    description: 'Those that did something, the busiest first',
  }),
  series: Type.Array(Type.Object({ at: Timestamp, ...FIGURES }), {
    description: 'Of all together; steps in which nothing was done are left out',
  }),
})

const tenth = (n: number): number => Math.round(n * 10) / 10

export function toFigures(counts: Counts): Figures {
  const { durations, total_ms, calls, ...rest } = counts
  return {
    ...rest,
    calls,
    success_rate: calls === 0 ? null : tenth((rest.succeeded * 100) / calls),
    mean_ms: calls === 0 ? null : tenth(total_ms / calls),
    p50_ms: percentile(durations, 0.5),
    p95_ms: percentile(durations, 0.95),
    p99_ms: percentile(durations, 0.99),
  }
}

export const toConnection = (id: string, counts: Counts) => ({
  connection_id: toWire('connection', id),
  ...toFigures(counts),
})

export const WebhookQuery = Type.Omit(MetricsQuery, ['connection_id'], { additionalProperties: false })
export type WebhookQuery = Static<typeof WebhookQuery>

const Direction = Type.Union([Type.Literal('inbound'), Type.Literal('outbound')])
const FLOW = {
  direction: Direction,
  count: Type.Integer(),
  mean_ms: Ms,
  outcomes: Type.Record(Type.String(), Type.Integer(), {
    description:
      'Inbound: completed, ignored, failed, parked, duplicate, quarantined. Outbound: delivered, refused, failed',
    examples: [{ completed: 80, ignored: 3 }],
  }),
}
export const Webhooks = Type.Object({
  from: Timestamp,
  to: Timestamp,
  subjects: Type.Array(Type.Object({ subject: Type.String(), ...FLOW }), {
    description: 'Of what came in the provider, of what went out the type of the event; the busiest first',
  }),
  series: Type.Array(Type.Object({ at: Timestamp, ...FLOW }), {
    description: 'Of all subjects together; steps in which nothing crossed are left out',
  }),
})

/** What never became work took no time worth a mean. */
const UNWORKED = ['duplicate', 'quarantined']

/** What rows of one direction come to together. */
export function toFlow(rows: readonly Pick<Flow, 'outcome' | 'count' | 'total_ms'>[]) {
  const outcomes: Record<string, number> = {}
  let [count, worked, total_ms] = [0, 0, 0]
  for (const row of rows) {
    outcomes[row.outcome] = (outcomes[row.outcome] ?? 0) + row.count
    count += row.count
    if (UNWORKED.includes(row.outcome)) continue
    worked += row.count
    total_ms += row.total_ms
  }
  return { count, mean_ms: worked === 0 ? null : tenth(total_ms / worked), outcomes }
}
