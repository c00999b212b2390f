import { Alert, Anchor, Badge, Box, Button, Group, Tabs, Text } from '@mantine/core'
import { IconPlayerPause, IconPlayerPlay, IconPlugConnected } from '@tabler/icons-react'
import { type ComponentType, useEffect, useRef, useState } from 'react'
import { Link, useLocation, useNavigate, useParams } from 'react-router'
import { Id } from '../../parts/id.tsx'
import { Page, Shown } from '../../parts/page.tsx'
import { When } from '../../parts/when.tsx'
import { texts } from '../../text/text.ts'
import { usePausing } from './actions.tsx'
import { useKept } from './address.ts'
import { AuthorizeNote } from './authorize.tsx'
import { BreakerBadge, HealthBadge } from './badges.tsx'
import { useNames } from './names.ts'
import { type OneConnection, useConnection, useProviders } from './reads.ts'
import { BreakerTab } from './tab_breaker.tsx'
import { CacheTab } from './tab_cache.tsx'
import { CallsTab } from './tab_calls.tsx'
import { ChecksTab } from './tab_checks.tsx'
import { CredentialsTab } from './tab_credentials.tsx'
import { LimitsTab } from './tab_limits.tsx'
import { OperationsTab } from './tab_operations.tsx'
import { OverviewTab } from './tab_overview.tsx'
import { SettingsTab } from './tab_settings.tsx'
import { TestDialog } from './test.tsx'
import { useRights } from './world.ts'

const useText = texts('connection', {
  en: {
    overview: 'Overview',
    calls: 'Calls',
    limits: 'Limits',
    breaker: 'Breaker',
    cache: 'Cache',
    checks: 'Health checks',
    operations: 'Operations',
    credentials: 'Credentials',
    settings: 'Settings',
    tabs: 'About this connection',
    trouble: 'What is wrong',
    other_world:
      'This is a connection of another environment than the one you look at. Choose {{world}} at the top of the page to change or use it.',
    live: 'Live',
    test: 'Test',
  },
  'pt-BR': {
    overview: 'Visão geral',
    calls: 'Chamadas',
    limits: 'Limites',
    breaker: 'Disjuntor',
    cache: 'Cache',
    checks: 'Verificações',
    operations: 'Operações',
    credentials: 'Credenciais',
    settings: 'Configurações',
    tabs: 'Sobre esta conexão',
    trouble: 'O que está errado',
    other_world:
      'Esta conexão é de outro ambiente. Escolha {{world}} no alto da página para mudá-la ou usá-la.',
    live: 'Produção',
    test: 'Teste',
  },
})

const TABS = {
  overview: OverviewTab,
  calls: CallsTab,
  limits: LimitsTab,
  breaker: BreakerTab,
  cache: CacheTab,
  checks: ChecksTab,
  operations: OperationsTab,
  credentials: CredentialsTab,
  settings: SettingsTab,
} satisfies Record<string, ComponentType<{ of: OneConnection }>>
type TabName = keyof typeof TABS
const NAMES = Object.keys(TABS) as TabName[]

/** One connection, from all its sides. */
export function Component() {
  const { id = '' } = useParams()
  const names = useNames()
  const read = useConnection(id)
  return (
    <Page
      title={read.data?.name ?? names('connection')}
      about={read.data && <About of={read.data} />}
      actions={read.data && <Actions of={read.data} />}
    >
      <Shown read={read}>{(one) => <Whole of={one} />}</Shown>
    </Page>
  )
}

function About({ of }: { of: OneConnection }) {
  const names = useNames()
  const providers = useProviders()
  const name = providers.data?.find((one) => one.id === of.provider)?.name ?? of.provider
  return (
    <Group component="span" gap={8} mt={4}>
      <HealthBadge of={of} />
      <BreakerBadge id={of.id} />
      <Badge variant="default" tt="none">
        {names(of.environment)}
      </Badge>
      <Anchor component={Link} to={`/connections/catalog/${of.provider}`} size="sm">
        {name}
      </Anchor>
      <Id of={of.id} />
      {of.last_seen && (
        <Text span size="sm">
          {names('last_seen')}: <When at={of.last_seen} />
        </Text>
      )}
    </Group>
  )
}

function Actions({ of }: { of: OneConnection }) {
  const names = useNames()
  const may = useRights(of)
  const pausing = usePausing(of)
  const { state } = useLocation()
  const navigate = useNavigate()
  const [is_testing, setTesting] = useState(may.call && isNew(state))
  const close = () => {
    setTesting(false)
    // A page that is loaded again does not test again.
    if (isNew(state)) navigate(window.location.pathname + window.location.search, { replace: true })
  }
  return (
    <>
      {may.call && (
        <Button leftSection={<IconPlugConnected size={16} />} onClick={() => setTesting(true)}>
          {names('test')}
        </Button>
      )}
      {may.write && (
        <Button
          variant="default"
          loading={pausing.isPending}
          leftSection={of.state === 'enabled' ? <IconPlayerPause size={16} /> : <IconPlayerPlay size={16} />}
          onClick={() => pausing.mutate()}
        >
          {names(of.state === 'enabled' ? 'pause' : 'resume')}
        </Button>
      )}
      {is_testing && <TestDialog of={of} close={close} />}
    </>
  )
}

const isNew = (state: unknown): boolean =>
  typeof state === 'object' && state !== null && 'is_new' in state && state.is_new === true

function Whole({ of }: { of: OneConnection }) {
  const say = useText()
  const [kept, setTab] = useKept('tab', 'overview')
  const tab = NAMES.find((name) => name === kept) ?? 'overview'
  const Side = TABS[tab]
  const bar = useRef<HTMLDivElement>(null)
  // On a phone the tab that is looked at may lie beyond the edge.
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever another tab is chosen
  useEffect(() => {
    bar.current?.querySelector('[data-active]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [tab])
  return (
    <>
      <Notes of={of} />
      <Tabs value={tab} onChange={setTab} keepMounted={false}>
        <Box ref={bar} style={{ overflowX: 'auto' }}>
          <Tabs.List aria-label={say('tabs')} style={{ flexWrap: 'nowrap', minWidth: 'max-content' }}>
            {NAMES.map((name) => (
              <Tabs.Tab key={name} value={name}>
                {say(name)}
              </Tabs.Tab>
            ))}
          </Tabs.List>
        </Box>
        <Tabs.Panel value={tab} pt="md">
          <Side of={of} />
        </Tabs.Panel>
      </Tabs>
    </>
  )
}

function Notes({ of }: { of: OneConnection }) {
  const say = useText()
  const { is_ours } = useRights(of)
  const world = say(of.environment === 'production' ? 'live' : 'test')
  return (
    <>
      {!is_ours && <Alert color="gray">{say('other_world', { world })}</Alert>}
      {of.health_note && of.state === 'enabled' && (
        <Alert color={of.health === 'unhealthy' ? 'red' : 'yellow'} title={say('trouble')}>
          {of.health_note}
        </Alert>
      )}
      <AuthorizeNote of={of} />
    </>
  )
}
