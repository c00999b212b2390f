import { Alert, Anchor, List, Text } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { duration, number } from '../../parts/figures.ts'
import { useStateName } from '../../parts/state.tsx'
import { useFiring } from '../alerts/firing.tsx'
import type { Overview } from './overview.tsx'
import { useText } from './text.ts'

/** Work that is due waits no longer than this while all is well. */
const LATE_S = 60

/** What somebody should look at now, each line leading there. */
export function Attention({ overview }: { overview: Overview }) {
  const say = useText()
  const lines = useLines(overview)
  const is_firing = useFiring().length > 0
  if (lines.length === 0) {
    return is_firing ? null : (
      <Text size="sm" c="dimmed" display="flex" style={{ alignItems: 'center', gap: 6 }}>
        <IconCircleCheck size={16} aria-hidden />
        {say('calm')}
      </Text>
    )
  }
  return (
    <Alert color="orange" icon={<IconAlertTriangle />} title={say('attention')}>
      <List size="sm" spacing={2}>
        {lines.map(({ key, to, text }) => (
          <List.Item key={key}>
            <Anchor component={Link} to={to} c="inherit" size="sm" underline="always">
              {text}
            </Anchor>
          </List.Item>
        ))}
      </List>
    </Alert>
  )
}

const SPANS: Record<number, 'minute' | 'hour' | 'day'> = { 60: 'minute', 3600: 'hour', 86400: 'day' }

function spanOf(say: ReturnType<typeof useText>, seconds: number): string {
  const span = SPANS[seconds]
  return span ? say(span) : duration(seconds * 1000)
}

type Line = { key: string; to: string; text: ReactNode }

function useLines({ breakers, limits, connections, inbound, outbound }: Overview): Line[] {
  const say = useText()
  const state = useStateName()
  const nameOf = (one: { name: string | null; connection_id: string | null }) =>
    one.name ?? one.connection_id ?? ''
  const bad = (['unhealthy', 'degraded'] as const).filter((kind) => (connections?.by_health[kind] ?? 0) > 0)
  const late = (flow: Overview['inbound'], key: 'inbox_late' | 'outbox_late', to: string): Line[] =>
    flow && flow.backlog.oldest_s > LATE_S
      ? [
          {
            key,
            to,
            text: say(key, { time: duration(flow.backlog.oldest_s * 1000), n: number(flow.backlog.due) }),
          },
        ]
      : []
  return [
    ...breakers.map((one) => ({
      key: `breaker ${one.connection_id}`,
      to: `/connections/${one.connection_id}?tab=breaker`,
      text: say('breaker', { name: nameOf(one), state: state(one.state).toLowerCase(), reason: one.reason }),
    })),
    ...bad.map((kind) => ({
      key: kind,
      to: `/connections?health=${kind}`,
      text: say(kind, { n: connections?.by_health[kind] ?? 0 }),
    })),
    ...limits.map((one) => ({
      key: `limit ${one.connection_id} ${one.level} ${one.operation} ${one.unit} ${one.per_s}`,
      to: one.connection_id ? `/connections/${one.connection_id}?tab=limits` : '/settings',
      text: say('limit', {
        name: nameOf(one),
        share: one.share_percent,
        used: number(one.used),
        limit: number(one.limit),
        unit: say(one.unit === 'bytes' ? 'unit_bytes' : 'unit_calls'),
        per: spanOf(say, one.per_s),
      }),
    })),
    ...late(inbound, 'inbox_late', '/inbound?state=pending&range=30d'),
    ...late(outbound, 'outbox_late', '/outbound/deliveries?state=pending'),
  ]
}
