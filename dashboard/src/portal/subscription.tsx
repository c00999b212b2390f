import { Alert, Button, Card, Code, Group, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { ask } from '../api/client.ts'
import { useAct, useRead } from '../api/hooks.ts'
import { Confirm } from '../parts/confirm.tsx'
import { Copy } from '../parts/copy.tsx'
import { Facts } from '../parts/facts.tsx'
import { number } from '../parts/figures.ts'
import { Shown } from '../parts/page.tsx'
import { State } from '../parts/state.tsx'
import { When } from '../parts/when.tsx'
import { api, type Subscription } from './api.ts'
import { Deliveries } from './deliveries.tsx'
import { Head } from './head.tsx'
import { EventBadge } from './list.tsx'
import { goTo, hrefOf } from './place.ts'
import { useText } from './text.ts'

const at = (id: string) => ({ params: { path: { id } } })

export const useSubscription = (id: string) =>
  useRead(['subscriptions', id], () => ask(api.GET('/v1/portal/subscriptions/{id}', at(id))))

/** One address: how it does, its secret, and what was sent to it. */
export function SubscriptionShown({ id, may_edit }: { id: string; may_edit: boolean }) {
  const say = useText()
  const read = useSubscription(id)
  return (
    <>
      <Head
        title={read.data?.name ?? ''}
        about={read.data?.description}
        beside={read.data && <State of={read.data.state} />}
        back={{ to: { at: 'list' }, name: say('back') }}
        actions={read.data && may_edit && <Actions of={read.data} />}
      />
      <Shown read={read}>
        {(of) => (
          <Stack gap="lg">
            {of.state_note && (
              <Alert color="yellow" title={say('note')}>
                {of.state_note}
              </Alert>
            )}
            <About of={of} />
            {may_edit && <Secret of={of} />}
            <Deliveries id={id} may_edit={may_edit} />
          </Stack>
        )}
      </Shown>
    </>
  )
}

function Actions({ of: { id, state } }: { of: Subscription }) {
  const say = useText()
  const turn = useAct({
    act: (next: Subscription['state']) =>
      ask(api.PATCH('/v1/portal/subscriptions/{id}', { ...at(id), body: { state: next } })),
    done: say('changed'),
    changes: ['subscriptions', 'deliveries'],
  })
  const test = useAct({
    act: () => ask(api.POST('/v1/portal/subscriptions/{id}/test', at(id))),
    done: say('tested'),
    changes: ['deliveries'],
  })
  const remove = useAct({
    act: async () => {
      await ask(api.DELETE('/v1/portal/subscriptions/{id}', at(id)))
      goTo({ at: 'list' })
    },
    done: say('deleted'),
    changes: ['subscriptions'],
  })
  const verb = { enabled: 'pause', paused: 'resume', disabled: 'enable' } as const
  return (
    <>
      {state === 'enabled' && (
        <Button onClick={() => test.mutate()} loading={test.isPending}>
          {say('test')}
        </Button>
      )}
      <Button
        variant="default"
        loading={turn.isPending}
        onClick={() => turn.mutate(state === 'enabled' ? 'paused' : 'enabled')}
      >
        {say(verb[state])}
      </Button>
      <Button variant="default" component="a" href={hrefOf({ at: 'edit', id })}>
        {say('edit')}
      </Button>
      <Confirm
        variant="default"
        question={say('delete_sure')}
        verb={say('delete')}
        act={() => remove.mutateAsync()}
      />
    </>
  )
}

function About({ of }: { of: Subscription }) {
  const say = useText()
  const { data } = useRead(
    ['deliveries', of.id, 'counters'],
    () => ask(api.GET('/v1/portal/subscriptions/{id}/counters', at(of.id))),
    { every_ms: 10_000 },
  )
  const events = (
    <Group gap={4} component="span">
      {of.event_types.map((type) => (
        <EventBadge key={type} of={type} />
      ))}
    </Group>
  )
  return (
    <Card withBorder>
      <Facts
        of={[
          { name: say('delivered'), value: data && number(data.delivered) },
          { name: say('failed'), value: data && number(data.failed) },
          { name: say('last'), value: data && <When at={data.last_delivered_at} /> },
          { name: say('url'), value: of.url, whole: true },
          { name: say('events'), value: events, whole: true },
        ]}
      />
    </Card>
  )
}

const HIDDEN = 'whsec_••••••••••••••••••••'

function Secret({ of: { id, previous_secret_until } }: { of: Subscription }) {
  const say = useText()
  const [is_shown, { toggle }] = useDisclosure(false)
  const read = useRead(
    ['subscriptions', id, 'secret'],
    () => ask(api.GET('/v1/portal/subscriptions/{id}/secret', at(id))),
    { enabled: is_shown },
  )
  const rotate = useAct({
    act: () => ask(api.POST('/v1/portal/subscriptions/{id}/secret/rotate', { ...at(id), body: {} })),
    done: say('rotated'),
    changes: ['subscriptions'],
  })
  const secret = is_shown ? read.data?.secret : undefined
  return (
    <Card withBorder>
      <Group justify="space-between">
        <Stack gap={4} miw={0}>
          <Text size="sm" fw={600}>
            {say('secret')}
          </Text>
          <Group gap="xs" wrap="nowrap">
            <Code style={{ overflowWrap: 'anywhere' }}>{secret ?? HIDDEN}</Code>
            {secret && <Copy text={secret} label={say('copy_secret')} />}
          </Group>
          <Text size="xs" c="dimmed" component="div">
            {previous_secret_until ? (
              <>
                {say('previous')} <When at={previous_secret_until} exact />
              </>
            ) : (
              say('secret_about')
            )}
          </Text>
        </Stack>
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={toggle} loading={read.isFetching && !secret}>
            {say(is_shown ? 'hide' : 'reveal')}
          </Button>
          <Confirm
            size="xs"
            variant="default"
            question={say('rotate_sure')}
            verb={say('rotate')}
            act={() => rotate.mutateAsync()}
          />
        </Group>
      </Group>
    </Card>
  )
}
