import { Button, Stack } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { Link } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { nameIn, useAble, useConnections } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import type { QueryOf } from '../../api/types.ts'
import {
  FilterBar,
  FilterNamed,
  FilterSelect,
  FilterState,
  FilterText,
  useFilters,
  useLiveList,
} from '../../parts/filters.tsx'
import { MoneyLink } from '../../parts/money_link.tsx'
import { Empty, Page } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { type Column, cut, DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { useText as useNewText } from './new_text.ts'
import { PolicyLine } from './policy.tsx'
import { METHODS, STATUSES, type Transfer } from './reads.ts'
import { useText } from './text.ts'

type Query = QueryOf<'/v1/transfers'>

/** Every transfer, whatever its bank. */
export function Component() {
  const say = useText()
  const able = useAble('transfers.create') ?? []
  const filters = useFilters(['status', 'method', 'connection_id', 'vendor_id', 'end_to_end_id'])
  const asked = filters.set as Query
  const key = ['transfers', 'list', asked] as const
  const { pages, held } = useLiveList<Transfer>(key, (cursor) =>
    ask(api.GET('/v1/transfers', { params: { query: { ...asked, cursor, limit: '100' } } })),
  )
  return (
    <Page title={say('title')} about={<PolicyLine />} actions={<NewButton />}>
      <Stack gap="sm">
        <FilterBar of={filters} held={held}>
          <FilterState of={filters} name="status" label={say('status')} states={STATUSES} />
          <FilterSelect
            of={filters}
            name="method"
            label={say('method')}
            choices={METHODS.map((value) => ({ value, label: say(value) }))}
          />
          <FilterNamed of={filters} name="connection_id" label={say('connection')} among={able} />
          <FilterText of={filters} name="vendor_id" label={say('vendor_id')} />
          <FilterText of={filters} name="end_to_end_id" label={say('end_to_end_id')} />
        </FilterBar>
        <DataTable
          label={say('title')}
          columns={useColumns()}
          pages={pages}
          id={({ id }) => id}
          to={({ id }) => `/transfers/${id}`}
          empty={
            filters.is_any ? undefined : (
              <Empty title={say('none')} action={<NewButton />}>
                {say('none_next')}
              </Empty>
            )
          }
        />
      </Stack>
    </Page>
  )
}

function NewButton() {
  const say = useNewText()
  const may = useMay()
  if (!may('transfers:write')) return null
  return (
    <Button component={Link} to="/transfers/new" leftSection={<IconPlus size={16} />}>
      {say('new')}
    </Button>
  )
}

function useColumns(): Column<Transfer>[] {
  const say = useText()
  const connections = useConnections()
  return [
    { title: say('status'), width: 170, cell: ({ status }) => <State of={status} /> },
    {
      title: say('amount'),
      width: 140,
      right: true,
      cell: (one) => <MoneyLink to={`/transfers/${one.id}`} of={one.money} />,
    },
    { title: say('method'), width: 120, wide: true, cell: ({ method }) => say(method) },
    { title: say('to'), wide: true, cell: ({ to }) => cut(receiverOf(to), 260) },
    { title: say('description'), wide: true, cell: ({ description }) => cut(description) },
    {
      title: say('connection'),
      wide: true,
      cell: ({ connection_id }) => cut(nameIn(connections, connection_id)),
    },
    { title: say('made'), width: 120, right: true, cell: ({ created_at }) => <When at={created_at} /> },
  ]
}

/** As much of it as a list may show. */
const receiverOf = ({ name, pix_key, bank_code, branch, number, document }: Transfer['to']): string => {
  const where = pix_key ?? [bank_code, branch, number].filter(Boolean).join(' / ')
  return [name ?? document, where].filter(Boolean).join(' · ')
}
