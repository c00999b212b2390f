import { Anchor, Badge, Box, Card, Flex, Group, Stack, Text, Title } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { Link } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import { useMay, useSession } from '../../api/session.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { AlertActions, isMuted } from './actions.tsx'
import { type Alert, INSTALLATION, SEVERITY_COLORS, useKinds } from './kinds.ts'
import { placeOf, useSentence } from './sentence.ts'
import { useText } from './text.ts'

const EVERY_MS = 30_000
const MOST_SHOWN = '20'

/** Alerts nobody has silenced; to an administrator of all also what is wrong with the server itself. */
export function useFiring(): Alert[] {
  const may = useMay()
  const query = { state: 'open' as const, limit: MOST_SHOWN }
  const { data } = useRead(['alerts', 'open'], () => ask(api.GET('/v1/alerts', { params: { query } })), {
    every_ms: EVERY_MS,
    enabled: may('alerts:read'),
  })
  const { is_administrator } = useSession()
  const params = { query, header: INSTALLATION }
  const { data: of_all } = useRead(['alerts', 'installation'], () => ask(api.GET('/v1/alerts', { params })), {
    every_ms: EVERY_MS,
    enabled: is_administrator,
  })
  const open = [...(of_all?.data ?? []).filter(({ kind }) => kind === 'disk_low'), ...(data?.data ?? [])]
  return open.filter((alert) => !isMuted(alert))
}

/** Each leads to its thing; nothing where there are none. */
export function Firing() {
  const say = useText()
  const alerts = useFiring()
  if (alerts.length === 0) return null
  return (
    <Card withBorder p="sm" component="section" aria-label={say('firing_title')}>
      <Group justify="space-between" mb="xs">
        <Group gap={6}>
          <IconAlertTriangle size={18} color="var(--mantine-color-red-6)" aria-hidden />
          <Title order={2} size="h5">
            {say('firing_title')}
          </Title>
        </Group>
        <To to="/settings/alerts" size="xs">
          {say('all')}
        </To>
      </Group>
      <Stack gap={6}>
        {alerts.map((alert) => (
          <Line key={alert.id} of={alert} />
        ))}
      </Stack>
    </Card>
  )
}

function Line({ of }: { of: Alert }) {
  const say = useText()
  const kind = useKinds()
  const sentence = useSentence()
  return (
    <Flex direction={{ base: 'column', sm: 'row' }} justify="space-between" gap={6}>
      <Group gap="xs" wrap="nowrap" align="flex-start" miw={0}>
        <Badge
          variant="light"
          color={SEVERITY_COLORS[of.severity]}
          tt="none"
          w={80}
          mt={1}
          style={{ flexShrink: 0 }}
        >
          {kind(of.severity)}
        </Badge>
        <Box miw={0}>
          <Anchor component={Link} to={placeOf(of)} size="sm" c="inherit" underline="always">
            {sentence(of)}
          </Anchor>
          <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            <When at={of.fired_at} />
            {of.state === 'acknowledged' && ` · ${say('acknowledged')}`}
            {of.note && of.note !== of.subject_name && ` · ${of.note}`}
          </Text>
        </Box>
      </Group>
      <AlertActions of={of} />
    </Flex>
  )
}
