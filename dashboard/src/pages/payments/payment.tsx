import { Alert, Button, Card, Stack, Text, Title } from '@mantine/core'
import { IconHandStop, IconRoute } from '@tabler/icons-react'
import { Link, useParams } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import { nameIn, useConnections } from '../../api/names.ts'
import { Facts } from '../../parts/facts.tsx'
import { Id } from '../../parts/id.tsx'
import { Known, Metadata } from '../../parts/known.tsx'
import { money } from '../../parts/money.ts'
import { Page, Shown } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { PaymentActions } from './actions.tsx'
import { Disputes } from './dispute.tsx'
import { PaymentMoves } from './moves.tsx'
import type { PaymentStory } from './reads.ts'
import { Refunds } from './refunds.tsx'
import { TakenRoute, Tries } from './routes/tries.tsx'
import { useText } from './text.ts'

/** One payment: how it is, how it came to that, and what can be done about it. */
export function Component() {
  const say = useText()
  const { id = '' } = useParams()
  const read = useRead(['payments', id], () =>
    ask(api.GET('/v1/payments/{id}', { params: { path: { id } } })),
  )
  return (
    <Page
      title={read.data ? money(read.data.money) : say('payment')}
      about={<Id of={id} whole />}
      actions={
        read.data && (
          <>
            <PaymentActions of={read.data} />
            <Button
              component={Link}
              to={`/story/${read.data.vendor_id ?? id}`}
              leftSection={<IconRoute size={16} />}
            >
              {say('story')}
            </Button>
          </>
        )
      }
    >
      <Shown read={read}>{(payment) => <PaymentShown of={payment} />}</Shown>
    </Page>
  )
}

function PaymentShown({ of }: { of: PaymentStory }) {
  const say = useText()
  return (
    <Stack gap="lg">
      {of.held && (
        <Alert color="yellow" icon={<IconHandStop />}>
          {say('held')}
        </Alert>
      )}
      {of.failure && (
        <Alert color="red" title={say('failure')}>
          <Text size="sm">{of.failure.message ?? of.failure.reason}</Text>
          <Text size="xs" c="dimmed">
            {[of.failure.reason, of.failure.code].filter(Boolean).join(' · ')}
          </Text>
        </Alert>
      )}
      <Card withBorder>
        <PaymentFacts of={of} />
      </Card>
      <Title order={2} size="h4">
        {say('moves')}
      </Title>
      <PaymentMoves of={of} />
      <Tries of={of} />
      <Refunds of={of} />
      <Disputes of={of.disputes} />
    </Stack>
  )
}

function PaymentFacts({ of }: { of: PaymentStory }) {
  const say = useText()
  const connections = useConnections()
  const at = (time: string | null) => time && <When at={time} exact />
  const some = ({ amount, currency }: { amount: string; currency: string }) =>
    amount === '0' ? null : money({ amount, currency })
  return (
    <Facts
      of={[
        { name: say('status'), value: <State of={of.status} /> },
        { name: say('captured'), value: some(of.captured) },
        { name: say('refunded'), value: some(of.refunded) },
        { name: say('method'), value: say(of.method) },
        { name: say('capture_how'), value: of.method === 'card' && say(of.capture) },
        {
          name: say('connection'),
          value: <To to={`/connections/${of.connection_id}`}>{nameIn(connections, of.connection_id)}</To>,
        },
        { name: say('route'), value: of.route_id && <TakenRoute id={of.route_id} /> },
        { name: say('vendor_id'), value: of.vendor_id && <Known of={of.vendor_id} /> },
        { name: say('settlement_id'), value: of.settlement_id && <Known of={of.settlement_id} /> },
        { name: say('customer'), value: of.customer },
        { name: say('description'), value: of.description },
        { name: say('due'), value: of.due_date },
        { name: say('expires'), value: at(of.expires_at) },
        { name: say('made'), value: at(of.created_at) },
        { name: say('updated'), value: at(of.updated_at) },
        { name: say('completed_at'), value: at(of.completed_at) },
        {
          name: say('metadata'),
          value: Object.keys(of.metadata).length > 0 && <Metadata of={of.metadata} />,
          whole: true,
        },
        { name: say('pix_code'), value: of.pix_code && <Known of={of.pix_code} />, whole: true },
      ]}
    />
  )
}
