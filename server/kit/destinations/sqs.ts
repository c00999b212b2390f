import type { EgressRequest, EgressResult } from '../../platform/egress/egress.ts'
import { signV4 } from '../auth/sigv4.ts'
import {
  type Destination,
  type Landing,
  lost,
  type Message,
  type Opening,
  type Session,
  unknownOption,
} from './session.ts'

/** A queue of Amazon SQS, by SendMessage of its JSON protocol. The headers are attributes of the message. */

const AWS_HOST = /^sqs(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/

const SIGNING = {
  kind: 'aws_sigv4',
  access_key_id: 'access_key_id',
  secret_access_key: 'secret_access_key',
  session_token: 'session_token',
  service: 'sqs',
} as const

/** `sqs:https://sqs.sa-east-1.amazonaws.com/123456789012/orders`; other hosts say `?region=`. */
export function readSqs(text: string): Destination | string {
  const url = URL.parse(text.replace(/^sqs:/i, ''))
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname.length < 2) {
    return 'must be like sqs:https://sqs.sa-east-1.amazonaws.com/123456789012/orders'
  }
  const wrong = unknownOption(url, ['region'])
  if (wrong) return wrong
  const region = url.searchParams.get('region') ?? AWS_HOST.exec(url.hostname)?.[1]
  if (!region) return '?region must say the region where the host does not'
  const queue = url.origin + url.pathname
  return {
    kind: 'sqs',
    url: `sqs:${url.href}`,
    server: `sqs:${url.origin}?${region}`,
    target: { queue },
    takes: ['aws'],
    open: async (opening) => toSession(url.origin, region, opening),
  }
}

/** Each message is a request of its own; egress keeps the connections. */
function toSession(origin: string, region: string, { egress, auth }: Opening): Session {
  if (auth?.type !== 'aws') throw lost(false, 'a queue of SQS needs auth of the type aws')
  const { type: _type, session_token, ...keys } = auth
  const credentials = { ...keys, ...(session_token !== undefined && { session_token }) }
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  return {
    publish: async ({ queue = '' }, message, timeout_ms) => {
      const signing = { ...SIGNING, region }
      const request = toRequest(origin, queue, message, timeout_ms)
      return toLanding(await egress.send(await signV4(signing, credentials, request, message.timestamp)))
    },
    ended,
    hold: () => {},
    end,
  }
}

const toRequest = (origin: string, queue: string, message: Message, timeout_ms: number): EgressRequest => ({
  url: `${origin}/`,
  method: 'POST',
  headers: {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': 'AmazonSQS.SendMessage',
  },
  body: JSON.stringify({
    QueueUrl: queue,
    MessageBody: message.body.toString(),
    MessageAttributes: toAttributes(message.headers),
    ...(queue.endsWith('.fifo') && {
      MessageGroupId: groupOf(message),
      MessageDeduplicationId: message.copy_id,
    }),
  }),
  timeout_ms,
  max_response_bytes: 8_192,
})

const MOST_ATTRIBUTES = 10
/** Of a message that has more headers than SQS takes: those that do not fit, as JSON. */
const OTHERS = 'trilho-other-headers'
/** What a receiver verifies and reads an event by comes first. */
const isFirst = (name: string): boolean => /^(webhook|trilho)-|^content-type$/.test(name)

function toAttributes(headers: Record<string, string>) {
  const all = Object.entries(headers)
  const sorted = [...all.filter(([name]) => isFirst(name)), ...all.filter(([name]) => !isFirst(name))]
  const fits = all.length <= MOST_ATTRIBUTES ? all : sorted.slice(0, MOST_ATTRIBUTES - 1)
  const others = Object.fromEntries(sorted.slice(fits.length))
  const shown = all.length === fits.length ? fits : [...fits, [OTHERS, JSON.stringify(others)] as const]
  return Object.fromEntries(shown.map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]))
}

const MOST_GROUP = 128

/** What keeps no order is a group of its own, else one slow message would hold up all. */
const groupOf = ({ key, id }: Message): string =>
  (key ?? id).replace(/[^\x21-\x7e]/g, '_').slice(0, MOST_GROUP) || '_'

type Answer = {
  MessageId?: string
  SequenceNumber?: string
  __type?: string
  message?: string
  Message?: string
}

function toLanding(result: EgressResult): Landing {
  if (result.kind === 'error') return { kind: 'error', sent: result.sent, message: result.message }
  const answer = read(result.body)
  if (result.status === 200 && answer.MessageId) {
    const { MessageId: message_id, SequenceNumber: sequence } = answer
    return { kind: 'accepted', answer: { message_id, ...(sequence !== undefined && { sequence }) } }
  }
  const name = answer.__type?.split('#').at(-1) ?? 'no reason'
  const words = answer.message ?? answer.Message ?? ''
  return { kind: 'refused', message: `SQS answered ${result.status}: ${name} ${words}`.trim() }
}

function read(body: Buffer): Answer {
  try {
    return (JSON.parse(body.toString()) ?? {}) as Answer
  } catch {
    return {}
  }
}
