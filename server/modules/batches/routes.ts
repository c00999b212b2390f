import { Readable } from 'node:stream'
import Type from 'typebox'
import { rawElements, rawMember } from '../../kit/wire_json.ts'
import type { Routes } from '../app.ts'
import { withDigits } from '../calls/calls.ts'
import { IdParams } from '../wire.ts'
import * as batches from './batches.ts'
import { Batch, Batches, BatchQuery, CreateBatch, ItemQuery, Items } from './schema.ts'
import { watchBatch } from './watch.ts'

const read = { config: { access: 'calls:read' } } as const
const write = { config: { access: 'calls:write' } } as const
const mend = { config: { access: 'calls:operate' } } as const
const tags = ['Batches']

export const routes: Routes = (http, app) => {
  http.post(
    '/v1/connections/:id/calls/batch',
    {
      ...write,
      schema: {
        operationId: 'createBatch',
        summary: 'Make many calls through a connection',
        description:
          'Up to 1,000, a few at a time. One that fails stops no other; all are checked before any is made.',
        tags,
        params: IdParams,
        body: CreateBatch,
        response: { 202: Batch },
      },
    },
    async (request, reply) => {
      const texts = rawElements(rawMember(request.bytes?.toString() ?? '', 'calls') ?? '')
      const exact = request.body.calls.map((call, at) => withDigits(call, texts[at] ?? ''))
      const batch = { ...request.body, calls: exact }
      return reply.code(202).send(await batches.createBatch(app, request.actor, request.params.id, batch))
    },
  )

  http.get(
    '/v1/batches',
    {
      ...read,
      schema: {
        operationId: 'listBatches',
        summary: 'List batches, newest first',
        tags,
        querystring: BatchQuery,
        response: { 200: Batches },
      },
    },
    (request) => batches.listBatches(app, request.actor, request.query),
  )

  http.get(
    '/v1/batches/:id',
    {
      ...read,
      schema: {
        operationId: 'readBatch',
        summary: 'See how far a batch is',
        tags,
        params: IdParams,
        response: { 200: Batch },
      },
    },
    (request) => batches.readBatch(app, request.actor, request.params.id),
  )

  http.get(
    '/v1/batches/:id/calls',
    {
      ...read,
      schema: {
        operationId: 'listBatchCalls',
        summary: 'List the calls of a batch with what came of them',
        description: 'In the order they were asked for.',
        tags,
        params: IdParams,
        querystring: ItemQuery,
        response: { 200: Items },
      },
    },
    (request) => batches.listItems(app, request.actor, request.params.id, request.query),
  )

  http.post(
    '/v1/batches/:id/cancel',
    {
      ...mend,
      schema: {
        operationId: 'cancelBatch',
        summary: 'Give up what is left of a batch',
        description: 'Calls that are under way end as they end.',
        tags,
        params: IdParams,
        response: { 200: Batch },
      },
    },
    (request) => batches.cancelBatch(app, request.actor, request.params.id),
  )

  const closing = new AbortController()
  http.addHook('preClose', async () => closing.abort())
  http.get(
    '/v1/batches/:id/events',
    {
      ...read,
      schema: {
        operationId: 'watchBatch',
        summary: 'Watch a batch by server-sent events',
        description:
          '`progress` whenever a count changes and `end` when all is over, each with the batch as its data. Ends after 5 minutes, for you to come back; 20 may watch batches of one tenant on one server.',
        tags,
        params: IdParams,
        response: { 200: Type.Unsafe<Readable>(Type.Unknown({ description: 'text/event-stream' })) },
      },
    },
    async (request, reply) => {
      const gone = new AbortController()
      reply.raw.on('close', () => gone.abort())
      if (request.raw.socket.destroyed) gone.abort() // while it was being let in: that is not told again
      const signal = AbortSignal.any([gone.signal, closing.signal])
      const events = Readable.from(await watchBatch(app, request.actor, request.params.id, signal))
      return reply.type('text/event-stream').header('cache-control', 'no-store').send(events)
    },
  )
}
