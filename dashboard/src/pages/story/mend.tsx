import { Button, Select, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPlayerSkipForward, IconRefresh, IconSend, IconShieldCheck, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useSubscriptions } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { useText } from './text.ts'
import type { Step } from './told.ts'

/** The buttons that mend a step of a story. */

const CHANGES = ['stories', 'messages', 'deliveries', 'quarantine', 'calls', 'overview']
const SMALL = { size: 'compact-xs', variant: 'light' } as const

export function Mend({ step: { kind, id, state, mends } }: { step: Step }) {
  const may = useMay()
  if (!mends) return null
  if (kind === 'received' || kind === 'processed')
    return may('sources:operate') && <MendMessage id={id} state={state} />
  if (kind === 'refused') return may('sources:operate') && <Release id={id} />
  if (kind === 'delivery') return may('subscriptions:operate') && <SendAgain id={id} state={state} />
  if (kind === 'event') return may('subscriptions:operate') && <Resend id={id} />
  if (kind === 'call') return <MendCall id={id} state={state} />
  return null
}

const byId = (id: string) => ({ params: { path: { id } } })

function MendMessage({ id, state }: { id: string; state: string }) {
  const say = useText()
  const replay = useAct({
    act: () => ask(api.POST('/v1/messages/{id}/replay', byId(id))),
    done: say('replayed'),
    changes: CHANGES,
  })
  const skip = useAct({
    act: () => ask(api.POST('/v1/messages/{id}/skip', byId(id))),
    done: say('skipped'),
    changes: CHANGES,
  })
  if (state === 'completed') return null
  return (
    <>
      <Button
        {...SMALL}
        leftSection={<IconRefresh size={14} />}
        loading={replay.isPending}
        onClick={() => replay.mutate()}
      >
        {say('replay')}
      </Button>
      {(state === 'pending' || state === 'parked') && (
        <Confirm
          {...SMALL}
          color="orange"
          leftSection={<IconPlayerSkipForward size={14} />}
          question={say('skip_sure')}
          verb={say('skip')}
          act={() => skip.mutateAsync()}
        />
      )}
    </>
  )
}

function Release({ id }: { id: string }) {
  const say = useText()
  const navigate = useNavigate()
  const release = useAct({
    act: async () => {
      const message = await ask(api.POST('/v1/quarantine/{id}/release', { ...byId(id), body: {} }))
      navigate(`/story/${message.id}`)
    },
    done: say('released'),
    changes: CHANGES,
  })
  return (
    <Confirm
      {...SMALL}
      leftSection={<IconShieldCheck size={14} />}
      question={say('release_sure')}
      verb={say('release')}
      act={() => release.mutateAsync()}
    />
  )
}

function SendAgain({ id, state }: { id: string; state: string }) {
  const say = useText()
  const replay = useAct({
    act: () => ask(api.POST('/v1/deliveries/{id}/replay', byId(id))),
    done: say('sent_again'),
    changes: CHANGES,
  })
  if (state === 'pending') return null
  return (
    <Button
      {...SMALL}
      leftSection={<IconSend size={14} />}
      loading={replay.isPending}
      onClick={() => replay.mutate()}
    >
      {say('send_again')}
    </Button>
  )
}

/** One that did not come through is asked again by hand: what it asked stands in the tester. */
const TROUBLED = ['failed', 'refused']

function MendCall({ id, state }: { id: string; state: string }) {
  const say = useText()
  const may = useMay()
  return (
    <>
      {may('calls:operate') && <CancelCall id={id} state={state} />}
      {may('calls:write') && TROUBLED.includes(state) && (
        <Button
          {...SMALL}
          component={Link}
          to={`/calls/tester?call=${id}`}
          leftSection={<IconRefresh size={14} />}
        >
          {say('call_again')}
        </Button>
      )}
    </>
  )
}

function CancelCall({ id, state }: { id: string; state: string }) {
  const say = useText()
  const cancel = useAct({
    act: () => ask(api.POST('/v1/calls/{id}/cancel', byId(id))),
    done: say('canceled'),
    changes: CHANGES,
  })
  if (state !== 'queued') return null
  return (
    <Confirm
      {...SMALL}
      color="orange"
      leftSection={<IconX size={14} />}
      question={say('cancel_call_sure')}
      verb={say('cancel_call')}
      act={() => cancel.mutateAsync()}
    />
  )
}

function Resend({ id }: { id: string }) {
  const say = useText()
  const [is_open, { open, close }] = useDisclosure(false)
  return (
    <>
      <Button {...SMALL} leftSection={<IconSend size={14} />} onClick={open}>
        {say('resend')}
      </Button>
      {is_open && <ResendForm id={id} close={close} />}
    </>
  )
}

function ResendForm({ id, close }: { id: string; close: () => void }) {
  const say = useText()
  const [chosen, choose] = useState<string | null>(null)
  const subscriptions = useSubscriptions()
  const resend = useAct({
    act: async (subscription_id: string) => {
      await ask(api.POST('/v1/events/{id}/resend', { ...byId(id), body: { subscription_id } }))
      close()
    },
    done: say('resend_done'),
    changes: CHANGES,
  })
  return (
    <Dialog close={close} title={say('resend')}>
      <Stack>
        <Text size="sm" c="dimmed">
          {say('resend_about')}
        </Text>
        <Select
          searchable
          label={say('subscription')}
          placeholder={say('choose')}
          value={chosen}
          onChange={choose}
          data={subscriptions
            .filter(({ state }) => state === 'enabled')
            .map(({ id: value, name }) => ({ value, label: name }))}
        />
        <DialogEnd
          close={close}
          disabled={chosen === null}
          loading={resend.isPending}
          act={() => chosen && resend.mutate(chosen)}
        >
          {say('send')}
        </DialogEnd>
      </Stack>
    </Dialog>
  )
}
