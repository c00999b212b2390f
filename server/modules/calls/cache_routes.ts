import type { Routes } from '../app.ts'
import { IdParams } from '../wire.ts'
import * as cache from './cache_policies.ts'
import { CacheReport, PurgeCache, Purged, PutCache } from './cache_schema.ts'

const tags = ['Connections']

export const cacheRoutes: Routes = (http, app) => {
  http.get(
    '/v1/connections/:id/cache',
    {
      config: { access: 'connections:read' },
      schema: {
        operationId: 'readCache',
        summary: "See what is kept of a vendor's answers",
        description: 'Shared by all servers, whose counts are written every ten seconds.',
        tags,
        params: IdParams,
        response: { 200: CacheReport },
      },
    },
    (request) => cache.readCache(app, request.actor, request.params.id),
  )

  http.put(
    '/v1/connections/:id/cache',
    {
      config: { access: 'connections:write' },
      schema: {
        operationId: 'putCache',
        summary: "Say which of a vendor's answers are kept, and how long",
        description: 'What was kept before is dropped. An empty list keeps nothing.',
        tags,
        params: IdParams,
        body: PutCache,
        response: { 200: CacheReport },
      },
    },
    (request) => cache.putCache(app, request.actor, request.params.id, request.body),
  )

  http.post(
    '/v1/connections/:id/cache/purge',
    {
      config: { access: 'connections:operate' },
      schema: {
        operationId: 'purgeCache',
        summary: 'Drop what is kept',
        description: 'Of the paths that fit, or of all; gone from every server when this answers 200.',
        tags,
        params: IdParams,
        body: PurgeCache,
        response: { 200: Purged },
      },
    },
    (request) => cache.purgeCache(app, request.actor, request.params.id, request.body),
  )
}
