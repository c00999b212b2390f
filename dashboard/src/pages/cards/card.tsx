import { Alert, Card as Box, Code, Group, Tabs, Text } from '@mantine/core'
import type { ComponentType } from 'react'
import { useParams } from 'react-router'
import { nameIn, useConnections } from '../../api/names.ts'
import { Facts } from '../../parts/facts.tsx'
import { useFilters } from '../../parts/filters.tsx'
import { Id } from '../../parts/id.tsx'
import { Page, Shown } from '../../parts/page.tsx'
import { useStateName } from '../../parts/state.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { CardActions } from './actions.tsx'
import { CardState, useReason } from './card_state.tsx'
import { EditLimits } from './edit_limits.tsx'
import { LimitsWhole, useLimits } from './limits.tsx'
import { type CardStory, cardName, useCard } from './reads.ts'
import { ResolveCard } from './resolve.tsx'
import { AuthorizationsTab } from './tab_authorizations.tsx'
import { MovesTab } from './tab_moves.tsx'
import { TransactionsTab } from './tab_transactions.tsx'
import { useText } from './text.ts'

const TABS = {
  authorizations: AuthorizationsTab,
  transactions: TransactionsTab,
  moves: MovesTab,
} satisfies Record<string, ComponentType<{ of: CardStory }>>
type TabName = keyof typeof TABS
const NAMES = Object.keys(TABS) as TabName[]

/** One card: how it stands, what it may be used for, and what it was used for. */
export function Component() {
  const say = useText()
  const { id = '' } = useParams()
  const read = useCard(id)
  return (
    <Page
      title={read.data ? `${say('card')} ${cardName(read.data)}` : say('card')}
      about={<Id of={id} whole />}
      actions={
        read.data && (
          <>
            <ResolveCard of={read.data} />
            <EditLimits of={read.data} />
            <CardActions of={read.data} />
          </>
        )
      }
    >
      <Shown read={read}>{(card) => <Whole of={card} />}</Shown>
    </Page>
  )
}

function Whole({ of }: { of: CardStory }) {
  const say = useText()
  const filters = useFilters(['tab'])
  const tab = NAMES.find((name) => name === filters.set.tab) ?? 'authorizations'
  const Side = TABS[tab]
  return (
    <>
      <Wish of={of} />
      {of.failure && (
        <Alert color="red" title={say('failure')}>
          {of.failure.message ?? of.failure.reason}
        </Alert>
      )}
      <Box withBorder>
        <CardFacts of={of} />
      </Box>
      <Tabs value={tab} onChange={(name) => filters.change('tab', name)} keepMounted={false}>
        <Tabs.List aria-label={say('sides')} style={{ flexWrap: 'nowrap', overflowX: 'auto' }}>
          {NAMES.map((name) => (
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

/** What its vendor has not confirmed yet. */
function Wish({ of: { wish, currency } }: { of: CardStory }) {
  const say = useText()
  const name = useStateName()
  const why = useReason()
  const lines = useLimits()
  if (!wish) return null
  const wanted = [
    wish.status && name(wish.status),
    wish.reason && why(wish.reason),
    wish.limits && (lines(wish.limits, currency).join('; ') || say('no_limits')),
  ].filter(Boolean)
  return (
    <Alert color="yellow" title={say('wish')}>
      <Text size="sm" fw={600}>
        {wanted.join(' · ')}
      </Text>
      <Text size="sm">{say('wish_about')}</Text>
    </Alert>
  )
}

function CardFacts({ of }: { of: CardStory }) {
  const say = useText()
  const connections = useConnections()
  const is_limited = Object.keys(of.limits).length > 0
  return (
    <Facts
      of={[
        { name: say('status'), value: <CardState of={of} /> },
        { name: say('kind'), value: say(of.kind) },
        { name: say('brand'), value: of.brand },
        { name: say('expires'), value: of.exp_month && `${of.exp_month}/${of.exp_year}` },
        { name: say('currency'), value: of.currency },
        { name: say('cardholder'), value: <Code>{of.cardholder}</Code> },
        { name: say('customer_of'), value: of.customer },
        {
          name: say('connection'),
          value: <To to={`/connections/${of.connection_id}`}>{nameIn(connections, of.connection_id)}</To>,
        },
        { name: say('vendor_id'), value: of.vendor_id && <Id of={of.vendor_id} /> },
        { name: say('shipping'), value: of.shipping && <Shipping of={of.shipping} /> },
        { name: say('made'), value: <When at={of.created_at} exact /> },
        { name: say('updated'), value: <When at={of.updated_at} exact /> },
        {
          name: say('limits'),
          value: is_limited ? <LimitsWhole of={of.limits} currency={of.currency} /> : say('no_limits'),
          whole: true,
        },
        {
          name: say('metadata'),
          value: Object.keys(of.metadata).length > 0 && <Metadata of={of.metadata} />,
          whole: true,
        },
      ]}
    />
  )
}

const Shipping = ({ of }: { of: NonNullable<CardStory['shipping']> }) => (
  <>{[of.status, of.carrier, of.tracking_number].filter(Boolean).join(' · ') || '–'}</>
)

const Metadata = ({ of }: { of: Record<string, string> }) => (
  <Group gap="xs" component="span">
    {Object.entries(of).map(([name, value]) => (
      <span key={name}>
        <Code>{name}</Code> {value}
      </span>
    ))}
  </Group>
)
