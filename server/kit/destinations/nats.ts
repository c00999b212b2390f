import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { createFrames, type Frame, type Info, readInfo } from './nats_wire.ts'
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
  shownUrl,
  type Target,
  unknownOption,
} from './session.ts'
import { answerer, goneOf, holder, openPlain, type Place, placeOf, upgrade } from './socket.ts'

/**
 * A subject of NATS. A message is accepted when a stream of JetStream has stored it; with `?jetstream=off` when the
 * server has taken it, whether or not anybody listens. Source: the NATS client protocol and JetStream's publish acks.
 */

/** `nats://host:4222/orders.paid`; `natss` by TLS. */
export function readNats(text: string): Destination | string {
  const url = URL.parse(text)
  const subject = decoded(url?.pathname.slice(1) ?? '')
  if (!url?.hostname || !subject) return 'must be like natss://nats.example.com/orders.paid'
  if (!SUBJECT.test(examplePlace(subject))) return 'must name one subject: words and dots, no * or >'
  const wrong = unknownOption(url, ['jetstream'])
  if (wrong) return wrong
  const jetstream = url.searchParams.get('jetstream') ?? 'on'
  if (jetstream !== 'on' && jetstream !== 'off') return '?jetstream is on or off'
  const place = placeOf(url, { plain: 4222, tls: 4222 })
  return {
    kind: 'nats',
    url: shownUrl(url),
    server: `${url.protocol}//${place.host}:${place.port}`,
    target: { subject, jetstream },
    takes: ['basic', 'bearer', 'mtls'],
    open: (opening) => open(place, opening),
  }
}

const SUBJECT = /^[^\s*>.{}]+(\.[^\s*>.{}]+)*$/

async function open(place: Place, { egress, auth, timeout_ms }: Opening): Promise<Session> {
  const plain = await openPlain(egress, place, timeout_ms)
  const { info, rest } = await readInfo(plain, timeout_ms)
  const socket = place.is_tls ? await upgrade(plain, place.host, { auth, timeout_ms }) : plain
  const ended = goneOf(socket)
  const speech = createSpeech(socket, info)
  ended.then(speech.end)
  const deadline = setTimeout(() => socket.destroy(new Error('no answer in time')), timeout_ms)
  try {
    speech.take(rest)
    socket.on('data', speech.take)
    socket.write(`CONNECT ${JSON.stringify(greeting(auth, place))}\r\n`)
    await speech.flush()
    socket.write(`SUB ${speech.inbox}.* 1\r\n`)
  } catch (error) {
    socket.destroy()
    throw lost(false, error instanceof Error ? error.message : 'the connection was closed')
  } finally {
    clearTimeout(deadline)
  }
  return { publish: speech.publish, ended, hold: holder(socket), end: () => socket.destroy() }
}

const asUser = (login: { username: string; password: string } | null) =>
  login && { user: login.username, pass: login.password }

const greeting = (auth: DestinationAuth | null, { is_tls }: Place) => ({
  verbose: false,
  pedantic: false,
  tls_required: is_tls,
  name: 'trilho',
  lang: 'node',
  version: '1',
  protocol: 1,
  headers: true,
  no_responders: true,
  echo: true,
  ...asUser(loginOf(auth)),
  ...(auth?.type === 'bearer' && { auth_token: auth.token }),
})

type Waiting = { subject: string; resolve(landing: Landing): void; reject(error: Error): void }

