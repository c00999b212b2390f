import { toWire } from '../../platform/ids.ts'
import type { App, Http, Routes } from '../app.ts'
import { IdParams, PageQuery } from '../wire.ts'
import * as shapes from './schema.ts'
import {
  createClient,
  createKey,
  createTenant,
  listAudit,
  listClients,
  listKeys,
  listTenants,
  readKey,
  readTenant,
  revokeClient,
  revokeKey,
  updateTenant,
} from './tenants.ts'
import { tokenRoutes } from './token_routes.ts'

export const routes: Routes = (http, app) => {
  tenantsRoutes(http, app)
  tenantRoutes(http, app)
  ownTenantRoutes(http, app)
  keysRoutes(http, app)
  keyRoutes(http, app)
  clientRoutes(http, app)
  auditRoutes(http, app)
  tokenRoutes(http, app)
}

function tenantsRoutes(http: Http, app: App): void {
  const tags = ['Tenants']
  const config = { access: 'admin' as const }
  http.post(
    '/v1/tenants',
    {
      config,
      schema: {
        operationId: 'createTenant',
        tags,
        summary: 'Create a tenant',
        description: 'A tenant is the company whose data it is. Its rows are closed to every other tenant.',
        body: shapes.NewTenantBody,
        response: { 201: shapes.TenantSchema },
      },
    },
    async (request, reply) => reply.code(201).send(await createTenant(app, request.actor, request.body)),
  )
  http.get(
    '/v1/tenants',
    {
      config,
      schema: {
        operationId: 'listTenants',
        tags,
        summary: 'List tenants',
        description: 'All tenants of the installation, newest first.',
        querystring: PageQuery,
        response: { 200: shapes.TenantPage },
      },
    },
    (request) => listTenants(app, request.query),
  )
}

function tenantRoutes(http: Http, app: App): void {
  const tags = ['Tenants']
  const config = { access: 'admin' as const }
  http.get(
    '/v1/tenants/:id',
    {
      config,
      schema: {
        operationId: 'readTenant',
        tags,
        summary: 'Read a tenant',
        description: 'One tenant by its id.',
        params: IdParams,
        response: { 200: shapes.TenantSchema },
      },
    },
    (request) => readTenant(app, request.actor, request.params.id),
  )
  http.patch(
    '/v1/tenants/:id',
    {
      config,
      schema: {
        operationId: 'updateTenant',
        tags,
        summary: 'Change a tenant',
        description: 'Changes the fields that are sent and leaves the others.',
        params: IdParams,
        body: shapes.TenantChangeBody,
        response: { 200: shapes.TenantSchema },
      },
    },
    (request) => updateTenant(app, request.actor, request.params.id, request.body),
  )
}

function ownTenantRoutes(http: Http, app: App): void {
  const tags = ['Tenants']
  http.get(
    '/v1/tenant',
    {
      config: { access: 'tenants:read' },
      schema: {
        operationId: 'readOwnTenant',
        tags,
        summary: 'Read your own tenant',
        description: 'The tenant that the credential belongs to.',
        response: { 200: shapes.TenantSchema },
      },
    },
    ({ actor }) => readTenant(app, actor, toWire('tenant', actor.tenant_id)),
  )
  http.patch(
    '/v1/tenant',
    {
      config: { access: 'tenants:write' },
      schema: {
        operationId: 'updateOwnTenant',
        tags,
        summary: 'Change your own tenant',
        description: 'Changes the fields that are sent and leaves the others. Takes a live key.',
        body: shapes.TenantChangeBody,
        response: { 200: shapes.TenantSchema },
      },
    },
    ({ actor, body }) => updateTenant(app, actor, toWire('tenant', actor.tenant_id), body),
  )
}

function keysRoutes(http: Http, app: App): void {
  const tags = ['Keys']
  http.post(
    '/v1/keys',
    {
      config: { access: 'tenants:write' },
      schema: {
        operationId: 'createKey',
        tags,
        summary: 'Create an API key',
        description:
          'The key is in this answer and never shown again. A key can be given no scope that its maker does not hold, and a test key makes no live one.',
        body: shapes.NewKeyBody,
        response: { 201: shapes.NewKeySchema },
      },
    },
    async (request, reply) => reply.code(201).send(await createKey(app, request.actor, request.body)),
  )
  http.get(
    '/v1/keys',
    {
      config: { access: 'tenants:read' },
      schema: {
        operationId: 'listKeys',
        tags,
        summary: 'List API keys',
        description: 'Newest first, the revoked and expired ones too. A test key sees test keys only.',
        querystring: PageQuery,
        response: { 200: shapes.KeyPage },
      },
    },
    (request) => listKeys(app, request.actor, request.query),
  )
}

function keyRoutes(http: Http, app: App): void {
  const tags = ['Keys']
  http.get(
    '/v1/keys/:id',
    {
      config: { access: 'tenants:read' },
      schema: {
        operationId: 'readKey',
        tags,
        summary: 'Read an API key',
        description: 'What is known of a key; the key itself is not.',
        params: IdParams,
        response: { 200: shapes.KeySchema },
      },
    },
    (request) => readKey(app, request.actor, request.params.id),
  )
  http.delete(
    '/v1/keys/:id',
    {
      config: { access: 'tenants:write' },
      schema: {
        operationId: 'revokeKey',
        tags,
        summary: 'Revoke an API key',
        description: 'Every process refuses it within a second. The record stays.',
        params: IdParams,
        response: { 200: shapes.KeySchema },
      },
    },
    (request) => revokeKey(app, request.actor, request.params.id),
  )
}

function clientRoutes(http: Http, app: App): void {
  const tags = ['OAuth']
  http.post(
    '/v1/oauth-clients',
    {
      config: { access: 'admin' },
      schema: {
        operationId: 'createOauthClient',
        tags,
        summary: 'Create an OAuth client',
        description:
          'For the tenant named by trilho-tenant, under a client_id you choose. The secret is in this answer and never shown again.',
        body: shapes.NewOauthClientBody,
        response: { 201: shapes.NewOauthClientSchema },
      },
    },
    async (request, reply) => reply.code(201).send(await createClient(app, request.actor, request.body)),
  )
  http.get(
    '/v1/oauth-clients',
    {
      config: { access: 'tenants:read' },
      schema: {
        operationId: 'listOauthClients',
        tags,
        summary: 'List OAuth clients',
        description: 'Newest first, the revoked ones too.',
        querystring: PageQuery,
        response: { 200: shapes.OauthClientPage },
      },
    },
    (request) => listClients(app, request.actor, request.query),
  )
  http.delete(
    '/v1/oauth-clients/:id',
    {
      config: { access: 'tenants:write' },
      schema: {
        operationId: 'revokeOauthClient',
        tags,
        summary: 'Revoke an OAuth client',
        description: 'It gets no more access tokens, and those it has are refused within a second.',
        params: IdParams,
        response: { 200: shapes.OauthClientSchema },
      },
    },
    (request) => revokeClient(app, request.actor, request.params.id),
  )
}

function auditRoutes(http: Http, app: App): void {
  http.get(
    '/v1/audit',
    {
      config: { access: 'tenants:read' },
      schema: {
        operationId: 'listAudit',
        tags: ['Audit'],
        summary: 'List the audit log',
        description:
          'Every change to the tenant: who, what, from where. Newest first; nothing is ever taken out.',
        querystring: shapes.AuditQuery,
        response: { 200: shapes.AuditPage },
      },
    },
    (request) => listAudit(app, request.actor, request.query),
  )
}
