import type { Routes } from '../app.ts'
import { readMetrics } from './metrics.ts'
import { Metrics, MetricsQuery } from './schema.ts'

export const routes: Routes = (http, app) => {
  http.get(
    '/v1/metrics/connections',
    {
      config: { access: 'calls:read' },
      schema: {
        operationId: 'readConnectionMetrics',
        summary: 'Read how connections do',
        description:
          'Calls, success rate, percentiles, bytes, cache and errors of any range: in all, by connection, and by hour or day.',
        tags: ['Metrics'],
        querystring: MetricsQuery,
        response: { 200: Metrics },
      },
    },
    (request) => readMetrics(app, request.actor, request.query),
  )
}
