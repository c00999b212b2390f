import Type from 'typebox'
import type { Routes } from '../app.ts'
import { IdParams, PageQuery } from '../wire.ts'
import * as connections from './connections.ts'
import { oauthRoutes } from './oauth_routes.ts'
import {
  Connections,
  ConnectionWithCredentials,
  CreateConnection,
  CreatedConnection,
  CreateQuery,
  Provider,
  ProviderParams,
  Providers,
  UpdateConnection,
} from './schema.ts'
import { andTried } from './try.ts'

const read = { config: { access: 'connections:read' } } as const
const write = { config: { access: 'connections:write' } } as const
const tags = ['Connections']
const catalog = ['Providers']

export const routes: Routes = (http, app) => {
  oauthRoutes(http, app)

  http.get(
    '/v1/providers',
    {
      ...read,
      schema: {
        operationId: 'listProviders',
        summary: 'List the providers of this server',
        description: 'Their manifests: what a connection or a source of each asks for, and what it can do.',
        tags: catalog,
        response: { 200: Providers },
      },
    },
    async () => connections.listProviders(app),
  )

  http.get(
    '/v1/providers/:id',
    {
      ...read,
      schema: {
        operationId: 'readProvider',
        summary: "Read a provider's manifest",
        tags: catalog,
        params: ProviderParams,
        response: { 200: Provider },
      },
    },
    async (request) => connections.readProvider(app, request.params.id),
  )

  http.post(
    '/v1/connections',
    {
      ...write,
      schema: {
        operationId: 'createConnection',
        summary: 'Connect an account at a provider',
        description:
          'What does not fit the provider is refused with 422, naming each field. With `test=true` it is tried at once, and the reply says what was found.',
        tags,
        querystring: CreateQuery,
        body: CreateConnection,
        response: { 201: CreatedConnection },
      },
    },
    async ({ actor, body, query }, reply) => {
      const made = await connections.createConnection(app, actor, body)
      return reply.code(201).send(query.test ? await andTried(app, actor, made) : made)
    },
  )

  http.get(
    '/v1/connections',
    {
      ...read,
      schema: {
        operationId: 'listConnections',
        summary: 'List connections, newest first',
        tags,
        querystring: PageQuery,
        response: { 200: Connections },
      },
    },
    (request) => connections.listConnections(app, request.actor, request.query),
  )

  http.get(
    '/v1/connections/:id',
    {
      ...read,
      schema: {
        operationId: 'readConnection',
        summary: 'Read a connection',
        description: 'Credentials are never returned; their names say which are set.',
        tags,
        params: IdParams,
        response: { 200: ConnectionWithCredentials },
      },
    },
    (request) => connections.readConnection(app, request.actor, request.params.id),
  )

  http.patch(
    '/v1/connections/:id',
    {
      ...write,
      schema: {
        operationId: 'updateConnection',
        summary: 'Change, disable or enable a connection',
        description: '`settings` and `credentials`, where given, each replace all that stood there before.',
        tags,
        params: IdParams,
        body: UpdateConnection,
        response: { 200: ConnectionWithCredentials },
      },
    },
    (request) => connections.updateConnection(app, request.actor, request.params.id, request.body),
  )

  http.delete(
    '/v1/connections/:id',
    {
      ...write,
      schema: {
        operationId: 'deleteConnection',
        summary: 'Delete a connection with its credentials',
        description: 'The calls made through it stay on record.',
        tags,
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await connections.deleteConnection(app, request.actor, request.params.id)
      return reply.code(204).send(null)
    },
  )
}
