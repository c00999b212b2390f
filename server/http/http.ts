import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { App, Http, Routes } from '../modules/app.ts'
import { Problem } from '../platform/errors.ts'
import { toWire } from '../platform/ids.ts'
import { ANYBODY, type Auth, createAuth } from './auth.ts'
import { checkText, takeBytes, takeJson } from './body.ts'
import { healthRoutes } from './health.ts'
import { createIdempotency } from './idempotency.ts'
import { openapi } from './openapi.ts'
import { answerError, clientError, sendProblem } from './problems.ts'
import { createRateLimit } from './rate_limit.ts'
import { logRequest, requestLine } from './request_line.ts'
import { keepTable, type RouteTable } from './route_table.ts'
import { securityHeaders } from './security_headers.ts'

export type Mount = {
  rooms: Routes[]
  /** The addresses vendors post to. They get every body as bytes, and no Idempotency-Key. */
  webhooks?: (http: Http, app: App) => void
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
  http.setNotFoundHandler((request, reply) => {
    const problem = nowhere(routes, request.method, request.url)
    request.problem = problem
    return sendProblem(problem, request, reply)
  })
  takeJson(http)
  const auth = createAuth(app)
  decorate(http, app, auth)
  await openapi(http, app, routes)
  http.register(async (scope) => healthRoutes(typed(scope), app, auth))
  for (const room of mount.rooms) http.register(async (scope) => room(typed(scope), app))
  const { webhooks } = mount
  if (webhooks) {
    http.register(async (scope) => {
      takeBytes(scope, app.config.webhook_body_limit)
      webhooks(typed(scope), app)
    })
  }
  await http.ready()
  return http
}

const typed = (scope: FastifyInstance): Http =>
  scope.withTypeProvider<TypeBoxTypeProvider>() as unknown as Http

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
    },
  })
  // Replies leave as the room made them: a serializer that coerces and strips would hide a mistake.
  server.setSerializerCompiler(() => (body) => JSON.stringify(body))
  return typed(server as unknown as FastifyInstance)
}

/** The stations of every request, in their order. */
function decorate(http: Http, app: App, auth: Auth): void {
  http.decorateRequest('problem', null)
  http.addHook('onRequest', async (request) => {
    request.actor = ANYBODY
  })
  requestLine(http, app)
  securityHeaders(http)
  http.decorateRequest('claim', null)
  http.decorateRequest('bytes', null)
  http.decorateRequest('actor')
  http.addHook('onRequest', auth.admit)
  http.addHook('onRequest', createRateLimit(app))
  http.addHook('preValidation', async (request) => {
    checkTexts(request.params, 'path')
    checkTexts(request.query, 'query')
    const { schema, url = '' } = request.routeOptions
    if (!url.startsWith('/v1/') || schema?.body || isNothing(request.body) || Buffer.isBuffer(request.body))
      return
    throw new Problem('invalid_request', {
      field: 'body',
      detail: 'This address takes no body. Leave it out.',
    })
  })
  const idempotency = createIdempotency(app)
  http.addHook('preHandler', idempotency.begin)
  http.addHook('onSend', idempotency.end)
}

const isNothing = (body: unknown): boolean =>
  body === undefined || body === null || (typeof body === 'object' && Object.keys(body).length === 0)

/** Percent-encoding can spell what JSON can, and PostgreSQL stores it no better. */
function checkTexts(values: unknown, place: string): void {
  for (const [name, value] of Object.entries((values ?? {}) as Record<string, unknown>)) {
    checkText(name, [place])
    for (const text of Array.isArray(value) ? value : [value]) {
      if (typeof text === 'string') checkText(text, [name])
    }
  }
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
