import type { KafkaConfig, Producer, SASLOptions } from 'kafkajs'
import { clientOf } from '../clients.ts'
import type { Sockets } from './kafka_wire.ts'
import {
  type Destination,
  type DestinationAuth,
  decoded,
  examplePlace,
  type Landing,
  loginOf,
  lost,
  type Message,
  type Opening,
  placeFor,
  type Session,
  unknownOption,
} from './session.ts'

/**
 * A topic of Kafka, or of a broker that speaks like it. Accepted is what all replicas in sync have. The key of the order,
 * or else what the event is about, is the message's key, so what shares it shares a partition.
 */

/** `kafka://one:9092,two:9092/topic`, or `/{family}s.{name}`: a topic for each type; `kafkas` by TLS. */
export function readKafka(text: string): Destination | string {
  const [, scheme = '', list = '', rest = ''] = /^(kafkas?):\/\/([^/?#@]+)(\/[^#]*)$/i.exec(text) ?? []
  const brokers = list.split(',')
  const url = URL.parse(rest, 'kafka://topic')
  const topic = decoded(url?.pathname.slice(1) ?? '')
  if (!url || !topic || !brokers.every((broker) => BROKER.test(broker))) {
    return 'must be like kafkas://one.example.com:9093,two.example.com:9093/topic'
  }
  if (!TOPIC.test(examplePlace(topic))) {
    return 'must name a topic: letters, digits, dots, _ and -, and {type}, {family} or {name} of the event'
  }
  const wrong = unknownOption(url, [])
  if (wrong) return wrong
  const is_tls = scheme.toLowerCase() === 'kafkas'
  const server = `${scheme.toLowerCase()}://${list}`
  return {
    kind: 'kafka',
    url: `${server}/${topic}`,
    server,
    target: { topic },
    takes: ['basic', 'scram', 'mtls'],
    open: (opening) => open(brokers.map(withPort(is_tls)), is_tls, opening),
  }
}

const TOPIC = /^[a-zA-Z0-9._-]{1,249}$/
const BROKER = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i

const withPort = (is_tls: boolean) => (broker: string) =>
  /:\d+$/.test(broker) ? broker : `${broker}:${is_tls ? 9093 : 9092}`

async function open(brokers: string[], is_tls: boolean, opening: Opening): Promise<Session> {
  const { auth, timeout_ms } = opening
  const { Kafka, Partitioners, logLevel } = await clientOf('kafkajs', () => import('kafkajs'))
  const { createSockets } = await import('./kafka_wire.ts') // mends the client, so it comes after it
  const sasl = saslOf(auth)
  const sockets = createSockets(opening, is_tls)
  const config: KafkaConfig = {
    clientId: 'trilho',
    brokers,
    ssl: is_tls,
    ...(sasl && { sasl }),
    socketFactory: (wanted) => sockets.open(wanted) as never,
    connectionTimeout: timeout_ms,
    authenticationTimeout: timeout_ms,
    enforceRequestTimeout: false, // whoever publishes has a deadline of its own
    retry: { retries: 1, initialRetryTime: 100 }, // once, for a leader that moved; the rest is the schedule's
    logLevel: logLevel.NOTHING,
  }
  const producer = new Kafka(config).producer({
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  const late = Promise.withResolvers<never>()
  const deadline = setTimeout(() => late.reject(new Error('no answer in time')), timeout_ms)
  try {
    await Promise.race([producer.connect(), late.promise])
  } catch (error) {
    end(producer, sockets)
    throw lost(false, `Kafka: ${wordsOf(error)}`)
  } finally {
    clearTimeout(deadline)
  }
  return toSession(producer, sockets)
}

/** Its sockets first: the client hangs up when all that was asked is answered, which may be never. */
function end(producer: Producer, sockets: Sockets): void {
  sockets.end()
  producer.disconnect().catch(() => {})
}

function toSession(producer: Producer, sockets: Sockets): Session {
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  producer.on('producer.disconnect', () => resolve())
  return {
    publish: async ({ topic = '' }, message, timeout_ms) => {
      const place = placeFor(topic, message)
      if (TOPIC.test(place)) return send(producer, place, message, timeout_ms)
      return { kind: 'refused', message: `${place} is no topic: it is longer than 249 characters` }
    },
    ended,
    hold: () => {}, // its sockets never keep the process alive
    end: () => end(producer, sockets),
  }
}

async function send(
  producer: Producer,
  topic: string,
  { key, body, headers, timestamp }: Message,
  timeout_ms: number,
): Promise<Landing> {
  const record = { key, value: body, headers, timestamp: String(timestamp.getTime()) }
  try {
    const [kept] = await producer.send({ topic, acks: -1, timeout: timeout_ms, messages: [record] })
    const { partition = 0, baseOffset = '' } = kept ?? {}
    return { kind: 'accepted', answer: { topic, partition, offset: baseOffset } }
  } catch (error) {
    const said = protocolError(error)
    if (said) return { kind: 'refused', message: `Kafka answered: ${said}` }
    throw lost(true, `Kafka: ${wordsOf(error)}`)
  }
}

/** A no of the broker, which stands behind what the client made of it. */
function protocolError(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  const { name, type, message, cause } = error as Error & { type?: string }
  if (name === 'KafkaJSProtocolError') return `${type} ${message}`
  return cause === undefined ? null : protocolError(cause)
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function saslOf(auth: DestinationAuth | null): SASLOptions | null {
  const login = loginOf(auth)
  if (login) return { mechanism: 'plain', username: login.username, password: login.password }
  if (auth?.type !== 'scram') return null
  const { username, password, mechanism } = auth
  return mechanism === 'sha-256'
    ? { mechanism: 'scram-sha-256', username, password }
    : { mechanism: 'scram-sha-512', username, password }
}
