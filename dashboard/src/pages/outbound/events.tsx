import { Group, Stack, Text } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import type { RowOf } from '../../api/types.ts'
import { FilterBar, FilterText, useFilters, useLiveList } from '../../parts/filters.tsx'
import { Id } from '../../parts/id.tsx'
import { Empty } from '../../parts/page.tsx'
import { type Column, DataTable } from '../../parts/table.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { useText } from './event_text.ts'
import { Publish } from './publish.tsx'

type Event = RowOf<'/v1/events'>

/** Facts in our own words, as they are published. Each leads to its story. */
export function Component() {
  const say = useText()
  const filters = useFilters(['type'])
  const { type } = filters.set
  const key = ['events', 'list', type] as const
  const { pages, held } = useLiveList<Event>(key, (cursor) =>
    ask(api.GET('/v1/events', { params: { query: { type, cursor, limit: '100' } } })),
  )
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <FilterBar of={filters} held={held}>
          <FilterText of={filters} name="type" label={say('type')} />
        </FilterBar>
        <Publish />
      </Group>
      <DataTable
        label={say('events')}
        columns={useColumns()}
        pages={pages}
        id={({ id }) => id}
        to={({ id }) => `/story/${id}`}
        empty={filters.is_any ? undefined : <Empty title={say('none')}>{say('none_next')}</Empty>}
      />
    </Stack>
  )
}

function useColumns(): Column<Event>[] {
  const say = useText()
  return [
    {
      title: say('type'),
      cell: ({ id, type }) => (
        <To to={`/story/${id}`} ff="monospace" truncate display="block" maw={{ base: 220, sm: 360 }}>
          {type}
        </To>
      ),
    },
    {
      title: say('entity'),
      wide: true,
      cell: ({ entity_id }) => (
        <Text size="sm" ff="monospace" truncate maw={300}>
          {entity_id ?? '–'}
        </Text>
      ),
    },
    { title: say('version'), width: 90, wide: true, right: true, cell: ({ version }) => version },
    { title: say('id'), width: 170, wide: true, cell: ({ id }) => <Id of={id} /> },
    { title: say('made'), width: 130, right: true, cell: (one) => <When at={one.created_at} /> },
  ]
}
