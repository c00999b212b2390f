import { Button, Card, Stack, Text, Title } from '@mantine/core'
import { ask } from '../api/client.ts'
import { useAct, useRead } from '../api/hooks.ts'
import { Attempts } from '../parts/attempts.tsx'
import { Facts } from '../parts/facts.tsx'
import { Body } from '../parts/json.tsx'
import { Shown } from '../parts/page.tsx'
import { State } from '../parts/state.tsx'
import { When } from '../parts/when.tsx'
import { api } from './api.ts'
import { Head } from './head.tsx'
import { useSubscription } from './subscription.tsx'
import { useText } from './text.ts'

type DeliveryProps = { id: string; delivery_id: string; may_edit: boolean }

/** One event on its way to one address: every attempt, and what was sent. */
export function DeliveryShown({ id, delivery_id, may_edit }: DeliveryProps) {
  const say = useText()
  const name = useSubscription(id).data?.name
  const path = { params: { path: { id, delivery_id } } }
  const read = useRead(
    ['deliveries', id, delivery_id],
    () => ask(api.GET('/v1/portal/subscriptions/{id}/deliveries/{delivery_id}', path)),
    { every_ms: 3_000 },
  )
  const again = useAct({
    act: () => ask(api.POST('/v1/portal/subscriptions/{id}/deliveries/{delivery_id}/replay', path)),
    done: say('resent'),
    changes: ['deliveries'],
  })
  const ended = read.data !== undefined && read.data.state !== 'pending'
  const button = ended && may_edit && (
    <Button onClick={() => again.mutate()} loading={again.isPending}>
      {say('resend')}
    </Button>
  )
  return (
    <>
      <Head
        title={read.data?.event_type ?? ''}
        beside={read.data && <State of={read.data.state} />}
        back={{ to: { at: 'subscription', id }, name: name ?? say('back') }}
        actions={button}
      />
      <Shown read={read}>
        {(of) => (
          <Stack gap="lg">
            <Card withBorder>
              <Facts
                of={[
                  { name: say('answer'), value: of.status && `HTTP ${of.status}` },
                  { name: say('when'), value: <When at={of.created_at} exact /> },
                  { name: say('ended'), value: of.closed_at && <When at={of.closed_at} exact /> },
                  { name: say('next'), value: of.next_at && <When at={of.next_at} exact /> },
                ]}
              />
            </Card>
            <Title order={2} size="h4">
              {say('attempts')}
            </Title>
            <Attempts list={of.log} />
            <Title order={2} size="h4">
              {say('data')}
            </Title>
            {of.data === null ? <Text c="dimmed">{say('data_gone')}</Text> : <Body text={of.data} />}
          </Stack>
        )}
      </Shown>
    </>
  )
}
