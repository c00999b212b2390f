import Type from 'typebox'
import { rawMember } from '../../kit/wire_json.ts'
import type { Routes } from '../app.ts'
import { IdParams } from '../wire.ts'
import * as events from './events.ts'
import {
  CreateEventType,
  Event,
  EventQuery,
  Events,
  EventType,
  EventTypes,
  Found,
  PublishEvent,
  Published,
  SearchQuery,
  TestSent,
  TypeParams,
} from './schema.ts'

const read = { config: { access: 'events:read' } } as const
const write = { config: { access: 'events:write' } } as const
const tags = ['Events']

export const routes: Routes = (http, app) => {
  http.post(
    '/v1/events',
    {
      ...write,
      schema: {
        operationId: 'publishEvent',
        summary: 'Publish an event',
        description: 'Stored with its deliveries in one commit. The data is kept and sent to the byte.',
        tags,
        body: PublishEvent,
        response: { 201: Published },
      },
    },
    async (request, reply) => {
      const data = rawMember(request.bytes?.toString('utf8') ?? '', 'data') ?? 'null'
      return reply.code(201).send(await events.publish(app, request.actor, request.body, data))
    },
  )

  http.get(
    '/v1/events',
    {
      ...read,
      schema: {
        operationId: 'listEvents',
        summary: 'List events, newest first',
        tags,
        querystring: EventQuery,
        response: { 200: Events },
      },
    },
    (request) => events.listEvents(app, request.actor, request.query),
  )

  http.post(
    '/v1/subscriptions/:id/test',
    {
      config: { access: 'subscriptions:write' },
      schema: {
        operationId: 'testSubscription',
        summary: 'Send a test event to a subscription',
        description: 'A `webhook.test` to this one alone; its delivery shows what the receiver answered.',
        tags: ['Subscriptions'],
        params: IdParams,
        response: { 202: TestSent },
      },
    },
    async (request, reply) =>
      reply.code(202).send(await events.sendTest(app, request.actor, request.params.id)),
  )

  http.get(
    '/v1/events/:id',
    {
      ...read,
      schema: {
        operationId: 'readEvent',
        summary: 'Read an event',
        tags,
        params: IdParams,
        response: { 200: Event },
      },
    },
    (request) => events.readEvent(app, request.actor, request.params.id),
  )

  http.get(
    '/v1/event-types',
    {
      ...read,
      schema: {
        operationId: 'listEventTypes',
        summary: 'The catalog: every event type with its schema and an example',
        tags,
        response: { 200: EventTypes },
      },
    },
    (request) => events.listEventTypes(app, request.actor),
  )

  http.post(
    '/v1/event-types',
    {
      ...write,
      schema: {
        operationId: 'createEventType',
        summary: 'Add an event type of your own to the catalog',
        tags,
        body: CreateEventType,
        response: { 201: EventType },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await events.createEventType(app, request.actor, request.body)),
  )

  http.delete(
    '/v1/event-types/:name',
    {
      ...write,
      schema: {
        operationId: 'deleteEventType',
        summary: 'Take an event type of your own out of the catalog',
        tags,
        params: TypeParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await events.deleteEventType(app, request.actor, request.params.name)
      return reply.code(204).send(null)
    },
  )

  http.get(
    '/v1/search',
    {
      ...read,
      schema: {
        operationId: 'search',
        summary: "Find by any id, ours or a vendor's",
        tags: ['Search'],
        querystring: SearchQuery,
        response: { 200: Found },
      },
    },
    (request) => events.search(app, request.actor, request.query.q),
  )
}
