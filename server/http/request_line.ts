import type { FastifyReply, FastifyRequest } from 'fastify'
import { type App, type Http, INSTALLATION } from '../modules/app.ts'
import { toWire } from '../platform/ids.ts'
import { ANYBODY } from './anybody.ts'

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

export function logRequest(app: App, request: FastifyRequest, reply: FastifyReply): void {
  const line = toLine(request, reply)
  const { method, route, status } = line
  app.telemetry.count('trilho_http_requests_total', { route, method, status: String(status) })
  app.telemetry.observe('trilho_http_request_seconds', reply.elapsedTime / 1000, { route, method })
  if (status >= 500) app.log.error({ ...line, err: causeOf(request) }, 'request')
  else if (isProbe(route)) app.log.debug(line, 'request')
  else app.log.info(line, 'request')
}

const isProbe = (route: string): boolean => route === '/health' || route === '/ready' || route === '/metrics'

function toLine(request: FastifyRequest, reply: FastifyReply) {
  const { actor, problem } = request
  return {
    method: request.method,
    route: request.routeOptions.url ?? '(none)',
    status: reply.statusCode,
    duration_ms: Math.round(reply.elapsedTime * 10) / 10,
    actor: actor.id,
    tenant: actor.tenant_id === INSTALLATION ? null : toWire('tenant', actor.tenant_id),
    request_id: request.id,
    client_request_id: clientRequestId(request),
    ip: clientIp(request),
    ...(problem && { code: problem.code, detail: problem.message }),
  }
}

/** An IPv4 client of a socket that speaks IPv6 too is still an IPv4 client. */
export const clientIp = ({ ip }: FastifyRequest): string => ip.replace(/^::ffff:(?=\d+\.)/, '')

/** The caller's own name for the request, kept for the log where it is one; ours is never replaced by it. */
function clientRequestId(request: FastifyRequest): string | undefined {
  const sent = request.headers['x-request-id']
  return typeof sent === 'string' && /^[\w.:-]{1,100}$/.test(sent) ? sent : undefined
}

function causeOf({ problem }: FastifyRequest): unknown {
  return problem?.occurrence.cause ?? problem ?? undefined
}
