import { Button, Code, Group, Stack } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { Link } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { usePages } from '../../api/hooks.ts'
import { nameIn, type Source, useProviders } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import { Copy } from '../../parts/copy.tsx'
import { number } from '../../parts/figures.ts'
import { Empty } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { type Column, DataTable } from '../../parts/table.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { useText } from './source_text.ts'

/** The addresses that receive webhooks. */
export function Component() {
  const say = useText()
  const pages = usePages<Source>(['sources', 'list'], (cursor) =>
    ask(api.GET('/v1/sources', { params: { query: { cursor, limit: '100' } } })),
  )
  return (
    <Stack gap="sm">
      <Group justify="flex-end">
        <New />
      </Group>
      <DataTable
        label={say('sources')}
        columns={useColumns()}
        pages={pages}
        id={({ id }) => id}
        to={({ id }) => `/inbound/sources/${id}`}
        empty={
          <Empty title={say('none')} action={<New />}>
            {say('none_next')}
          </Empty>
        }
      />
    </Stack>
  )
}

function New() {
  const say = useText()
  const may = useMay()
  if (!may('sources:write')) return null
  return (
    <Button component={Link} to="/inbound/sources/new" leftSection={<IconPlus size={16} />}>
      {say('new')}
    </Button>
  )
}

function useColumns(): Column<Source>[] {
  const say = useText()
  const providers = useProviders()
  return [
    { title: say('state'), width: 130, cell: ({ state }) => <State of={state} /> },
    { title: say('name'), cell: ({ id, name }) => <To to={`/inbound/sources/${id}`}>{name}</To> },
    { title: say('provider'), width: 160, cell: ({ provider }) => nameIn(providers, provider) },
    {
      title: say('address'),
      wide: true,
      cell: ({ url }) => (
        <Group gap={4} wrap="nowrap">
          <Code fz="xs" style={{ overflow: 'hidden', textOverflow: 'ellipsis', maxWidth: 420 }}>
            {url}
          </Code>
          <Copy text={url} label={say('copy_address')} />
        </Group>
      ),
    },
    {
      title: say('received'),
      width: 110,
      wide: true,
      right: true,
      cell: (one) => number(one.counts.received),
    },
    {
      title: say('last_received'),
      width: 150,
      right: true,
      cell: (one) => one.last_received_at && <When at={one.last_received_at} />,
    },
    { title: say('made'), width: 130, wide: true, right: true, cell: (one) => <When at={one.created_at} /> },
  ]
}
