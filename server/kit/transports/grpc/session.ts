import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import type { ClientIdentity, Connected, Egress } from '../../../platform/egress/egress.ts'

/** One HTTP/2 session per server and identity, shared by all who ask there, opened by the guarded way. */
export type Place = { url: URL; identity: ClientIdentity | undefined; authority: string | undefined }

const sessions = new WeakMap<Egress, Map<string, Promise<ClientHttp2Session>>>()

const IDLE_MS = 60_000

/** Throws what went wrong, a `Connected` of kind `error` among it. */
export async function sessionWith(
  egress: Egress,
  place: Place,
  timeout_ms: number,
): Promise<ClientHttp2Session> {
  const known = sessions.get(egress) ?? new Map<string, Promise<ClientHttp2Session>>()
  sessions.set(egress, known)
  const key = JSON.stringify([
    place.url.origin,
    place.identity?.owner,
    place.identity?.certificate,
    place.authority,
  ])
  const open = known.get(key)
  if (open && !(await open).closed) return open
  const gone = () => {
    if (known.get(key) === opening) known.delete(key)
  }
  const opening = openSession(egress, place, timeout_ms, gone)
  known.set(key, opening)
  opening.catch(gone)
  return opening
}

async function openSession(
  egress: Egress,
  { url, identity, authority }: Place,
  timeout_ms: number,
  gone: () => void,
): Promise<ClientHttp2Session> {
  const is_tls = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port || (is_tls ? 443 : 80))
  const connected = await egress.connect({ host, port, timeout_ms })
  if (connected.kind === 'error') throw connected
  const { socket } = connected
  const tls = {
    servername: host,
    ca: identity?.authority ?? authority,
    cert: identity?.certificate,
    key: identity?.key,
  }
  const session = connect(url.origin, {
    createConnection: () =>
      is_tls
        ? connectTls({ socket, ALPNProtocols: ['h2'], passphrase: identity?.passphrase, ...tls })
        : socket,
  })
  session.setTimeout(IDLE_MS, () => session.close())
  for (const event of ['close', 'goaway', 'error']) session.once(event, gone)
  session.on('error', () => {}) // whoever asks hears of it
  session.unref() // a session that nobody uses does not keep the process alive
  await ready(session, timeout_ms)
  return session
}

/** One that says nothing is ended: all who ask there would wait for it. */
async function ready(session: ClientHttp2Session, timeout_ms: number): Promise<void> {
  const late = setTimeout(() => session.destroy(new Error(`no session within ${timeout_ms} ms`)), timeout_ms)
  try {
    await new Promise<void>((resolve, reject) => {
      session.once('connect', () => resolve())
      session.once('error', (error) => reject(tlsRefused(error)))
      session.once('close', () => reject(tlsRefused(new Error('the connection was closed'))))
    })
  } finally {
    clearTimeout(late)
  }
}

const tlsRefused = (error: Error): Connected => ({ kind: 'error', code: 'tls', message: error.message })

export type Answer = {
  http_status: number
  /** Headers and trailers together, lower case. */
  headers: Record<string, string>
  body: Buffer
}

export type Asked = {
  path: string
  headers: Record<string, string>
  body: Buffer
  max_bytes: number
  signal: AbortSignal
  /** The request is on its way: from here on it may have reached the other side. */
  sent(): void
}

/** One request and its whole answer. A gRPC status comes in the trailers, or in the headers where there is no body. */
export function ask(session: ClientHttp2Session, asked: Asked): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': asked.path, ...asked.headers })
    const answer: Answer = { http_status: 0, headers: {}, body: Buffer.alloc(0) }
    const cancel = () => {
      stream.close(constants.NGHTTP2_CANCEL)
      if (answer.http_status === 0) session.close() // it may be cut off without a word: whoever comes next opens another
    }
    asked.signal.addEventListener('abort', cancel, { once: true })
    const chunks: Buffer[] = []
    let size = 0
    const take = (headers: object) => {
      for (const [name, value] of Object.entries(headers)) {
        if (name === ':status') answer.http_status = Number(value)
        else if (typeof value === 'string') answer.headers[name] = value
      }
    }
    if (stream.pending) stream.on('ready', asked.sent)
    else asked.sent()
    stream.on('response', take)
    stream.on('trailers', take)
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > asked.max_bytes)
        stream.destroy(new Error(`the answer is longer than ${asked.max_bytes} bytes`))
      else chunks.push(chunk)
    })
    stream.on('error', reject)
    stream.on('close', () => {
      asked.signal.removeEventListener('abort', cancel)
      if (answer.http_status === 0) reject(new Error('the connection was lost before an answer came'))
      else resolve({ ...answer, body: Buffer.concat(chunks) })
    })
    stream.end(asked.body)
  })
}
