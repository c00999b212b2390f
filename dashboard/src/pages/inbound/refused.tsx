import { Button, Drawer, Group, NumberInput, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct, useRead } from '../../api/hooks.ts'
import { nameIn, useSources } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import { ConfirmAct } from '../../parts/confirm.tsx'
import { Dialog, DialogEnd, Opens } from '../../parts/dialog.tsx'
import { Facts } from '../../parts/facts.tsx'
import { HeaderList } from '../../parts/headers.tsx'
import { Id } from '../../parts/id.tsx'
import { Body } from '../../parts/json.tsx'
import { Shown } from '../../parts/page.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { useWords } from '../../parts/words.ts'
import { useReason } from './quarantine.tsx'
import { useText } from './text.ts'

/** One refused message with its bytes, beside the list. */
export function Refused({ id, close }: { id: string | null; close: () => void }) {
  const say = useText()
  const word = useWords()
  return (
    <Drawer
      opened={id !== null}
      onClose={close}
      position="right"
      size="lg"
      title={say('refused_message')}
      closeButtonProps={{ 'aria-label': word('close') }}
    >
      {id && <Detail id={id} close={close} />}
    </Drawer>
  )
}

function Detail({ id, close }: { id: string; close: () => void }) {
  const say = useText()
  const reason = useReason()
  const sources = useSources()
  const read = useRead(['quarantined', id], () =>
    ask(api.GET('/v1/quarantine/{id}', { params: { path: { id } } })),
  )
  return (
    <Shown read={read}>
      {(one) => (
        <Stack>
          <Facts
            narrow
            of={[
              { name: say('reason'), value: reason(one.reason) },
              { name: say('received'), value: <When at={one.received_at} exact /> },
              {
                name: say('source'),
                value: <To to={`/inbound/sources/${one.source_id}`}>{nameIn(sources, one.source_id)}</To>,
              },
              { name: say('from_ip'), value: one.ip },
              { name: say('detail'), value: one.detail, whole: true },
              { name: 'Id', value: <Id of={one.id} whole />, whole: true },
            ]}
          />
          <Release id={id} is_skewed={one.reason === 'too_old' || one.reason === 'too_new'} close={close} />
          <Discard id={id} close={close} />
          <Title order={3} size="h5">
            {say('headers')}
          </Title>
          <HeaderList of={one.headers} />
          <Title order={3} size="h5">
            {say('body')}
          </Title>
          {one.body ? <Body text={fromBase64(one.body)} /> : <Text c="dimmed">{say('empty_body')}</Text>}
        </Stack>
      )}
    </Shown>
  )
}

function Release({ id, is_skewed, close }: { id: string; is_skewed: boolean; close: () => void }) {
  const say = useText()
  const may = useMay()
  const release = useAct({
    act: (body: { clock_ahead_s?: number }) =>
      ask(api.POST('/v1/quarantine/{id}/release', { params: { path: { id } }, body })),
    done: ({ status }) => say(status === 'received' ? 'released' : 'duplicate'),
    changes: ['quarantine', 'messages'],
  })
  if (!may('sources:operate')) return null
  return (
    <Group>
      <Button onClick={() => release.mutate({}, { onSuccess: close })} loading={release.isPending}>
        {say('release')}
      </Button>
      {is_skewed && (
        <Opens label={say('by_clock')} variant="default">
          {(shut) => (
            <ByClock
              close={shut}
              is_busy={release.isPending}
              act={(clock_ahead_s) =>
                release.mutate({ clock_ahead_s }, { onSuccess: close, onSettled: shut })
              }
            />
          )}
        </Opens>
      )}
      <Text size="xs" c="dimmed" flex={1}>
        {say('release_sure')}
      </Text>
    </Group>
  )
}

type ByClockProps = { close: () => void; is_busy: boolean; act: (clock_ahead_s: number) => void }

function ByClock({ close, is_busy, act }: ByClockProps) {
  const say = useText()
  const [ahead_s, setAhead] = useState<number | string>('')
  return (
    <Dialog close={close} title={say('by_clock')}>
      <Stack>
        <Text size="sm">{say('by_clock_about')}</Text>
        <NumberInput
          label={say('clock_ahead')}
          value={ahead_s}
          onChange={setAhead}
          allowDecimal={false}
          data-autofocus
        />
        <DialogEnd close={close} disabled={ahead_s === ''} loading={is_busy} act={() => act(Number(ahead_s))}>
          {say('release')}
        </DialogEnd>
      </Stack>
    </Dialog>
  )
}

function Discard({ id, close }: { id: string; close: () => void }) {
  const say = useText()
  const may = useMay()
  if (!may('sources:write')) return null
  return (
    <Group>
      <ConfirmAct
        variant="light"
        color="red"
        question={say('discard_sure')}
        verb={say('discard')}
        act={() => ask(api.DELETE('/v1/quarantine/{id}', { params: { path: { id } } }))}
        done={say('discarded')}
        changes={['quarantine']}
        then={close}
      />
    </Group>
  )
}

/** What is not text is shown as well as it can be. */
const fromBase64 = (text: string): string =>
  new TextDecoder().decode(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)))
