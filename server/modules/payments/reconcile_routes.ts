import type { Routes } from '../app.ts'
import * as differences from './differences.ts'
import {
  BeginReconciliation,
  Difference,
  DifferenceQuery,
  Differences,
  Reconciliation,
  ReconciliationQuery,
  Reconciliations,
  ResolveDifference,
} from './reconcile_schema.ts'
import { IdParams } from './schema.ts'

const read = { config: { access: 'payments:read' } } as const
const write = { config: { access: 'payments:write', acts_outside: true } } as const
const tags = ['Reconciliations']

export const reconcileRoutes: Routes = (http, app) => {
  http.post(
    '/v1/reconciliations',
    {
      ...write,
      schema: {
        operationId: 'createReconciliation',
        summary: "Hold a day of the provider's payments against ours",
        description:
          'Each connection’s yesterday is, once a night. It ends with `reconciliation.completed` or `reconciliation.failed`.',
        tags,
        body: BeginReconciliation,
        response: { 201: Reconciliation },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await differences.createReconciliation(app, request.actor, request.body)),
  )

  http.get(
    '/v1/reconciliations',
    {
      ...read,
      schema: {
        operationId: 'listReconciliations',
        summary: 'List reconciliations, newest first',
        tags,
        querystring: ReconciliationQuery,
        response: { 200: Reconciliations },
      },
    },
    (request) => differences.listReconciliations(app, request.actor, request.query),
  )

  http.get(
    '/v1/reconciliations/:id',
    {
      ...read,
      schema: {
        operationId: 'readReconciliation',
        summary: 'Read a reconciliation',
        tags,
        params: IdParams,
        response: { 200: Reconciliation },
      },
    },
    (request) => differences.readReconciliation(app, request.actor, request.params.id),
  )

  http.get(
    '/v1/differences',
    {
      ...read,
      schema: {
        operationId: 'listDifferences',
        summary: 'List what differs between the providers’ payments and ours, newest first',
        tags,
        querystring: DifferenceQuery,
        response: { 200: Differences },
      },
    },
    (request) => differences.listDifferences(app, request.actor, request.query),
  )

  http.post(
    '/v1/differences/:id/resolve',
    {
      ...write,
      schema: {
        operationId: 'resolveDifference',
        summary: 'End a difference: read ours anew, import theirs, or accept it',
        tags,
        params: IdParams,
        body: ResolveDifference,
        response: { 200: Difference },
      },
    },
    (request) => differences.resolveDifference(app, request.actor, request.params.id, request.body),
  )
}
