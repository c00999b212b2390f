import { Button } from '@mantine/core'
import { IconPencil, IconSend } from '@tabler/icons-react'
import { Link, useNavigate } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import type { Subscription } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { useText } from './subscription_text.ts'

/** What can be done with a subscription: tried, held up, changed, and ended. */
export function Actions({ of }: { of: Subscription }) {
  const say = useText()
  const may = useMay()
  return (
    <>
      <Button variant="default" component={Link} to={`/outbound/deliveries?subscription_id=${of.id}`}>
        {say('deliveries')}
      </Button>
      {may('subscriptions:operate') && <Test id={of.id} />}
      {may('subscriptions:write') && (
        <>
          <States of={of} />
          <Delete id={of.id} />
          <Button
            component={Link}
            to={`/outbound/subscriptions/${of.id}/edit`}
            leftSection={<IconPencil size={16} />}
          >
            {say('edit')}
          </Button>
        </>
      )}
    </>
  )
}

function Test({ id }: { id: string }) {
  const say = useText()
  const navigate = useNavigate()
  const test = useAct({
    act: () => ask(api.POST('/v1/subscriptions/{id}/test', { params: { path: { id } } })),
    done: say('tested'),
    changes: ['deliveries', 'events'],
  })
  const send = () =>
    test.mutate(undefined, {
      onSuccess: ({ delivery_id }) => navigate(`/outbound/deliveries/${delivery_id}`),
    })
  return (
    <Button variant="default" leftSection={<IconSend size={16} />} onClick={send} loading={test.isPending}>
      {say('test')}
    </Button>
  )
}

type StateOf = Subscription['state']

function useSetState(id: string, before: StateOf) {
  const say = useText()
  const set = (state: StateOf) =>
    ask(api.PATCH('/v1/subscriptions/{id}', { params: { path: { id } }, body: { state } }))
  return useAct({
    act: set,
    undo: () => set(before),
    done: say('saved'),
    changes: ['subscriptions'],
  })
}

function States({ of: { id, state } }: { of: Subscription }) {
  const say = useText()
  const set = useSetState(id, state)
  if (state !== 'enabled') {
    return (
      <Button variant="default" onClick={() => set.mutate('enabled')} loading={set.isPending}>
        {say(state === 'paused' ? 'resume' : 'enable')}
      </Button>
    )
  }
  return (
    <>
      <Button variant="default" onClick={() => set.mutate('paused')} loading={set.isPending}>
        {say('pause')}
      </Button>
      <Confirm
        variant="default"
        question={say('disable_sure')}
        verb={say('disable')}
        act={() => set.mutateAsync('disabled')}
      />
    </>
  )
}

function Delete({ id }: { id: string }) {
  const say = useText()
  const navigate = useNavigate()
  const remove = useAct({
    act: () => ask(api.DELETE('/v1/subscriptions/{id}', { params: { path: { id } } })),
    done: say('deleted'),
    changes: ['subscriptions'],
  })
  const act = async () => {
    await remove.mutateAsync()
    navigate('/outbound')
  }
  return <Confirm color="red" variant="light" question={say('delete_sure')} verb={say('delete')} act={act} />
}
