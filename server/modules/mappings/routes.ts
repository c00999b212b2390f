import Type from 'typebox'
import type { Routes } from '../app.ts'
import * as mappings from './mappings.ts'
import {
  CreateMapping,
  MappingParams,
  NamedMapping,
  NamedMappings,
  ReplaceMapping,
  UsedMapping,
} from './schema.ts'

const read = { config: { access: 'connections:read' } } as const
const write = { config: { access: 'connections:write' } } as const
const tags = ['Mappings']

export const routes: Routes = (http, app) => {
  http.get(
    '/v1/mappings',
    {
      ...read,
      schema: {
        operationId: 'listMappings',
        summary: 'List mappings with a name',
        tags,
        response: { 200: NamedMappings },
      },
    },
    (request) => mappings.listMappings(app, request.actor),
  )

  http.post(
    '/v1/mappings',
    {
      ...write,
      schema: {
        operationId: 'createMapping',
        summary: 'Give a mapping a name',
        description: 'Connections, stored operations and calls then say `"mapping": "name"`.',
        tags,
        body: CreateMapping,
        response: { 201: NamedMapping },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await mappings.createMapping(app, request.actor, request.body)),
  )

  http.get(
    '/v1/mappings/:name',
    {
      ...read,
      schema: {
        operationId: 'readMapping',
        summary: 'Read a mapping, and who uses it',
        tags,
        params: MappingParams,
        response: { 200: UsedMapping },
      },
    },
    (request) => mappings.readMapping(app, request.actor, request.params.name),
  )

  http.put(
    '/v1/mappings/:name',
    {
      ...write,
      schema: {
        operationId: 'replaceMapping',
        summary: 'Replace a mapping',
        description: 'As a whole. Whoever names it uses the new version from the next call on.',
        tags,
        params: MappingParams,
        body: ReplaceMapping,
        response: { 200: NamedMapping },
      },
    },
    ({ actor, params, body }) => mappings.replaceMapping(app, actor, params.name, body),
  )

  http.delete(
    '/v1/mappings/:name',
    {
      ...write,
      schema: {
        operationId: 'deleteMapping',
        summary: 'Delete a mapping',
        description: 'Refused while a connection or a stored operation names it.',
        tags,
        params: MappingParams,
        response: { 204: Type.Null({ description: 'Deleted' }) },
      },
    },
    async ({ actor, params }, reply) => {
      await mappings.deleteMapping(app, actor, params.name)
      return reply.code(204).send(null)
    },
  )
}
