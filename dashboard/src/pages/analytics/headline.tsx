import { Group, Paper, SimpleGrid, Text } from '@mantine/core'
import { IconArrowDownRight, IconArrowUpRight } from '@tabler/icons-react'
import { bytes, duration, percent, short } from '../../parts/figures.ts'
import { changeOf } from '../overview/cards.tsx'
import type { Calls, Figures } from './reads.ts'
import { useText } from './text.ts'

const errorsOf = ({ refused, failed, unknown }: Figures): number => refused + failed + unknown

const hitRate = ({ cache_hits, cache_misses }: Figures): number | null =>
  cache_hits + cache_misses === 0 ? null : (cache_hits * 100) / (cache_hits + cache_misses)

const traffic = ({ sent_bytes, received_bytes }: Figures): number => sent_bytes + received_bytes

type Line = {
  name: 'requests' | 'success' | 'errors' | 'p50' | 'p95' | 'p99' | 'cache_hits' | 'traffic'
  of: (figures: Figures) => number | null
  shown: (value: number) => string
  /** Which way is good news; absent where neither is. */
  better?: 'more' | 'less'
  points?: boolean
}

const LINES: Line[] = [
  { name: 'requests', of: ({ calls }) => calls, shown: short },
  { name: 'success', of: (figures) => figures.success_rate, shown: percent, better: 'more', points: true },
  { name: 'errors', of: errorsOf, shown: short, better: 'less' },
  { name: 'p50', of: ({ p50_ms }) => p50_ms, shown: duration, better: 'less' },
  { name: 'p95', of: ({ p95_ms }) => p95_ms, shown: duration, better: 'less' },
  { name: 'p99', of: ({ p99_ms }) => p99_ms, shown: duration, better: 'less' },
  { name: 'cache_hits', of: hitRate, shown: percent, better: 'more', points: true },
  { name: 'traffic', of: traffic, shown: bytes },
]

/** The period in eight figures, each beside the period before. */
export function Headline({ calls: { total, previous } }: { calls: Calls }) {
  return (
    <SimpleGrid cols={{ base: 2, sm: 4, xl: 8 }} spacing="sm">
      {LINES.map((line) => (
        <Figure key={line.name} line={line} now={line.of(total)} before={line.of(previous)} />
      ))}
    </SimpleGrid>
  )
}

type FigureProps = { line: Line; now: number | null; before: number | null }

function Figure({ line: { name, shown, better, points = false }, now, before }: FigureProps) {
  const say = useText()
  const change = changeOf(now, before, points)
  const is_up = (now ?? 0) > (before ?? 0)
  const color =
    better === undefined || now === before ? 'dimmed' : is_up === (better === 'more') ? 'teal' : 'red'
  const Arrow = is_up ? IconArrowUpRight : IconArrowDownRight
  return (
    <Paper withBorder p="sm" radius="md">
      <Text size="sm" c="dimmed">
        {say(name)}
      </Text>
      <Text size="xl" fw={700} lh={1.3}>
        {now === null ? '–' : shown(now)}
      </Text>
      <Group gap={2} mih={18} wrap="nowrap">
        {change !== null && now !== before && <Arrow size={14} aria-hidden />}
        <Text size="xs" c={color} title={change ? say('since', { change }) : undefined}>
          {change}
        </Text>
      </Group>
    </Paper>
  )
}
