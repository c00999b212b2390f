import type { Readable, Writable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { ConnectionTiming, Connector } from './connector.ts'
import type { ClientIdentity, EgressRequest, EgressResult } from './egress.ts'
import { exchangeFailure, type Failure, failure, NO_ROOM } from './failures.ts'
import { type EgressStream, type Flowed, newFlow, passOn } from './flow.ts'

/** One scheme, host and port, with its keep-alive connections. */
export type Origin = {
  pool: Dispatcher
  connector: Connector
  /** Shown on its connections; they are of no use to anybody else. */
  identity: ClientIdentity | undefined
  host: string
  in_flight: number
  used_at: number
  /** Set only while a new connection is handed to the request that waited for it. */
  fresh: ConnectionTiming | null
}

type Exchange = {
  origin: Origin
  request: EgressRequest
  resolve: (result: EgressResult) => void
  began: number
  /** Present from the moment before the first byte is written: from here on it may have reached the other side. */
  controller: Dispatcher.DispatchController | null
  connection: ConnectionTiming | null
  /** 0 until the first byte of an answer. */
  first_byte: number
  status: number
  headers: Record<string, string>
  chunks: Buffer[]
  size: number
  settled: boolean
  deadline: NodeJS.Timeout | null
  stop: (() => void) | null
  /** Of a stream: what passed, and where the answer goes once there is one. */
  flow: Flowed | null
  sink: Writable | null
}

/**
 * An answer that is too long is read on for this much and thrown away, which spares a new connection (and its
 * TLS handshake) for the next request; what is longer still has its connection dropped.
 */
const DISCARD_BYTES = 64 * 1024

const SETTLED = new Error('settled before it was sent')

/** One request and its answer. One plain timer covers it all: Node keeps timers of equal length in one list. */
export function exchange(origin: Origin, path: string, request: EgressRequest): Promise<EgressResult> {
  return new Promise((resolve) => {
    const x: Exchange = {
      origin,
      request,
      resolve,
      began: performance.now(),
      controller: null,
      connection: null,
      first_byte: 0,
      status: 0,
      headers: {},
      chunks: [],
      size: 0,
      settled: false,
      deadline: null,
      stop: null,
      flow: null,
      sink: null,
    }
    origin.in_flight += 1
    origin.used_at = x.began
    x.deadline = setTimeout(expire, request.timeout_ms, x)
    if (request.signal !== undefined) listen(x, request.signal)
    const { method, headers, body = null, stream } = request
    // The type lists common methods; undici itself takes any token (WebDAV's, say) and refuses the rest.
    const options = { path, method: method as Dispatcher.HttpMethod, headers, body }
    origin.pool.dispatch(stream === undefined ? options : streaming(x, stream, options), handlerOf(x))
  })
}

function streaming(
  x: Exchange,
  { source, length, keep_bytes }: EgressStream,
  options: Dispatcher.DispatchOptions,
): Dispatcher.DispatchOptions {
  const flow = newFlow()
  x.flow = flow
  if (source === null) return options
  const body = passOn(source, flow, keep_bytes, { theirs: () => expect(x), ours: () => rest(x) })
  const headers = { ...x.request.headers, ...(length !== null && { 'content-length': String(length) }) }
  // undici takes what can be iterated, one piece at a time; its type does not say so.
  return { ...options, headers, body: body as unknown as Readable }
}

/** From here on it is the other side that has to move. */
function expect(x: Exchange): void {
  rest(x)
  if (!x.settled) x.deadline = setTimeout(expire, x.request.timeout_ms, x)
}

/** Our side is waited for; whoever hands in the stream says how long. */
function rest(x: Exchange): void {
  if (x.deadline !== null) clearTimeout(x.deadline)
}

function listen(x: Exchange, signal: AbortSignal): void {
  x.stop = () => cutOff(x, failure('aborted', 'the request was cancelled'))
  signal.addEventListener('abort', x.stop, { once: true })
}

function expire(x: Exchange): void {
  cutOff(x, failure('timeout', timeoutWords(x)))
}

function timeoutWords({ controller, first_byte, request, origin, flow }: Exchange): string {
  if (controller === null) return `no connection to ${origin.host} within ${request.timeout_ms} ms`
  if (flow !== null) return `the other side stood still for ${request.timeout_ms} ms`
  if (first_byte === 0) return `no answer within ${request.timeout_ms} ms`
  return `the answer was not complete within ${request.timeout_ms} ms`
}

/** Gives up now. A request that still waits for a connection is dropped when its turn comes. */
function cutOff(x: Exchange, because: Failure): void {
  fail(x, because)
  x.controller?.abort(because)
}

function handlerOf(x: Exchange): Dispatcher.DispatchHandler {
  return {
    onRequestStart(controller) {
      // Throwing here, before a byte is written, takes the request out and leaves the connection usable.
      if (x.settled) throw SETTLED
      x.controller = controller
      x.connection = x.origin.fresh
      x.origin.fresh = null
    },
    onResponseStarted() {
      if (x.first_byte === 0) x.first_byte = performance.now()
    },
    onResponseStart(controller, status, headers) {
      x.status = status
      x.headers = flat(headers)
      const { stream } = x.request
      if (stream !== undefined && status >= 200) openSink(x, stream, controller)
    },
    onResponseData(controller, chunk) {
      take(x, controller, chunk)
    },
    onResponseEnd() {
      x.sink?.end()
      answer(x, false)
      finish(x)
    },
    onResponseError(_controller, error) {
      fail(x, exchangeFailure(error, { sent: x.controller !== null, answered: x.first_byte !== 0 }))
      finish(x)
    },
  }
}

/** An answer that says it is too long is refused before anybody is told of it. */
function openSink(x: Exchange, stream: EgressStream, controller: Dispatcher.DispatchController): void {
  const { method, max_response_bytes } = x.request
  if (method !== 'HEAD' && Number(x.headers['content-length']) > max_response_bytes) {
    cutOff(x, tooLong(x))
    return
  }
  const sink = stream.open({ status: x.status, headers: x.headers })
  if (x.flow !== null) x.flow.begun = true
  x.sink = sink
  expect(x)
  sink.on('drain', () => {
    expect(x)
    controller.resume()
  })
  sink.once('close', () => {
    if (!x.settled) cutOff(x, failure('aborted', 'nobody takes the answer any more'))
  })
}

function passBack(
  x: Exchange,
  sink: Writable,
  controller: Dispatcher.DispatchController,
  chunk: Buffer,
): void {
  const { max_response_bytes, stream } = x.request
  const room = (stream?.keep_bytes ?? 0) - x.size
  x.size += chunk.length
  if (x.flow !== null) x.flow.received_bytes = x.size
  if (room > 0) x.chunks.push(chunk.subarray(0, room))
  if (x.size > max_response_bytes) {
    cutOff(x, tooLong(x))
    return
  }
  expect(x)
  if (sink.write(chunk)) return
  rest(x)
  controller.pause()
}

const tooLong = ({ request }: Exchange): Failure =>
  failure('aborted', `the answer is longer than ${request.max_response_bytes} bytes`)

function take(x: Exchange, controller: Dispatcher.DispatchController, chunk: Buffer): void {
  if (x.sink !== null) {
    passBack(x, x.sink, controller, chunk)
    return
  }
  const room = x.request.max_response_bytes - x.size
  const kept = Math.min(chunk.length, Math.max(0, room))
  const is_whole = x.size === 0 && chunk.length === Number(x.headers['content-length'])
  if (kept > 0 && !x.settled && x.request.hold?.(kept, is_whole) === false) {
    x.chunks = []
    cutOff(x, failure('no_room', NO_ROOM))
    return
  }
  x.size += chunk.length
  if (chunk.length <= room) {
    x.chunks.push(chunk)
    return
  }
  if (room > 0) x.chunks.push(chunk.subarray(0, room))
  answer(x, true)
  if (x.size - x.request.max_response_bytes > DISCARD_BYTES) controller.abort(SETTLED)
}

function answer(x: Exchange, truncated: boolean): void {
  if (x.settled) return
  x.settled = true
  const [first = Buffer.alloc(0)] = x.chunks
  const body = x.chunks.length < 2 ? first : Buffer.concat(x.chunks)
  const timing = {
    ...x.connection,
    first_byte_ms: x.first_byte - x.began,
    total_ms: performance.now() - x.began,
  }
  const flowed = x.flow === null ? undefined : { flowed: x.flow }
  x.resolve({ kind: 'response', status: x.status, headers: x.headers, body, truncated, timing, ...flowed })
}

function fail(x: Exchange, because: Failure): void {
  if (x.settled) return
  x.settled = true
  x.sink?.destroy(because)
  const { failure: code, message } = because
  const total_ms = performance.now() - x.began
  const flowed = x.flow === null ? undefined : { flowed: x.flow }
  x.resolve({ kind: 'error', code, sent: x.controller !== null, message, total_ms, ...flowed })
}

/** The connection is free again, or gone. */
function finish(x: Exchange): void {
  x.origin.in_flight -= 1
  if (x.deadline !== null) clearTimeout(x.deadline)
  if (x.stop !== null) x.request.signal?.removeEventListener('abort', x.stop)
}

/** undici gives lower-case names, and a list where a name came more than once. Cookies hold commas. */
function flat(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  const result: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined) continue
    result[name] = typeof value === 'string' ? value : value.join(name === 'set-cookie' ? '\n' : ', ')
  }
  return result
}
