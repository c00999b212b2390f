import Type from 'typebox'
import type { Routes } from '../app.ts'
import { IdParams } from '../wire.ts'
import { customerRoutes } from './customer_routes.ts'
import * as portal from './portal.ts'
import { CreateLink, LinkQuery, Links, MadeLink, Revoked, RevokeLinks } from './schema.ts'

const read = { config: { access: 'subscriptions:read' } } as const
const write = { config: { access: 'subscriptions:write' } } as const
const tags = ['Portal']

export const routes: Routes = (http, app) => {
  customerRoutes(http, app)

  http.post(
    '/v1/portal/links',
    {
      ...write,
      schema: {
        operationId: 'createPortalLink',
        summary: "Make a link to a customer's page of their subscriptions",
        description:
          'Whoever has the link acts for this customer until it expires or is revoked. Make one when the page is opened, and give it to nobody else.',
        tags,
        body: CreateLink,
        response: { 201: MadeLink },
      },
    },
    async (request, reply) => reply.code(201).send(await portal.createLink(app, request.actor, request.body)),
  )

  http.get(
    '/v1/portal/links',
    {
      ...read,
      schema: {
        operationId: 'listPortalLinks',
        summary: 'List links, newest first',
        description: 'Those that have expired go after a while.',
        tags,
        querystring: LinkQuery,
        response: { 200: Links },
      },
    },
    (request) => portal.listLinks(app, request.actor, request.query),
  )

  http.delete(
    '/v1/portal/links/:id',
    {
      ...write,
      schema: {
        operationId: 'revokePortalLink',
        summary: 'Revoke a link',
        tags,
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await portal.revokeLink(app, request.actor, request.params.id)
      return reply.code(204).send(null)
    },
  )

  http.post(
    '/v1/portal/links/revoke',
    {
      ...write,
      schema: {
        operationId: 'revokePortalLinksOfCustomer',
        summary: 'Revoke every link of a customer',
        tags,
        body: RevokeLinks,
        response: { 200: Revoked },
      },
    },
    (request) => portal.revokeLinksOf(app, request.actor, request.body.customer),
  )
}
