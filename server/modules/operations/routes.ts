import Type from 'typebox'
import type { Routes } from '../app.ts'
import { IdParams } from '../wire.ts'
import { previewMapping } from './mappings.ts'
import * as operations from './operations.ts'
import {
  ConnectionOperations,
  CreateOperation,
  OperationParams,
  OperationQuery,
  PreviewMapping,
  PreviewReport,
  ReplaceOperation,
  StoredOperation,
  StoredOperations,
} from './schema.ts'

const read = { config: { access: 'connections:read' } } as const
const write = { config: { access: 'connections:write' } } as const
const tags = ['Operations']

export const routes: Routes = (http, app) => {
  http.post(
    '/v1/mappings/preview',
    {
      config: { access: 'calls:write' },
      schema: {
        operationId: 'previewMapping',
        summary: 'Try a mapping',
        description: 'Nothing is stored and nothing is sent. A step that fails says where, and why.',
        tags: ['Mappings'],
        body: PreviewMapping,
        response: { 200: Type.Unsafe<string>(PreviewReport) },
      },
    },
    async (request, reply) => {
      const report = await previewMapping(app, request.actor, request.body, request.bytes?.toString() ?? '')
      return reply.type('application/json; charset=utf-8').send(report)
    },
  )

  http.get(
    '/v1/operations',
    {
      ...read,
      schema: {
        operationId: 'listOperations',
        summary: 'List stored operations',
        tags,
        querystring: OperationQuery,
        response: { 200: StoredOperations },
      },
    },
    (request) => operations.listStoredOperations(app, request.actor, request.query),
  )

  http.get(
    '/v1/connections/:id/operations',
    {
      ...read,
      schema: {
        operationId: 'listConnectionOperations',
        summary: 'List what a connection can be asked by name',
        description: "The provider's own operations and those stored on the connection.",
        tags,
        params: IdParams,
        response: { 200: ConnectionOperations },
      },
    },
    (request) => operations.listConnectionOperations(app, request.actor, request.params.id),
  )

  http.post(
    '/v1/connections/:id/operations',
    {
      ...write,
      schema: {
        operationId: 'createOperation',
        summary: 'Store an operation on a connection',
        description: 'Called by its name as those of the provider, which it cannot take the place of.',
        tags,
        params: IdParams,
        body: CreateOperation,
        response: { 201: StoredOperation },
      },
    },
    async (request, reply) => {
      const made = await operations.createOperation(app, request.actor, request.params.id, request.body)
      return reply.code(201).send(made)
    },
  )

  http.get(
    '/v1/connections/:id/operations/:operation',
    {
      ...read,
      schema: {
        operationId: 'readOperation',
        summary: 'Read a stored operation',
        tags,
        params: OperationParams,
        response: { 200: StoredOperation },
      },
    },
    ({ actor, params }) => operations.readOperation(app, actor, params.id, params.operation),
  )

  http.put(
    '/v1/connections/:id/operations/:operation',
    {
      ...write,
      schema: {
        operationId: 'replaceOperation',
        summary: 'Replace a stored operation',
        description: 'As a whole. Calls under way end as they began.',
        tags,
        params: OperationParams,
        body: ReplaceOperation,
        response: { 200: StoredOperation },
      },
    },
    ({ actor, params, body }) => operations.replaceOperation(app, actor, params.id, params.operation, body),
  )

  http.delete(
    '/v1/connections/:id/operations/:operation',
    {
      ...write,
      schema: {
        operationId: 'deleteOperation',
        summary: 'Delete a stored operation',
        tags,
        params: OperationParams,
        response: { 204: Type.Null({ description: 'Deleted' }) },
      },
    },
    async ({ actor, params }, reply) => {
      await operations.deleteOperation(app, actor, params.id, params.operation)
      return reply.code(204).send(null)
    },
  )
}
