import { Alert, Anchor, Stack } from '@mantine/core'
import { Link } from 'react-router'
import { type Attempt, Attempts } from '../../parts/attempts.tsx'
import { toCurl } from '../../parts/curl.ts'
import { Facts } from '../../parts/facts.tsx'
import { Id } from '../../parts/id.tsx'
import { Body } from '../../parts/json.tsx'
import { Shown } from '../../parts/page.tsx'
import { When } from '../../parts/when.tsx'
import { pathOf } from '../finder.tsx'
import { ParkedKey } from './parked.tsx'
import { Raw } from './raw.tsx'
import {
  useCall,
  useConnection,
  useDelivery,
  useEvent,
  useMessage,
  useQuarantined,
  useSource,
  useSubscription,
} from './reads.ts'
import { useText } from './text.ts'
import type { Step } from './told.ts'

/** What is known of one step, read when somebody opens it. */
export function Details({ step: { kind, id, attempt } }: { step: Step }) {
  if (kind === 'received' || kind === 'processed') return <Message id={id} />
  if (kind === 'refused') return <Quarantined id={id} />
  if (kind === 'event') return <Event id={id} />
  if (kind === 'delivery' || kind === 'attempt') return <Delivery id={id} upto={attempt} />
  if (kind === 'call' || kind === 'call_attempt') return <Call id={id} upto={attempt} />
  return <Id of={id} whole />
}

function Named({ kind, id, name }: { kind: string; id: string; name: string | undefined }) {
  return (
    <Anchor component={Link} to={pathOf(kind, id)} size="sm">
      {name ?? id}
    </Anchor>
  )
}

function Message({ id }: { id: string }) {
  const say = useText()
  const read = useMessage(id)
  return (
    <Shown read={read}>
      {(message) => (
        <Stack gap="sm">
          {message.order?.wait && (
            <Alert color="yellow" variant="light" p="xs">
              {say(`waits_${message.order.wait}`)}{' '}
              {message.order.until && <When at={message.order.until} exact />}
            </Alert>
          )}
          <Facts
            of={[
              { name: 'id', value: <Id of={id} /> },
              { name: say('source'), value: <SourceName id={message.source_id} /> },
              { name: say('key'), value: <Id of={message.event_key} /> },
              { name: say('attempts'), value: message.attempts },
              { name: say('flags'), value: message.flags.length > 0 ? message.flags.join(', ') : null },
            ]}
          />
          <FromSource source_id={message.source_id} headers={message.headers} body={message.body} />
        </Stack>
      )}
    </Shown>
  )
}

function SourceName({ id }: { id: string }) {
  return <Named kind="source" id={id} name={useSource(id).data?.name} />
}

export function FromSource(props: { source_id: string; headers: Record<string, unknown>; body: string }) {
  const source = useSource(props.source_id)
  return <Raw headers={props.headers} body={props.body} url={source.data?.url ?? null} />
}

function Quarantined({ id }: { id: string }) {
  const say = useText()
  const read = useQuarantined(id)
  return (
    <Shown read={read}>
      {({ reason, detail, ip, source_id, headers, body }) => (
        <Stack gap="sm">
          <Facts
            of={[
              { name: 'id', value: <Id of={id} /> },
              { name: say('source'), value: <SourceName id={source_id} /> },
              { name: say('reason'), value: `${reason}: ${detail}` },
              { name: 'IP', value: ip },
            ]}
          />
          <FromSource source_id={source_id} headers={headers} body={body} />
        </Stack>
      )}
    </Shown>
  )
}

function Event({ id }: { id: string }) {
  const say = useText()
  const read = useEvent(id)
  return (
    <Shown read={read}>
      {({ type, version, entity_id, data }) => (
        <Stack gap="sm">
          <Facts
            of={[
              { name: 'id', value: <Id of={id} /> },
              { name: say('type'), value: `${type} v${version}` },
              { name: say('entity'), value: entity_id && <Id of={entity_id} whole /> },
            ]}
          />
          <Body text={JSON.stringify(data)} />
        </Stack>
      )}
    </Shown>
  )
}

/** Of an attempt, the ones before it too: what is open is the last. */
type TriedProps = { id: string; upto: number | null }

const tried = (log: Attempt[], upto: number | null): Attempt[] =>
  upto === null ? log : log.filter(({ number }) => number <= upto)

function Delivery({ id, upto }: TriedProps) {
  const say = useText()
  const read = useDelivery(id)
  const event = useEvent(read.data?.event_id ?? '', read.data !== undefined)
  return (
    <Shown read={read}>
      {({ subscription_id, state, next_at, log }) => (
        <Stack gap="sm">
          <Facts
            of={[
              { name: 'id', value: <Id of={id} /> },
              { name: say('subscription'), value: <SubscriptionName id={subscription_id} /> },
              { name: say('next'), value: next_at && <When at={next_at} exact /> },
            ]}
          />
          {state === 'pending' && <ParkedKey subscription_id={subscription_id} delivery_id={id} />}
          <DeliveryAttempts
            subscription_id={subscription_id}
            log={tried(log, upto)}
            body={event.data ? bodyOf(event.data) : undefined}
          />
        </Stack>
      )}
    </Shown>
  )
}

/** What a subscription without a template of its own is sent. */
const bodyOf = ({ type, created_at, data }: { type: string; created_at: string; data: unknown }): string =>
  JSON.stringify({ type, timestamp: created_at, data })

function SubscriptionName({ id }: { id: string }) {
  return <Named kind="subscription" id={id} name={useSubscription(id).data?.name} />
}

type DeliveryAttemptsProps = { subscription_id: string; log: Attempt[]; body: string | undefined }

function DeliveryAttempts({ subscription_id, log, body }: DeliveryAttemptsProps) {
  const { data } = useSubscription(subscription_id)
  const is_json = data?.content_type === 'json'
  const told = log.map((attempt) => ({ ...attempt, ...(is_json && { request_body: body }) }))
  const curl = ({ request_headers, request_body }: Attempt) =>
    toCurl({ method: 'POST', url: data?.url ?? '', headers: request_headers, body: request_body ?? null })
  return <Attempts list={told} {...(data?.url.startsWith('http') && { curl })} />
}

function Call({ id, upto }: TriedProps) {
  const say = useText()
  const read = useCall(id)
  return (
    <Shown read={read}>
      {({ connection_id, operation, method, path, log, next_try_at }) => (
        <Stack gap="sm">
          <Facts
            of={[
              { name: 'id', value: <Id of={id} /> },
              { name: say('connection'), value: <ConnectionName id={connection_id} /> },
              { name: say('operation'), value: operation },
              { name: say('request'), value: `${method} ${path}` },
              { name: say('next'), value: next_try_at && <When at={next_try_at} exact /> },
            ]}
          />
          <CallAttempts connection_id={connection_id} method={method} path={path} log={tried(log, upto)} />
        </Stack>
      )}
    </Shown>
  )
}

function ConnectionName({ id }: { id: string }) {
  return <Named kind="connection" id={id} name={useConnection(id).data?.name} />
}

type CallAttemptsProps = { connection_id: string; method: string; path: string; log: Attempt[] }

function CallAttempts({ connection_id, method, path, log }: CallAttemptsProps) {
  const { data } = useConnection(connection_id)
  const settings = data?.settings as { base_url?: string } | undefined
  const url = `${settings?.base_url ?? ''}${path}`
  const curl = ({ request_headers, request_body }: Attempt) =>
    toCurl({ method, url, headers: request_headers, body: request_body ?? null })
  return <Attempts list={log} curl={curl} />
}
