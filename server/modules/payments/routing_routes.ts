import Type from 'typebox'
import type { App, Http } from '../app.ts'
import * as payments from './payments.ts'
import { AllRoutes, CreateRoute, Preview, PreviewRoute, Route, UpdateRoute } from './routing_schema.ts'
import { IdParams } from './schema.ts'

const read = { config: { access: 'payments:read' } } as const
const write = { config: { access: 'payments:write' } } as const
const tags = ['Payments']

/** Which connections take a payment that names none. */
export function routingRoutes(http: Http, app: App): void {
  http.get(
    '/v1/payment-routes',
    {
      ...read,
      schema: {
        operationId: 'listPaymentRoutes',
        summary: 'List payment routes',
        tags,
        response: { 200: AllRoutes },
      },
    },
    (request) => payments.listRoutes(app, request.actor),
  )

  http.post(
    '/v1/payment-routes',
    {
      ...write,
      schema: {
        operationId: 'createPaymentRoute',
        summary: 'Make a payment route: rules that choose connections',
        tags,
        body: CreateRoute,
        response: { 201: Route },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await payments.createRoute(app, request.actor, request.body)),
  )

  http.post(
    '/v1/payment-routes/preview',
    {
      ...read,
      schema: {
        operationId: 'previewPaymentRoute',
        summary: 'See which connections would take a payment, and why',
        description: 'Nothing is made, and no vendor is asked.',
        tags,
        body: PreviewRoute,
        response: { 200: Preview },
      },
    },
    (request) => payments.previewRoute(app, request.actor, request.body),
  )

  http.get(
    '/v1/payment-routes/:id',
    {
      ...read,
      schema: {
        operationId: 'readPaymentRoute',
        summary: 'Read a payment route',
        tags,
        params: IdParams,
        response: { 200: Route },
      },
    },
    (request) => payments.readRoute(app, request.actor, request.params.id),
  )

  http.patch(
    '/v1/payment-routes/:id',
    {
      ...write,
      schema: {
        operationId: 'updatePaymentRoute',
        summary: 'Change a payment route',
        description: 'Payments that are under way keep the connections they were given.',
        tags,
        params: IdParams,
        body: UpdateRoute,
        response: { 200: Route },
      },
    },
    (request) => payments.updateRoute(app, request.actor, request.params.id, request.body),
  )

  http.delete(
    '/v1/payment-routes/:id',
    {
      ...write,
      schema: {
        operationId: 'deletePaymentRoute',
        summary: 'Delete a payment route',
        tags,
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await payments.deleteRoute(app, request.actor, request.params.id)
      return reply.code(204).send(null)
    },
  )
}
