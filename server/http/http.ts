import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from 'fastify'
import type { App, Http, Routes } from '../modules/app.ts'
import { Problem } from '../platform/errors.ts'
import { toWire } from '../platform/ids.ts'
import { ANYBODY } from './anybody.ts'
import { type Auth, createAuth } from './auth.ts'
import { letGoWhenAnswered, takeBodies, takeWebhookBodies, textProblem } from './body.ts'
import { dashboard } from './dashboard.ts'
import { takeTimesAlone } from './dates.ts'
import { endWithAccess } from './event_streams.ts'
import { healthRoutes } from './health.ts'
import { createIdempotency } from './idempotency.ts'
import { openapi } from './openapi.ts'
import { portalPage } from './portal.ts'
import { answerError, clientError, sendProblem } from './problems.ts'
import { createRateLimit } from './rate_limit.ts'
import { clientIp, logRequest, requestLine } from './request_line.ts'
import { keepTable, type RouteTable } from './route_table.ts'
import { compileWhenAsked } from './schemas_when_asked.ts'
import { securityHeaders } from './security_headers.ts'
import { markStreams } from './streams.ts'
import { answerTogether } from './together.ts'
import { type Receive, takeWebhooks } from './webhook_door.ts'

export { listenTls } from './tls_listener.ts'

export type Mount = {
  rooms: Routes[]
  /** The addresses vendors post to. They get every body as bytes, and no Idempotency-Key. */
  webhooks?: (http: Http, app: App) => void
  /** The verb behind those addresses; with it the ordinary webhook is taken on a shorter way. */
  receive?: Receive
}

/**
 * The door. A request passes, in this order: who is asking and whether the route lets them (`config.access`),
 * the rate limit of their key, the body read strictly, the schema, the Idempotency-Key, the room. Whatever
 * goes wrong on the way leaves as a problem; a route that does not say whom it serves stops the start.
 * The server comes back ready and not yet listening.
 */
export async function createHttp(app: App, mount: Mount): Promise<Http> {
  const http = createServer(app)
  const routes = keepTable(http)
  http.setErrorHandler(answerError)
  const showPage = dashboard(http)
  portalPage(http, app)
  http.setNotFoundHandler((request, reply) => {
    if (showPage(request, reply)) return reply
    const problem = nowhere(routes, request.method, request.url)
    request.problem = problem
    return sendProblem(problem, request, reply)
  })
  letGoWhenAnswered(http)
  takeBodies(http, app)
  const auth = createAuth(app)
  decorate(http, app, auth)
  await openapi(http, app, routes)
  http.register(async (scope) => healthRoutes(typed(scope), app, auth))
  for (const room of mount.rooms) http.register(async (scope) => room(typed(scope), app))
  const { webhooks } = mount
  if (webhooks) {
    http.register(async (scope) => {
      takeWebhookBodies(scope, app)
      webhooks(typed(scope), app)
    })
  }
  await http.ready()
  if (mount.receive) takeWebhooks(http, app, mount.receive)
  return http
}

const typed = (scope: FastifyInstance): Http =>
  scope.withTypeProvider<TypeBoxTypeProvider>() as unknown as Http

/** By hand: a pattern would go over the slashes of a long run of them once for each. */
function withoutFinalSlash(url: string): string {
  const query_at = url.indexOf('?')
  const path_ends = query_at < 0 ? url.length : query_at
  let end = path_ends
  while (end > 1 && url[end - 1] === '/') end -= 1
  return url.slice(0, end) + url.slice(path_ends)
}

