import type { Routes } from '../app.ts'
import { readOverview } from './overview.ts'
import { Overview, OverviewQuery } from './schema.ts'

export const routes: Routes = (http, app) => {
  http.get(
    '/v1/overview',
    {
      config: { access: 'calls:read' },
      schema: {
        operationId: 'readOverview',
        summary: 'Read how everything does, on one page',
        description:
          'Connections by health, calls, webhooks in both directions, what waits, open breakers and limits that are nearly used up, with the period before to compare. What the credential may not read is null.',
        tags: ['Metrics'],
        querystring: OverviewQuery,
        response: { 200: Overview },
      },
    },
    (request) => readOverview(app, request.actor, request.query),
  )
}
