import type { Routes } from '../app.ts'
import { readMetrics, readWebhooks } from './metrics.ts'
import { Metrics, MetricsQuery, WebhookQuery, Webhooks } from './schema.ts'

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

  http.get(
    '/v1/metrics/webhooks',
    {
      config: { access: 'events:read' },
      schema: {
        operationId: 'readWebhookMetrics',
        summary: 'Read what came of webhooks, in both directions',
        description:
          'Messages that came in by provider and attempts that went out by type of event, each by how it ended; and the same by hour or day.',
        tags: ['Metrics'],
        querystring: WebhookQuery,
        response: { 200: Webhooks },
      },
    },
    (request) => readWebhooks(app, request.actor, request.query),
  )
}
