import Type from 'typebox'
import type { Routes } from '../app.ts'
import { IdParams, PageQuery } from '../wire.ts'
import { routes as catchUpRoutes } from './catch_up_routes.ts'
import * as inbound from './inbound.ts'
import { routes as inboxRoutes } from './inbox_routes.ts'
import { routes as registrationRoutes } from './registration_routes.ts'
import { routes as replayRoutes } from './replay_routes.ts'
import { CreateSource, Source, Sources, UpdateSource } from './schema.ts'
import { routes as testRoutes } from './test_routes.ts'

const read = { config: { access: 'sources:read' } } as const
const write = { config: { access: 'sources:write' } } as const
const tags = ['Sources']

export const routes: Routes = (http, app) => {
  inboxRoutes(http, app)
  replayRoutes(http, app)
  testRoutes(http, app)
  registrationRoutes(http, app)
  catchUpRoutes(http, app)

  http.post(
    '/v1/sources',
    {
      ...write,
      schema: {
        operationId: 'createSource',
        summary: 'Make an address that receives a provider’s webhooks',
        tags,
        body: CreateSource,
        response: { 201: Source },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await inbound.createSource(app, request.actor, request.body)),
  )

  http.get(
    '/v1/sources',
    {
      ...read,
      schema: {
        operationId: 'listSources',
        summary: 'List sources, newest first',
        tags,
        querystring: PageQuery,
        response: { 200: Sources },
      },
    },
    (request) => inbound.listSources(app, request.actor, request.query),
  )

  http.get(
    '/v1/sources/:id',
    {
      ...read,
      schema: {
        operationId: 'readSource',
        summary: 'Read a source',
        tags,
        params: IdParams,
        response: { 200: Source },
      },
    },
    (request) => inbound.readSource(app, request.actor, request.params.id),
  )

  http.patch(
    '/v1/sources/:id',
    {
      ...write,
      schema: {
        operationId: 'updateSource',
        summary: 'Change, disable or enable a source, or replace its secrets',
        tags,
        params: IdParams,
        body: UpdateSource,
        response: { 200: Source },
      },
    },
    (request) => inbound.updateSource(app, request.actor, request.params.id, request.body),
  )

  http.delete(
    '/v1/sources/:id',
    {
      ...write,
      schema: {
        operationId: 'deleteSource',
        summary: 'Delete a source',
        tags,
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await inbound.deleteSource(app, request.actor, request.params.id)
      return reply.code(204).send(null)
    },
  )
}

export { webhookRoutes } from './webhook_routes.ts'
