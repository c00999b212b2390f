import { Button, Card, Code, Group, Stack, Text, Title } from '@mantine/core'
import { IconFlask, IconPencil } from '@tabler/icons-react'
import { Link, useNavigate, useParams } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useAct, useRead } from '../../api/hooks.ts'
import { nameIn, useConnections, useProviders } from '../../api/names.ts'
import type { paths } from '../../api/schema.ts'
import { useMay } from '../../api/session.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { Copy } from '../../parts/copy.tsx'
import { Facts } from '../../parts/facts.tsx'
import { number } from '../../parts/figures.ts'
import { Id } from '../../parts/id.tsx'
import { Page, Shown } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { OptionFacts } from './option_facts.tsx'
import { useText } from './source_text.ts'
import { VendorSide } from './vendor_side.tsx'
import { Waiting } from './waiting.tsx'

export type OneSource = paths['/v1/sources/{id}']['get']['responses'][200]['content']['application/json']

export const useSource = (id: string) =>
  useRead(['sources', id], () => ask(api.GET('/v1/sources/{id}', { params: { path: { id } } })))

/** One source: its address, how it verifies, and what stands still in it. */
export function Component() {
  const say = useText()
  const { id = '' } = useParams()
  const read = useSource(id)
  return (
    <Page
      title={read.data?.name ?? say('sources')}
      about={<Id of={id} whole />}
      actions={read.data && <Actions of={read.data} />}
    >
      <Shown read={read}>
        {(source) => (
          <Stack gap="lg">
            <Address url={source.url} />
            <Card withBorder>
              <SourceFacts of={source} />
            </Card>
            <VendorSide of={source} />
            <Waiting source_id={id} />
            <Title order={2} size="h4">
              {say('options')}
            </Title>
            <OptionFacts of={source} />
          </Stack>
        )}
      </Shown>
    </Page>
  )
}

function Address({ url }: { url: string }) {
  const say = useText()
  return (
    <Card withBorder>
      <Text size="xs" c="dimmed">
        {say('address_about')}
      </Text>
      <Group gap="xs" wrap="nowrap">
        <Code fz="sm" style={{ overflowWrap: 'anywhere' }}>
          {url}
        </Code>
        <Copy text={url} label={say('copy_address')} />
      </Group>
    </Card>
  )
}

function SourceFacts({ of }: { of: OneSource }) {
  const say = useText()
  const providers = useProviders()
  const connections = useConnections()
  return (
    <Facts
      of={[
        { name: say('state'), value: <State of={of.state} /> },
        { name: say('provider'), value: nameIn(providers, of.provider) },
        {
          name: say('secrets'),
          value: of.secrets > 0 ? say('secrets_set', { n: of.secrets }) : say('no_secrets'),
        },
        {
          name: say('connection'),
          value: of.connection_id && (
            <To to={`/connections/${of.connection_id}`}>{nameIn(connections, of.connection_id)}</To>
          ),
        },
        {
          name: say('last_received'),
          value: of.last_received_at && <When at={of.last_received_at} exact />,
        },
        { name: say('received'), value: number(of.counts.received) },
        { name: say('copies'), value: number(of.counts.duplicates) },
        { name: say('quarantined'), value: number(of.counts.quarantined) },
        { name: say('refused_unread'), value: number(of.counts.refused) },
        { name: say('made'), value: <When at={of.created_at} exact /> },
      ]}
    />
  )
}

function Actions({ of: { id, state, provider } }: { of: OneSource }) {
  const say = useText()
  const may = useMay()
  return (
    <>
      <Button variant="default" component={Link} to={`/inbound?source_id=${id}`}>
        {say('messages')}
      </Button>
      <Button variant="default" component={Link} to={`/inbound/quarantine?source_id=${id}`}>
        {say('quarantine')}
      </Button>
      {may('sources:operate') && state === 'enabled' && <TestMessage id={id} provider={provider} />}
      {may('sources:write') && (
        <>
          <Toggle id={id} is_enabled={state === 'enabled'} />
          <Delete id={id} />
          <Button component={Link} to={`/inbound/sources/${id}/edit`} leftSection={<IconPencil size={16} />}>
            {say('edit')}
          </Button>
        </>
      )}
    </>
  )
}

/** Where simulated vendors run: one of them sends a message as the vendor would. */
function TestMessage({ id, provider }: { id: string; provider: string }) {
  const say = useText()
  const { data } = useRead(['sandbox'], () => ask(api.GET('/v1/sandbox')))
  const test = useAct({
    act: () => ask(api.POST('/v1/sources/{id}/test', { params: { path: { id } } })),
    done: ({ status, accepted }) => say(accepted ? 'test_taken' : 'test_refused', { status }),
    changes: ['messages', 'quarantine', 'sources'],
  })
  if (!data?.providers.includes(provider)) return null
  return (
    <Button
      variant="default"
      leftSection={<IconFlask size={16} aria-hidden />}
      loading={test.isPending}
      onClick={() => test.mutate()}
    >
      {say('test')}
    </Button>
  )
}

function Toggle({ id, is_enabled }: { id: string; is_enabled: boolean }) {
  const say = useText()
  const change = useAct({
    act: () =>
      ask(
        api.PATCH('/v1/sources/{id}', {
          params: { path: { id } },
          body: { state: is_enabled ? 'disabled' : 'enabled' },
        }),
      ),
    done: say('saved'),
    changes: ['sources'],
  })
  if (!is_enabled) {
    return (
      <Button variant="default" onClick={() => change.mutate()} loading={change.isPending}>
        {say('enable')}
      </Button>
    )
  }
  return (
    <Confirm
      variant="default"
      question={say('disable_sure')}
      verb={say('disable')}
      act={() => change.mutateAsync()}
    />
  )
}

function Delete({ id }: { id: string }) {
  const say = useText()
  const navigate = useNavigate()
  const remove = useAct({
    act: () => ask(api.DELETE('/v1/sources/{id}', { params: { path: { id } } })),
    done: say('deleted'),
    changes: ['sources'],
  })
  const act = async () => {
    await remove.mutateAsync()
    navigate('/inbound/sources')
  }
  return <Confirm color="red" variant="light" question={say('delete_sure')} verb={say('delete')} act={act} />
}