/** Who waits for what on one connection. Answers by JetStream come to an inbox of each message, PONGs in their order. */
function createSpeech(socket: Socket, info: Info) {
  const inbox = `_INBOX.${randomUUID().replaceAll('-', '')}`
  const [answers, pongs] = [new Map<string, Waiting>(), [] as Waiting[]]
  const answer = answerer(socket)
  let count = 0
  let complaint: string | null = null
  const all = () => [...answers.values(), ...pongs]

  function hear(frame: Frame): void {
    if (frame.kind === 'ping') answer('PONG\r\n')
    else if (frame.kind === 'pong') pongs.shift()?.resolve({ kind: 'accepted', answer: {} })
    else if (frame.kind === 'message') {
      answers.get(frame.subject)?.resolve(toLanding(frame))
      answers.delete(frame.subject)
    } else complain(frame.words)
  }

  function complain(words: string): void {
    const subject = refusedSubject(words)
    if (subject === null) complaint = words
    for (const one of all()) {
      if (one.subject === subject) one.resolve({ kind: 'refused', message: `NATS answered: ${words}` })
    }
  }

  const frames = createFrames(hear)
  const ask = (subject: string, bytes: Buffer | string, put: (one: Waiting) => void): Promise<Landing> =>
    new Promise((resolve, reject) => {
      if (!socket.writable) return reject(lost(false, 'the connection was closed'))
      put({ subject, resolve, reject })
      socket.write(bytes)
    })
  const flush = () => ask('', 'PING\r\n', (one) => void pongs.push(one))

  return {
    inbox,
    flush,
    take: (chunk: Buffer) => {
      if (!frames.take(chunk)) socket.destroy(new Error('the answer is not that of a NATS server'))
    },
    end: (why: string) => {
      const words = complaint === null ? why : `NATS answered: ${complaint}`
      for (const one of all()) one.reject(lost(true, words))
      answers.clear()
      pongs.length = 0
    },
    publish: async (target: Target, message: Message): Promise<Landing> => {
      const subject = placeFor(target['subject'] ?? '', message)
      const size = Buffer.byteLength(message.body)
      if (size > info.max_payload) return tooLong(size, info)
      if (target['jetstream'] === 'off') {
        const bytes = publication(subject, null, message)
        return ask(subject, Buffer.concat([bytes, PING]), (one) => void pongs.push(one))
      }
      count += 1
      const reply = `${inbox}.${count}`
      return ask(subject, publication(subject, reply, message), (one) => void answers.set(reply, one))
    },
  }
}

/** A refused permission ends the message it names; any other trouble is followed by the end of the connection. */
const refusedSubject = (words: string): string | null =>
  /^Permissions Violation for Publish to "(.*)"$/i.exec(words)?.[1] ?? null

const PING = Buffer.from('PING\r\n')

const tooLong = (size: number, { max_payload }: Info): Landing => ({
  kind: 'refused',
  message: `the message has ${size} bytes, and this NATS takes ${max_payload}`,
})

function publication(subject: string, reply: string | null, { copy_id, headers, body }: Message): Buffer {
  const lines = Object.entries({ ...headers, 'Nats-Msg-Id': copy_id }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  const head = Buffer.from(`NATS/1.0\r\n${lines.join('')}\r\n`)
  const bytes = Buffer.from(body)
  const to = reply === null ? subject : `${subject} ${reply}`
  const line = Buffer.from(`HPUB ${to} ${head.length} ${head.length + bytes.length}\r\n`)
  return Buffer.concat([line, head, bytes, Buffer.from('\r\n')])
}

/** Of another's making: whatever JSON can hold may stand in it. */
type Ack = { stream?: unknown; seq?: unknown; duplicate?: unknown; error?: { description?: unknown } | null }

function toLanding({ head, body }: Extract<Frame, { kind: 'message' }>): Landing {
  if (/^NATS\/1\.0 503/.test(head)) {
    return {
      kind: 'refused',
      message:
        'no stream of JetStream takes this subject; make one, or say ?jetstream=off to publish without being stored',
    }
  }
  const { stream, seq, duplicate, error } = readAck(body)
  if (typeof stream === 'string' && typeof seq === 'number') {
    return { kind: 'accepted', answer: { stream, sequence: seq, duplicate: duplicate === true } }
  }
  const said = typeof error?.description === 'string' ? error.description : 'nothing we can read'
  return { kind: 'refused', message: `JetStream answered: ${said}` }
}

function readAck(body: Buffer): Ack {
  try {
    return (JSON.parse(body.toString()) ?? {}) as Ack
  } catch {
    return {}
  }
}
