import { Anchor, Card, Group, SimpleGrid, Stack, Text } from '@mantine/core'
import { Link } from 'react-router'
import { duration, percent, short } from '../../parts/figures.ts'
import { When } from '../../parts/when.tsx'
import { BreakerBadge, HealthBadge, LimitBar, Sign } from './badges.tsx'
import { ConnectionMenu } from './menu.tsx'
import { useNames } from './names.ts'
import type { Connection, Figures, Provider } from './reads.ts'

type CardProps = {
  of: Connection
  provider: Provider | undefined
  /** Absent while they are read, or where the session may not see them. */
  figures: { of: Figures | undefined } | undefined
}

/** How one connection does, at a glance. */
export function ConnectionCard({ of, provider, figures }: CardProps) {
  const say = useNames()
  const vendor = provider?.name ?? of.provider
  return (
    <Card withBorder padding="md" component="article" aria-label={of.name}>
      <Stack gap="sm" h="100%">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Group gap="sm" wrap="nowrap" miw={0}>
            <Sign name={vendor} category={provider?.category} />
            <div style={{ minWidth: 0 }}>
              <Anchor
                component={Link}
                to={`/connections/${of.id}`}
                fw={600}
                c="inherit"
                truncate
                display="block"
              >
                {of.name}
              </Anchor>
              <Text size="xs" c="dimmed" truncate>
                {vendor} · {say(of.environment)}
              </Text>
            </div>
          </Group>
          <ConnectionMenu of={of} />
        </Group>
        <Group gap={6}>
          <HealthBadge of={of} />
          <BreakerBadge id={of.id} />
        </Group>
        {of.health_note && of.state === 'enabled' && (
          <Text size="xs" c="dimmed" lineClamp={2}>
            {of.health_note}
          </Text>
        )}
        {figures && <Stats of={figures.of} />}
        <div style={{ marginTop: 'auto' }}>
          <LimitBar id={of.id} />
          <Text size="xs" c="dimmed" mt={8}>
            {say('last_seen')}: <When at={of.last_seen} />
          </Text>
          {of.credentials_set_at && (
            <Text size="xs" c="dimmed">
              {say('set_at')}: <When at={of.credentials_set_at} />
            </Text>
          )}
        </div>
      </Stack>
    </Card>
  )
}

function Stats({ of }: { of: Figures | undefined }) {
  const say = useNames()
  const shown = [
    ['requests', short(of?.calls ?? 0)],
    ['success', percent(of?.success_rate)],
    ['mean', duration(of?.mean_ms)],
  ] as const
  return (
    <SimpleGrid cols={3} spacing="xs">
      {shown.map(([name, value]) => (
        <div key={name}>
          <Text size="xs" c="dimmed">
            {say(name)}
          </Text>
          <Text fw={600} style={{ fontVariantNumeric: 'tabular-nums' }}>
            {value}
          </Text>
        </div>
      ))}
    </SimpleGrid>
  )
}
