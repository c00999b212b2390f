import type { Readable } from 'node:stream'
import { whyNotStreamed } from '../../kit/auth/streamed.ts'
import {
  authOf,
  baseUrl,
  type HttpRequest,
  idempotencyHeader,
  type Opened,
} from '../../kit/transports/http.ts'
import type { AnswerHead, EgressStream } from '../../platform/egress/egress.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { useConnection } from '../connections/connections.ts'
import { MASKED_BYTES } from './attempts.ts'
import { LONGEST_CALL_MS } from './deadline.ts'
import { type Performed, perform } from './perform.ts'
import type { Wanted } from './pipeline.ts'
import { back, noAnswer, onward, pathBehind, turnedAway } from './proxy.ts'
import { type Bounds, tooLarge, watchCaller } from './stream_caller.ts'

/**
 * A request passed on and its answer passed back while they come, neither ever held: files, exports, media. It takes the
 * same stages and leaves the same record as every call, with the head of its bodies. What was streamed is gone, so it is
 * tried again only while nothing of it was sent.
 */
export type Streamed = { status: number; headers: Record<string, string>; body: Readable }

export type StreamInput = {
  method: HttpRequest['method']
  /** As it came, `/v1/stream/{connection}` included. */
  url: string
  headers: Readonly<Record<string, string | readonly string[] | undefined>>
  body: Readable
  /** Aborted when the caller hangs up. */
  signal: AbortSignal
}

const BOUNDS: Bounds = { bytes: 100_000_000, patience_ms: 30_000, all_ms: LONGEST_CALL_MS }

/** Comes back with the head of the answer; its body ends with the call. No answer is a problem that says why. */
export async function stream(
  app: App,
  actor: Actor,
  wire_id: string,
  input: StreamInput,
  bounds: Bounds = BOUNDS,
): Promise<Streamed> {
  const connection = await useConnection(app, actor, fromWire('connection', wire_id, 'connection'))
  const length = lengthOf(input)
  if (length !== null && length > bounds.bytes) throw tooLarge(bounds)
  checkStream(connection.opened, length !== 0, input.headers['idempotency-key'])
  const id = app.newId()
  const caller = watchCaller(input.signal, bounds)
  const answered = Promise.withResolvers<Streamed>()
  const passage: EgressStream = {
    source: length === 0 ? null : caller.read(input.body),
    length,
    keep_bytes: MASKED_BYTES,
    open: (head) => {
      const body = caller.write()
      answered.resolve({ status: head.status, headers: headersOf(id, head), body })
      return body
    },
  }
  perform(app, actor, connection, { id, ...wantedOf(input, passage, bounds), signal: caller.signal })
    .then((performed) => answered.reject(whyNoAnswer(performed, caller.signal)), answered.reject)
    .finally(caller.end)
  return answered.promise
}

function wantedOf(
  { method, url, headers }: StreamInput,
  passage: EgressStream,
  { bytes }: Bounds,
): Omit<Wanted, 'id'> {
  const key = headers['idempotency-key']
  const request: HttpRequest = {
    method,
    path: pathBehind(url),
    headers: onward(headers),
    stream: passage,
    max_response_bytes: bytes,
    ...(typeof key === 'string' && { idempotency_key: key }),
  }
  return { operation: null, request, patience_ms: 0 }
}

/** Of the body as it was announced: 0 without one, null where it comes in chunks. */
function lengthOf({ headers }: StreamInput): number | null {
  return headers['transfer-encoding'] !== undefined ? null : Number(headers['content-length'] ?? 0)
}

function checkStream(opened: Opened, has_body: boolean, key: unknown): void {
  const { provider, settings } = opened
  const refuse = (field: string, why: string): never => {
    throw new Problem('invalid_request', { field, detail: why })
  }
  if (provider.transport !== undefined)
    refuse('connection', `${provider.id} does not speak HTTP, and only HTTP is streamed; make a call instead`)
  if (key !== undefined && idempotencyHeader(provider, settings) === null)
    refuse(
      'idempotency-key',
      'a stream is not kept, so its idempotency key is for the vendor alone, and this connection names no header of the vendor for it; leave it out',
    )
  const why = has_body ? whyNotStreamed(authOf(opened), baseUrl(opened)) : null
  if (why !== null) refuse('connection', `${why}; send up to 10 MB through /v1/proxy instead`)
}

/** The length is said where the vendor said it, so that the caller sees what was cut off. */
function headersOf(id: string, { headers }: AnswerHead): Record<string, string> {
  const length = headers['transfer-encoding'] === undefined ? headers['content-length'] : undefined
  return {
    ...back(headers),
    ...(length !== undefined && { 'content-length': length }),
    'trilho-call-id': toWire('call', id),
  }
}

/** Where the caller was at fault, that; else what became of the call. */
function whyNoAnswer(performed: Performed, signal: AbortSignal): Problem {
  if (!(signal.reason instanceof Problem)) return turnedAway(performed) ?? noAnswer(performed)
  const { code, occurrence } = signal.reason
  return new Problem(code, { ...occurrence, headers: { 'trilho-call-id': toWire('call', performed.id) } })
}
