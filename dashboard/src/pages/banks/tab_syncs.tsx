import { api, ask } from '../../api/client.ts'
import { usePages } from '../../api/hooks.ts'
import { duration } from '../../parts/figures.ts'
import { Empty } from '../../parts/page.tsx'
import { type Column, DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import type { Bank, Sync } from './reads.ts'
import { SyncBadge, SyncResult } from './sync_state.tsx'
import { useSyncText } from './sync_text.ts'
import { useText } from './text.ts'

/** Every time this bank was read, and what came of it. */
export function SyncsTab({ of }: { of: Bank }) {
  const say = useSyncText()
  const word = useText()
  const pages = usePages<Sync>(['banks', 'syncs', of.id], (cursor) =>
    ask(api.GET('/v1/bank-syncs', { params: { query: { bank_id: of.id, cursor, limit: '100' } } })),
  )
  const columns: Column<Sync>[] = [
    { title: say('state'), width: 130, cell: (one) => <SyncBadge of={one} /> },
    { title: say('what'), cell: (one) => <SyncResult of={one} /> },
    { title: say('cause'), width: 140, wide: true, cell: ({ cause }) => say(cause) },
    {
      title: say('took'),
      width: 100,
      wide: true,
      right: true,
      cell: ({ started_at, ended_at }) =>
        duration(started_at && ended_at ? Date.parse(ended_at) - Date.parse(started_at) : null),
    },
    { title: say('began'), width: 130, right: true, cell: ({ created_at }) => <When at={created_at} /> },
  ]
  return (
    <DataTable
      label={word('syncs')}
      columns={columns}
      pages={pages}
      id={({ id }) => id}
      empty={<Empty title={say('none')}>{say('none_next')}</Empty>}
    />
  )
}
