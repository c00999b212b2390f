import { Stack, Text } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { nameIn, useSubscriptions } from '../../api/names.ts'
import type { QueryOf, RowOf } from '../../api/types.ts'
import { number } from '../../parts/figures.ts'
import {
  FilterBar,
  FilterNamed,
  FilterState,
  FilterText,
  useFilters,
  useLiveList,
} from '../../parts/filters.tsx'
import { Empty } from '../../parts/page.tsx'
import { RangePicker, useSpanOrAll } from '../../parts/range.tsx'
import { State } from '../../parts/state.tsx'
import { type Column, cut, DataTable } from '../../parts/table.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { useText } from './text.ts'

type Delivery = RowOf<'/v1/deliveries'>
type Query = QueryOf<'/v1/deliveries'>

const STATES = ['pending', 'delivered', 'failed', 'expired'] as const

/** Events on their way to subscriptions, and how each ended. */
export function Component() {
  const say = useText()
  const subscriptions = useSubscriptions()
  const filters = useFilters(['state', 'subscription_id', 'event_type', 'status', 'error', 'event_id'])
  const span = useSpanOrAll('since', 'until')
  const asked = { ...filters.set, ...span.asked } as Query
  const key = ['deliveries', 'list', filters.set, ...span.key] as const
  const { pages, held } = useLiveList<Delivery>(key, (cursor) =>
    ask(api.GET('/v1/deliveries', { params: { query: { ...asked, cursor, limit: '100' } } })),
  )
  return (
    <Stack gap="sm">
      <FilterBar of={filters} held={held} beside={<RangePicker or_all />}>
        <FilterState of={filters} name="state" label={say('state')} states={STATES} />
        <FilterNamed of={filters} name="subscription_id" label={say('subscription')} among={subscriptions} />
        <FilterText of={filters} name="event_type" label={say('type')} />
        <FilterText of={filters} name="status" label={say('status')} />
        <FilterText of={filters} name="error" label={say('error')} />
        <FilterText of={filters} name="event_id" label={say('event')} />
      </FilterBar>
      <DataTable
        label={say('deliveries')}
        columns={useColumns()}
        pages={pages}
        id={({ id }) => id}
        to={({ id }) => `/outbound/deliveries/${id}`}
        empty={
          filters.is_any || span.asked.since ? undefined : (
            <Empty title={say('no_deliveries')}>{say('no_deliveries_next')}</Empty>
          )
        }
      />
    </Stack>
  )
}

function useColumns(): Column<Delivery>[] {
  const say = useText()
  const subscriptions = useSubscriptions()
  return [
    { title: say('state'), width: 130, cell: ({ state }) => <State of={state} /> },
    {
      title: say('type'),
      cell: (one) => (
        <To to={`/outbound/deliveries/${one.id}`} truncate display="block" maw={{ base: 190, sm: 300 }}>
          {one.event_type}
        </To>
      ),
    },
    {
      title: say('subscription'),
      wide: true,
      cell: ({ subscription_id }) => cut(nameIn(subscriptions, subscription_id), 200),
    },
    { title: say('status'), width: 80, wide: true, right: true, cell: ({ status }) => status ?? '–' },
    { title: say('attempts'), width: 100, wide: true, right: true, cell: (one) => number(one.attempts) },
    {
      title: say('error'),
      wide: true,
      cell: ({ error }) => (
        <Text size="xs" c="dimmed" truncate maw={240} title={error ?? undefined}>
          {error}
        </Text>
      ),
    },
    { title: say('made'), width: 130, wide: true, right: true, cell: (one) => <When at={one.created_at} /> },
  ]
}
