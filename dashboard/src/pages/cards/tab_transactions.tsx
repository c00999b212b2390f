import { Text } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { useLongList } from '../../api/hooks.ts'
import { Id } from '../../parts/id.tsx'
import { money } from '../../parts/money.ts'
import { Empty } from '../../parts/page.tsx'
import { type Column, DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { Merchant } from './merchant.tsx'
import type { Card, Transaction } from './reads.ts'
import { useText } from './text.ts'

/** What merchants took, and what they gave back. */
export function TransactionsTab({ of }: { of: Card }) {
  const say = useText()
  const pages = useLongList<Transaction>(['cards', 'transactions', of.id], (cursor) =>
    ask(api.GET('/v1/cards/transactions', { params: { query: { card_id: of.id, cursor, limit: '100' } } })),
  )
  const columns: Column<Transaction>[] = [
    { title: say('kind'), width: 120, cell: ({ kind }) => say(kind) },
    {
      title: say('amount'),
      width: 130,
      right: true,
      cell: (one) => (
        <Text size="sm" fw={600} style={{ whiteSpace: 'nowrap' }}>
          {money(one.money)}
        </Text>
      ),
    },
    { title: say('merchant'), cell: ({ merchant }) => <Merchant of={merchant} /> },
    { title: say('vendor_id'), width: 190, wide: true, cell: ({ vendor_id }) => <Id of={vendor_id} /> },
    {
      title: say('made_at'),
      width: 120,
      wide: true,
      right: true,
      cell: ({ made_at }) => <When at={made_at} />,
    },
  ]
  return (
    <DataTable
      label={say('transactions')}
      columns={columns}
      pages={pages}
      id={({ id }) => id}
      empty={<Empty title={say('transaction_none')}>{say('transaction_none_next')}</Empty>}
    />
  )
}
