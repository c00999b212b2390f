import Type from 'typebox'
import type { Http, Routes } from '../app.ts'
import { IdParams } from '../wire.ts'
import * as calls from './calls.ts'
import * as protection from './protection.ts'
import {
  BreakerReport,
  CallQuery,
  CallReport,
  Calls,
  CallWithLog,
  LimitsReport,
  MakeCall,
  TestReport,
} from './schema.ts'

const read = { config: { access: 'calls:read' } } as const
const write = { config: { access: 'calls:write', acts_outside: true } } as const
const tags = ['Calls']

export const routes: Routes = (http, app) => {
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
        response: { 200: Type.Unsafe<string>(CallReport) },
      },
    },
    async (request, reply) => {
      const report = await calls.makeCall(app, request.actor, request.params.id, request.body)
      return reply.type('application/json; charset=utf-8').send(report)
    },
  )

  http.post(
    '/v1/connections/:id/test',
    {
      ...write,
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

  http.get(
    '/v1/calls',
    {
      ...read,
      schema: {
        operationId: 'listCalls',
        summary: 'List calls, newest first',
        tags,
        querystring: CallQuery,
        response: { 200: Calls },
      },
    },
    (request) => calls.listCalls(app, request.actor, request.query),
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

  protectionRoutes(http, app)
  http.register(async (scope) => proxyRoutes(scope as Http, app))
}

const protectionRoutes: Routes = (http, app) => {
  const at = (operationId: string, summary: string, description: string) => ({
    operationId,
    summary,
    description,
    tags: ['Connections'],
    params: IdParams,
  })
  const see = { config: { access: 'connections:read' } } as const
  const move = { config: { access: 'connections:write' } } as const

  http.get(
    '/v1/connections/:id/limits',
    {
      ...see,
      schema: {
        ...at('readLimits', "See how much of a connection's limits is used", 'Shared by all servers.'),
        response: { 200: LimitsReport },
      },
    },
    (request) => protection.readLimits(app, request.actor, request.params.id),
  )

  http.get(
    '/v1/connections/:id/breaker',
    {
      ...see,
      schema: {
        ...at('readBreaker', 'See the circuit breaker of a connection', 'Shared by all servers.'),
        response: { 200: BreakerReport },
      },
    },
    (request) => protection.readBreaker(app, request.actor, request.params.id),
  )

  http.post(
    '/v1/connections/:id/breaker/open',
    {
      ...move,
      schema: {
        ...at('openBreaker', 'Send nothing more through a connection', 'Until it is closed by hand.'),
        response: { 200: BreakerReport },
      },
    },
    (request) => protection.openBreaker(app, request.actor, request.params.id),
  )

  http.post(
    '/v1/connections/:id/breaker/close',
    {
      ...move,
      schema: {
        ...at('closeBreaker', 'Send through a connection again', 'At once, whatever opened its breaker.'),
        response: { 200: BreakerReport },
      },
    },
    (request) => protection.closeBreaker(app, request.actor, request.params.id),
  )
}

const ProxyParams = Type.Object(
  { connection: Type.String(), '*': Type.String({ description: 'The path at the vendor, with its query' }) },
  { additionalProperties: false },
)

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** Bodies are passed on to the byte, whatever they are, so here none is parsed. */
const proxyRoutes: Routes = (http, app) => {
  http.removeAllContentTypeParsers()
  http.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, bytes: Buffer) => bytes)
  for (const method of METHODS) {
    http.route({
      method,
      url: '/v1/proxy/:connection/*',
      ...write,
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
        })
        return reply
          .code(status as 200)
          .headers(headers)
          .send(body)
      },
    })
  }
}
