import type { Routes } from '../app.ts'
import { IdParams, PageQuery } from '../wire.ts'
import * as health from './health.ts'
import { Checks, HealthReport, SetChecks } from './schema.ts'

const tags = ['Connections']

export const routes: Routes = (http, app) => {
  http.get(
    '/v1/connections/:id/health',
    {
      config: { access: 'connections:read' },
      schema: {
        operationId: 'readHealth',
        summary: 'Read how a vendor is',
        description:
          'What the scheduled checks found, with patience: one bad answer is a warning, three an outage.',
        tags,
        params: IdParams,
        response: { 200: HealthReport },
      },
    },
    (request) => health.readHealth(app, request.actor, request.params.id),
  )

  http.patch(
    '/v1/connections/:id/health',
    {
      config: { access: 'connections:write' },
      schema: {
        operationId: 'setHealthChecks',
        summary: 'Say how a vendor is checked',
        description: 'What is not given stays as it is. The next check is made at once.',
        tags,
        params: IdParams,
        body: SetChecks,
        response: { 200: HealthReport },
      },
    },
    (request) => health.setChecks(app, request.actor, request.params.id, request.body),
  )

  http.get(
    '/v1/connections/:id/health/checks',
    {
      config: { access: 'connections:read' },
      schema: {
        operationId: 'listHealthChecks',
        summary: 'List the checks of a vendor, newest first',
        tags,
        params: IdParams,
        querystring: PageQuery,
        response: { 200: Checks },
      },
    },
    (request) => health.listChecks(app, request.actor, request.params.id, request.query),
  )
}
