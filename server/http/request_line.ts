import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Actor, type App, type Http, INSTALLATION } from '../modules/app.ts'
import type { Problem } from '../platform/errors.ts'
import { toWire } from '../platform/ids.ts'
import { OURS } from '../platform/log.ts'
import { ANYBODY } from './anybody.ts'
import { mayTellOfStranger } from './strangers.ts'

/** One wide line per request, with all that is known of it at its end; probes only speak at `debug`. */
export function requestLine(http: Http, app: App): void {
  http.addHook('onRequest', (request, reply, done) => {
    request.actor = ANYBODY
    reply.header('request-id', request.id)
    done()
  })
  http.addHook('onResponse', (request, reply, done) => {
    logRequest(app, request, reply)
    done()
  })
  if (app.config.otlp_endpoint !== undefined) traceRequests(http, app)
}

/** From the room to the last byte. Not from `onRequest`: reading a body loses the context that spans nest by. */
function traceRequests(http: Http, app: App): void {
  http.addHook('preHandler', (request, reply, done) => {
    const { method, id } = request
    const attributes = {
      'http.request.method': method,
      'http.route': request.routeOptions.url ?? '(none)',
      request_id: id,
    }
    void app.telemetry.span('request', attributes, (span) => {
      const ended = new Promise<void>((resolve) => reply.raw.once('close', resolve))
      done()
      return ended.then(() => span.set({ 'http.response.status_code': reply.statusCode }))
    })
  })
}

/** What a request's line is made of, whoever served it. */
export type Served = {
  method: string
  /** The pattern, not the path. */
  route: string
  status: number
  elapsed_ms: number
  actor: Actor
  request_id: string
  headers: IncomingHttpHeaders
  ip: string
  problem: Problem | null
}

export function logRequest(app: App, request: FastifyRequest, reply: FastifyReply): void {
  logServed(app, {
    method: request.method,
    route: request.routeOptions.url ?? '(none)',
    status: reply.statusCode,
    elapsed_ms: reply.elapsedTime,
    actor: request.actor,
    request_id: request.id,
    headers: request.headers,
    ip: request.ip,
    problem: request.problem,
  })
}

export function logServed(app: App, served: Served): void {
  const { method, route, status, elapsed_ms, problem } = served
  app.telemetry.count('trilho_http_requests_total', { route, method, status: String(status) })
  app.telemetry.observe('trilho_http_request_seconds', elapsed_ms / 1000, { route, method })
  if (status >= 400 && status < 500 && served.actor === ANYBODY && !mayTellOfStranger(app)()) return
  const line = toLine(served)
  if (status >= 500)
    app.log.error({ ...line, err: problem?.occurrence.cause ?? problem ?? undefined }, 'request')
  else if (isProbe(route)) app.log.debug(line, 'request')
  else app.log.info(line, 'request')
}

const isProbe = (route: string): boolean => route === '/health' || route === '/ready' || route === '/metrics'

function toLine({ method, route, status, elapsed_ms, actor, request_id, headers, ip, problem }: Served) {
  const client_request_id = clientRequestId(headers)
  return {
    method,
    route,
    status,
    duration_ms: Math.round(elapsed_ms * 10) / 10,
    actor: actor.id,
    tenant: actor.tenant_id === INSTALLATION ? null : toWire('tenant', actor.tenant_id),
    request_id,
    client_request_id,
    ip: plainIp(ip),
    ...(problem
      ? { code: problem.code, detail: problem.message }
      : client_request_id === undefined && OURS_ALL),
  }
}

/** All but a stranger's name for the request and what a problem quotes is in our words. */
const OURS_ALL = { [OURS]: true }

export const clientIp = ({ ip }: FastifyRequest): string => plainIp(ip)

/** An IPv4 client of a socket that speaks IPv6 too is still an IPv4 client. */
const plainIp = (ip: string): string => (ip.startsWith('::ffff:') ? ip.replace(/^::ffff:(?=\d+\.)/, '') : ip)

/** The caller's own name for the request, kept for the log where it is one; ours is never replaced by it. */
function clientRequestId(headers: IncomingHttpHeaders): string | undefined {
  const sent = headers['x-request-id']
  return typeof sent === 'string' && /^[\w.:-]{1,100}$/.test(sent) ? sent : undefined
}
