import Type from 'typebox'
import type { Http, Routes } from '../app.ts'
import { hangUp } from './deadline.ts'
import { type StreamInput, stream } from './stream.ts'

const Params = Type.Object(
  { connection: Type.String(), '*': Type.String({ description: 'The path at the vendor, with its query' }) },
  { additionalProperties: false },
)

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** Beside the proxy and not part of it, since what it promises is less: nothing is kept, so nothing is repeated. */
export const streamRoutes: Routes = (http, app) => {
  for (const method of METHODS) streamRoute(http, app, method)
}

function streamRoute(http: Http, app: Parameters<Routes>[1], method: (typeof METHODS)[number]): void {
  http.route({
    method,
    url: '/v1/stream/:connection/*',
    config: { access: 'calls:write', acts_outside: true, streams: true },
    schema: {
      operationId: `stream${method.charAt(0)}${method.slice(1).toLowerCase()}`,
      summary: `Stream a ${method} to a vendor and its answer back`,
      description:
        'Up to 100 MB in either direction, passed on as it comes and never held. Tried again only while nothing of it was sent; an Idempotency-Key goes to the vendor and is not kept here.',
      tags: ['Calls'],
      params: Params,
      response: { 200: Type.Unsafe<unknown>(Type.Unknown({ description: "The vendor's answer" })) },
    },
    handler: async (request, reply) => {
      const { status, headers, body } = await stream(app, request.actor, request.params.connection, {
        method: request.method as StreamInput['method'],
        url: request.raw.url ?? '',
        headers: request.headers,
        body: request.raw,
        // Nobody can ask again for what was not kept, so no key keeps it going.
        signal: hangUp(reply),
      })
      return reply
        .code(status as 200)
        .headers(headers)
        .send(body)
    },
  })
}
