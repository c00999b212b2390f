import Type from 'typebox'
import type { Routes } from '../app.ts'
import { sendTest, TestSent } from '../events/events.ts'
import * as outbound from '../outbound/outbound.ts'
import { IdParams, PageQuery } from '../wire.ts'
import * as shapes from './customer_schema.ts'
import * as portal from './portal.ts'

/** The routes behind a customer's page. None of them asks whose a thing is: that is asked before each of them. */

const look = { config: { access: 'portal' } } as const
const edit = { config: { access: 'portal_edit' } } as const
const tags = ['Portal']

export const customerRoutes: Routes = (http, app) => {
  http.addHook('preHandler', async ({ actor, params }) => {
    if (actor.portal) await portal.mustOwn(app, actor, params as Record<string, string>)
  })
  subscriptionRoutes(http, app)
  deliveryRoutes(http, app)
}

const subscriptionRoutes: Routes = (http, app) => {
  http.get(
    '/v1/portal',
    {
      ...look,
      schema: {
        operationId: 'readPortal',
        summary: 'Read how the page looks and what may be done on it',
        tags,
        response: { 200: shapes.Portal },
      },
    },
    (request) => portal.readPortal(app, request.actor),
  )

  http.get(
    '/v1/portal/event-types',
    {
      ...look,
      schema: {
        operationId: 'listPortalEventTypes',
        summary: 'The types the customer may subscribe to',
        tags,
        response: { 200: shapes.OfferedTypes },
      },
    },
    (request) => portal.readTypes(app, request.actor),
  )

  http.get(
    '/v1/portal/subscriptions',
    {
      ...look,
      schema: {
        operationId: 'listPortalSubscriptions',
        summary: 'List their subscriptions, newest first',
        tags,
        querystring: PageQuery,
        response: { 200: shapes.Owns },
      },
    },
    (request) => portal.listOwn(app, request.actor, request.query),
  )

  http.post(
    '/v1/portal/subscriptions',
    {
      ...edit,
      schema: {
        operationId: 'createPortalSubscription',
        summary: 'Subscribe an address of theirs to events',
        description: 'They are sent the events that were published with their name, and no others.',
        tags,
        body: shapes.CreateOwn,
        response: { 201: shapes.OwnWithSecret },
      },
    },
    async (request, reply) => reply.code(201).send(await portal.createOwn(app, request.actor, request.body)),
  )

  http.get(
    '/v1/portal/subscriptions/:id',
    {
      ...look,
      schema: {
        operationId: 'readPortalSubscription',
        summary: 'Read a subscription',
        tags,
        params: IdParams,
        response: { 200: shapes.Own },
      },
    },
    (request) => portal.readOwn(app, request.actor, request.params.id),
  )

  http.patch(
    '/v1/portal/subscriptions/:id',
    {
      ...edit,
      schema: {
        operationId: 'updatePortalSubscription',
        summary: 'Change, pause, disable or enable a subscription',
        tags,
        params: IdParams,
        body: shapes.UpdateOwn,
        response: { 200: shapes.Own },
      },
    },
    (request) => portal.updateOwn(app, request.actor, request.params.id, request.body),
  )

  http.delete(
    '/v1/portal/subscriptions/:id',
    {
      ...edit,
      schema: {
        operationId: 'deletePortalSubscription',
        summary: 'Delete a subscription',
        tags,
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await outbound.deleteSubscription(app, request.actor, request.params.id)
      return reply.code(204).send(null)
    },
  )

  http.get(
    '/v1/portal/subscriptions/:id/counters',
    {
      ...look,
      schema: {
        operationId: 'readPortalCounters',
        summary: 'Read how many attempts it had, and how they ended',
        tags,
        params: IdParams,
        response: { 200: outbound.Counters },
      },
    },
    (request) => outbound.readCounters(app, request.actor, request.params.id),
  )

  http.get(
    '/v1/portal/subscriptions/:id/secret',
    {
      ...edit,
      schema: {
        operationId: 'readPortalSecret',
        summary: 'Read its signing secret',
        description: 'Every reading is in the audit log.',
        tags,
        params: IdParams,
        response: { 200: outbound.Secret },
      },
    },
    (request) => outbound.readSecret(app, request.actor, request.params.id),
  )

  http.post(
    '/v1/portal/subscriptions/:id/secret/rotate',
    {
      ...edit,
      schema: {
        operationId: 'rotatePortalSecret',
        summary: 'Give it a new signing secret',
        description: 'Deliveries carry a signature by each of the two until the overlap ends.',
        tags,
        params: IdParams,
        body: shapes.RotateOwn,
        response: { 200: outbound.RotatedSecret },
      },
    },
    (request) => outbound.rotateSecret(app, request.actor, request.params.id, request.body),
  )
}

const deliveryRoutes: Routes = (http, app) => {
  http.post(
    '/v1/portal/subscriptions/:id/test',
    {
      ...edit,
      schema: {
        operationId: 'testPortalSubscription',
        summary: 'Send it a test event',
        tags,
        params: IdParams,
        response: { 202: TestSent },
      },
    },
    async (request, reply) => reply.code(202).send(await sendTest(app, request.actor, request.params.id)),
  )

  http.get(
    '/v1/portal/subscriptions/:id/deliveries',
    {
      ...look,
      schema: {
        operationId: 'listPortalDeliveries',
        summary: 'List its deliveries, newest first',
        tags,
        params: IdParams,
        querystring: shapes.OwnDeliveryQuery,
        response: { 200: outbound.Deliveries },
      },
    },
    (request) => portal.listOwnDeliveries(app, request.actor, request.params.id, request.query),
  )

  http.get(
    '/v1/portal/subscriptions/:id/deliveries/:delivery_id',
    {
      ...look,
      schema: {
        operationId: 'readPortalDelivery',
        summary: 'Read a delivery with every attempt, and the data that was sent',
        tags,
        params: shapes.DeliveryParams,
        response: { 200: shapes.OwnDelivery },
      },
    },
    (request) => portal.readOwnDelivery(app, request.actor, request.params.delivery_id),
  )

  http.post(
    '/v1/portal/subscriptions/:id/deliveries/:delivery_id/replay',
    {
      ...edit,
      schema: {
        operationId: 'replayPortalDelivery',
        summary: 'Send an ended delivery once more',
        tags,
        params: shapes.DeliveryParams,
        response: { 202: outbound.Delivery },
      },
    },
    async (request, reply) =>
      reply.code(202).send(await outbound.replayDelivery(app, request.actor, request.params.delivery_id)),
  )

  http.post(
    '/v1/portal/subscriptions/:id/resend',
    {
      ...edit,
      schema: {
        operationId: 'resendPortalFailed',
        summary: 'Send what failed since a time once more',
        description: 'Goes on by itself, some a second.',
        tags,
        params: IdParams,
        body: shapes.ResendFailed,
        response: { 202: shapes.Resending },
      },
    },
    async (request, reply) =>
      reply.code(202).send(await portal.resendFailed(app, request.actor, request.params.id, request.body)),
  )
}
