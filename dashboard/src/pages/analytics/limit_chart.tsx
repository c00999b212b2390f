import { Chart } from '../../parts/chart.tsx'
import { short } from '../../parts/figures.ts'
import { Shown } from '../../parts/page.tsx'
import { Panel } from './panel.tsx'
import { type Overview, useLimitHistory } from './reads.ts'
import { useText } from './text.ts'

type LimitProps = { overview: Overview; connection_id: string | undefined }

/** What the limits let through, and what they held back. */
export function LimitChart({ overview, connection_id }: LimitProps) {
  const say = useText()
  const read = useLimitHistory(overview, connection_id)
  const step = overview.step === 'day' ? 'day' : 'hour'
  return (
    <Panel title={say('limiter')} about={say('limiter_about')}>
      <Shown read={read}>
        {({ data }) => (
          <Chart
            label={say('limiter')}
            kind="bar"
            stacked
            step={step}
            height={180}
            data={everyStep(overview, step, data)}
            series={[
              { name: 'calls', label: say('let'), color: 'cyan.6' },
              { name: 'refused', label: say('held'), color: 'orange.6' },
            ]}
            format={short}
          />
        )}
      </Shown>
    </Panel>
  )
}

const STEP_MS = { hour: 3_600_000, day: 86_400_000 }

type Hour = { hour: string; calls: number; refused: number }

/** Hours in which nothing was used are left out of the answer; days are added up here. */
function everyStep({ from, to }: Overview, step: 'hour' | 'day', hours: Hour[]) {
  const size = STEP_MS[step]
  const points = new Map<number, { at: string; calls: number; refused: number }>()
  const first = Math.floor(new Date(from).getTime() / size) * size
  for (let at = first; at < new Date(to).getTime(); at += size) {
    points.set(at, { at: new Date(at).toISOString(), calls: 0, refused: 0 })
  }
  for (const { hour, calls, refused } of hours) {
    const point = points.get(Math.floor(new Date(hour).getTime() / size) * size)
    if (!point) continue
    point.calls += calls
    point.refused += refused
  }
  return [...points.values()]
}
