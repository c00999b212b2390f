import { Anchor, Group, Progress, Stack, Text } from '@mantine/core'
import { Link } from 'react-router'
import { number } from '../../parts/figures.ts'
import { Panel } from './panel.tsx'
import type { Overview } from './reads.ts'
import { useText } from './text.ts'

const COLORS = {
  healthy: 'teal.6',
  degraded: 'yellow.6',
  unhealthy: 'red.6',
  unknown: 'gray.5',
  disabled: 'gray.7',
} as const
type Name = keyof typeof COLORS

/** How many connections are well; each share leads to them. */
export function HealthOfAll({ of }: { of: NonNullable<Overview['connections']> }) {
  const say = useText()
  const counts = { ...of.by_health, disabled: of.disabled }
  const names = (Object.keys(COLORS) as Name[]).filter((name) => counts[name] > 0)
  return (
    <Panel title={say('states')}>
      <Stack gap="sm" mt="sm">
        <Progress.Root size={18} aria-hidden>
          {names.map((name) => (
            <Progress.Section
              key={name}
              value={(counts[name] * 100) / of.total}
              color={COLORS[name]}
              withAria={false}
            />
          ))}
        </Progress.Root>
        {names.map((name) => (
          <Group key={name} justify="space-between">
            <Group gap="xs">
              <Text span c={COLORS[name]} aria-hidden>
                ●
              </Text>
              <Anchor component={Link} to={`/connections?health=${name}`} size="sm">
                {say(name)}
              </Anchor>
            </Group>
            <Text size="sm">{number(counts[name])}</Text>
          </Group>
        ))}
      </Stack>
    </Panel>
  )
}
