import { Button, Group, Stack, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { Link } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { nameIn, useConnections } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import type { QueryOf } from '../../api/types.ts'
import {
  FilterBar,
  FilterNamed,
  FilterState,
  FilterText,
  useFilters,
  useLiveList,
} from '../../parts/filters.tsx'
import { MoneyLink } from '../../parts/money_link.tsx'
import { Empty } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { type Column, cut, DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { useText as useNewText } from './new_text.ts'
import { type Payment, STATUSES } from './reads.ts'
import { useText } from './text.ts'

type Query = QueryOf<'/v1/payments'>

/** Every payment, whatever its provider. */
export function Component() {
  const say = useText()
  const connections = useConnections()
  const filters = useFilters(['status', 'connection_id', 'customer', 'vendor_id'])
  const asked = filters.set as Query
  const key = ['payments', 'list', asked] as const
  const { pages, held } = useLiveList<Payment>(key, (cursor) =>
    ask(api.GET('/v1/payments', { params: { query: { ...asked, cursor, limit: '100' } } })),
  )
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <FilterBar of={filters} held={held}>
          <FilterState of={filters} name="status" label={say('status')} states={STATUSES} />
          <FilterNamed of={filters} name="connection_id" label={say('connection')} among={connections} />
          <FilterText of={filters} name="customer" label={say('customer')} />
          <FilterText of={filters} name="vendor_id" label={say('vendor_id')} />
        </FilterBar>
        <NewPayment />
      </Group>
      <DataTable
        label={say('title')}
        columns={useColumns()}
        pages={pages}
        id={({ id }) => id}
        to={({ id }) => `/payments/${id}`}
        empty={
          filters.is_any ? undefined : (
            <Empty title={say('none')} action={<NewPayment />}>
              {say('none_next')}
            </Empty>
          )
        }
      />
    </Stack>
  )
}

function NewPayment() {
  const say = useNewText()
  const may = useMay()
  if (!may('payments:write')) return null
  return (
    <Button size="xs" component={Link} to="/payments/new" leftSection={<IconPlus size={14} />}>
      {say('new')}
    </Button>
  )
}

function useColumns(): Column<Payment>[] {
  const say = useText()
  const connections = useConnections()
  return [
    { title: say('status'), width: 170, cell: ({ status }) => <State of={status} /> },
    {
      title: say('amount'),
      width: 140,
      right: true,
      cell: (one) => <MoneyLink to={`/payments/${one.id}`} of={one.money} />,
    },
    { title: say('method'), width: 90, wide: true, cell: ({ method }) => say(method) },
    {
      title: say('description'),
      wide: true,
      cell: ({ description, customer }) => cut(description ?? customer, 260),
    },
    {
      title: say('connection'),
      wide: true,
      cell: ({ connection_id }) => cut(nameIn(connections, connection_id)),
    },
    {
      title: say('vendor_id'),
      wide: true,
      cell: ({ vendor_id }) => (
        <Text size="xs" ff="monospace" c="dimmed" truncate maw={180} title={vendor_id ?? undefined}>
          {vendor_id ?? '–'}
        </Text>
      ),
    },
    { title: say('made'), width: 120, right: true, cell: ({ created_at }) => <When at={created_at} /> },
  ]
}
