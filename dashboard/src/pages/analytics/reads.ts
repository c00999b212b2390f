import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import type { paths } from '../../api/schema.ts'
import { type Range, useRange } from '../../parts/range.tsx'

type Answer<Path extends '/v1/overview' | '/v1/metrics/connections' | '/v1/limits/history'> =
  paths[Path]['get']['responses'][200]['content']['application/json']

export type Overview = Answer<'/v1/overview'>
export type Figures = Overview['calls']['total']
export type Point = Pick<
  Overview['calls']['series'][number],
  'at' | 'calls' | 'success_rate' | 'p50_ms' | 'p95_ms' | 'p99_ms' | 'cache_hits' | 'cache_misses'
>

/** The calls of a period and of the one before it, step by step. */
export type Calls = {
  total: Figures
  previous: Figures
  series: Point[]
  before: Point[]
  step: Overview['step']
}

const EVERY_MS = 60_000

const queryOf = ({ name, from, to }: Range) => (name === 'custom' ? { from, to } : { range: name })

/** The same period on another page. */
export const inAddress = ({ name, from, to }: Range): Record<string, string> =>
  name === 'custom' ? { range: name, from, to } : { range: name }

export function useOverview() {
  const query = queryOf(useRange())
  return useRead(['overview', query], () => ask(api.GET('/v1/overview', { params: { query } })), {
    every_ms: EVERY_MS,
  })
}

/** The calls of all connections, or of one. Kept by what was asked: where a period ends now moves with every answer. */
export function useCalls(overview: Overview, connection_id: string | undefined) {
  const asked = queryOf(useRange())
  return useRead(['overview', 'calls', connection_id ?? null, asked], () =>
    readCalls(overview, connection_id),
  )
}

async function readCalls(overview: Overview, connection_id: string | undefined): Promise<Calls> {
  const { calls, previous, step } = overview
  if (connection_id !== undefined) return readConnection(overview, connection_id)
  const before = await ask(api.GET('/v1/overview', { params: { query: previous } }))
  return {
    total: calls.total,
    previous: calls.previous,
    series: calls.series,
    before: before.calls.series,
    step,
  }
}

/** Of one connection figures are kept by the hour and by the day alone. */
async function readConnection(overview: Overview, connection_id: string): Promise<Calls> {
  const step = overview.step === 'day' ? ('day' as const) : ('hour' as const)
  const read = ({ from, to }: { from: string; to: string }) =>
    ask(api.GET('/v1/metrics/connections', { params: { query: { from, to, connection_id, step } } }))
  const [now, before] = await Promise.all([read(overview), read(overview.previous)])
  return {
    total: now.total,
    previous: before.total,
    series: everyStep(now, step),
    before: everyStep(before, step),
    step,
  }
}

const STEP_MS = { hour: 3_600_000, day: 86_400_000 }

/** Steps in which nothing was done are left out of the answer, and would be bridged by a line. */
function everyStep({ from, to, series }: Answer<'/v1/metrics/connections'>, step: 'hour' | 'day'): Point[] {
  const known = new Map(series.map((point) => [new Date(point.at).getTime(), point]))
  const points: Point[] = []
  const end = new Date(to).getTime()
  for (let at = new Date(from).getTime(); at < end; at += STEP_MS[step]) {
    points.push(known.get(at) ?? { ...NOTHING, at: new Date(at).toISOString() })
  }
  return points
}

const NOTHING: Omit<Point, 'at'> = {
  calls: 0,
  success_rate: null,
  p50_ms: null,
  p95_ms: null,
  p99_ms: null,
  cache_hits: 0,
  cache_misses: 0,
}

/** What the limits let through and held back, by the hour. */
export function useLimitHistory({ from, to }: Overview, connection_id: string | undefined) {
  const asked = queryOf(useRange())
  const query = { from, to }
  return useRead(['overview', 'limits', connection_id ?? null, asked], () =>
    connection_id === undefined
      ? ask(api.GET('/v1/limits/history', { params: { query } }))
      : ask(
          api.GET('/v1/connections/{id}/limits/history', { params: { path: { id: connection_id }, query } }),
        ),
  )
}

/** What came in, by the vendor's word for it and by state. */
export function useReceivedTypes({ from, to }: Overview) {
  const query = { since: from, until: to }
  return useRead(['messages', 'types', queryOf(useRange())], () =>
    ask(api.GET('/v1/messages/types', { params: { query } })),
  )
}

/** What was attempted to be sent, by type of event and outcome, as it was counted by the hour. */
export function useSentTypes({ from, to }: Overview) {
  const query = { from, to }
  return useRead(['deliveries', 'types', queryOf(useRange())], async () => {
    const { subjects } = await ask(api.GET('/v1/metrics/webhooks', { params: { query } }))
    return subjects.filter(({ direction }) => direction === 'outbound')
  })
}
