import Type, { type Static } from 'typebox'
import { percentile } from '../../kit/durations.ts'
import { toWire } from '../../platform/ids.ts'
import { Nullable, Timestamp, WireId } from '../wire.ts'
import type { Counts } from './queries.ts'

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
