import { Alert, Anchor, Button, Card, Group, Stack, Title } from '@mantine/core'
import { IconFlask, IconRoute } from '@tabler/icons-react'
import { Link, useParams } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useAct, useRead } from '../../api/hooks.ts'
import { nameIn, useConnections } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import type { AnswerOf } from '../../api/types.ts'
import { Attempts } from '../../parts/attempts.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { ownCurl } from '../../parts/curl.ts'
import { Facts } from '../../parts/facts.tsx'
import { duration } from '../../parts/figures.ts'
import { Id } from '../../parts/id.tsx'
import { Page, Shown } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { When } from '../../parts/when.tsx'
import { Steps } from './steps.tsx'
import { useText } from './text.ts'
import { Whole } from './whole.tsx'

export type Call = AnswerOf<'/v1/calls/{id}'>

/** One call: what was asked, how it ended, and every attempt. */
export function Component() {
  const say = useText()
  const { id = '' } = useParams()
  const read = useRead(['calls', id], () => ask(api.GET('/v1/calls/{id}', { params: { path: { id } } })))
  return (
    <Page
      title={read.data ? (read.data.operation ?? `${read.data.method} ${read.data.path}`) : say('call')}
      about={<Id of={id} whole />}
      actions={read.data && <Actions of={read.data} />}
    >
      <Shown read={read}>{(call) => <CallShown of={call} />}</Shown>
    </Page>
  )
}

function Actions({ of }: { of: Call }) {
  const say = useText()
  const may = useMay()
  const cancel = useAct({
    act: () => ask(api.POST('/v1/calls/{id}/cancel', { params: { path: { id: of.id } } })),
    done: say('canceled'),
    changes: ['calls'],
  })
  return (
    <>
      {of.state === 'queued' && may('calls:operate') && (
        <Confirm
          color="red"
          variant="light"
          question={say('cancel_sure')}
          verb={say('cancel')}
          act={() => cancel.mutateAsync()}
        />
      )}
      {may('calls:write') && (
        <Button
          component={Link}
          to={`/calls/tester?call=${of.id}`}
          variant="default"
          leftSection={<IconFlask size={16} />}
        >
          {say('again')}
        </Button>
      )}
      <Button component={Link} to={`/story/${of.id}`} leftSection={<IconRoute size={16} />}>
        {say('story')}
      </Button>
    </>
  )
}

function CallShown({ of }: { of: Call }) {
  const say = useText()
  const may = useMay()
  const { log, steps, error } = of
  return (
    <Stack gap="lg">
      {error && log.at(-1)?.error !== error && (
        <Alert color={of.state === 'unknown' ? 'gray' : 'orange'} title={say('error')}>
          {error}
        </Alert>
      )}
      <Card withBorder>
        <CallFacts of={of} />
      </Card>
      {steps && <Steps of={steps} />}
      <Stack gap="xs">
        <Title order={2} size="h4">
          {say('log')}
        </Title>
        <Attempts
          list={log}
          curl={(attempt) => ownCurl(`/v1/connections/${of.connection_id}/calls`, asked(of, attempt))}
          more={(attempt) => may('bodies:read') && <Whole call_id={of.id} number={attempt.number} />}
        />
      </Stack>
    </Stack>
  )
}

function CallFacts({ of }: { of: Call }) {
  const say = useText()
  const connections = useConnections()
  return (
    <Facts
      of={[
        { name: say('state'), value: <State of={of.state} /> },
        { name: say('code'), value: of.status },
        { name: say('took'), value: of.duration_ms === null ? null : duration(of.duration_ms) },
        { name: say('connection'), value: <ConnectionLink of={of} list={connections} /> },
        { name: say('asked'), value: `${of.method} ${of.path}` },
        { name: say('operation'), value: of.operation },
        { name: say('made'), value: <When at={of.created_at} exact /> },
        { name: say('ended'), value: of.closed_at && <When at={of.closed_at} exact /> },
        { name: say('by'), value: <Id of={of.actor} /> },
        { name: say('request_id'), value: of.request_id && <Id of={of.request_id} /> },
        {
          name: say('external_reference'),
          value: of.external_reference && <Id of={of.external_reference} />,
        },
        { name: say('batch'), value: of.batch_id && <Id of={of.batch_id} /> },
        { name: say('tries'), value: of.tries },
        { name: say('next'), value: of.next_try_at && <When at={of.next_try_at} exact /> },
        { name: say('made_calls'), value: of.call_ids?.length ? <Made of={of.call_ids} /> : null },
      ]}
    />
  )
}

const Made = ({ of }: { of: string[] }) => (
  <Group gap="xs">
    {of.map((id) => (
      <Id key={id} of={id} to={`/calls/${id}`} />
    ))}
  </Group>
)

const ConnectionLink = ({ of, list }: { of: Call; list: { id: string; name: string }[] }) => (
  <Anchor component={Link} to={`/connections/${of.connection_id}`} size="sm">
    {nameIn(list, of.connection_id)}
  </Anchor>
)

/** What would ask the same again, as far as it was kept: what is masked stays masked. */
function asked({ method, path }: Call, { request_body }: { request_body?: string | null }) {
  return { method, path, ...(request_body && { body: parsed(request_body) }) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
