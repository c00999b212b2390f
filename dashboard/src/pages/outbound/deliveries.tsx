import { Group, Stack, Text } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { usePages } from '../../api/hooks.ts'
import { nameIn, useSubscriptions } from '../../api/names.ts'
import type { paths } from '../../api/schema.ts'
import { number } from '../../parts/figures.ts'
import {
  ClearFilters,
  FilterSelect,
  FilterText,
  LiveButton,
  useFilters,
  useHeld,
} from '../../parts/filters.tsx'
import { Empty } from '../../parts/page.tsx'
import { State, useStateName } from '../../parts/state.tsx'
import { type Column, DataTable } from '../../parts/table.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { useText } from './text.ts'

type List = paths['/v1/deliveries']['get']
type Delivery = List['responses'][200]['content']['application/json']['data'][number]
type Query = NonNullable<List['parameters']['query']>

const STATES = ['pending', 'delivered', 'failed', 'expired'] as const

/** Events on their way to subscriptions, and how each ended. */
export function Component() {
  const say = useText()
  const name = useStateName()
  const subscriptions = useSubscriptions()
  const filters = useFilters(['state', 'subscription_id', 'event_id'])
  const asked = filters.set as Query
  const key = ['deliveries', 'list', asked] as const
  const held = useHeld(key)
  const pages = usePages<Delivery>(
    key,
    (cursor) => ask(api.GET('/v1/deliveries', { params: { query: { ...asked, cursor, limit: '100' } } })),
    !held.is_held,
  )
  return (
    <Stack gap="sm">
      <Group gap="xs">
        <FilterSelect
          of={filters}
          name="state"
          label={say('state')}
          choices={STATES.map((value) => ({ value, label: name(value) }))}
        />
        <FilterSelect
          of={filters}
          name="subscription_id"
          label={say('subscription')}
          choices={subscriptions.map((one) => ({ value: one.id, label: one.name }))}
        />
        <FilterText of={filters} name="event_id" label={say('event')} />
        <ClearFilters of={filters} />
        <LiveButton {...held} />
      </Group>
      <DataTable
        label={say('deliveries')}
        columns={useColumns()}
        pages={pages}
        id={({ id }) => id}
        to={({ id }) => `/outbound/deliveries/${id}`}
        empty={
          filters.is_any ? undefined : <Empty title={say('no_deliveries')}>{say('no_deliveries_next')}</Empty>
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
      cell: ({ subscription_id }) => (
        <Text size="sm" truncate maw={200}>
          {nameIn(subscriptions, subscription_id)}
        </Text>
      ),
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
