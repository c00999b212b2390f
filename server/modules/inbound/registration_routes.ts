import type { Routes } from '../app.ts'
import { IdParams } from '../wire.ts'
import { RegisterSource, SourceRegistration } from './registration_schema.ts'
import { readRegistration, registerSource, unregisterSource } from './registrations.ts'

const tags = ['Sources']

export const routes: Routes = (http, app) => {
  http.post(
    '/v1/sources/:id/registration',
    {
      config: { access: 'sources:write' },
      schema: {
        operationId: 'registerSource',
        summary: 'Have the vendor told the address of a source',
        description:
          'Through the connection of the source, by a job. The secret that the vendor makes for it, or that is made for the vendor, is set at the source. What changes for the vendor when the source is edited is told too, and when the source is deleted it is untold.',
        tags,
        params: IdParams,
        body: RegisterSource,
        response: { 202: SourceRegistration },
      },
    },
    async (request, reply) =>
      reply.code(202).send(await registerSource(app, request.actor, request.params.id, request.body)),
  )

  http.get(
    '/v1/sources/:id/registration',
    {
      config: { access: 'sources:read' },
      schema: {
        operationId: 'readSourceRegistration',
        summary: 'See whether the vendor was told the address of a source',
        tags,
        params: IdParams,
        response: { 200: SourceRegistration },
      },
    },
    (request) => readRegistration(app, request.actor, request.params.id),
  )

  http.delete(
    '/v1/sources/:id/registration',
    {
      config: { access: 'sources:write' },
      schema: {
        operationId: 'unregisterSource',
        summary: 'Have the vendor forget the address of a source',
        tags,
        params: IdParams,
        response: { 202: SourceRegistration },
      },
    },
    async (request, reply) =>
      reply.code(202).send(await unregisterSource(app, request.actor, request.params.id)),
  )
}
