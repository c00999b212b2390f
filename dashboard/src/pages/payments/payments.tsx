import { Group, Text } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { usePages } from '../../api/hooks.ts'
import { nameIn, useConnections } from '../../api/names.ts'
import {
  ClearFilters,
  FilterSelect,
  FilterText,
  LiveButton,
  useFilters,
  useHeld,
} from '../../parts/filters.tsx'
import { money } from '../../parts/money.ts'
import { Empty, Page } from '../../parts/page.tsx'
import { State, useStateName } from '../../parts/state.tsx'
import { type Column, DataTable } from '../../parts/table.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { type Payment, type PaymentList, STATUSES } from './reads.ts'
import { useText } from './text.ts'

type Query = NonNullable<PaymentList['parameters']['query']>

/** Every payment, whatever its provider. */
export function Component() {
  const say = useText()
  const name = useStateName()
  const connections = useConnections()
  const filters = useFilters(['status', 'connection_id', 'customer', 'vendor_id'])
  const asked = filters.set as Query
  const key = ['payments', 'list', asked] as const
  const held = useHeld(key)
  const pages = usePages<Payment>(
    key,
    (cursor) => ask(api.GET('/v1/payments', { params: { query: { ...asked, cursor, limit: '100' } } })),
    !held.is_held,
  )
  return (
    <Page title={say('title')}>
      <Group gap="xs">
        <FilterSelect
          of={filters}
          name="status"
          label={say('status')}
          choices={STATUSES.map((value) => ({ value, label: name(value) }))}
        />
        <FilterSelect
          of={filters}
          name="connection_id"
          label={say('connection')}
          choices={connections.map((one) => ({ value: one.id, label: one.name }))}
        />
        <FilterText of={filters} name="customer" label={say('customer')} />
        <FilterText of={filters} name="vendor_id" label={say('vendor_id')} />
        <ClearFilters of={filters} />
        <LiveButton {...held} />
      </Group>
      <DataTable
        label={say('title')}
        columns={useColumns()}
        pages={pages}
        id={({ id }) => id}
        to={({ id }) => `/payments/${id}`}
        empty={filters.is_any ? undefined : <Empty title={say('none')}>{say('none_next')}</Empty>}
      />
    </Page>
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
      cell: (one) => (
        <To to={`/payments/${one.id}`} fw={600} style={{ whiteSpace: 'nowrap' }}>
          {money(one.money)}
        </To>
      ),
    },
    { title: say('method'), width: 90, wide: true, cell: ({ method }) => say(method) },
    {
      title: say('description'),
      wide: true,
      cell: ({ description, customer }) => (
        <Text size="sm" truncate maw={260}>
          {description ?? customer ?? '–'}
        </Text>
      ),
    },
    {
      title: say('connection'),
      wide: true,
      cell: ({ connection_id }) => (
        <Text size="sm" truncate maw={180}>
          {nameIn(connections, connection_id)}
        </Text>
      ),
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
