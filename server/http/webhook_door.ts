import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { App, Http } from '../modules/app.ts'
import type { receive } from '../modules/inbound/inbound.ts'
import { type Problem, problemBody } from '../platform/errors.ts'
import { toWire } from '../platform/ids.ts'
import { type Holder, letGo } from '../platform/room.ts'
import { ANYBODY } from './anybody.ts'
import { problemHeaders, toProblem } from './problems.ts'
import { readBody, readingWebhooks } from './reading.ts'
import { logServed } from './request_line.ts'
import { SECURITY_HEADERS } from './security_headers.ts'

export type Receive = typeof receive

/** A larger one is first held against the limit of its source, before its bytes are read. */
const ORDINARY_BODY = 1_048_576

/**
 * The short way in. Webhooks are most of what comes, and the stations of the API (who asks, limits, schemas, keys)
 * have nothing to say to them, but cost as much as the verification. So the ordinary POST to a source's address is
 * taken here, before Fastify, by the same verb and with the same answers, headers and log line. All else at the
 * same address goes on to Fastify's own route: no length or too long, a query, an odd spelling, proxies, tracing.
 */
export function takeWebhooks(http: Http, app: App, receive: Receive): void {
  const { trusted_proxies, otlp_endpoint } = app.config
  const webhook_body_limit = Math.min(app.config.webhook_body_limit, ORDINARY_BODY)
  if (trusted_proxies.length > 0 || otlp_endpoint !== undefined) return
  const { server } = http
  const line = readingWebhooks(app)
  const others = server.listeners('request') as RequestListener[]
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    const address = addressOf(request)
    if (!address || !(Number(request.headers['content-length']) <= webhook_body_limit)) {
      for (const other of others) other(request, response)
      return
    }
    const visit: Visit = {
      app,
      request,
      response,
      request_id: toWire('request', app.newId()),
      began: performance.now(),
      isLast: () => !server.listening,
      held: null,
    }
    readBody(line, request, visit, webhook_body_limit, (fault, body) => {
      if (!fault) void serve(visit, receive, address, body)
      else if (!request.destroyed) refuse(visit, fault) // of one that was cut off there is nobody left to answer
    })
  })
}

type Address = { provider: string; source: string }
type Visit = Holder & {
  app: App
  request: IncomingMessage
  response: ServerResponse
  request_id: string
  began: number
  /** Whether the server is closing, so that the connection ends with this answer. */
  isLast(): boolean
}

const ADDRESS = /^\/webhooks\/([a-z0-9_-]{1,32})\/(src_[0-9a-z]{26})$/

function addressOf({ method, url = '' }: IncomingMessage): Address | null {
  const [, provider, source] = (method === 'POST' && ADDRESS.exec(url)) || []
  return provider !== undefined && source !== undefined ? { provider, source } : null
}

async function serve(visit: Visit, receive: Receive, address: Address, body: Buffer): Promise<void> {
  const { app, request } = visit
  const { method = '', url: path = '', headers, socket } = request
  const arrival = {
    method,
    path,
    headers,
    body,
    ip: socket.remoteAddress ?? null,
    is_plain: !isEncrypted(socket),
  }
  try {
    const given = await receive(app, address.provider, address.source, arrival)
    if ('body' in given)
      answer(visit, given.status, { ...given.headers, 'content-type': given.content_type }, given.body)
    else answer(visit, 200, JSON_TYPE, JSON.stringify(given))
  } catch (error) {
    refuse(visit, toProblem(error, null))
  }
}

function refuse(visit: Visit, problem: Problem): void {
  const text = JSON.stringify(problemBody(problem, visit.request_id))
  answer(visit, problem.status, problemHeaders(problem), text, problem)
}

const isEncrypted = (socket: Socket): boolean => socket instanceof TLSSocket

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' }

function answer(
  visit: Visit,
  status: number,
  headers: Record<string, string>,
  text: string,
  problem: Problem | null = null,
): void {
  const { app, request, response, request_id, began } = visit
  letGo(visit)
  response.writeHead(status, {
    'request-id': request_id,
    ...SECURITY_HEADERS,
    ...headers,
    'content-length': Buffer.byteLength(text),
    ...(visit.isLast() && { connection: 'close' }),
  })
  response.end(text)
  logServed(app, {
    method: 'POST',
    route: '/webhooks/:provider/:source',
    status,
    elapsed_ms: performance.now() - began,
    actor: ANYBODY,
    request_id,
    headers: request.headers,
    ip: request.socket.remoteAddress ?? '',
    problem,
  })
}
