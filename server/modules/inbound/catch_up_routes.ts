import type { Routes } from '../app.ts'
import { IdParams } from '../wire.ts'
import { readCatchUp, startCatchUp } from './catch_up.ts'
import { SourceCatchUp, StartCatchUp } from './catch_up_schema.ts'

const tags = ['Sources']

export const routes: Routes = (http, app) => {
  http.post(
    '/v1/sources/:id/catch-up',
    {
      config: { access: 'sources:write' },
      schema: {
        operationId: 'catchUpSource',
        summary: 'Read what the vendor told while nobody heard it',
        description:
          'By a job, through the connection of the source; it is done every quarter of an hour anyway. Events that came by webhook are known and not taken in again.',
        tags,
        params: IdParams,
        body: StartCatchUp,
        response: { 202: SourceCatchUp },
      },
    },
    async (request, reply) =>
      reply.code(202).send(await startCatchUp(app, request.actor, request.params.id, request.body)),
  )

  http.get(
    '/v1/sources/:id/catch-up',
    {
      config: { access: 'sources:read' },
      schema: {
        operationId: 'readSourceCatchUp',
        summary: 'See up to when the events that the vendor kept were read',
        tags,
        params: IdParams,
        response: { 200: SourceCatchUp },
      },
    },
    (request) => readCatchUp(app, request.actor, request.params.id),
  )
}
