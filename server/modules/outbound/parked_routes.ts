import Type from 'typebox'
import type { Routes } from '../app.ts'
import { IdParams } from '../wire.ts'
import { ParkedKey, ParkedKeys } from './delivery_schema.ts'
import { listParked, resumeParked, skipParked } from './parked.ts'

const tags = ['Subscriptions']

export const parkedRoutes: Routes = (http, app) => {
  http.get(
    '/v1/subscriptions/:id/parked',
    {
      config: { access: 'subscriptions:read' },
      schema: {
        operationId: 'listParkedKeys',
        summary: 'List the keys that wait for a decision',
        description:
          'Of a subscription that keeps order and parks a key whose first delivery failed too often.',
        tags,
        params: IdParams,
        response: { 200: ParkedKeys },
      },
    },
    (request) => listParked(app, request.actor, request.params.id),
  )

  for (const [verb, summary, act] of [
    ['resume', 'Try the first delivery of a parked key anew', resumeParked],
    ['skip', 'Leave the first delivery of a parked key as a dead letter and go on', skipParked],
  ] as const) {
    http.post(
      `/v1/subscriptions/:id/parked/${verb}`,
      {
        config: { access: 'subscriptions:operate' },
        schema: {
          operationId: `${verb}ParkedKey`,
          summary,
          tags,
          params: IdParams,
          body: ParkedKey,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        await act(app, request.actor, request.params.id, request.body.key)
        return reply.code(204).send(null)
      },
    )
  }
}
