import { Anchor, Group, Paper, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link, useNavigate } from 'react-router'
import { Chart, type ChartProps } from '../../parts/chart.tsx'
import { duration, short } from '../../parts/figures.ts'
import type { Overview } from './overview.tsx'
import { useText } from './text.ts'

const OUTCOMES = {
  succeeded: 'teal.6',
  completed: 'teal.6',
  delivered: 'teal.6',
  ignored: 'gray.5',
  duplicate: 'gray.6',
  parked: 'yellow.6',
  quarantined: 'orange.6',
  refused: 'orange.6',
  unknown: 'gray.7',
  failed: 'red.6',
  errors: 'red.6',
} as const
type Outcome = keyof typeof OUTCOMES

/** How many calls, and how long they took; a click shows the calls of that time. */
export function CallCharts({ calls, step }: { calls: Overview['calls']; step: ChartProps['step'] }) {
  const say = useText()
  const navigate = useNavigate()
  const pick = (from: string, to: string) => navigate(`/calls?range=custom&from=${from}&to=${to}`)
  const outcomes = ['succeeded', 'errors'] as const
  const times = ['p50_ms', 'p95_ms', 'p99_ms'] as const
  const colors = { p50_ms: 'cyan.5', p95_ms: 'indigo.5', p99_ms: 'grape.6' }
  return (
    <>
      <Panel title={say('volume')} to="/calls">
        <Chart
          label={say('volume')}
          kind="bar"
          stacked
          step={step}
          data={calls.series.map((point) => ({ at: point.at, ...only(point, outcomes) }))}
          series={outcomes.map((name) => ({ name, label: say(name), color: OUTCOMES[name] }))}
          format={short}
          pick={pick}
        />
      </Panel>
      <Panel title={say('times')} to="/analytics">
        <Chart
          label={say('times')}
          kind="line"
          step={step}
          data={calls.series.map((point) => ({ at: point.at, ...only(point, times) }))}
          series={times.map((name) => ({ name, label: name.slice(0, 3).toUpperCase(), color: colors[name] }))}
          format={duration}
          pick={pick}
        />
      </Panel>
    </>
  )
}

const only = <Name extends string>(point: Record<Name, number | null>, names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, point[name]]))

type Flow = NonNullable<Overview['inbound']>
type FlowProps = { flow: Flow; step: ChartProps['step']; kind: 'inbound' | 'outbound'; to: string }

/** What came in or went out, by what became of it; a click shows the messages or deliveries of that time. */
export function FlowChart({ flow, step, kind, to }: FlowProps) {
  const say = useText()
  const navigate = useNavigate()
  const seen = (Object.keys(OUTCOMES) as Outcome[]).filter((name) => (flow.total.outcomes[name] ?? 0) > 0)
  const { depth, is_more } = flow.backlog
  return (
    <Panel title={say(kind)} to={to} note={say('backlog', { n: `${short(depth)}${is_more ? '+' : ''}` })}>
      <Chart
        label={say(kind)}
        kind="bar"
        stacked
        step={step}
        data={flow.series.map(({ at, outcomes }) => ({ at, ...outcomes }))}
        series={seen.map((name) => ({ name, label: say(name), color: OUTCOMES[name] }))}
        format={short}
        pick={(from, until) => navigate(`${to}?range=custom&from=${from}&to=${until}`)}
      />
    </Panel>
  )
}

function Panel({
  title,
  to,
  note,
  children,
}: {
  title: string
  to: string
  note?: string
  children: ReactNode
}) {
  return (
    <Paper withBorder radius="md" p="sm" miw={0}>
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h5">
          <Anchor component={Link} to={to} c="inherit" inherit>
            {title}
          </Anchor>
        </Title>
        {note && (
          <Text size="xs" c="dimmed">
            {note}
          </Text>
        )}
      </Group>
      {children}
    </Paper>
  )
}
