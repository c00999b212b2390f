import { Stack, Text } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { useLongList } from '../../api/hooks.ts'
import { nameIn, useConnections } from '../../api/names.ts'
import { FilterBar, FilterNamed, FilterSelect, FilterText, useFilters } from '../../parts/filters.tsx'
import { Empty } from '../../parts/page.tsx'
import { useStateName } from '../../parts/state.tsx'
import { type Column, cut, DataTable } from '../../parts/table.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { CardState } from './card_state.tsx'
import { LimitsInShort } from './limits.tsx'
import { IssueButton } from './place.tsx'
import { type Card, type CardQuery, cardName, STATUSES } from './reads.ts'
import { useText } from './text.ts'

/** Every card that was issued, whoever holds it. */
export function Component() {
  const say = useText()
  const name = useStateName()
  const connections = useConnections()
  const filters = useFilters(['status', 'connection_id', 'cardholder', 'customer', 'vendor_id'])
  const asked = filters.set as CardQuery
  const pages = useLongList<Card>(['cards', 'list', asked], (cursor) =>
    ask(api.GET('/v1/cards', { params: { query: { ...asked, cursor, limit: '100' } } })),
  )
  return (
    <Stack gap="sm">
      <FilterBar of={filters}>
        <FilterSelect
          of={filters}
          name="status"
          label={say('status')}
          choices={STATUSES.map((value) => ({
            value,
            label: value === 'inactive' ? say('inactive') : name(value),
          }))}
        />
        <FilterNamed of={filters} name="connection_id" label={say('connection')} among={connections} />
        <FilterText of={filters} name="cardholder" label={say('cardholder')} />
        <FilterText of={filters} name="customer" label={say('customer_of')} />
        <FilterText of={filters} name="vendor_id" label={say('vendor_id')} />
      </FilterBar>
      <DataTable
        label={say('cards')}
        columns={useColumns()}
        pages={pages}
        id={({ id }) => id}
        to={({ id }) => `/cards/${id}`}
        empty={filters.is_any ? undefined : <Nothing />}
      />
    </Stack>
  )
}

function useColumns(): Column<Card>[] {
  const say = useText()
  const connections = useConnections()
  return [
    {
      title: say('card'),
      width: 150,
      cell: (one) => (
        <>
          <To to={`/cards/${one.id}`} fw={600} style={{ whiteSpace: 'nowrap' }}>
            {cardName(one)}
          </To>
          <Text size="xs" c="dimmed">
            {say(one.kind)}
          </Text>
        </>
      ),
    },
    { title: say('status'), width: 160, cell: (one) => <CardState of={one} /> },
    { title: say('cardholder'), wide: true, cell: ({ cardholder }) => cut(cardholder) },
    { title: say('customer_of'), wide: true, cell: ({ customer }) => cut(customer) },
    {
      title: say('connection'),
      wide: true,
      cell: ({ connection_id }) => cut(nameIn(connections, connection_id)),
    },
    { title: say('limits'), wide: true, cell: (one) => <LimitsInShort of={one} /> },
    { title: say('made'), width: 120, right: true, cell: ({ created_at }) => <When at={created_at} /> },
  ]
}

function Nothing() {
  const say = useText()
  return (
    <Empty title={say('none')} action={<IssueButton />}>
      {say('none_next')}
    </Empty>
  )
}
