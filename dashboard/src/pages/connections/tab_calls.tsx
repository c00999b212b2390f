import { Anchor, Code, Group, Stack, Text } from '@mantine/core'
import { Link } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useLongList } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { duration } from '../../parts/figures.ts'
import { Empty } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { type Column, DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { texts } from '../../text/text.ts'
import type { OneConnection } from './reads.ts'

const useText = texts('connection_calls', {
  en: {
    title: 'Calls of this connection',
    all: 'Search and filter all calls',
    when: 'When',
    what: 'What',
    state: 'State',
    status: 'Status',
    took: 'Took',
    attempts: 'Attempts',
    none: 'No calls yet',
    none_about: 'Test the connection, or make its first call from the tester or by the API.',
    may_not: 'Your role does not see calls.',
  },
  'pt-BR': {
    title: 'Chamadas desta conexão',
    all: 'Buscar e filtrar todas as chamadas',
    when: 'Quando',
    what: 'O quê',
    state: 'Estado',
    status: 'Status',
    took: 'Duração',
    attempts: 'Tentativas',
    none: 'Nenhuma chamada ainda',
    none_about: 'Teste a conexão, ou faça a primeira chamada pelo testador ou pela API.',
    may_not: 'Seu papel não vê chamadas.',
  },
})

const readPage = (connection_id: string, cursor: string | undefined) =>
  ask(api.GET('/v1/calls', { params: { query: { connection_id, ...(cursor && { cursor }) } } }))
type Call = Awaited<ReturnType<typeof readPage>>['data'][number]

/** The latest calls made through it. */
export function CallsTab({ of }: { of: OneConnection }) {
  const say = useText()
  const may_see = useMay()('calls:read')
  const pages = useLongList(['calls', 'of', of.id], (cursor) => readPage(of.id, cursor), may_see)
  if (!may_see) return <Text c="dimmed">{say('may_not')}</Text>
  const columns: Column<Call>[] = [
    { title: say('when'), cell: ({ created_at }) => <When at={created_at} />, width: 140 },
    { title: say('what'), cell: (call) => <What call={call} /> },
    { title: say('state'), cell: ({ state }) => <State of={state} />, width: 140 },
    { title: say('status'), cell: ({ status }) => status ?? '–', width: 80, right: true, wide: true },
    { title: say('took'), cell: (call) => duration(call.duration_ms), width: 100, right: true, wide: true },
    { title: say('attempts'), cell: ({ attempts }) => attempts, width: 100, right: true, wide: true },
  ]
  return (
    <Stack gap="xs">
      <Group justify="flex-end">
        <Anchor component={Link} to={`/calls?connection_id=${of.id}`} size="sm">
          {say('all')}
        </Anchor>
      </Group>
      <DataTable
        label={say('title')}
        columns={columns}
        pages={pages}
        id={({ id }) => id}
        to={({ id }) => `/calls/${id}`}
        empty={<Empty title={say('none')}>{say('none_about')}</Empty>}
      />
    </Stack>
  )
}

function What({ call: { id, operation, method, path } }: { call: Call }) {
  return (
    <Anchor component={Link} to={`/calls/${id}`} size="sm" c="inherit" style={{ wordBreak: 'break-all' }}>
      {operation ?? method} <Code>{path.length > 60 ? `${path.slice(0, 60)}…` : path}</Code>
    </Anchor>
  )
}
