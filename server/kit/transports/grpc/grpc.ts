import { hash } from 'node:crypto'
import type protobuf from 'protobufjs'
import type {
  Connected,
  Egress,
  EgressRequest,
  EgressResult,
  Server,
} from '../../../platform/egress/egress.ts'
import type { FieldError } from '../../../platform/errors.ts'
import type { Settings } from '../../fields.ts'
import { parseReply } from '../../replies.ts'
import { jsonAnswer } from '../answer.ts'
import { baseUrl, type Opened } from '../http.ts'
import { httpServer, type Transport } from '../transport.ts'
import {
  decode,
  encode,
  findMethod,
  frame,
  listMethods,
  type Method,
  readProto,
  unframe,
} from './messages.ts'
import { OLDER_REFLECTION, REFLECTION, reflect } from './reflection.ts'
import { type Answer, ask, sessionWith } from './session.ts'

/**
 * gRPC over HTTP/2 (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md), one message in and one out.
 * `POST …/{package.Service}/{Method}` with the message as JSON, or `GET …?message={json}` for a method that only reads
 * and so may be tried again. The answer is the message as JSON; a status of gRPC's is one of HTTP's with
 * `{ code, message }`.
 */
export const grpc: Transport = { send, servers }

function servers(opened: Opened): Server[] {
  const server = httpServer(baseUrl(opened), opened)
  return [{ ...server, tls: server.tls && { ...server.tls, authority: opened.credentials['authority'] } }]
}

/** What is wrong with the settings. */
export function grpcFaults({ proto }: Settings): FieldError[] {
  if (proto === undefined) return [] // the server tells of itself
  try {
    const methods = listMethods(readProto(String(proto)))
    return methods.length > 0 ? [] : [{ field: 'settings.proto', reason: 'has no service with a method' }]
  } catch (error) {
    return [
      {
        field: 'settings.proto',
        reason: `cannot be read: ${error instanceof Error ? error.message : error}`,
      },
    ]
  }
}

type Way = {
  egress: Egress
  opened: Opened
  request: EgressRequest
  url: URL
  signal: AbortSignal
  sent(): void
}

async function send(egress: Egress, opened: Opened, request: EgressRequest): Promise<EgressResult> {
  const began = performance.now()
  let was_sent = false
  const timeout = AbortSignal.timeout(request.timeout_ms)
  const signal = request.signal ? AbortSignal.any([timeout, request.signal]) : timeout
  const sent = () => {
    was_sent = true
  }
  const way: Way = { egress, opened, request, url: new URL(request.url), signal, sent }
  try {
    return await Promise.race([perform(way, began), aborted(signal)])
  } catch (error) {
    const total_ms = performance.now() - began
    const known = error as Partial<Extract<Connected, { kind: 'error' }>>
    if (known.kind === 'error' && known.code) {
      return { kind: 'error', code: known.code, sent: false, message: String(known.message), total_ms }
    }
    const over = timeout.aborted ? 'timeout' : signal.aborted ? 'aborted' : 'reset'
    const words = over === 'timeout' ? `no answer within ${request.timeout_ms} ms` : String(known.message)
    return { kind: 'error', code: over, sent: was_sent, message: words, total_ms }
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('the request was cancelled')), { once: true })
  })

async function perform(way: Way, began: number): Promise<EgressResult> {
  const { url, request } = way
  const [, service = '', name = ''] = /\/([\w.]+)\/(\w+)$/.exec(url.pathname) ?? []
  if (service === '') return jsonAnswer(began, 404, { message: 'the path is /package.Service/Method' })
  const root = await rootOf(way, service)
  if ('status' in root) return jsonAnswer(began, root.status, root.body)
  const method = findMethod(root.root, service, name)
  if (!method) {
    const known = listMethods(root.root).join(', ') || 'none'
    return jsonAnswer(began, 404, { message: `there is no ${service}/${name}; the known ones are ${known}` })
  }
  if (method.streams)
    return jsonAnswer(began, 400, { message: `${name} streams; only single messages are sent` })
  const given = request.method === 'GET' ? (url.searchParams.get('message') ?? '{}') : (request.body ?? '{}')
  const written = encode(method.request, parseReply(Buffer.from(given)))
  if (!written.ok) return jsonAnswer(began, 400, { message: written.reason })
  const answer = await exchange(way, method.path, frame(written.bytes))
  return toResult(began, method, answer)
}

function toResult(began: number, method: Method, answer: Answer): EgressResult {
  const status = statusOf(answer)
  const { date } = answer.headers
  if (status)
    return jsonAnswer(
      began,
      status.http,
      { code: status.code, message: status.message },
      date ? { date } : {},
    )
  const [message] = unframe(answer.body)
  if (message === undefined)
    return jsonAnswer(began, 502, { message: 'the server answered OK and no message' })
  return jsonAnswer(began, 200, decode(method.response, message), date ? { date } : {})
}

