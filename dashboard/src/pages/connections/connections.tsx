import { Button, Group, SegmentedControl, SimpleGrid, Text } from '@mantine/core'
import { IconLayoutGrid, IconList, IconPlus } from '@tabler/icons-react'
import { Link } from 'react-router'
import { useMay } from '../../api/session.tsx'
import { ClearFilters, FilterSelect, FilterText, useFilters } from '../../parts/filters.tsx'
import { Empty, Page, Shown } from '../../parts/page.tsx'
import { texts } from '../../text/text.ts'
import { useKept } from './address.ts'
import { ConnectionCard } from './card.tsx'
import { CATEGORIES, categoryName, ENVIRONMENTS, useNames } from './names.ts'
import {
  type Connection,
  type Figures,
  type Provider,
  useConnections,
  useFigures,
  useProviders,
} from './reads.ts'
import { ConnectionTable } from './rows.tsx'

const useText = texts('connections', {
  en: {
    about: 'Your accounts at providers: how each one does, and how much of its limit it uses.',
    view: 'How connections are shown',
    cards: 'Cards',
    table: 'Table',
    find: 'Name, provider or id',
    status: 'Status',
    active: 'Active',
    paused: 'Paused',
    trouble: 'In trouble',
    shown: '{{n}} of {{all}}',
    none: 'No connection yet',
    none_about: 'A connection is your account at a provider. Choose one from the catalog to begin.',
    no_match: 'No connection matches these filters',
    clear: 'Clear the filters to see them all.',
  },
  'pt-BR': {
    about: 'Suas contas nos provedores: como cada uma está e quanto do limite ela usa.',
    view: 'Como as conexões são mostradas',
    cards: 'Cartões',
    table: 'Tabela',
    find: 'Nome, provedor ou id',
    status: 'Status',
    active: 'Ativas',
    paused: 'Pausadas',
    trouble: 'Com problemas',
    shown: '{{n}} de {{all}}',
    none: 'Nenhuma conexão ainda',
    none_about: 'Uma conexão é a sua conta em um provedor. Escolha um no catálogo para começar.',
    no_match: 'Nenhuma conexão corresponde a estes filtros',
    clear: 'Limpe os filtros para ver todas.',
  },
})

const STATUSES = ['active', 'paused', 'trouble'] as const

/** All connections of the tenant, as cards or as a table. */
export function Component() {
  const say = useText()
  const names = useNames()
  const read = useConnections()
  const has_any = (read.data?.length ?? 0) > 0
  return (
    <Page title={names('connections')} about={say('about')} actions={has_any && <Actions />}>
      <Shown read={read}>{(all) => (all.length === 0 ? <None /> : <Filtered all={all} />)}</Shown>
    </Page>
  )
}

function Actions() {
  const say = useText()
  const [view, setView] = useKept('view', 'cards')
  return (
    <>
      <SegmentedControl
        value={view}
        onChange={setView}
        aria-label={say('view')}
        data={[
          { value: 'cards', label: <Shape Icon={IconLayoutGrid} name={say('cards')} /> },
          { value: 'table', label: <Shape Icon={IconList} name={say('table')} /> },
        ]}
      />
      <NewButton />
    </>
  )
}

function Shape({ Icon, name }: { Icon: typeof IconList; name: string }) {
  return (
    <Group gap={6} wrap="nowrap">
      <Icon size={16} aria-hidden />
      <Text span size="sm">
        {name}
      </Text>
    </Group>
  )
}

function NewButton() {
  const say = useNames()
  if (!useMay()('connections:write')) return null
  return (
    <Button component={Link} to="/connections/catalog" leftSection={<IconPlus size={16} />}>
      {say('new')}
    </Button>
  )
}

function None() {
  const say = useText()
  return (
    <Empty title={say('none')} action={<NewButton />}>
      {say('none_about')}
    </Empty>
  )
}

const FILTERS = ['q', 'status', 'category', 'environment'] as const

function Filtered({ all }: { all: Connection[] }) {
  const say = useText()
  const names = useNames()
  const providers = useProviders()
  const figures = useFigures(useMay()('calls:read'))
  const filters = useFilters(FILTERS)
  const known = new Map((providers.data ?? []).map((one) => [one.id, one]))
  const rows = all.filter((one) => fits(one, known.get(one.provider), filters.set))
  return (
    <>
      <Group gap="xs">
        <FilterText of={filters} name="q" label={say('find')} />
        <FilterSelect
          of={filters}
          name="status"
          label={say('status')}
          choices={STATUSES.map((one) => ({ value: one, label: say(one) }))}
        />
        <FilterSelect
          of={filters}
          name="category"
          label={names('category')}
          choices={CATEGORIES.map((one) => ({ value: one, label: categoryName(names, one) }))}
        />
        <FilterSelect
          of={filters}
          name="environment"
          label={names('environment')}
          choices={ENVIRONMENTS.map((one) => ({ value: one, label: names(one) }))}
        />
        <ClearFilters of={filters} />
        <Text size="sm" c="dimmed" role="status">
          {say('shown', { n: rows.length, all: all.length })}
        </Text>
      </Group>
      {rows.length === 0 && <Empty title={say('no_match')}>{say('clear')}</Empty>}
      {rows.length > 0 && <Rows rows={rows} known={known} figures={figures.data} />}
    </>
  )
}

type RowsProps = {
  rows: Connection[]
  known: ReadonlyMap<string, Provider>
  figures: ReadonlyMap<string, Figures> | undefined
}

function Rows({ rows, known, figures }: RowsProps) {
  const [view] = useKept('view', 'cards')
  if (view === 'table') return <ConnectionTable rows={rows} providers={known} figures={figures} />
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="md">
      {rows.map((one) => (
        <ConnectionCard
          key={one.id}
          of={one}
          provider={known.get(one.provider)}
          figures={figures && { of: figures.get(one.id) }}
        />
      ))}
    </SimpleGrid>
  )
}

type Filter = Partial<Record<(typeof FILTERS)[number], string>>

function fits(
  one: Connection,
  provider: Provider | undefined,
  { q = '', status, category, environment }: Filter,
): boolean {
  const text = `${one.name} ${one.provider} ${provider?.name ?? ''} ${one.id}`.toLowerCase()
  return (
    text.includes(q.trim().toLowerCase()) &&
    (environment === undefined || one.environment === environment) &&
    (category === undefined || provider?.category === category) &&
    (status === undefined || status === statusOf(one))
  )
}

function statusOf({ state, health }: Connection): string {
  if (state === 'disabled') return 'paused'
  return health === 'unhealthy' || health === 'degraded' ? 'trouble' : 'active'
}
