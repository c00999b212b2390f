import type { Socket } from 'node:net'
import type { AMQPChannel, AMQPClient } from '@cloudamqp/amqp-client'
import { clientOf } from '../clients.ts'
import type { Reader } from './amqp_wire.ts'
import {
  type Destination,
  decoded,
  type Landing,
  loginOf,
  lost,
  type Message,
  type Opening,
  placeFor,
  type Session,
  unknownOption,
} from './session.ts'
import { answerer, goneOf, holder, openSocket, type Place, placeOf } from './socket.ts'

/**
 * An exchange of RabbitMQ, or of another broker of AMQP 0-9-1, with the publisher's confirms. A message that no queue
 * would take is refused, so that a binding that is missing is seen and what it would have got is retried.
 */

/** `amqps://host:5671/vhost?exchange=events&routing_key={type}`; without an exchange the routing key is a queue. */
export function readAmqp(text: string): Destination | string {
  const url = URL.parse(text)
  const vhost = decoded(url?.pathname.slice(1) ?? '')
  if (!url?.hostname || vhost === null) return 'must be like amqps://mq.example.com/vhost?exchange=events'
  const wrong = unknownOption(url, ['exchange', 'routing_key'])
  if (wrong) return wrong
  const exchange = url.searchParams.get('exchange') ?? ''
  const routing_key = url.searchParams.get('routing_key') ?? (exchange === '' ? '' : '{type}')
  if (routing_key === '') return 'needs ?exchange, or ?routing_key with the name of a queue'
  if (exchange.length > MOST_NAME || routing_key.length > MOST_NAME) {
    return `?exchange and ?routing_key are at most ${MOST_NAME} characters long`
  }
  const place = placeOf(url, { plain: 5672, tls: 5671 })
  return {
    kind: 'amqp',
    url: url.href,
    // An exchange that is missing ends the channel: others are not to end with it.
    server: `${url.protocol}//${place.host}:${place.port}/${vhost}?${exchange}`,
    target: { exchange, routing_key },
    takes: ['basic', 'mtls'],
    open: (opening) => open(place, vhost || '/', opening),
  }
}

const MOST_NAME = 127
const MOST_ROUTING_KEY_BYTES = 255

async function open(place: Place, vhost: string, opening: Opening): Promise<Session> {
  const { auth, timeout_ms } = opening
  const { AMQPClient } = await clientOf('@cloudamqp/amqp-client', () => import('@cloudamqp/amqp-client'))
  const wire = await import('./amqp_wire.ts') // made of the client, so it comes after it
  const socket = await openSocket(opening, place)
  const ended = goneOf(socket)
  const url = new URL(`amqp://${place.host.includes(':') ? `[${place.host}]` : place.host}`)
  url.pathname = encodeURIComponent(vhost)
  url.search = `frameMax=${wire.FRAME_BYTES}&name=trilho`
  const client = new AMQPClient(url.href, undefined, null)
  const login = loginOf(auth)
  Object.assign(client, login && { username: login.username, password: login.password })
  client.onerror = () => {} // whoever publishes hears of it
  giveSocket(client, socket, wire.createFrames)
  const deadline = setTimeout(() => socket.destroy(new Error('no answer in time')), timeout_ms)
  try {
    await client.connect()
    const channel = await client.channel()
    await channel.confirmSelect()
    return toSession(channel, socket, ended)
  } catch (error) {
    socket.destroy()
    throw lost(false, `RabbitMQ: ${wordsOf(error)}`)
  } finally {
    clearTimeout(deadline)
  }
}

/**
 * The client would open a socket of its own; it gets the guarded one, which is open already, in its place. A write that
 * fails is no rejection here: it ends the socket, and that end rejects what waits for an answer. The client would
 * reject twice, and nobody hears the second: the process would go down with it.
 */
function giveSocket(client: AMQPClient, socket: Socket, createFrames: CreateFrames): void {
  const answer = answerer(socket)
  client.send = async (bytes) => {
    if (!isMessage(bytes)) return answer(bytes)
    await new Promise<void>((resolve) => socket.write(bytes, () => resolve()))
  }
  Object.defineProperty(client, 'connectSocket', {
    value(this: Reader) {
      const frames = createFrames(this)
      socket.on('data', (bytes: Buffer) => {
        if (!frames.take(bytes)) socket.destroy(new Error('the answer is not that of a RabbitMQ'))
      })
      setImmediate(() => {
        socket.emit('connect') // it waits for this to watch for the end
        void client.send(HEADER)
      })
      return socket
    },
  })
}

type CreateFrames = typeof import('./amqp_wire.ts').createFrames

const METHOD = 1
const HEARTBEAT = 8
const [BASIC, PUBLISH] = [60, 40]

/** Anything but a message is an answer, or one of the few questions at the beginning: a broker may ask for many. */
const isMessage = (bytes: Uint8Array): boolean =>
  bytes[0] === METHOD ? bytes[8] === BASIC && bytes[10] === PUBLISH : bytes[0] !== HEARTBEAT

const HEADER = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]) // AMQP 0-9-1

function toSession(channel: AMQPChannel, socket: Socket, ended: Promise<string>): Session {
  /** What came back for want of a queue; that is told just before its confirmation. */
  const returned: string[] = [] // one message twice where two subscriptions send it at once
  channel.onReturn = ({ exchange, routingKey, properties }) =>
    void returned.push(JSON.stringify([exchange, routingKey, properties.messageId]))
  channel.onerror = () => socket.destroy()
  return {
    publish: async (target, message) => {
      const { exchange = '' } = target
      const routing_key = placeFor(target['routing_key'] ?? '', message)
      if (Buffer.byteLength(routing_key) > MOST_ROUTING_KEY_BYTES) {
        return { kind: 'refused', message: `the routing key is longer than ${MOST_ROUTING_KEY_BYTES} bytes` }
      }
      const bytes = Buffer.from(message.body)
      const refused = await channel
        .basicPublish(exchange, routing_key, bytes, toProperties(message), true)
        .then(() => null, toRefusal)
      const at = returned.indexOf(JSON.stringify([exchange, routing_key, message.id]))
      if (at >= 0) returned.splice(at, 1)
      if (refused) return refused
      if (at >= 0) {
        const where = exchange === '' ? `is called ${routing_key}` : `of ${exchange} takes ${routing_key}`
        return { kind: 'refused', message: `RabbitMQ gave the message back: no queue ${where}` }
      }
      return { kind: 'accepted', answer: { exchange, routing_key, confirmed: true } }
    },
    ended,
    hold: holder(socket),
    end: () => socket.destroy(),
  }
}

const toProperties = ({ id, type, timestamp, headers }: Message) => ({
  contentType: headers['content-type'] ?? 'application/json',
  deliveryMode: 2, // kept on disk by queues that are
  messageId: id,
  type,
  timestamp,
  appId: 'trilho',
  headers,
})

/** A no in the broker's words, by the codes of AMQP; 320 only says that it shuts down. Throws where none came. */
function toRefusal(error: unknown): Landing {
  const words = wordsOf(error)
  const is_said = /\b(31\d|4\d\d|5\d\d)\b|reject|nack/i.test(words)
  if (is_said) return { kind: 'refused', message: `RabbitMQ answered: ${words}` }
  throw lost(!/blocked/i.test(words), `RabbitMQ: ${words}`)
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
