import { Text } from '@mantine/core'
import { useNavigate } from 'react-router'
import { Chart } from '../../parts/chart.tsx'
import { duration, number, short } from '../../parts/figures.ts'
import { Panel } from './panel.tsx'
import type { Calls, Point } from './reads.ts'
import { useText } from './text.ts'

type ChartsProps = { calls: Calls; is_compared: boolean; connection_id: string | undefined }

const rate = (value: number): string => `${number(value, value % 1 === 0 ? 0 : 1)} %`

/** Where a click on a chart leads: the calls of that time, of that connection, that ended so. */
function usePick(connection_id: string | undefined) {
  const navigate = useNavigate()
  return (state?: string) => (from: string, to: string) => {
    const of = { ...(connection_id && { connection_id }), ...(state && { state }) }
    navigate(`/calls?${new URLSearchParams({ range: 'custom', from, to, ...of })}`)
  }
}

/** Requests, success and percentiles over time, each over the period before where that is wanted. */
export function CallCharts({ calls, is_compared, connection_id }: ChartsProps) {
  const say = useText()
  const pick = usePick(connection_id)
  const { step } = calls
  const over = (value: (point: Point) => number | null) => overBefore(calls, is_compared, value)
  const before = is_compared ? [{ name: 'before', label: say('before'), color: 'gray.5' }] : []
  return (
    <>
      <Panel title={say('requests')}>
        <Chart
          label={say('requests')}
          kind="line"
          step={step}
          data={over(({ calls }) => calls)}
          series={[...before, { name: 'now', label: say('requests'), color: 'cyan.6' }]}
          format={short}
          pick={pick()}
        />
      </Panel>
      <Panel title={say('success')}>
        <Chart
          label={say('success')}
          kind="area"
          step={step}
          data={over(({ success_rate }) => success_rate)}
          series={[...before, { name: 'now', label: say('success'), color: 'teal.6' }]}
          format={rate}
          pick={pick('failed')}
        />
      </Panel>
      <Panel title={say('times')}>
        <Chart
          label={say('times')}
          kind="line"
          step={step}
          data={calls.series.map(({ at, p50_ms, p95_ms, p99_ms }) => ({ at, p50_ms, p95_ms, p99_ms }))}
          series={[
            { name: 'p50_ms', label: say('p50'), color: 'cyan.5' },
            { name: 'p95_ms', label: say('p95'), color: 'indigo.5' },
            { name: 'p99_ms', label: say('p99'), color: 'grape.6' },
          ]}
          format={duration}
          pick={pick()}
        />
      </Panel>
      <CacheChart calls={calls} pick={pick()} />
    </>
  )
}

type CacheProps = { calls: Calls; pick: (from: string, to: string) => void }

function CacheChart({ calls: { total, series, step }, pick }: CacheProps) {
  const say = useText()
  return (
    <Panel title={say('cache')}>
      {total.cache_hits + total.cache_misses === 0 ? (
        <Text size="sm" c="dimmed">
          {say('no_cache')}
        </Text>
      ) : (
        <Chart
          label={say('cache')}
          kind="bar"
          stacked
          step={step}
          data={series.map(({ at, cache_hits, cache_misses }) => ({ at, cache_hits, cache_misses }))}
          series={[
            { name: 'cache_hits', label: say('hits'), color: 'teal.6' },
            { name: 'cache_misses', label: say('misses'), color: 'gray.5' },
          ]}
          format={short}
          pick={pick}
        />
      )}
    </Panel>
  )
}

/** Step by step beside the same step of the period before. */
const overBefore = (
  { series, before }: Calls,
  is_compared: boolean,
  value: (point: Point) => number | null,
) =>
  series.map((point, at) => {
    const then = before[at]
    return { at: point.at, now: value(point), ...(is_compared && { before: then ? value(then) : null }) }
  })
