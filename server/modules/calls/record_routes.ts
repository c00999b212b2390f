import { Readable } from 'node:stream'
import Type from 'typebox'
import type { Routes } from '../app.ts'
import * as calls from './calls.ts'
import { CallQuery, Calls, ExportQuery, KeptBodies, NumberParams } from './record_schema.ts'

const tags = ['Calls']

/** What is on record of calls: listed, found, taken away as a file, and what was kept of them whole. */
export const recordRoutes: Routes = (http, app) => {
  const closing = new AbortController()
  http.addHook('preClose', async () => closing.abort())

  http.get(
    '/v1/calls',
    {
      config: { access: 'calls:read' },
      schema: {
        operationId: 'listCalls',
        summary: 'List calls, newest first, or find them',
        description:
          'A page may be shorter than its limit, even empty, where several filters leave little of much; it goes on as long as there is a `next_cursor`.',
        tags,
        querystring: CallQuery,
        response: { 200: Calls },
      },
    },
    (request) => calls.listCalls(app, request.actor, request.query),
  )

  http.get(
    '/v1/calls/export',
    {
      config: { access: 'calls:read' },
      schema: {
        operationId: 'exportCalls',
        summary: 'Take calls away as CSV or JSON lines',
        description:
          'Streamed, newest first. One that broke off goes on with the id of its last whole line as `cursor`. No cell of the CSV is a formula.',
        tags,
        querystring: ExportQuery,
        response: {
          200: Type.Unsafe<Readable>(Type.Unknown({ description: 'text/csv or application/x-ndjson' })),
        },
      },
    },
    async (request, reply) => {
      const lines = calls.exportCalls(app, request.actor, request.query)
      const name = `calls.${request.query.format ?? 'csv'}`
      return reply
        .type(request.query.format === 'jsonl' ? 'application/x-ndjson' : 'text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="${name}"`)
        .header('cache-control', 'no-store')
        .send(Readable.from(lines, { objectMode: false, signal: closing.signal }))
    },
  )

  http.get(
    '/v1/calls/:id/attempts/:number/body',
    {
      config: { access: 'bodies:read' },
      schema: {
        operationId: 'readBodies',
        summary: 'Read what an attempt sent and was answered, whole',
        description:
          'Where its connection keeps bodies. Secrets, card numbers and what the provider declares sensitive are hidden even here; every reading is in the audit log.',
        tags,
        params: NumberParams,
        response: { 200: KeptBodies },
      },
    },
    ({ actor, params }) => calls.readBodies(app, actor, params.id, Number(params.number)),
  )
}
