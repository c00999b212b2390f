import Type from 'typebox'
import type { App, Routes } from '../app.ts'
import { IdParams } from '../wire.ts'
import { Deliveries, Delivery, DeliveryQuery, DeliveryWithLog } from './delivery_schema.ts'
import type { PrepareNotice } from './health.ts'
import * as outbound from './outbound.ts'
import { parkedRoutes } from './parked_routes.ts'
import { replayRoutesFor } from './replay_routes.ts'
import type { ReadEvents } from './replays.ts'
import {
  Counters,
  CreateSubscription,
  RotatedSecret,
  RotateSecret,
  Secret,
  Subscription,
  SubscriptionQuery,
  Subscriptions,
  SubscriptionWithSecret,
  UpdateSubscription,
} from './schema.ts'

const read = { config: { access: 'subscriptions:read' } } as const
const write = { config: { access: 'subscriptions:write' } } as const
const mend = { config: { access: 'subscriptions:operate' } } as const
const tags = ['Subscriptions']
const deliveries = ['Deliveries']

export const routesFor =
  (events: ReadEvents, prepare: (app: App, notice: outbound.Notice) => ReturnType<PrepareNotice>): Routes =>
  (http, app) => {
    parkedRoutes(http, app)
    http.post(
      '/v1/subscriptions',
      {
        ...write,
        schema: {
          operationId: 'createSubscription',
          summary: 'Subscribe an address to events',
          description: 'The signing secret is in this answer, and later at `/v1/subscriptions/{id}/secret`.',
          tags,
          body: CreateSubscription,
          response: { 201: SubscriptionWithSecret },
        },
      },
      async (request, reply) =>
        reply.code(201).send(await outbound.createSubscription(app, request.actor, request.body)),
    )

    http.get(
      '/v1/subscriptions',
      {
        ...read,
        schema: {
          operationId: 'listSubscriptions',
          summary: 'List subscriptions, newest first',
          tags,
          querystring: SubscriptionQuery,
          response: { 200: Subscriptions },
        },
      },
      (request) => outbound.listSubscriptions(app, request.actor, request.query),
    )

    http.get(
      '/v1/subscriptions/:id',
      {
        ...read,
        schema: {
          operationId: 'readSubscription',
          summary: 'Read a subscription',
          tags,
          params: IdParams,
          response: { 200: Subscription },
        },
      },
      (request) => outbound.readSubscription(app, request.actor, request.params.id),
    )

    http.get(
      '/v1/subscriptions/:id/counters',
      {
        ...read,
        schema: {
          operationId: 'readSubscriptionCounters',
          summary: 'Read how many attempts a subscription had, and how they ended',
          tags,
          params: IdParams,
          response: { 200: Counters },
        },
      },
      (request) => outbound.readCounters(app, request.actor, request.params.id),
    )

    http.get(
      '/v1/subscriptions/:id/secret',
      {
        ...write,
        schema: {
          operationId: 'readSubscriptionSecret',
          summary: 'Read the signing secret of a subscription',
          description: 'Every reading is in the audit log.',
          tags,
          params: IdParams,
          response: { 200: Secret },
        },
      },
      (request) => outbound.readSecret(app, request.actor, request.params.id),
    )

    http.post(
      '/v1/subscriptions/:id/secret/rotate',
      {
        ...write,
        schema: {
          operationId: 'rotateSubscriptionSecret',
          summary: 'Give a subscription a new signing secret',
          description: 'Deliveries carry a signature by each of the two until the overlap ends.',
          tags,
          params: IdParams,
          body: RotateSecret,
          response: { 200: RotatedSecret },
        },
      },
      (request) => outbound.rotateSecret(app, request.actor, request.params.id, request.body),
    )

    http.patch(
      '/v1/subscriptions/:id',
      {
        ...write,
        schema: {
          operationId: 'updateSubscription',
          summary: 'Change, pause, disable or enable a subscription',
          description:
            'What waited for a paused one is sent when it is enabled, and ends as failed when it is disabled.',
          tags,
          params: IdParams,
          body: UpdateSubscription,
          response: { 200: Subscription },
        },
      },
      ({ actor, params, body }) =>
        outbound.updateSubscription(app, actor, params.id, body, (notice) => prepare(app, notice)),
    )

    http.delete(
      '/v1/subscriptions/:id',
      {
        ...write,
        schema: {
          operationId: 'deleteSubscription',
          summary: 'Delete a subscription',
          description: 'What is still on its way to it ends as failed.',
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
      '/v1/deliveries',
      {
        ...read,
        schema: {
          operationId: 'listDeliveries',
          summary: 'List deliveries, newest first',
          description: '`state=failed` lists the dead letters.',
          tags: deliveries,
          querystring: DeliveryQuery,
          response: { 200: Deliveries },
        },
      },
      (request) => outbound.listDeliveries(app, request.actor, request.query),
    )

    http.get(
      '/v1/deliveries/:id',
      {
        ...read,
        schema: {
          operationId: 'readDelivery',
          summary: 'Read a delivery with every attempt',
          tags: deliveries,
          params: IdParams,
          response: { 200: DeliveryWithLog },
        },
      },
      (request) => outbound.readDelivery(app, request.actor, request.params.id),
    )

    http.post(
      '/v1/deliveries/:id/replay',
      {
        ...mend,
        schema: {
          operationId: 'replayDelivery',
          summary: 'Send an ended delivery once more',
          tags: deliveries,
          params: IdParams,
          response: { 202: Delivery },
        },
      },
      async (request, reply) =>
        reply.code(202).send(await outbound.replayDelivery(app, request.actor, request.params.id)),
    )
    replayRoutesFor(events)(http, app)
  }
