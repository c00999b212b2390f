import { Alert, Button, Card, Group, Tabs, Text } from '@mantine/core'
import { type ComponentType, useState } from 'react'
import { Link, useParams } from 'react-router'
import { nameIn, useConnections, useProviders } from '../../api/names.ts'
import { Facts } from '../../parts/facts.tsx'
import { useFilters } from '../../parts/filters.tsx'
import { Id } from '../../parts/id.tsx'
import { Page, Shown } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { BankActions, SyncNote } from './actions.tsx'
import { ConsentBadge, ConsentEnd } from './consent_state.tsx'
import { type Bank, tellingOf, useBank, useConsents, useManners } from './reads.ts'
import { EditSchedule, ScheduleWords } from './schedule.tsx'
import { AccountsTab } from './tab_accounts.tsx'
import { ConsentsTab } from './tab_consents.tsx'
import { SyncsTab } from './tab_syncs.tsx'
import { useText } from './text.ts'
import { TransactionsTab } from './transactions.tsx'

const TABS = {
  accounts: AccountsTab,
  transactions: TransactionsTab,
  consents: ConsentsTab,
  syncs: SyncsTab,
} satisfies Record<string, ComponentType<{ of: Bank }>>
type TabName = keyof typeof TABS
const NAMES = Object.keys(TABS) as TabName[]

/** One bank of one person: what it told, whether it may be asked, and how it was read. */
export function Component() {
  const say = useText()
  const { id = '' } = useParams()
  const read = useBank(id)
  const [sync, setSync] = useState<string | null>(null)
  return (
    <Page
      title={read.data?.name ?? say('bank')}
      about={read.data && <About of={read.data} />}
      actions={read.data && <BankActions of={read.data} begun={setSync} />}
    >
      {sync !== null && <SyncNote id={sync} />}
      <Shown read={read}>{(bank) => <Whole of={bank} />}</Shown>
    </Page>
  )
}

function About({ of }: { of: Bank }) {
  return (
    <Group component="span" gap={8} mt={4}>
      <State of={of.state} />
      <Text span size="sm">
        {of.user_id}
      </Text>
      <Id of={of.id} />
    </Group>
  )
}

function Whole({ of }: { of: Bank }) {
  const say = useText()
  const { asks } = useManners(of.provider)
  const filters = useFilters(['tab'])
  const shown = NAMES.filter((name) => name !== 'consents' || asks)
  const tab = shown.find((name) => name === filters.set.tab) ?? 'accounts'
  const Side = TABS[tab]
  return (
    <>
      <Notes of={of} asks={asks && tab !== 'consents'} />
      <Card withBorder>
        <BankFacts of={of} asks={asks} />
      </Card>
      <Tabs value={tab} onChange={(name) => filters.change('tab', name)} keepMounted={false}>
        <Tabs.List aria-label={say('sides')} style={{ flexWrap: 'nowrap', overflowX: 'auto' }}>
          {shown.map((name) => (
            <Tabs.Tab key={name} value={name}>
              {say(name)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={tab} pt="md">
          <Side of={of} />
        </Tabs.Panel>
      </Tabs>
    </>
  )
}

/** What stands in the way, and what to do about it. */
function Notes({ of, asks }: { of: Bank; asks: boolean }) {
  const say = useText()
  const consents = useConsents(of.id)
  const has_agreed = consents.data?.data.some(({ state }) => state === 'AUTHORISED')
  return (
    <>
      {of.state === 'error' && (
        <Alert color="red" title={say('trouble')}>
          {of.reason}
        </Alert>
      )}
      {of.state === 'inactive' && <Alert color="gray">{of.reason ?? say('inactive_note')}</Alert>}
      {asks && has_agreed === false && (
        <Alert color="yellow" title={say('nobody_agreed')}>
          <Text size="sm" mb="xs">
            {say('nobody_agreed_next')}
          </Text>
          <Button component={Link} to={`/banks/${of.id}?tab=consents`} variant="default">
            {say('to_consents')}
          </Button>
        </Alert>
      )}
    </>
  )
}

function BankFacts({ of, asks }: { of: Bank; asks: boolean }) {
  const say = useText()
  const connections = useConnections()
  const providers = useProviders()
  const telling = tellingOf(useConsents(of.id).data?.data)
  return (
    <Facts
      of={[
        {
          name: say('consent'),
          value: asks && telling && (
            <Group component="span" gap={6}>
              <ConsentBadge of={telling} />
              <ConsentEnd of={telling} />
            </Group>
          ),
        },
        { name: say('last_sync'), value: <When at={of.last_synced_at} /> },
        {
          name: say('schedule'),
          value: (
            <Group component="span" gap={6}>
              <ScheduleWords of={of.schedule} />
              <EditSchedule of={of} />
            </Group>
          ),
        },
        { name: say('bank_code'), value: of.bank_code },
        { name: say('provider'), value: nameIn(providers, of.provider) },
        {
          name: say('connection'),
          value: of.connection_id && (
            <To to={`/connections/${of.connection_id}`}>{nameIn(connections, of.connection_id)}</To>
          ),
        },
        { name: say('made'), value: <When at={of.created_at} exact /> },
      ]}
    />
  )
}
