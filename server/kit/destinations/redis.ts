import { createReplies, type Reply } from './resp.ts'
import {
  type Destination,
  type DestinationAuth,
  decoded,
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
import { goneOf, holder, openSocket, type Place, placeOf } from './socket.ts'

/** A stream of Redis or Valkey, by XADD: each header is a field, and the bytes that were signed are `body`. */

/** `redis://host:6379/stream?db=0&max_length=100000`; `rediss` by TLS. */
export function readRedis(text: string): Destination | string {
  const url = URL.parse(text)
  const stream = decoded(url?.pathname.slice(1) ?? '')
  if (!url?.hostname || !stream) return 'must be like rediss://redis.example.com/stream'
  const wrong = unknownOption(url, ['db', 'max_length'])
  if (wrong) return wrong
  const db = url.searchParams.get('db') ?? '0'
  const max_length = url.searchParams.get('max_length') ?? ''
  if (!/^\d{1,5}$/.test(db)) return '?db must be the number of a database'
  if (max_length !== '' && !/^[1-9]\d{0,11}$/.test(max_length)) return '?max_length must be a number from 1'
  const place = placeOf(url, { plain: 6379, tls: 6379 })
  return {
    kind: 'redis',
    url: shownUrl(url),
    server: `${url.protocol}//${place.host}:${place.port}/${db}`,
    target: { stream, max_length },
    takes: ['basic', 'bearer', 'mtls'],
    open: (opening) => open(place, db, opening),
  }
}

async function open(place: Place, db: string, opening: Opening): Promise<Session> {
  const { auth, timeout_ms } = opening
  const socket = await openSocket(opening, place)
  const ended = goneOf(socket)
  const waiting: { resolve(reply: Reply): void; reject(error: Error): void }[] = []
  const replies = createReplies((reply) => waiting.shift()?.resolve(reply))
  socket.on('data', (chunk) => {
    if (!replies.take(chunk)) socket.destroy(new Error('the answer is not that of a Redis'))
  })
  ended.then((why) => {
    for (const one of waiting.splice(0)) one.reject(lost(true, why))
  })
  const ask = (args: (string | Buffer)[]): Promise<Reply> =>
    new Promise((resolve, reject) => {
      if (!socket.writable) return reject(lost(false, 'the connection was closed'))
      waiting.push({ resolve, reject })
      socket.write(command(args))
    })
  const deadline = setTimeout(() => socket.destroy(new Error('no answer in time')), timeout_ms)
  try {
    for (const args of greetings(auth, db)) {
      const { is_error, text } = await ask(args)
      if (is_error) throw lost(false, `Redis answered: ${text}`)
    }
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(deadline)
  }
  return {
    publish: async (target, message) => toLanding(await ask(addition(target, message))),
    ended,
    hold: holder(socket),
    end: () => socket.destroy(),
  }
}

/** PING too, so that a server that wants a password says so before a message is on its way. */
const greetings = (auth: DestinationAuth | null, db: string): string[][] => [
  ...[loginOf(auth)].flatMap((login) => (login ? [['AUTH', login.username, login.password]] : [])),
  ...(auth?.type === 'bearer' ? [['AUTH', auth.token]] : []),
  db === '0' ? ['PING'] : ['SELECT', db],
]

const addition = ({ stream = '', max_length = '' }: Target, message: Message): (string | Buffer)[] => [
  'XADD',
  placeFor(stream, message),
  ...(max_length === '' ? [] : ['MAXLEN', '~', max_length]),
  '*',
  ...Object.entries(message.headers).flat(),
  'body',
  message.body,
]

const toLanding = ({ is_error, text }: Reply): Landing =>
  is_error
    ? { kind: 'refused', message: `Redis answered: ${text}` }
    : { kind: 'accepted', answer: { entry: text } }

function command(args: (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)]
  for (const arg of args) {
    const bytes = Buffer.from(arg)
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'))
  }
  return Buffer.concat(parts)
}
