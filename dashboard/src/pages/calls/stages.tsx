import { Group, Progress, Stack, Table, Text, Title } from '@mantine/core'
import { IconCheck, IconMinus, IconX } from '@tabler/icons-react'
import { duration } from '../../parts/figures.ts'
import type { Report } from './outcome.tsx'
import './stages.css'
import { useText } from './tester_text.ts'

type Tried = { number: number; outcome: string; status: number | null; duration_ms: number }
type Sign = 'done' | 'passed' | 'failed'
type Stage = { name: string; note?: string; ms: number | null; sign: Sign }

const ICONS = {
  done: { Icon: IconCheck, color: 'teal' },
  passed: { Icon: IconMinus, color: 'gray' },
  failed: { Icon: IconX, color: 'red' },
} as const

/** The stages of a call in their order, each with its part of the time. */
export function Stages({ of, attempts }: { of: Report; attempts: Tried[] }) {
  const say = useText()
  const stages = stagesOf(say, of, attempts)
  return (
    <Stack gap={4}>
      <Title order={3} size="h5">
        {say('stages')}
      </Title>
      <Table withRowBorders={false} verticalSpacing={4} aria-label={say('stages')}>
        <Table.Tbody>
          {stages.map((stage, at) => (
            <Line key={stage.name} of={stage} at={at} total_ms={of.duration_ms} />
          ))}
          <Table.Tr>
            <Table.Th>{say('total')}</Table.Th>
            <Table.Td />
            <Table.Td ta="right" fw={600}>
              {duration(of.duration_ms)}
            </Table.Td>
          </Table.Tr>
        </Table.Tbody>
      </Table>
    </Stack>
  )
}

/** One after the other they light up, in the order in which the call came through them. */
const BETWEEN_MS = 110

function Line({ of: { name, note, ms, sign }, at, total_ms }: { of: Stage; at: number; total_ms: number }) {
  const { Icon, color } = ICONS[sign]
  return (
    <Table.Tr className="stage" style={{ animationDelay: `${at * BETWEEN_MS}ms` }}>
      <Table.Td>
        <Group gap="xs" wrap="nowrap">
          <Icon size={16} color={`var(--mantine-color-${color}-6)`} aria-hidden style={{ flexShrink: 0 }} />
          <Text size="sm">
            {name}
            {note && (
              <Text span size="xs" c="dimmed">
                {' '}
                {note}
              </Text>
            )}
          </Text>
        </Group>
      </Table.Td>
      <Table.Td w={120} visibleFrom="xs">
        {ms !== null && total_ms > 0 && (
          <Progress value={Math.min(100, (ms / total_ms) * 100)} size="xs" aria-hidden />
        )}
      </Table.Td>
      <Table.Td w={90} ta="right">
        <Text size="sm">{ms === null ? '–' : duration(ms)}</Text>
      </Table.Td>
    </Table.Tr>
  )
}

type Say = ReturnType<typeof useText>

function stagesOf(say: Say, of: Report, attempts: Tried[]): Stage[] {
  const tried = attempts.reduce((sum, one) => sum + one.duration_ms, 0)
  const is_cached = of.cache !== null && ['hit', 'stale'].includes(of.cache.result)
  return [
    ...mapped(say('mapped_in'), of.steps?.in ?? []),
    ...(of.cache ? [cacheStage(say, of.cache)] : []),
    ...(is_cached ? [] : gates(say, of.turned_away)),
    ...(attempts.length > 0 && !is_cached
      ? [{ name: say('waited'), ms: Math.max(0, of.duration_ms - tried), sign: 'done' as const }]
      : []),
    ...attempts.map((one) => ({
      name: say('attempt', { n: one.number }),
      note: one.status === null ? undefined : `HTTP ${one.status}`,
      ms: one.duration_ms,
      sign: one.outcome === 'succeeded' ? ('done' as const) : ('failed' as const),
    })),
    ...mapped(say('mapped_out'), of.steps?.out ?? []),
  ]
}

/** What each attempt goes through before it is sent, in this order. */
const GATES = ['breaker', 'bulkhead', 'limiter', 'authentication'] as const

/** The last attempt was kept by one of them, and came to none behind it; or was let through by all. */
function gates(say: Say, turned_away: Report['turned_away']): Stage[] {
  const kept = (GATES as readonly string[]).indexOf(turned_away?.by ?? '')
  return GATES.map((gate, at) => {
    if (kept < 0 || at < kept) return { name: say(gate), ms: null, sign: 'done' }
    return at === kept
      ? { name: say(gate), note: say('kept'), ms: null, sign: 'failed' }
      : { name: say(gate), note: say('not_reached'), ms: null, sign: 'passed' }
  })
}

function mapped(name: string, steps: { ok: boolean; took_ms: number }[]): Stage[] {
  if (steps.length === 0) return []
  const ms = steps.reduce((sum, { took_ms }) => sum + took_ms, 0)
  return [{ name, ms, sign: steps.every(({ ok }) => ok) ? 'done' : 'failed' }]
}

function cacheStage(say: Say, cache: NonNullable<Report['cache']>): Stage {
  const { result, joined, stored, detail } = cache
  const notes = [say(`cache_${result}`), joined && say('joined'), stored && say('stored'), detail]
  const is_used = result !== 'miss' && result !== 'bypassed'
  return {
    name: say('cache'),
    note: notes.filter(Boolean).join(', '),
    ms: null,
    sign: is_used ? 'done' : 'passed',
  }
}
