import { Anchor, Button, Code, Group, Menu } from '@mantine/core'
import { IconDownload, IconFlask } from '@tabler/icons-react'
import { useMemo } from 'react'
import { Link } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { type Connection, nameIn, useConnections } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import type { QueryOf, RowOf } from '../../api/types.ts'
import { duration, number } from '../../parts/figures.ts'
import {
  FilterBar,
  FilterNamed,
  FilterSelect,
  FilterState,
  type Filters,
  FilterText,
  useFilters,
  useLiveList,
} from '../../parts/filters.tsx'
import { Empty, Page } from '../../parts/page.tsx'
import { RangePicker, useSpan } from '../../parts/range.tsx'
import { State } from '../../parts/state.tsx'
import { type Column, cut, DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { useExport } from './export.ts'
import { useText } from './text.ts'

type Call = RowOf<'/v1/calls'>
type Query = QueryOf<'/v1/calls'>

const NAMES = ['connection_id', 'state', 'status', 'operation', 'method', 'q'] as const
const STATES = ['started', 'succeeded', 'refused', 'failed', 'unknown'] as const
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** Every request to a vendor, found by what it was and how it ended, as it happens. */
export function Component() {
  const say = useText()
  const filters = useFilters(NAMES)
  const span = useSpan('from', 'to')
  const asked = { ...filters.set, ...span.asked } as Query
  const key = ['calls', 'list', filters.set, ...span.key] as const
  const { pages, held } = useLiveList<Call>(key, (cursor) =>
    ask(api.GET('/v1/calls', { params: { query: { ...asked, cursor, limit: '100' } } })),
  )
  return (
    <Page title={say('title')} about={say('about')} actions={<Actions asked={asked} />}>
      <FilterBar of={filters} held={held} beside={<RangePicker />}>
        <Fields of={filters} />
      </FilterBar>
      <DataTable
        label={say('title')}
        columns={useColumns()}
        pages={pages}
        id={idOf}
        to={placeOf}
        empty={filters.is_any || asked.to ? undefined : <Nothing />}
      />
    </Page>
  )
}

function Actions({ asked }: { asked: Query }) {
  const say = useText()
  const may = useMay()
  const { save, is_saving } = useExport(asked)
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button size="sm" variant="default" leftSection={<IconDownload size={16} />} loading={is_saving}>
            {say('export')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => save('csv')}>{say('export_csv')}</Menu.Item>
          <Menu.Item onClick={() => save('jsonl')}>{say('export_jsonl')}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {may('calls:write') && (
        <Button size="sm" component={Link} to="/calls/tester" leftSection={<IconFlask size={16} />}>
          {say('tester')}
        </Button>
      )}
    </>
  )
}

function Fields({ of }: { of: Filters<(typeof NAMES)[number]> }) {
  const say = useText()
  const connections = useConnections()
  return (
    <>
      <FilterNamed of={of} name="connection_id" label={say('connection')} among={connections} />
      <FilterState of={of} name="state" label={say('state')} states={STATES} />
      <FilterText of={of} name="status" label={say('status')} />
      <FilterSelect of={of} name="method" label={say('method')} choices={METHODS} />
      <FilterText of={of} name="operation" label={say('operation')} />
      <FilterText of={of} name="q" label={say('q')} />
    </>
  )
}

const idOf = ({ id }: Call) => id
const placeOf = ({ id }: Call) => `/calls/${id}`

function useColumns(): Column<Call>[] {
  const say = useText()
  const connections = useConnections()
  return useMemo(() => columnsOf(say, connections), [say, connections])
}

function columnsOf(say: ReturnType<typeof useText>, connections: Connection[]): Column<Call>[] {
  return [
    { title: say('state'), width: 130, cell: ({ state }) => <State of={state} /> },
    { title: say('asked'), cell: (call) => <Asked of={call} /> },
    {
      title: say('connection'),
      width: 190,
      wide: true,
      cell: ({ connection_id }) => cut(nameIn(connections, connection_id)),
    },
    { title: say('code'), width: 80, right: true, cell: ({ status }) => status ?? '–' },
    { title: say('attempts'), width: 100, wide: true, right: true, cell: ({ attempts }) => number(attempts) },
    {
      title: say('took'),
      width: 90,
      wide: true,
      right: true,
      cell: ({ duration_ms }) => duration(duration_ms),
    },
    {
      title: say('when'),
      width: 130,
      wide: true,
      right: true,
      cell: (call) => <When at={call.created_at} />,
    },
  ]
}

/** The operation where it has a name; what was asked over the wire in any case. */
function Asked({ of }: { of: Call }) {
  return (
    <Group gap={6} wrap="nowrap" maw={{ base: 170, sm: 480 }}>
      <Code fz="xs" fw={600}>
        {of.method}
      </Code>
      <Anchor size="sm" truncate component={Link} to={`/calls/${of.id}`} title={of.error ?? of.path}>
        {of.operation ?? of.path}
      </Anchor>
    </Group>
  )
}

function Nothing() {
  const say = useText()
  const may = useMay()
  return (
    <Empty
      title={say('empty')}
      action={
        may('calls:write') && (
          <Button component={Link} to="/calls/tester">
            {say('tester')}
          </Button>
        )
      }
    >
      {say('empty_next')}
    </Empty>
  )
}
