import { Button, Card, Code, Group, NumberInput, Select, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct, useRead } from '../../api/hooks.ts'
import type { Subscription } from '../../api/names.ts'
import { Copy } from '../../parts/copy.tsx'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { When } from '../../parts/when.tsx'
import { useText } from './subscription_text.ts'

const HIDDEN = 'whsec_••••••••••••••••••••'

/** The secret that signs, shown when it is asked for, and a new one with a time in which both sign. */
export function Secret({ of }: { of: Subscription }) {
  const say = useText()
  const [is_shown, { toggle }] = useDisclosure(false)
  const read = useRead(
    ['subscriptions', of.id, 'secret'],
    () => ask(api.GET('/v1/subscriptions/{id}/secret', { params: { path: { id: of.id } } })),
    { enabled: is_shown },
  )
  const secret = is_shown ? read.data?.secret : undefined
  return (
    <Card withBorder>
      <Group justify="space-between">
        <div>
          <Text size="xs" c="dimmed">
            {say('secret')}
          </Text>
          <Group gap="xs" wrap="nowrap">
            <Code style={{ overflowWrap: 'anywhere' }}>{secret ?? HIDDEN}</Code>
            {secret && <Copy text={secret} label={say('copy_secret')} />}
          </Group>
          {of.previous_secret_until && (
            <Text size="xs" mt={4} component="div">
              {say('previous_until')} <When at={of.previous_secret_until} exact />
            </Text>
          )}
        </div>
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={toggle} loading={read.isFetching && !secret}>
            {say(is_shown ? 'hide' : 'reveal')}
          </Button>
          <Rotate id={of.id} />
        </Group>
      </Group>
    </Card>
  )
}

function Rotate({ id }: { id: string }) {
  const say = useText()
  const [is_open, { open, close }] = useDisclosure(false)
  const [overlap, setOverlap] = useState<number | string>(24)
  const [signature, setSignature] = useState<'same' | 'v1' | 'v1a'>('same')
  const rotate = useAct({
    act: () =>
      ask(
        api.POST('/v1/subscriptions/{id}/secret/rotate', {
          params: { path: { id } },
          body: { overlap_hours: Number(overlap), ...(signature !== 'same' && { signature }) },
        }),
      ),
    done: say('rotated'),
    changes: ['subscriptions'],
  })
  return (
    <>
      <Button size="xs" variant="default" onClick={open}>
        {say('rotate')}
      </Button>
      <Dialog opened={is_open} close={close} title={say('rotate')}>
        <Stack>
          <Text size="sm">{say('rotate_about')}</Text>
          <NumberInput
            label={say('overlap')}
            suffix={` ${say('hours')}`}
            min={0}
            max={168}
            value={overlap}
            onChange={setOverlap}
          />
          <Select
            label={say('signature')}
            allowDeselect={false}
            data={[
              { value: 'same', label: say('same') },
              { value: 'v1', label: say('v1') },
              { value: 'v1a', label: say('v1a') },
            ]}
            value={signature}
            onChange={(value) => setSignature(value ?? 'same')}
          />
          <DialogEnd
            close={close}
            color="red"
            loading={rotate.isPending}
            act={() => rotate.mutate(undefined, { onSuccess: close })}
          >
            {say('rotate')}
          </DialogEnd>
        </Stack>
      </Dialog>
    </>
  )
}
