import { Badge, Button, Group, Table, Text } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { refresh, useAct } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { useWords } from '../../parts/words.ts'
import { type Bank, type Sync, useSync } from './reads.ts'
import { SyncBadge, SyncResult } from './sync_state.tsx'
import { useSyncText } from './sync_text.ts'

/** Begun, or why not. */
type Begun = { bank: Bank; sync: Sync | null; because: string | null }

const AT_ONCE = 5

/** Reads the banks that are listed, and shows how each of them goes. */
export function SyncAll({ of }: { of: Bank[] }) {
  const say = useSyncText()
  const may = useMay()
  const [begun, setBegun] = useState<Begun[] | null>(null)
  const syncing = useAct({ act: () => beginAll(of) })
  if (!may('banking:operate') || of.length === 0) return null
  return (
    <>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconRefresh size={14} />}
        loading={syncing.isPending}
        onClick={() => syncing.mutate(undefined, { onSuccess: setBegun })}
      >
        {say('sync_all')}
      </Button>
      {begun && <Results of={begun} close={() => setBegun(null)} />}
    </>
  )
}

async function beginAll(banks: readonly Bank[]): Promise<Begun[]> {
  const left = [...banks.entries()]
  const begun: Begun[] = []
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) begun[next[0]] = await begin(next[1])
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return begun
}

/** One bank that refuses keeps no other from being read. */
async function begin(bank: Bank): Promise<Begun> {
  try {
    const sync = await ask(api.POST('/v1/banks/{id}/sync', { params: { path: { id: bank.id } } }))
    return { bank, sync, because: null }
  } catch (error) {
    return { bank, sync: null, because: error instanceof Error ? error.message : String(error) }
  }
}

function Results({ of, close }: { of: Begun[]; close: () => void }) {
  const say = useSyncText()
  const word = useWords()
  return (
    <Dialog close={close} size="xl" title={say('result')}>
      <Table verticalSpacing="xs" aria-live="polite">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{say('bank')}</Table.Th>
            <Table.Th>{say('state')}</Table.Th>
            <Table.Th>{say('what')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {of.map((one) => (
            <Table.Tr key={one.bank.id}>
              <Table.Td>
                <Text size="sm" fw={600}>
                  {one.bank.name}
                </Text>
                <Text size="xs" c="dimmed">
                  {one.bank.user_id}
                </Text>
              </Table.Td>
              {one.sync ? <Going id={one.sync.id} /> : <Refused because={one.because} />}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Group justify="flex-end" mt="md">
        <Button onClick={close}>{word('close')}</Button>
      </Group>
    </Dialog>
  )
}

function Going({ id }: { id: string }) {
  const { data } = useSync(id)
  useEnd(data)
  return (
    <>
      <Table.Td>{data && <SyncBadge of={data} />}</Table.Td>
      <Table.Td>{data && <SyncResult of={data} />}</Table.Td>
    </>
  )
}

function Refused({ because }: { because: string | null }) {
  const say = useSyncText()
  return (
    <>
      <Table.Td>
        <Badge variant="light" color="gray" tt="none" miw="max-content">
          {say('refused')}
        </Badge>
      </Table.Td>
      <Table.Td>{because}</Table.Td>
    </>
  )
}

/** What a sync brought is read once it ended. */
export function useEnd(sync: Sync | undefined): void {
  const client = useQueryClient()
  const is_over = sync !== undefined && sync.ended_at !== null
  useEffect(() => {
    if (is_over) refresh(client, ['banks'])
  }, [is_over, client])
}
