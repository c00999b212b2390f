import { Stack } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { useLongList } from '../../api/hooks.ts'
import { nameIn, useConnections } from '../../api/names.ts'
import type { QueryOf } from '../../api/types.ts'
import { FilterBar, FilterNamed, FilterState, useFilters } from '../../parts/filters.tsx'
import { MoneyLink } from '../../parts/money_link.tsx'
import { Empty } from '../../parts/page.tsx'
import { type Column, cut, DataTable } from '../../parts/table.tsx'
import { DisputeActions, DisputeState, Due, fundsName } from './dispute.tsx'
import { DISPUTE_STATUSES, type Dispute } from './reads.ts'
import { useText } from './text.ts'

type Query = QueryOf<'/v1/disputes'>

/** What payers dispute at their banks, and until when it can be answered. */
export function Component() {
  const say = useText()
  const connections = useConnections()
  const filters = useFilters(['status', 'connection_id', 'payment_id'])
  const asked = filters.set as Query
  const pages = useLongList<Dispute>(['disputes', 'list', asked], (cursor) =>
    ask(api.GET('/v1/disputes', { params: { query: { ...asked, cursor, limit: '100' } } })),
  )
  return (
    <Stack gap="sm">
      <FilterBar of={filters}>
        <FilterState of={filters} name="status" label={say('status')} states={DISPUTE_STATUSES} />
        <FilterNamed of={filters} name="connection_id" label={say('connection')} among={connections} />
      </FilterBar>
      <DataTable
        label={say('disputes')}
        columns={useColumns()}
        pages={pages}
        id={({ id }) => id}
        to={({ payment_id }) => `/payments/${payment_id}`}
        empty={
          filters.is_any ? undefined : <Empty title={say('dispute_none')}>{say('dispute_none_next')}</Empty>
        }
      />
    </Stack>
  )
}

function useColumns(): Column<Dispute>[] {
  const say = useText()
  const connections = useConnections()
  return [
    { title: say('status'), width: 150, cell: (one) => <DisputeState of={one} /> },
    {
      title: say('amount'),
      width: 120,
      right: true,
      cell: (one) => <MoneyLink to={`/payments/${one.payment_id}`} of={one.money} />,
    },
    {
      title: say('reason'),
      wide: true,
      cell: ({ reason }) => cut(reason, 200),
    },
    { title: say('funds'), width: 120, wide: true, cell: ({ funds }) => say(fundsName(funds)) },
    {
      title: say('connection'),
      wide: true,
      cell: ({ connection_id }) => cut(nameIn(connections, connection_id), 160),
    },
    { title: say('evidence_due'), width: 130, right: true, cell: (one) => <Due of={one} /> },
    { title: say('act'), width: 190, wide: true, right: true, cell: (one) => <DisputeActions of={one} /> },
  ]
}