async function exchange(
  { egress, opened, request, url, signal, sent }: Way,
  path: string,
  body: Buffer,
): Promise<Answer> {
  const { identity, credentials } = opened
  const place = { url, identity, authority: credentials['authority'] }
  const session = await sessionWith(egress, place, request.timeout_ms)
  signal.throwIfAborted() // given up meanwhile: what is said to be unsent is not sent
  const { 'content-type': _type, accept: _accept, ...metadata } = request.headers
  const headers = {
    ...metadata,
    'content-type': 'application/grpc+proto',
    te: 'trailers',
    'grpc-timeout': `${Math.min(99_999_999, Math.ceil(request.timeout_ms))}m`,
  }
  return ask(session, { path, headers, body, max_bytes: request.max_response_bytes, signal, sent })
}

type No = { status: number; body: object }

const told = new Map<string, { root: protobuf.Root; until_ms: number }>()
const MOST_TOLD = 200
const TOLD_MS = 300_000

/** From the text on the connection, or what the server told of itself in the last five minutes. */
async function rootOf(way: Way, service: string): Promise<{ root: protobuf.Root } | No> {
  const text = way.opened.settings['proto']
  const key = text === undefined ? toldTo(way, service) : String(text)
  const known = told.get(key)
  if (known && performance.now() < known.until_ms) return known
  if (text !== undefined) return keep(key, readProto(String(text)), Number.POSITIVE_INFINITY)
  let refused: No | null = null
  const root = await reflect(service, async (body) => {
    const answer = await askOfItself(way, body)
    const status = statusOf(answer)
    if (!status) return answer.body
    refused = {
      status: status.http,
      body: { code: status.code, message: REFUSED[status.code] ?? status.message },
    }
    throw new Error(status.message)
  }).catch((error: Error) => {
    if (refused) return refused
    if (!('untold' in error)) throw error
    return { status: 404, body: { message: error.message } }
  })
  return 'status' in root ? root : keep(key, root, performance.now() + TOLD_MS)
}

/** That does nothing there: what fails now may be tried again. */
async function askOfItself(way: Way, body: Buffer): Promise<Answer> {
  const asking = { ...way, sent: () => {} }
  const answer = await exchange(asking, REFLECTION, body)
  return statusOf(answer)?.code === 'UNIMPLEMENTED' ? exchange(asking, OLDER_REFLECTION, body) : answer
}

/** A server may tell one more than the other. */
const toldTo = ({ url, opened: { credentials, token } }: Way, service: string): string =>
  hash('sha256', JSON.stringify([url.origin, service, credentials, token]))

const REFUSED: Record<string, string> = {
  UNIMPLEMENTED:
    'the server tells nothing of itself (no reflection); give the text of its .proto file as settings.proto',
}

function keep(key: string, root: protobuf.Root, until_ms: number) {
  if (told.size >= MOST_TOLD) told.delete(told.keys().next().value ?? '')
  told.set(key, { root, until_ms })
  return { root }
}

/** google.rpc.Code, and the status of HTTP that says the same (google/rpc/code.proto). */
const CODES: readonly (readonly [string, number])[] = [
  ['OK', 200],
  ['CANCELLED', 499],
  ['UNKNOWN', 500],
  ['INVALID_ARGUMENT', 400],
  ['DEADLINE_EXCEEDED', 504],
  ['NOT_FOUND', 404],
  ['ALREADY_EXISTS', 409],
  ['PERMISSION_DENIED', 403],
  ['RESOURCE_EXHAUSTED', 429],
  ['FAILED_PRECONDITION', 400],
  ['ABORTED', 409],
  ['OUT_OF_RANGE', 400],
  ['UNIMPLEMENTED', 501],
  ['INTERNAL', 500],
  ['UNAVAILABLE', 503],
  ['DATA_LOSS', 500],
  ['UNAUTHENTICATED', 401],
]

/** Null where it went well. A proxy that is no gRPC server has only a status of HTTP. */
function statusOf({ http_status, headers }: Answer): { http: number; code: string; message: string } | null {
  const number = headers['grpc-status']
  if (number === undefined) {
    const message = `the server answered ${http_status} and no status of gRPC`
    return { http: http_status === 200 ? 502 : http_status, code: 'UNKNOWN', message }
  }
  if (number === '0') return null
  const [code, http] = CODES[Number(number)] ?? ['UNKNOWN', 500]
  return { http, code, message: decodeURIComponentSafely(headers['grpc-message'] ?? code) }
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
