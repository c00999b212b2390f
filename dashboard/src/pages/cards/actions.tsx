import { Radio, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { ConfirmAct } from '../../parts/confirm.tsx'
import { Dialog, DialogEnd, Opens } from '../../parts/dialog.tsx'
import { Refresh } from '../../parts/refresh.tsx'
import { type CardStory, REASONS, type Reason } from './reads.ts'
import { useText } from './text.ts'

const CHANGES = ['cards', 'events', 'calls']

/** What can be done about a card as it stands now; what changes it asks first. */
export function CardActions({ of }: { of: CardStory }) {
  const say = useText()
  const may = useMay()
  if (!may('cards:write')) return null
  const { status, reason } = of
  const is_issued = status === 'inactive' || status === 'active' || status === 'blocked'
  const is_for_good = reason === 'lost' || reason === 'stolen' || reason === 'fraud'
  return (
    <>
      <Refresh
        label={say('refresh')}
        act={() => ask(api.POST('/v1/cards/{id}/refresh', at(of)))}
        done={say('refreshed')}
        changes={CHANGES}
      />
      {status === 'inactive' && <Activate of={of} />}
      {status === 'blocked' && !is_for_good && <Unblock of={of} />}
      {is_issued && status !== 'blocked' && <Block of={of} />}
      {is_issued && <Cancel of={of} />}
    </>
  )
}

const at = ({ id }: CardStory) => ({ params: { path: { id } } })

function Activate({ of }: { of: CardStory }) {
  const say = useText()
  return (
    <ConfirmAct
      question={say('activate_sure')}
      verb={say('activate')}
      act={() => ask(api.POST('/v1/cards/{id}/activate', at(of)))}
      done={say('activated')}
      changes={CHANGES}
    />
  )
}

function Unblock({ of }: { of: CardStory }) {
  const say = useText()
  return (
    <ConfirmAct
      question={say('unblock_sure')}
      verb={say('unblock')}
      act={() => ask(api.POST('/v1/cards/{id}/unblock', at(of)))}
      done={say('unblocked')}
      changes={CHANGES}
    />
  )
}

function Cancel({ of }: { of: CardStory }) {
  const say = useText()
  return (
    <ConfirmAct
      variant="light"
      color="red"
      question={say('cancel_sure')}
      verb={say('cancel')}
      act={() => ask(api.POST('/v1/cards/{id}/cancel', { ...at(of), body: {} }))}
      done={say('canceled')}
      changes={CHANGES}
    />
  )
}

function Block({ of }: { of: CardStory }) {
  const say = useText()
  return (
    <Opens variant="light" color="red" label={say('block')}>
      {(close) => <BlockDialog of={of} close={close} />}
    </Opens>
  )
}

function BlockDialog({ of, close }: { of: CardStory; close: () => void }) {
  const say = useText()
  const [reason, setReason] = useState<Reason>('customer')
  const block = useAct({
    act: () => ask(api.POST('/v1/cards/{id}/block', { ...at(of), body: { reason } })),
    done: say('blocked'),
    changes: CHANGES,
  })
  return (
    <Dialog close={close} title={say('block_title')}>
      <Stack>
        <Text size="sm">{say('block_about')}</Text>
        <Radio.Group
          label={say('reason')}
          value={reason}
          onChange={(chosen) => setReason(REASONS.find((one) => one === chosen) ?? 'customer')}
        >
          <Stack gap="xs" mt="xs">
            {REASONS.map((one) => (
              <Radio key={one} value={one} label={say(one)} />
            ))}
          </Stack>
        </Radio.Group>
        <DialogEnd
          close={close}
          color="red"
          loading={block.isPending}
          act={() => block.mutate(undefined, { onSuccess: close })}
        >
          {say('block')}
        </DialogEnd>
      </Stack>
    </Dialog>
  )
}