function createServer(app: App): Http {
  const { config } = app
  const server = Fastify({
    loggerInstance: app.log as unknown as FastifyBaseLogger,
    // One wide line per request is written by requestLine instead.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: config.trusted_proxies.length > 0 ? config.trusted_proxies : false,
    bodyLimit: config.api_body_limit,
    requestTimeout: 60_000, // to send a whole request; an answer may take as long as its call does
    keepAliveTimeout: 72_000, // longer than the proxies before us, so that they are the ones to close
    return503OnClosing: false, // what came in before the close is served
    forceCloseConnections: 'idle',
    requestIdHeader: false,
    genReqId: () => toWire('request', app.newId()),
    routerOptions: { maxParamLength: 500 },
    // Published contracts are served with a final slash and without; a redirect would lose the body of a POST.
    rewriteUrl: ({ url = '/' }) => (url.startsWith('/api/') ? withoutFinalSlash(url) : url),
    // A path that cannot be decoded meets no hook.
    frameworkErrors: (error, request, reply) => {
      request.actor = ANYBODY
      answerError(error, request, reply)
      logRequest(app, request, reply)
    },
    clientErrorHandler: clientError,
    ajv: {
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: true,
        allErrors: false,
        verbose: true, // the reasons name what would have been right
      },
      onCreate: (ajv) => {
        takeTimesAlone(ajv)
        compileWhenAsked(ajv)
      },
    },
  })
  // Replies leave as the room made them: a serializer that coerces and strips would hide a mistake.
  server.setSerializerCompiler(() => (body) => JSON.stringify(body))
  return typed(server as unknown as FastifyInstance)
}

/**
 * The stations of every request, in their order. Those that have nothing to wait for call `done` at once: a
 * webhook passes all of them, and a promise at each would cost more than they do.
 */
function decorate(http: Http, app: App, auth: Auth): void {
  http.decorateRequest('problem', null)
  http.decorateRequest('claim', null)
  http.decorateRequest('bytes', null)
  http.decorateRequest('actor')
  requestLine(http, app)
  securityHeaders(http)
  markStreams(http)
  const limit = createRateLimit(app)
  http.addHook('onRequest', (request, reply, done) => {
    if (isProtected(request)) {
      // Nothing is returned: a promise beside `done` would let the request through twice.
      auth.admit(request).then(() => done(limit(request, reply) ?? undefined), done)
      return
    }
    request.actor = { ...ANYBODY, ip: clientIp(request), request_id: request.id }
    done()
  })
  http.addHook('preValidation', (request, _reply, done) => {
    if (mayLeaveOut(request)) request.body = {}
    done(unfit(request) ?? undefined)
  })
  const idempotency = createIdempotency(app)
  http.addHook('preHandler', idempotency.begin)
  http.addHook('onSend', idempotency.end)
  endWithAccess(http, auth)
  answerTogether(http, app)
}

/** An address that is not there protects nothing. */
function isProtected({ routeOptions }: FastifyRequest): boolean {
  const { access } = routeOptions.config
  return access !== undefined && access !== 'public'
}

/** What no schema says: texts that cannot be stored, and a body where none is taken. */
function unfit(request: FastifyRequest): Problem | null {
  const { schema, url = '' } = request.routeOptions
  const misfit = misfitIn(request.params, 'path') ?? misfitIn(request.query, 'query')
  if (misfit || !url.startsWith('/v1/') || schema?.body) return misfit
  if (Buffer.isBuffer(request.body) || isNothing(request.body)) return null // bytes have a key for each
  return new Problem('invalid_request', {
    field: 'body',
    detail: 'This address takes no body. Leave it out.',
  })
}

/** A POST without a body, to an address that would take `{}` as well. */
function mayLeaveOut({ method, bytes, routeOptions }: FastifyRequest): boolean {
  const body = routeOptions.schema?.body as { type?: string; required?: string[]; minProperties?: number }
  if (method !== 'POST' || body?.type !== 'object' || (bytes?.length ?? 0) > 0) return false
  return (body.required ?? []).length === 0 && body.minProperties === undefined
}

const isNothing = (body: unknown): boolean =>
  body === undefined || body === null || (typeof body === 'object' && Object.keys(body).length === 0)

/** Percent-encoding can spell what JSON can, and PostgreSQL stores it no better. */
function misfitIn(values: unknown, place: string): Problem | null {
  for (const [name, value] of Object.entries((values ?? {}) as Record<string, unknown>)) {
    const texts = Array.isArray(value) ? value : [value]
    const misfit =
      textProblem(name, [place]) ?? texts.map((text) => textProblem(text, [name])).find((p) => p !== null)
    if (misfit) return misfit
  }
  return null
}

function nowhere(routes: RouteTable, method: string, url: string): Problem {
  const allowed = routes.methodsAt(url)
  if (allowed.length === 0) {
    return new Problem('not_found', {
      detail: 'There is no such address. /openapi.json lists all there are.',
    })
  }
  const allow = allowed.join(', ')
  return new Problem('method_not_allowed', {
    detail: `This address does not take ${method}; it takes ${allow}.`,
    headers: { allow },
  })
}
