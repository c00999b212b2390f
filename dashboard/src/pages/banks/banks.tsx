import { Card, Group, Stack, Text } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { usePages, useRead } from '../../api/hooks.ts'
import { nameIn, useProviders } from '../../api/names.ts'
import type { QueryOf } from '../../api/types.ts'
import { FilterBar, FilterState, FilterText, useFilters } from '../../parts/filters.tsx'
import { money } from '../../parts/money.ts'
import { Empty } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { type Column, cut, DataTable } from '../../parts/table.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { ConsentBadge, ConsentEnd } from './consent_state.tsx'
import { ConnectButton } from './place.tsx'
import { type Bank, tellingOf, useConsents } from './reads.ts'
import { SyncAll } from './sync_all.tsx'
import { useText } from './text.ts'

type Query = QueryOf<'/v1/banks'>

const STATES = ['active', 'error', 'inactive'] as const

/** Every bank, whether it may be asked, and whether it was. */
export function Component() {
  const say = useText()
  const filters = useFilters(['user_id', 'state'])
  const asked = filters.set as Query
  const pages = usePages<Bank>(['banks', 'list', asked], (cursor) =>
    ask(api.GET('/v1/banks', { params: { query: { ...asked, cursor, limit: '100' } } })),
  )
  const rows = pages.data?.pages.flatMap(({ data }) => data) ?? []
  return (
    <Stack gap="sm">
      <FilterBar of={filters} beside={<SyncAll of={rows} />}>
        <FilterText of={filters} name="user_id" label={say('person')} />
        <FilterState of={filters} name="state" label={say('status')} states={STATES} />
      </FilterBar>
      {filters.set.user_id !== undefined && rows.length > 0 && <Totals of={filters.set.user_id} />}
      <DataTable
        label={say('banks')}
        columns={useColumns()}
        pages={pages}
        id={({ id }) => id}
        to={({ id }) => `/banks/${id}`}
        empty={filters.is_any ? undefined : <Nothing />}
      />
    </Stack>
  )
}

/** What one person has, over all banks. */
function Totals({ of: user_id }: { of: string }) {
  const say = useText()
  const read = useRead(['banks', 'balance', user_id], () =>
    ask(api.GET('/v1/bank-balance', { params: { query: { user_id } } })),
  )
  if (!read.data || read.data.totals.length === 0) return null
  return (
    <Card withBorder padding="sm">
      <Group gap="xl">
        <Text size="sm" fw={600}>
          {say('totals', { person: user_id })}
        </Text>
        {read.data.totals.map(({ currency, current, available }) => (
          <Text size="sm" key={currency}>
            {say('current')} <b>{money(current)}</b> · {say('available')} <b>{money(available)}</b>
          </Text>
        ))}
        <Text size="xs" c="dimmed">
          {say('as_of')} <When at={read.data.oldest_at} exact />
        </Text>
      </Group>
    </Card>
  )
}

function useColumns(): Column<Bank>[] {
  const say = useText()
  const providers = useProviders()
  return [
    {
      title: say('bank'),
      cell: (one) => (
        <>
          <To to={`/banks/${one.id}`} fw={600}>
            {one.name}
          </To>
          <Text size="xs" c="dimmed" truncate maw={220}>
            {one.user_id}
          </Text>
        </>
      ),
    },
    {
      title: say('status'),
      cell: ({ state, reason }) => (
        <>
          <State of={state} />
          {reason !== null && (
            <Text size="xs" c="dimmed" truncate maw={{ base: 150, md: 260 }} title={reason}>
              {reason}
            </Text>
          )}
        </>
      ),
    },
    { title: say('consent'), width: 190, wide: true, cell: (one) => <ConsentOf bank={one} /> },
    {
      title: say('provider'),
      wide: true,
      cell: ({ provider }) => cut(nameIn(providers, provider)),
    },
    {
      title: say('last_sync'),
      width: 160,
      wide: true,
      right: true,
      cell: ({ last_synced_at }) => <When at={last_synced_at} />,
    },
  ]
}

function ConsentOf({ bank }: { bank: Bank }) {
  const telling = tellingOf(useConsents(bank.id).data?.data)
  if (!telling) return <>–</>
  return (
    <>
      <ConsentBadge of={telling} />
      <Text size="xs" c="dimmed" component="div">
        <ConsentEnd of={telling} />
      </Text>
    </>
  )
}

function Nothing() {
  const say = useText()
  return (
    <Empty title={say('none')} action={<ConnectButton />}>
      {say('none_next')}
    </Empty>
  )
}
