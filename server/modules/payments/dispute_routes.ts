import type { App, Http } from '../app.ts'
import { Dispute, DisputeQuery, Disputes, SubmitEvidence } from './dispute_schema.ts'
import * as payments from './payments.ts'
import { IdParams } from './schema.ts'

const read = { config: { access: 'payments:read' } } as const
const write = { config: { access: 'payments:write', acts_outside: true } } as const
const tags = ['Payments']

/** What payers dispute at their banks. */
export function disputeRoutes(http: Http, app: App): void {
  http.get(
    '/v1/disputes',
    {
      ...read,
      schema: {
        operationId: 'listDisputes',
        summary: 'List disputes, newest first',
        tags,
        querystring: DisputeQuery,
        response: { 200: Disputes },
      },
    },
    (request) => payments.listDisputes(app, request.actor, request.query),
  )

  http.get(
    '/v1/disputes/:id',
    {
      ...read,
      schema: {
        operationId: 'readDispute',
        summary: 'Read a dispute',
        tags,
        params: IdParams,
        response: { 200: Dispute },
      },
    },
    (request) => payments.readDispute(app, request.actor, request.params.id),
  )

  http.post(
    '/v1/disputes/:id/evidence',
    {
      ...write,
      schema: {
        operationId: 'submitEvidence',
        summary: 'Answer a dispute with evidence',
        tags,
        params: IdParams,
        body: SubmitEvidence,
        response: { 200: Dispute },
      },
    },
    (request) => payments.submitEvidence(app, request.actor, request.params.id, request.body),
  )

  http.post(
    '/v1/disputes/:id/accept',
    {
      ...write,
      schema: {
        operationId: 'acceptDispute',
        summary: 'Give a dispute up',
        description: 'The money is the payer’s; it cannot be taken back.',
        tags,
        params: IdParams,
        response: { 200: Dispute },
      },
    },
    (request) => payments.acceptDispute(app, request.actor, request.params.id),
  )
}
