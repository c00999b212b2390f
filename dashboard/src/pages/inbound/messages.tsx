import { Anchor, Badge, Button, Group, Stack, Text } from '@mantine/core'
import { Link } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { nameIn, useSources } from '../../api/names.ts'
import type { QueryOf, RowOf } from '../../api/types.ts'
import {
  FilterBar,
  FilterNamed,
  FilterState,
  type Filters,
  FilterText,
  useFilters,
  useLiveList,
} from '../../parts/filters.tsx'
import { Empty } from '../../parts/page.tsx'
import { RangePicker, useSpan } from '../../parts/range.tsx'
import { State } from '../../parts/state.tsx'
import { type Column, cut, DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { useText } from './text.ts'

type Message = RowOf<'/v1/messages'>
type Query = QueryOf<'/v1/messages'>

const NAMES = ['source_id', 'state', 'event_type', 'q'] as const
const STATES = ['pending', 'completed', 'failed', 'ignored', 'parked'] as const
const FLAGS = ['late', 'gap', 'changed', 'replayed', 'skipped', 'erased'] as const

/** The inbox, as it fills. Each message leads to its story. */
export function Component() {
  const say = useText()
  const filters = useFilters(NAMES)
  const span = useSpan('since', 'until')
  const asked = { ...filters.set, ...span.asked } as Query
  const key = ['messages', 'list', filters.set, ...span.key] as const
  const { pages, held } = useLiveList<Message>(key, (cursor) =>
    ask(api.GET('/v1/messages', { params: { query: { ...asked, cursor, limit: '100' } } })),
  )
  return (
    <Stack gap="sm">
      <FilterBar of={filters} held={held} beside={<RangePicker />}>
        <Fields of={filters} />
      </FilterBar>
      <DataTable
        label={say('messages')}
        columns={useColumns()}
        pages={pages}
        id={({ id }) => id}
        to={({ id }) => `/story/${id}`}
        empty={filters.is_any || asked.until ? undefined : <Nothing />}
      />
    </Stack>
  )
}

function Fields({ of }: { of: Filters<(typeof NAMES)[number]> }) {
  const say = useText()
  const sources = useSources()
  return (
    <>
      <FilterState of={of} name="state" label={say('state')} states={STATES} />
      <FilterNamed of={of} name="source_id" label={say('source')} among={sources} />
      <FilterText of={of} name="event_type" label={say('type')} />
      <FilterText of={of} name="q" label={say('q')} />
    </>
  )
}

function useColumns(): Column<Message>[] {
  const say = useText()
  const sources = useSources()
  return [
    { title: say('state'), width: 130, cell: ({ state }) => <State of={state} /> },
    {
      title: say('type'),
      cell: (message) => (
        <Anchor
          component={Link}
          to={`/story/${message.id}`}
          size="sm"
          truncate
          display="block"
          maw={{ base: 190, sm: 320 }}
        >
          {message.event_type ?? say('no_type')}
        </Anchor>
      ),
    },
    { title: say('event_key'), width: 180, wide: true, cell: ({ event_key }) => cut(event_key, 170) },
    {
      title: say('source'),
      width: 180,
      wide: true,
      cell: ({ source_id }) => cut(nameIn(sources, source_id), 170),
    },
    { title: say('note'), wide: true, cell: (message) => <Note of={message} /> },
    {
      title: say('received'),
      width: 130,
      wide: true,
      right: true,
      cell: (one) => <When at={one.received_at} />,
    },
  ]
}

/** What was unusual about it, and what went wrong. */
function Note({ of: { flags, error } }: { of: Message }) {
  const say = useText()
  const known = (flag: string): flag is (typeof FLAGS)[number] => (FLAGS as readonly string[]).includes(flag)
  return (
    <Group gap={6} wrap="nowrap">
      {flags.map((flag) => (
        <Badge key={flag} variant="outline" color="gray" tt="none" miw="max-content">
          {known(flag) ? say(`flag_${flag}`) : flag}
        </Badge>
      ))}
      {error && (
        <Text size="xs" c="dimmed" truncate maw={320} title={error}>
          {error}
        </Text>
      )}
    </Group>
  )
}

function Nothing() {
  const say = useText()
  return (
    <Empty
      title={say('no_messages')}
      action={
        <Button component={Link} to="/inbound/sources">
          {say('see_sources')}
        </Button>
      }
    >
      {say('no_messages_next')}
    </Empty>
  )
}
