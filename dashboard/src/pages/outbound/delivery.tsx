import { Alert, Button, Card, Stack, Text, Title } from '@mantine/core'
import { IconRoute } from '@tabler/icons-react'
import { Link, useParams } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useAct, useRead } from '../../api/hooks.ts'
import { nameIn, useSubscriptions } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import type { AnswerOf } from '../../api/types.ts'
import { Attempts } from '../../parts/attempts.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Id } from '../../parts/id.tsx'
import { Body } from '../../parts/json.tsx'
import { Page, Shown } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { useText } from './text.ts'

type Delivery = AnswerOf<'/v1/deliveries/{id}'>

/** One event on its way to one subscription, with every attempt. */
export function Component() {
  const say = useText()
  const { id = '' } = useParams()
  const read = useRead(['deliveries', id], () =>
    ask(api.GET('/v1/deliveries/{id}', { params: { path: { id } } })),
  )
  return (
    <Page
      title={read.data?.event_type ?? say('delivery')}
      about={<Id of={id} whole />}
      actions={read.data && <Actions of={read.data} />}
    >
      <Shown read={read}>{(delivery) => <DeliveryShown of={delivery} />}</Shown>
    </Page>
  )
}

function Actions({ of: { id, state } }: { of: Delivery }) {
  const say = useText()
  const may = useMay()
  const replay = useAct({
    act: () => ask(api.POST('/v1/deliveries/{id}/replay', { params: { path: { id } } })),
    done: say('replayed'),
    changes: ['deliveries'],
  })
  return (
    <>
      {state !== 'pending' && may('subscriptions:operate') && (
        <Confirm
          variant="default"
          question={say('replay_sure')}
          verb={say('replay')}
          act={() => replay.mutateAsync()}
        />
      )}
      <Button component={Link} to={`/story/${id}`} leftSection={<IconRoute size={16} />}>
        {say('story')}
      </Button>
    </>
  )
}

function DeliveryShown({ of }: { of: Delivery }) {
  const say = useText()
  const subscriptions = useSubscriptions()
  const event = useRead(['events', of.event_id], () =>
    ask(api.GET('/v1/events/{id}', { params: { path: { id: of.event_id } } })),
  )
  const body = event.data ? sent(event.data) : null
  const url = subscriptions.find((one) => one.id === of.subscription_id)?.url
  return (
    <Stack gap="lg">
      {of.error && of.log.length === 0 && (
        <Alert color="orange" title={say('error')}>
          {of.error}
        </Alert>
      )}
      <Card withBorder>
        <Facts
          of={[
            { name: say('state'), value: <State of={of.state} /> },
            { name: say('status'), value: of.status },
            {
              name: say('subscription'),
              value: (
                <To to={`/outbound/subscriptions/${of.subscription_id}`}>
                  {nameIn(subscriptions, of.subscription_id)}
                </To>
              ),
            },
            { name: say('event'), value: <Id of={of.event_id} to={`/story/${of.event_id}`} /> },
            { name: say('made'), value: <When at={of.created_at} exact /> },
            { name: say('ended'), value: of.closed_at && <When at={of.closed_at} exact /> },
            { name: say('next'), value: of.next_at && <When at={of.next_at} exact /> },
          ]}
        />
      </Card>
      <Title order={2} size="h4">
        {say('attempts')}
      </Title>
      <Attempts list={of.log} target={url ? { method: 'POST', url, body } : undefined} />
      <Title order={2} size="h4">
        {say('payload')}
      </Title>
      {event.error ? <Text c="dimmed">{say('gone')}</Text> : body && <Body text={body} />}
    </Stack>
  )
}

/** The body as receivers get it, but for the spelling of its data. */
const sent = ({ type, created_at, data }: { type: string; created_at: string; data: unknown }): string =>
  JSON.stringify({ type, timestamp: created_at, data })
