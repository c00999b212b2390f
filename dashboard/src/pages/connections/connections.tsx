import { Button, Group, SegmentedControl, Select, SimpleGrid, Text, TextInput } from '@mantine/core'
import { IconLayoutGrid, IconList, IconPlus, IconSearch } from '@tabler/icons-react'
import { Link, useSearchParams } from 'react-router'
import { useMay } from '../../api/session.tsx'
import { Empty, Page, Shown } from '../../parts/page.tsx'
import { texts } from '../../text/text.ts'
import { useKept } from './address.ts'
import { ConnectionCard } from './card.tsx'
import { CATEGORIES, categoryName, useNames } from './names.ts'
import { type Connection, type Provider, useConnections, useFigures, useProviders } from './reads.ts'
import { ConnectionTable } from './rows.tsx'

const useText = texts('connections', {
  en: {
    about: 'Your accounts at providers: how each one does, and how much of its limit it uses.',
    view: 'How connections are shown',
    cards: 'Cards',
    table: 'Table',
    find: 'Name, provider or id',
    status: 'Status',
    any_status: 'Any status',
    active: 'Active',
    paused: 'Paused',
    trouble: 'In trouble',
    any_category: 'Any category',
    shown: '{{n}} of {{all}}',
    none: 'No connection yet',
    none_about: 'A connection is your account at a provider. Choose one from the catalog to begin.',
    no_match: 'No connection matches these filters',
    clear: 'Clear the filters',
  },
  'pt-BR': {
    about: 'Suas contas nos provedores: como cada uma está e quanto do limite ela usa.',
    view: 'Como as conexões são mostradas',
    cards: 'Cartões',
    table: 'Tabela',
    find: 'Nome, provedor ou id',
    status: 'Status',
    any_status: 'Qualquer status',
    active: 'Ativas',
    paused: 'Pausadas',
    trouble: 'Com problemas',
    any_category: 'Qualquer categoria',
    shown: '{{n}} de {{all}}',
    none: 'Nenhuma conexão ainda',
    none_about: 'Uma conexão é a sua conta em um provedor. Escolha um no catálogo para começar.',
    no_match: 'Nenhuma conexão corresponde a estes filtros',
    clear: 'Limpar os filtros',
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

function Filtered({ all }: { all: Connection[] }) {
  const say = useText()
  const names = useNames()
  const providers = useProviders()
  const may_see_calls = useMay()('calls:read')
  const figures = useFigures(may_see_calls)
  const [view] = useKept('view', 'cards')
  const [q, setQ] = useKept('q', '')
  const [status, setStatus] = useKept('status', 'all')
  const [category, setCategory] = useKept('category', 'all')
  const known = new Map((providers.data ?? []).map((one) => [one.id, one]))
  const rows = all.filter((one) => fits(one, known.get(one.provider), { q, status, category }))
  const [, setParams] = useSearchParams()
  const clear = () => setParams({ view }, { replace: true })
  return (
    <>
      <Group gap="xs">
        <TextInput
          leftSection={<IconSearch size={16} />}
          aria-label={say('find')}
          placeholder={say('find')}
          value={q}
          onChange={({ currentTarget }) => setQ(currentTarget.value)}
          w={{ base: '100%', xs: 240 }}
        />
        <Select
          aria-label={say('status')}
          value={status}
          onChange={setStatus}
          allowDeselect={false}
          w={170}
          data={[
            { value: 'all', label: say('any_status') },
            ...STATUSES.map((one) => ({ value: one, label: say(one) })),
          ]}
        />
        <Select
          aria-label={names('category')}
          value={category}
          onChange={setCategory}
          allowDeselect={false}
          w={190}
          data={[
            { value: 'all', label: say('any_category') },
            ...CATEGORIES.map((one) => ({ value: one, label: categoryName(names, one) })),
          ]}
        />
        <Text size="sm" c="dimmed" role="status">
          {say('shown', { n: rows.length, all: all.length })}
        </Text>
      </Group>
      {rows.length === 0 && (
        <Empty
          title={say('no_match')}
          action={
            <Button variant="default" onClick={clear}>
              {say('clear')}
            </Button>
          }
        />
      )}
      {rows.length > 0 && view === 'table' && (
        <ConnectionTable rows={rows} providers={known} figures={figures.data} />
      )}
      {rows.length > 0 && view !== 'table' && (
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="md">
          {rows.map((one) => (
            <ConnectionCard
              key={one.id}
              of={one}
              provider={known.get(one.provider)}
              figures={figures.data && { of: figures.data.get(one.id) }}
            />
          ))}
        </SimpleGrid>
      )}
    </>
  )
}

type Filter = { q: string; status: string; category: string }

function fits(one: Connection, provider: Provider | undefined, { q, status, category }: Filter): boolean {
  const text = `${one.name} ${one.provider} ${provider?.name ?? ''} ${one.id}`.toLowerCase()
  return (
    text.includes(q.trim().toLowerCase()) &&
    (category === 'all' || provider?.category === category) &&
    (status === 'all' || status === statusOf(one))
  )
}

function statusOf({ state, health }: Connection): string {
  if (state === 'disabled') return 'paused'
  return health === 'unhealthy' || health === 'degraded' ? 'trouble' : 'active'
}
