import { Alert, Button, Group } from '@mantine/core'
import { IconPlayerPause, IconPlayerPlay, IconRefresh } from '@tabler/icons-react'
import { useNavigate } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { type Bank, useSync } from './reads.ts'
import { useEnd } from './sync_all.tsx'
import { SyncBadge, SyncResult } from './sync_state.tsx'
import { useSyncText } from './sync_text.ts'
import { useText } from './text.ts'

const at = ({ id }: Bank) => ({ params: { path: { id } } })

/** What can be done with a bank; `begun` is told of a sync that somebody asked for. */
export function BankActions({ of, begun }: { of: Bank; begun: (id: string) => void }) {
  const may = useMay()
  return (
    <>
      {may('banking:operate') && of.state !== 'inactive' && <SyncNow of={of} begun={begun} />}
      {may('banking:write') && <Pause of={of} />}
      {may('banking:write') && <Remove of={of} />}
    </>
  )
}

function SyncNow({ of, begun }: { of: Bank; begun: (id: string) => void }) {
  const say = useSyncText()
  const syncing = useAct({
    act: () => ask(api.POST('/v1/banks/{id}/sync', at(of))),
    changes: ['banks'],
  })
  return (
    <Button
      leftSection={<IconRefresh size={16} />}
      loading={syncing.isPending}
      onClick={() => syncing.mutate(undefined, { onSuccess: ({ id }) => begun(id) })}
    >
      {say('sync')}
    </Button>
  )
}

/** How a sync goes, until it is done and what came of it. */
export function SyncNote({ id }: { id: string }) {
  const { data } = useSync(id)
  useEnd(data)
  return (
    <Alert color="gray" p="xs" role="status">
      <Group gap="xs">
        {data && <SyncBadge of={data} />}
        {data && <SyncResult of={data} />}
      </Group>
    </Alert>
  )
}

function Pause({ of }: { of: Bank }) {
  const say = useText()
  const is_paused = of.state === 'inactive'
  const set = (state: 'active' | 'inactive') =>
    ask(api.PATCH('/v1/banks/{id}', { ...at(of), body: { state } }))
  const pausing = useAct({
    act: () => set(is_paused ? 'active' : 'inactive'),
    undo: () => set(is_paused ? 'inactive' : 'active'),
    done: say(is_paused ? 'resumed' : 'paused', { name: of.name }),
    changes: ['banks'],
  })
  return (
    <Button
      variant="default"
      leftSection={is_paused ? <IconPlayerPlay size={16} /> : <IconPlayerPause size={16} />}
      loading={pausing.isPending}
      onClick={() => pausing.mutate()}
    >
      {say(is_paused ? 'resume' : 'pause')}
    </Button>
  )
}

function Remove({ of }: { of: Bank }) {
  const say = useText()
  const navigate = useNavigate()
  const removing = useAct({
    act: () => ask(api.DELETE('/v1/banks/{id}', at(of))),
    done: say('removed', { name: of.name }),
    changes: ['banks', 'connections'],
  })
  return (
    <Confirm
      variant="light"
      color="red"
      question={say('remove_sure', { name: of.name })}
      verb={say('remove')}
      act={() => removing.mutateAsync().then(() => navigate('/banks'))}
    />
  )
}
