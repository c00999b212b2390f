import { Paper, SimpleGrid, Text } from '@mantine/core'
import { Link } from 'react-router'
import { duration, number, percent, short } from '../../parts/figures.ts'
import type { Overview } from './overview.tsx'
import { useText } from './text.ts'

/** The figures one looks at first, each leading to where it comes from, beside the period before. */
export function Cards({ overview: { connections, calls, inbound, outbound } }: { overview: Overview }) {
  const say = useText()
  const { total, previous } = calls
  const errors = total.refused + total.failed + total.unknown
  const errors_before = previous.refused + previous.failed + previous.unknown
  return (
    <SimpleGrid cols={{ base: 2, sm: 4, lg: 7 }} spacing="sm">
      {connections && (
        <Card
          title={say('connections')}
          value={number(connections.enabled)}
          note={say('of_total', { enabled: connections.enabled, total: connections.total })}
          to="/connections"
        />
      )}
      <Card
        title={say('calls')}
        value={short(total.calls)}
        now={total.calls}
        before={previous.calls}
        to="/calls"
      />
      <Card
        title={say('success')}
        value={percent(total.success_rate)}
        now={total.success_rate}
        before={previous.success_rate}
        points
        to="/analytics"
      />
      <Card
        title={say('mean')}
        value={duration(total.mean_ms)}
        note={say('p95', { value: duration(total.p95_ms) })}
        to="/analytics"
      />
      <Card
        title={say('errors')}
        value={short(errors)}
        now={errors}
        before={errors_before}
        to="/calls?state=failed"
      />
      {inbound && (
        <Card
          title={say('received')}
          value={short(inbound.total.count)}
          now={inbound.total.count}
          before={inbound.previous.count}
          to="/inbound"
        />
      )}
      {outbound && (
        <Card
          title={say('sent')}
          value={short(outbound.total.count)}
          now={outbound.total.count}
          before={outbound.previous.count}
          to="/outbound"
        />
      )}
    </SimpleGrid>
  )
}

type CardProps = {
  title: string
  value: string
  note?: string
  now?: number | null
  before?: number | null
  /** The change is told in points, as of a rate, and not in percent of it. */
  points?: boolean
  to: string
}

function Card({ title, value, note, now, before, points = false, to }: CardProps) {
  const say = useText()
  const change = changeOf(now, before, points)
  return (
    <Paper component={Link} to={to} withBorder p="sm" radius="md" c="inherit" td="none">
      <Text size="sm" c="dimmed">
        {title}
      </Text>
      <Text size="xl" fw={700} lh={1.3}>
        {value}
      </Text>
      <Text size="xs" c="dimmed" mih={18}>
        {note ?? (change && say('before', { change }))}
      </Text>
    </Paper>
  )
}

/** Null where there is nothing to compare with. */
export function changeOf(
  now: number | null | undefined,
  before: number | null | undefined,
  points: boolean,
): string | null {
  if (now === null || now === undefined || before === null || before === undefined) return null
  if (!points && before === 0) return null
  const change = points ? now - before : ((now - before) * 100) / before
  const sign = change > 0 ? '+' : ''
  return `${sign}${number(change, points ? 1 : 0)} ${points ? 'pp' : '%'}`
}
