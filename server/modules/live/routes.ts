import { Readable } from 'node:stream'
import Type from 'typebox'
import type { Routes } from '../app.ts'
import { watchLive } from './live.ts'
import { LiveQuery } from './schema.ts'

export const routes: Routes = (http, app) => {
  const closing = new AbortController()
  http.addHook('preClose', async () => closing.abort())
  http.get(
    '/v1/live',
    {
      config: { access: 'events:read' },
      schema: {
        operationId: 'watchLive',
        summary: 'Watch what crosses the border, by server-sent events',
        description:
          'One event each, named by its kind, its data `{kind, id, at, state, type, connection_id, source_id, subscription_id, attempt, status, duration_ms}`. Told within about a second, of what the credential may read; 200 a second at most, `dropped` tells of more. A comment every 15 seconds. 20 may watch one tenant on one server.',
        tags: ['Metrics'],
        querystring: LiveQuery,
        response: { 200: Type.Unsafe<Readable>(Type.Unknown({ description: 'text/event-stream' })) },
      },
    },
    async (request, reply) => {
      const gone = new AbortController()
      reply.raw.on('close', () => gone.abort())
      if (request.raw.socket.destroyed) gone.abort() // while it was being let in: that is not told again
      const signal = AbortSignal.any([gone.signal, closing.signal])
      const last = request.headers['last-event-id']
      const query = { ...request.query, last_event_id: typeof last === 'string' ? last : undefined }
      const events = Readable.from(watchLive(app, request.actor, query, signal))
      return reply
        .type('text/event-stream')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .send(events)
    },
  )
}
