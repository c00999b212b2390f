import { Alert, Button, Card, Stack, Text, Title } from '@mantine/core'
import { IconHandStop, IconRoute } from '@tabler/icons-react'
import { Link, useParams } from 'react-router'
import { nameIn, useConnections } from '../../api/names.ts'
import { useSession } from '../../api/session.tsx'
import { Actor, useActors } from '../../parts/actor.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Id } from '../../parts/id.tsx'
import { Known, Metadata } from '../../parts/known.tsx'
import { money } from '../../parts/money.ts'
import { Moves } from '../../parts/moves.tsx'
import { Page, Shown } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { spoken } from '../../text/text.ts'
import { useText as useActText } from './act_text.ts'
import { TransferActions } from './actions.tsx'
import { Calls } from './calls.tsx'
import { type TransferStory, useTransfer } from './reads.ts'
import { useText } from './text.ts'

/** One transfer: how it is, where it goes, how it came to that, and what can be done about it. */
export function Component() {
  const say = useText()
  const { id = '' } = useParams()
  const read = useTransfer(id)
  return (
    <Page
      title={read.data ? money(read.data.money) : say('transfer')}
      about={<Id of={id} whole />}
      actions={
        read.data && (
          <>
            <TransferActions of={read.data} />
            <Button component={Link} to={`/story/${id}`} leftSection={<IconRoute size={16} />}>
              {say('story')}
            </Button>
          </>
        )
      }
    >
      <Shown read={read}>{(transfer) => <TransferShown of={transfer} />}</Shown>
    </Page>
  )
}

function TransferShown({ of }: { of: TransferStory }) {
  const say = useText()
  return (
    <Stack gap="lg">
      {of.status === 'awaiting_approval' && <Waits of={of} />}
      {of.failure && <Failure of={of} failure={of.failure} />}
      <Card withBorder>
        <TransferFacts of={of} />
      </Card>
      <Card withBorder>
        <Title order={2} size="h4" mb="sm">
          {say('destination')}
        </Title>
        <DestinationFacts of={of} />
      </Card>
      <Title order={2} size="h4">
        {say('moves')}
      </Title>
      <Moves
        of={of.moves}
        state={({ status }) => <State of={status} />}
        beside={[{ title: say('vendor_status'), cell: ({ vendor_status }) => vendor_status ?? '–' }]}
      />
      <Calls of={of} />
    </Stack>
  )
}

function Waits({ of }: { of: TransferStory }) {
  const say = useActText()
  const { member } = useSession()
  return (
    <Alert color="yellow" icon={<IconHandStop />} title={say('waits')}>
      {say(of.created_by === member.id ? 'waits_own' : 'waits_other')}{' '}
      {of.approve_by && say('waits_until', { at: new Date(of.approve_by).toLocaleString(spoken()) })}
    </Alert>
  )
}

const TITLES: Partial<Record<TransferStory['status'], 'not_yet' | 'unknown_end' | 'came_back'>> = {
  pending: 'not_yet',
  processing: 'unknown_end',
  returned: 'came_back',
}

type FailureProps = { of: TransferStory; failure: NonNullable<TransferStory['failure']> }

/** What keeps us from finding out, each told in words that say what to do. */
const KEPT_FROM = ['connection_deleted', 'connection_changed', 'number_taken', 'not_shown'] as const

function Failure({ of, failure: { reason, code, message } }: FailureProps) {
  const say = useText()
  const known = of.status === 'processing' ? KEPT_FROM.find((one) => one === code) : undefined
  const { status } = of
  return (
    <Alert color={status === 'failed' ? 'red' : 'orange'} title={say(TITLES[status] ?? 'failure')}>
      <Text size="sm">{known ? say(known) : (message ?? reason)}</Text>
      <Text size="xs" c="dimmed">
        {[reason, code].filter(Boolean).join(' · ')}
      </Text>
    </Alert>
  )
}

function TransferFacts({ of }: { of: TransferStory }) {
  const say = useText()
  const connections = useConnections()
  const names = useActors()
  const at = (time: string | null) => time && <When at={time} exact />
  const known = (id: string | null) => id && <Known of={id} />
  return (
    <Facts
      of={[
        { name: say('status'), value: <State of={of.status} /> },
        { name: say('vendor_status'), value: of.vendor_status },
        { name: say('returned'), value: of.returned.amount !== '0' && money(of.returned) },
        { name: say('method'), value: say(of.method) },
        {
          name: say('connection'),
          value: <To to={`/connections/${of.connection_id}`}>{nameIn(connections, of.connection_id)}</To>,
        },
        { name: say('scheduled_for'), value: of.scheduled_for },
        { name: say('description'), value: of.description },
        { name: say('asked_by'), value: <Actor of={of.created_by} names={names} /> },
        { name: say('decided_by'), value: of.decided_by && <Actor of={of.decided_by} names={names} /> },
        { name: say('made'), value: at(of.created_at) },
        { name: say('sent'), value: at(of.sent_at) },
        { name: say('completed'), value: at(of.completed_at) },
        { name: say('updated'), value: at(of.updated_at) },
        { name: say('number'), value: of.number },
        { name: say('vendor_id'), value: known(of.vendor_id) },
        { name: say('end_to_end_id'), value: known(of.end_to_end_id) },
        { name: say('receipt'), value: known(of.receipt) },
        {
          name: say('metadata'),
          value: Object.keys(of.metadata).length > 0 && <Metadata of={of.metadata} />,
          whole: true,
        },
      ]}
    />
  )
}

function DestinationFacts({ of: { destination, method, to } }: { of: TransferStory }) {
  const say = useText()
  const { pix_key, account, name, document } = destination
  return (
    <Facts
      of={[
        { name: say('name'), value: name },
        { name: say('document'), value: document && <Known of={document} /> },
        { name: say('pix_key'), value: pix_key && <Known of={pix_key} /> },
        { name: say('bank_code'), value: account?.bank_code ?? (method === 'internal' && to.bank_code) },
        { name: say('branch'), value: account?.branch },
        { name: say('account_number'), value: account && `${account.number}-${account.check_digit}` },
        { name: say('kind'), value: account && say(account.kind ?? 'checking') },
      ]}
    />
  )
}
