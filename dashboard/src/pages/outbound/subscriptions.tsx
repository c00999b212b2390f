import { Badge, Button, Group, Stack, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { Link } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { usePages } from '../../api/hooks.ts'
import type { Subscription } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import { Empty } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { type Column, cut, DataTable } from '../../parts/table.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { useText } from './text.ts'

const MOST_SHOWN = 3

/** Who wants which events, and where to. */
export function Component() {
  const say = useText()
  const pages = usePages<Subscription>(['subscriptions', 'list'], (cursor) =>
    ask(api.GET('/v1/subscriptions', { params: { query: { cursor, limit: '100' } } })),
  )
  return (
    <Stack gap="sm">
      <Group justify="flex-end">
        <New />
      </Group>
      <DataTable
        label={say('subscriptions')}
        columns={useColumns()}
        pages={pages}
        id={({ id }) => id}
        to={({ id }) => `/outbound/subscriptions/${id}`}
        empty={
          <Empty title={say('no_subscriptions')} action={<New />}>
            {say('no_subscriptions_next')}
          </Empty>
        }
      />
    </Stack>
  )
}

function New() {
  const say = useText()
  const may = useMay()
  if (!may('subscriptions:write')) return null
  return (
    <Button component={Link} to="/outbound/subscriptions/new" leftSection={<IconPlus size={16} />}>
      {say('new_subscription')}
    </Button>
  )
}

function useColumns(): Column<Subscription>[] {
  const say = useText()
  return [
    { title: say('state'), width: 130, cell: ({ state }) => <State of={state} /> },
    {
      title: say('name'),
      cell: ({ id, name }) => (
        <To to={`/outbound/subscriptions/${id}`} truncate display="block" maw={{ base: 190, sm: 240 }}>
          {name}
        </To>
      ),
    },
    {
      title: say('address'),
      wide: true,
      cell: ({ url }) => cut(url, 320),
    },
    { title: say('wants'), wide: true, cell: ({ event_types }) => <Wants of={event_types} /> },
    { title: say('made'), width: 130, wide: true, right: true, cell: (one) => <When at={one.created_at} /> },
  ]
}

export function Wants({ of }: { of: string[] }) {
  const more = of.length - MOST_SHOWN
  return (
    <Group gap={4} wrap="nowrap" title={of.join(', ')}>
      {of.slice(0, MOST_SHOWN).map((type) => (
        <Badge key={type} variant="default" tt="none" ff="monospace" fw={400}>
          {type}
        </Badge>
      ))}
      {more > 0 && <Text size="xs">+{more}</Text>}
    </Group>
  )
}
