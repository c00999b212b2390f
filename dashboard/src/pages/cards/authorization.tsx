import { Badge, Card as Box, Button, Group, Stack, Text, Title } from '@mantine/core'
import { IconRoute } from '@tabler/icons-react'
import { Link, useParams } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { nameIn, useConnections } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import { Facts } from '../../parts/facts.tsx'
import { duration } from '../../parts/figures.ts'
import { Id } from '../../parts/id.tsx'
import { money } from '../../parts/money.ts'
import { Page, Shown } from '../../parts/page.tsx'
import { Refresh } from '../../parts/refresh.tsx'
import { State } from '../../parts/state.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { useDecisionReason, useText } from './authorization_text.ts'
import { useCheckWord } from './check_words.ts'
import { Merchant } from './merchant.tsx'
import { type AuthorizationStory, useAuthorization, useRules } from './reads.ts'
import { useText as useCards } from './text.ts'

/** One authorization: who asked for how much, and why it was approved or declined. */
export function Component() {
  const say = useText()
  const { id = '' } = useParams()
  const read = useAuthorization(id)
  return (
    <Page
      title={read.data ? `${say('authorization')}: ${money(read.data.money)}` : say('authorization')}
      about={<Id of={id} whole />}
      actions={read.data && <Actions of={read.data} />}
    >
      <Shown read={read}>{(one) => <Whole of={one} />}</Shown>
    </Page>
  )
}

function Actions({ of }: { of: AuthorizationStory }) {
  const say = useText()
  const card = useCards()
  const may = useMay()
  return (
    <>
      {may('cards:write') && (
        <Refresh
          label={card('refresh')}
          act={() =>
            ask(api.POST('/v1/cards/authorizations/{id}/refresh', { params: { path: { id: of.id } } }))
          }
          done={card('refreshed')}
          changes={['cards', 'events', 'calls']}
        />
      )}
      <Button component={Link} to={`/story/${of.vendor_id}`} leftSection={<IconRoute size={16} />}>
        {say('story')}
      </Button>
    </>
  )
}

function Whole({ of }: { of: AuthorizationStory }) {
  const say = useText()
  return (
    <Stack gap="lg">
      <Title order={2} size="h4">
        {say('why')}
      </Title>
      {of.decisions.length === 0 && (
        <Text size="sm">
          {of.vendor_reason ? say('by_vendor', { reason: of.vendor_reason }) : say('not_asked')}
        </Text>
      )}
      {of.decisions.map((one) => (
        <Decision key={one.id} of={one} />
      ))}
      <Title order={2} size="h4">
        {say('what')}
      </Title>
      <Box withBorder>
        <What of={of} />
      </Box>
    </Stack>
  )
}

function Decision({ of }: { of: AuthorizationStory['decisions'][number] }) {
  const say = useText()
  const card = useCards()
  const why = useDecisionReason()
  const said = of.approved === null ? 'not_known' : of.approved ? 'approved' : 'declined'
  const color = { not_known: 'gray', approved: 'teal', declined: 'orange' }[said]
  return (
    <Box withBorder>
      <Stack gap="xs">
        <Group gap="sm">
          <Badge variant="light" color={color} tt="none" fw={600} miw="max-content">
            {card(said)}
          </Badge>
          <Text size="sm" fw={600}>
            {why(of.reason)}
          </Text>
        </Group>
        <Facts
          of={[
            { name: say('rule'), value: of.rule_id && <Rule id={of.rule_id} /> },
            { name: say('asked_for'), value: money(of.money) },
            { name: say('took'), value: duration(of.elapsed_ms) },
            { name: say('decided_at'), value: <When at={of.decided_at} exact /> },
            { name: say('message'), value: <Id of={of.message_id} to={`/story/${of.message_id}`} /> },
          ]}
        />
      </Stack>
    </Box>
  )
}

/** By its name for as long as it is there. */
function Rule({ id }: { id: string }) {
  const rule = useRules().data?.data.find((one) => one.id === id)
  return rule ? <To to={`/cards/rules/${id}`}>{rule.name}</To> : <Id of={id} />
}

function What({ of }: { of: AuthorizationStory }) {
  const say = useText()
  const card = useCards()
  const connections = useConnections()
  const word = useCheckWord()
  const { cvc, expiry, postal_code, address, exemption } = of.verification
  const some = (one: { amount: string; currency: string }) => (one.amount === '0' ? null : money(one))
  return (
    <Facts
      of={[
        { name: card('status'), value: <State of={of.status} /> },
        { name: card('merchant'), value: <Merchant of={of.merchant} /> },
        { name: card('card'), value: <Id of={of.card_id} to={`/cards/${of.card_id}`} /> },
        { name: say('captured'), value: some(of.captured) },
        { name: say('refunded'), value: some(of.refunded) },
        { name: say('merchant_money'), value: of.merchant_money && money(of.merchant_money) },
        { name: card('method'), value: [word(of.method), of.wallet].filter(Boolean).join(' · ') },
        { name: '3-D Secure', value: word(of.three_d_secure) },
        { name: say('cvc'), value: word(cvc) },
        { name: say('expiry'), value: word(expiry) },
        { name: say('postal_code'), value: word(postal_code) },
        { name: say('address'), value: word(address) },
        { name: say('exemption'), value: exemption },
        { name: say('vendor_reason'), value: of.vendor_reason },
        {
          name: card('connection'),
          value: <To to={`/connections/${of.connection_id}`}>{nameIn(connections, of.connection_id)}</To>,
        },
        { name: card('vendor_id'), value: <Id of={of.vendor_id} /> },
        { name: card('asked_at'), value: <When at={of.authorized_at} exact /> },
      ]}
    />
  )
}
