import { Badge, Button, Code, Group, Stack, Table, Text, VisuallyHidden } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct, useRead } from '../../api/hooks.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Shown } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { To } from '../../parts/to.tsx'
import { useWords } from '../../parts/words.ts'
import { texts } from '../../text/text.ts'
import { useNames } from './names.ts'
import { OperationDialog } from './operation.tsx'
import type { OneConnection } from './reads.ts'
import { Part } from './stat.tsx'
import { useRights } from './world.ts'

const useText = texts('connection_operations', {
  en: {
    stored: 'Stored operations',
    stored_about: 'Requests kept under a name, to be called by it as those of the provider.',
    none: 'None yet. Store a request that is made often, and call it by its name.',
    add: 'Store an operation',
    name: 'Name',
    request: 'Request',
    state: 'State',
    version: 'Version',
    delete_question: 'Delete the operation {{name}}? Calls by that name are refused from then on.',
    deleted: 'The operation was deleted.',
    provided: 'Operations of the provider',
    no_provided: 'This provider has no operations of its own: ask by method and path.',
  },
  'pt-BR': {
    stored: 'Operações guardadas',
    stored_about: 'Requisições guardadas com um nome, chamadas por ele como as do provedor.',
    none: 'Nenhuma ainda. Guarde uma requisição feita com frequência e chame-a pelo nome.',
    add: 'Guardar operação',
    name: 'Nome',
    request: 'Requisição',
    state: 'Estado',
    version: 'Versão',
    delete_question: 'Excluir a operação {{name}}? Chamadas com esse nome passam a ser recusadas.',
    deleted: 'A operação foi excluída.',
    provided: 'Operações do provedor',
    no_provided: 'Este provedor não tem operações próprias: peça por método e caminho.',
  },
})

/** Where an operation is tried. */
const testerOf = (connection: string, operation: string): string =>
  `/calls/tester?${new URLSearchParams({ connection, operation })}`

const readStored = (connection_id: string) =>
  ask(api.GET('/v1/operations', { params: { query: { connection_id } } }))
export type Stored = Awaited<ReturnType<typeof readStored>>['data'][number]

/** What the connection can be asked by name. */
export function OperationsTab({ of }: { of: OneConnection }) {
  const say = useText()
  const may = useRights(of)
  const [changed, setChanged] = useState<Stored | 'new' | null>(null)
  const stored = useRead(['connections', 'operations', of.id, 'stored'], () => readStored(of.id))
  return (
    <Stack>
      <Part
        title={say('stored')}
        about={say('stored_about')}
        actions={
          may.write && (
            <Button
              size="xs"
              variant="light"
              leftSection={<IconPlus size={14} />}
              onClick={() => setChanged('new')}
            >
              {say('add')}
            </Button>
          )
        }
      >
        <Shown read={stored}>
          {({ data }) =>
            data.length === 0 ? (
              <Text size="sm" c="dimmed">
                {say('none')}
              </Text>
            ) : (
              <StoredTable rows={data} may_write={may.write} edit={setChanged} />
            )
          }
        </Shown>
      </Part>
      <Provided id={of.id} />
      {changed !== null && (
        <OperationDialog
          connection_id={of.id}
          of={changed === 'new' ? undefined : changed}
          close={() => setChanged(null)}
        />
      )}
    </Stack>
  )
}

type StoredTableProps = { rows: Stored[]; may_write: boolean; edit: (one: Stored) => void }

function StoredTable({ rows, may_write, edit }: StoredTableProps) {
  const say = useText()
  const names = useNames()
  const deleting = useAct({
    act: ({ connection_id, name }: Stored) =>
      ask(
        api.DELETE('/v1/connections/{id}/operations/{operation}', {
          params: { path: { id: connection_id, operation: name } },
        }),
      ),
    done: say('deleted'),
    changes: ['connections'],
  })
  return (
    <Table fz="sm" verticalSpacing="xs">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{say('name')}</Table.Th>
          <Table.Th visibleFrom="sm">{say('request')}</Table.Th>
          <Table.Th>{say('state')}</Table.Th>
          <Table.Th visibleFrom="sm">{say('version')}</Table.Th>
          <Table.Th>
            <VisuallyHidden>{names('acts')}</VisuallyHidden>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((one) => (
          <StoredLine
            key={one.name}
            of={one}
            {...(may_write && { edit: () => edit(one), remove: () => deleting.mutateAsync(one) })}
          />
        ))}
      </Table.Tbody>
    </Table>
  )
}

type LineProps = { of: Stored; edit?: () => void; remove?: () => Promise<unknown> }

function StoredLine({ of, edit, remove }: LineProps) {
  const say = useText()
  const words = useWords()
  return (
    <Table.Tr>
      <Table.Td>
        <To to={testerOf(of.connection_id, of.name)}>
          <Code>{of.name}</Code>
        </To>
        {of.description && (
          <Text size="xs" c="dimmed">
            {of.description}
          </Text>
        )}
      </Table.Td>
      <Table.Td visibleFrom="sm" style={{ wordBreak: 'break-all' }}>
        <Badge variant="default" size="sm" mr={6}>
          {of.method}
        </Badge>
        {of.path}
      </Table.Td>
      <Table.Td>
        <State of={of.state} />
      </Table.Td>
      <Table.Td visibleFrom="sm">{of.version}</Table.Td>
      <Table.Td>
        {edit && remove && (
          <Group gap={4} justify="flex-end">
            <Button size="compact-xs" variant="subtle" onClick={edit}>
              {words('edit')}
            </Button>
            <Confirm
              size="compact-xs"
              variant="subtle"
              color="red"
              question={say('delete_question', { name: of.name })}
              verb={words('delete')}
              act={() => remove()}
            />
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  )
}

function Provided({ id }: { id: string }) {
  const say = useText()
  const read = useRead(['connections', 'operations', id, 'all'], () =>
    ask(api.GET('/v1/connections/{id}/operations', { params: { path: { id } } })),
  )
  return (
    <Part title={say('provided')}>
      <Shown read={read}>
        {({ data }) => {
          const own = data.filter(({ from }) => from === 'provider')
          if (own.length === 0) {
            return (
              <Text size="sm" c="dimmed">
                {say('no_provided')}
              </Text>
            )
          }
          return (
            <Group gap={8}>
              {own.map(({ name }) => (
                <To key={name} to={testerOf(id, name)}>
                  <Code>{name}</Code>
                </To>
              ))}
            </Group>
          )
        }}
      </Shown>
    </Part>
  )
}
