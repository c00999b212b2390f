import type { Routes } from '../app.ts'
import { IdParams } from '../wire.ts'
import * as limits from './limits.ts'
import * as protection from './protection.ts'
import {
  BreakerReport,
  LimitsReport,
  SetSharedLimits,
  SharedLimits,
  Usage,
  UsageQuery,
} from './protection_schema.ts'

const see = { config: { access: 'connections:read' } } as const
const move = { config: { access: 'connections:operate' } } as const

const at = (operationId: string, summary: string, description: string) => ({
  operationId,
  summary,
  description,
  tags: ['Connections'],
  params: IdParams,
})

export const protectionRoutes: Routes = (http, app) => {
  limitRoutes(http, app)
  tenantLimitRoutes(http, app)
  installationRoutes(http, app)
  breakerRoutes(http, app)
}

const breakerRoutes: Routes = (http, app) => {
  http.get(
    '/v1/connections/:id/breaker',
    {
      ...see,
      schema: {
        ...at('readBreaker', 'See the circuit breaker of a connection', 'Shared by all servers.'),
        response: { 200: BreakerReport },
      },
    },
    (request) => protection.readBreaker(app, request.actor, request.params.id),
  )

  http.post(
    '/v1/connections/:id/breaker/open',
    {
      ...move,
      schema: {
        ...at('openBreaker', 'Send nothing more through a connection', 'Until it is closed by hand.'),
        response: { 200: BreakerReport },
      },
    },
    (request) => protection.openBreaker(app, request.actor, request.params.id),
  )

  http.post(
    '/v1/connections/:id/breaker/close',
    {
      ...move,
      schema: {
        ...at('closeBreaker', 'Send through a connection again', 'At once, whatever opened its breaker.'),
        response: { 200: BreakerReport },
      },
    },
    (request) => protection.closeBreaker(app, request.actor, request.params.id),
  )
}

const limitRoutes: Routes = (http, app) => {
  http.get(
    '/v1/connections/:id/limits',
    {
      ...see,
      schema: {
        ...at('readLimits', "See how much of a connection's limits is used", 'Shared by all servers.'),
        response: { 200: LimitsReport },
      },
    },
    (request) => limits.readLimits(app, request.actor, request.params.id),
  )

  http.get(
    '/v1/connections/:id/limits/history',
    {
      ...see,
      schema: {
        ...at('readLimitHistory', 'See what a connection used by the hour', 'Written every ten seconds.'),
        querystring: UsageQuery,
        response: { 200: Usage },
      },
    },
    (request) => limits.readUsage(app, request.actor, request.query, request.params.id),
  )
}

const tenantLimitRoutes: Routes = (http, app) => {
  const tags = ['Limits']

  http.get(
    '/v1/limits',
    {
      config: { access: 'tenants:read' },
      schema: {
        operationId: 'readTenantLimits',
        summary: 'See the limits of your tenant',
        description: 'What all of its connections together may use, and how much of it is used.',
        tags,
        response: { 200: SharedLimits },
      },
    },
    (request) => limits.readSharedLimits(app, request.actor, 'tenant'),
  )

  http.put(
    '/v1/limits',
    {
      config: { access: 'tenants:write' },
      schema: {
        operationId: 'setTenantLimits',
        summary: 'Limit your tenant',
        description: 'What all of its connections together may use. Takes a live key.',
        tags,
        body: SetSharedLimits,
        response: { 200: SharedLimits },
      },
    },
    (request) => limits.setSharedLimits(app, request.actor, request.body.rates, 'tenant'),
  )

  http.get(
    '/v1/limits/history',
    {
      config: { access: 'tenants:read' },
      schema: {
        operationId: 'readTenantLimitHistory',
        summary: 'See what your tenant used by the hour',
        description: 'All connections together, those that are gone included.',
        tags,
        querystring: UsageQuery,
        response: { 200: Usage },
      },
    },
    (request) => limits.readUsage(app, request.actor, request.query, null),
  )
}

const installationRoutes: Routes = (http, app) => {
  const tags = ['Limits']
  const admin = { config: { access: 'admin' } } as const

  http.get(
    '/v1/installation/limits',
    {
      ...admin,
      schema: {
        operationId: 'readInstallationLimits',
        summary: 'See the limits of the installation',
        description: 'What all tenants together may use, and how much of it is used.',
        tags,
        response: { 200: SharedLimits },
      },
    },
    (request) => limits.readSharedLimits(app, request.actor, 'installation'),
  )

  http.put(
    '/v1/installation/limits',
    {
      ...admin,
      schema: {
        operationId: 'setInstallationLimits',
        summary: 'Limit the installation',
        description: 'What all tenants together may use.',
        tags,
        body: SetSharedLimits,
        response: { 200: SharedLimits },
      },
    },
    (request) => limits.setSharedLimits(app, request.actor, request.body.rates, 'installation'),
  )
}
