import Type from 'typebox'
import type { Routes } from '../app.ts'
import { TestReport, tryBy } from '../connections/connections.ts'
import { IdParams } from '../wire.ts'
import { cacheRoutes } from './cache_routes.ts'
import * as calls from './calls.ts'
import { hangUpOf } from './deadline.ts'
import { DeferredCall } from './deferred_schema.ts'
import { withDigits } from './digits.ts'
import { keeperOf } from './held.ts'
import { protectionRoutes } from './protection_routes.ts'
import { recordRoutes } from './record_routes.ts'
import { CallReport, CallWithLog, MakeCall } from './schema.ts'
import { streamRoutes } from './stream_routes.ts'

const read = { config: { access: 'calls:read' } } as const
const write = { config: { access: 'calls:write', acts_outside: true } } as const
const mend = { config: { access: 'calls:operate', acts_outside: true } } as const
const tags = ['Calls']

export const routes: Routes = (http, app) => {
  tryBy(app, (actor, id) => calls.testConnection(app, actor, id))

  http.post(
    '/v1/connections/:id/calls',
    {
      ...write,
      schema: {
        operationId: 'makeCall',
        summary: 'Ask a vendor through a connection',
        description:
          'Answers 200 once the call is over, whatever the vendor said: `state` tells how it went. Tried again only where that cannot make it happen twice.',
        tags,
        params: IdParams,
        body: MakeCall,
        response: { 200: Type.Unsafe<string>(CallReport), 202: DeferredCall },
      },
    },
    async (request, reply) => {
      const call = withDigits(request.body, request.bytes?.toString() ?? '')
      if (call.mode === 'async') {
        const deferred = await calls.deferCall(app, request.actor, request.params.id, call)
        return reply.code(202).send(deferred)
      }
      const waiting = { signal: hangUpOf(request, reply), keeper: keeperOf(app, request.actor, reply) }
      const report = await calls.makeCall(app, request.actor, request.params.id, call, waiting)
      return reply.type('application/json; charset=utf-8').send(report)
    },
  )

  http.post(
    '/v1/connections/:id/test',
    {
      ...mend,
      schema: {
        operationId: 'testConnection',
        summary: 'Try a connection',
        description: "Makes the provider's cheapest read and says in words what is wrong.",
        tags: ['Connections'],
        params: IdParams,
        response: { 200: TestReport },
      },
    },
    (request) => calls.testConnection(app, request.actor, request.params.id),
  )

  http.post(
    '/v1/calls/:id/cancel',
    {
      config: { access: 'calls:operate' },
      schema: {
        operationId: 'cancelCall',
        summary: 'Give up a call that is made later',
        description: 'While it is queued; one that is under way ends as it ends.',
        tags,
        params: IdParams,
        response: { 200: DeferredCall },
      },
    },
    (request) => calls.cancelCall(app, request.actor, request.params.id),
  )

  http.get(
    '/v1/calls/:id',
    {
      ...read,
      schema: {
        operationId: 'readCall',
        summary: 'Read a call with its attempts',
        description: 'Requests and answers are kept masked.',
        tags,
        params: IdParams,
        response: { 200: CallWithLog },
      },
    },
    (request) => calls.readCall(app, request.actor, request.params.id),
  )

  recordRoutes(http, app)
  protectionRoutes(http, app)
  cacheRoutes(http, app)
  proxyRoutes(http, app)
  streamRoutes(http, app)
}

const ProxyParams = Type.Object(
  { connection: Type.String(), '*': Type.String({ description: 'The path at the vendor, with its query' }) },
  { additionalProperties: false },
)

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

const proxyRoutes: Routes = (http, app) => {
  for (const method of METHODS) {
    http.route({
      method,
      url: '/v1/proxy/:connection/*',
      config: { ...write.config, takes_bytes: true },
      schema: {
        operationId: `proxy${method.charAt(0)}${method.slice(1).toLowerCase()}`,
        summary: `Pass a ${method} on to a vendor`,
        description:
          "The vendor's status, headers and body come back as they are, with `trilho-call-id`. Where there is no answer: 502, or 504 where the vendor may have acted.",
        tags,
        params: ProxyParams,
        response: { 200: Type.Unsafe<Buffer>(Type.Unknown({ description: "The vendor's answer" })) },
      },
      handler: async (request, reply) => {
        const { status, headers, body } = await calls.proxy(app, request.actor, request.params.connection, {
          method: request.method as calls.ProxyInput['method'],
          url: request.raw.url ?? '',
          headers: request.headers,
          body: Buffer.isBuffer(request.body) && request.body.length > 0 ? request.body : null,
          signal: hangUpOf(request, reply),
          keeper: keeperOf(app, request.actor, reply),
        })
        return reply
          .code(status as 200)
          .headers(headers)
          .send(body)
      },
    })
  }
}
