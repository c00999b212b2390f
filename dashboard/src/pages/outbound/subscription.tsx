import { Alert, Badge, Card, Group, Stack, Title } from '@mantine/core'
import { useParams } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import type { Subscription } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import { Copy } from '../../parts/copy.tsx'
import { type Fact, Facts } from '../../parts/facts.tsx'
import { number } from '../../parts/figures.ts'
import { Id } from '../../parts/id.tsx'
import { Body } from '../../parts/json.tsx'
import { Page, Shown } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { When } from '../../parts/when.tsx'
import { ParkedKeys } from './parked_keys.tsx'
import { Secret } from './secret.tsx'
import { Actions } from './subscription_actions.tsx'
import { useText } from './subscription_text.ts'

export const useSubscription = (id: string) =>
  useRead(['subscriptions', id], () => ask(api.GET('/v1/subscriptions/{id}', { params: { path: { id } } })))

/** One subscription: how it does, what it wants, its secret, and what waits for a decision. */
export function Component() {
  const say = useText()
  const may = useMay()
  const { id = '' } = useParams()
  const read = useSubscription(id)
  return (
    <Page
      title={read.data?.name ?? say('subscription')}
      about={<Id of={id} whole />}
      actions={read.data && <Actions of={read.data} />}
    >
      <Shown read={read}>
        {(subscription) => (
          <Stack gap="lg">
            {subscription.state_note && (
              <Alert color="yellow" title={say('note')}>
                {subscription.state_note}
              </Alert>
            )}
            <Counters id={id} />
            <Card withBorder>
              <Facts of={factsOf(say, subscription)} />
            </Card>
            {subscription.filter && <Filter of={subscription.filter} />}
            {may('subscriptions:write') && <Secret of={subscription} />}
            <ParkedKeys subscription_id={id} />
          </Stack>
        )}
      </Shown>
    </Page>
  )
}

function Counters({ id }: { id: string }) {
  const say = useText()
  const read = useRead(['deliveries', 'counters', id], () =>
    ask(api.GET('/v1/subscriptions/{id}/counters', { params: { path: { id } } })),
  )
  return (
    <Card withBorder>
      <Shown read={read}>
        {(one) => (
          <Facts
            of={[
              { name: `${say('counters')} · ${say('total')}`, value: number(one.attempts) },
              { name: say('delivered'), value: number(one.delivered) },
              { name: say('failed'), value: number(one.failed) },
              { name: say('last_delivered'), value: <When at={one.last_delivered_at} /> },
            ]}
          />
        )}
      </Shown>
    </Card>
  )
}

type Say = ReturnType<typeof useText>

function factsOf(say: Say, of: Subscription): Fact[] {
  return [
    { name: say('state'), value: <State of={of.state} /> },
    { name: say('order'), value: orderOf(say, of) },
    { name: say('content_type'), value: of.content_type === 'json' ? 'JSON' : 'x-www-form-urlencoded' },
    { name: say('customer'), value: of.customer },
    { name: say('made'), value: <When at={of.created_at} exact /> },
    { name: say('auth'), value: of.auth?.type },
    { name: say('headers'), value: Object.keys(of.headers).join(', ') },
    { name: say('rate'), value: of.rate && say('rate_of', { count: of.rate.count, s: of.rate.per_s }) },
    { name: say('concurrency'), value: of.max_concurrency },
    { name: say('weight'), value: of.weight === 1 ? null : of.weight },
    { name: say('address'), value: <Address url={of.url} />, whole: true },
    { name: say('wants'), value: <AllWanted of={of.event_types} />, whole: true },
    { name: say('description'), value: of.description, whole: true },
  ]
}

function Address({ url }: { url: string }) {
  const say = useText()
  return (
    <Group component="span" gap={4} wrap="nowrap">
      <span>{url}</span>
      <Copy text={url} label={say('copy_address')} />
    </Group>
  )
}

function orderOf(say: Say, { order }: Subscription): string {
  if (!order) return say('order_none')
  return order.per === 'key' ? say('order_key', { key: order.key ?? '' }) : say('order_subscription')
}

const AllWanted = ({ of }: { of: string[] }) => (
  <Group gap={4}>
    {of.map((type) => (
      <Badge key={type} variant="default" tt="none" ff="monospace" fw={400}>
        {type}
      </Badge>
    ))}
  </Group>
)

function Filter({ of }: { of: Record<string, unknown> }) {
  const say = useText()
  return (
    <div>
      <Title order={2} size="h4">
        {say('filter')}
      </Title>
      <Body text={JSON.stringify(of)} />
    </div>
  )
}
