import { Table, Text } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import { readAll } from '../../api/names.ts'
import type { RowOf } from '../../api/types.ts'
import { Shown } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { texts } from '../../text/text.ts'
import { type OneConnection, useProvider } from './reads.ts'
import { Part } from './stat.tsx'

const useText = texts('connection_banks', {
  en: {
    banks: 'Banks and their syncs',
    about: 'Whose banks are read through this connection, and when each was.',
    none: 'No bank is read through this connection.',
    synced: 'Last sync',
  },
  'pt-BR': {
    banks: 'Bancos e suas sincronizações',
    about: 'Os bancos lidos por esta conexão, e quando cada um foi.',
    none: 'Nenhum banco é lido por esta conexão.',
    synced: 'Última sincronização',
  },
})

type Bank = RowOf<'/v1/banks'>

/** Nothing of a connection by which no bank can be read. */
export function BanksOf({ of }: { of: OneConnection }) {
  const provider = useProvider(of.provider)
  const reads = provider.data?.operations.some(({ operation }) => operation.startsWith('banking.'))
  return reads ? <Banks connection_id={of.id} /> : null
}

function Banks({ connection_id }: { connection_id: string }) {
  const say = useText()
  const read = useRead(['banks', 'of', connection_id], () =>
    readAll<Bank>((cursor) =>
      ask(api.GET('/v1/banks', { params: { query: { connection_id, limit: '200', cursor } } })),
    ),
  )
  return (
    <Part title={say('banks')} about={say('about')}>
      <Shown read={read}>
        {(banks) =>
          banks.length === 0 ? (
            <Text size="sm" c="dimmed">
              {say('none')}
            </Text>
          ) : (
            <Table fz="sm">
              <Table.Tbody>
                {banks.map((bank) => (
                  <Line key={bank.id} of={bank} />
                ))}
              </Table.Tbody>
            </Table>
          )
        }
      </Shown>
    </Part>
  )
}

function Line({ of: { id, name, user_id, state, last_synced_at } }: { of: Bank }) {
  const say = useText()
  return (
    <Table.Tr>
      <Table.Td>
        <To to={`/banks/${id}?tab=syncs`}>{name}</To>
        <Text size="xs" c="dimmed">
          {user_id}
        </Text>
      </Table.Td>
      <Table.Td>
        <State of={state} />
      </Table.Td>
      <Table.Td ta="right">
        <Text span size="xs" c="dimmed">
          {say('synced')}{' '}
        </Text>
        <When at={last_synced_at} />
      </Table.Td>
    </Table.Tr>
  )
}
