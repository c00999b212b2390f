import Type from 'typebox'
import { rawMember } from '../../kit/wire_json.ts'
import type { Routes } from '../app.ts'
import { Delivery, Previewed } from '../outbound/outbound.ts'
import { IdParams } from '../wire.ts'
import * as events from './events.ts'
import { findHits } from './hits.ts'
import { previewSubscription } from './preview.ts'
import {
  CreateEventType,
  Event,
  EventQuery,
  Events,
  EventType,
  EventTypes,
  Found,
  ImportedTypes,
  ImportTypes,
  PreviewSubscription,
  PublishEvent,
  Published,
  ResendEvent,
  SearchQuery,
  TestSent,
  TypeParams,
  UpdateEventType,
  VersionQuery,
} from './schema.ts'
import * as types from './types.ts'

const inText = (type: string, description: string) => ({
  description,
  content: { [type]: { schema: Type.String() } },
})

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
      config: { access: 'subscriptions:operate' },
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

  http.post(
    '/v1/subscriptions/preview',
    {
      config: { access: 'subscriptions:write' },
      schema: {
        operationId: 'previewSubscription',
        summary: 'See what a subscription would send',
        description:
          'For an event of the past or the example of a type: the body to the byte, the headers, and whether it would be sent at all. Give a subscription, or what one would have; nothing is kept or sent.',
        tags: ['Subscriptions'],
        body: PreviewSubscription,
        response: { 200: Previewed },
      },
    },
    (request) => previewSubscription(app, request.actor, request.body),
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

  http.post(
    '/v1/events/:id/resend',
    {
      config: { access: 'subscriptions:operate' },
      schema: {
        operationId: 'resendEvent',
        summary: 'Send an event to one subscription once more',
        description:
          'Whatever types and filter it has. There is one delivery of it, however often this is asked: one that is under way is told of, one that has ended is sent once more.',
        tags,
        params: IdParams,
        body: ResendEvent,
        response: { 202: Delivery },
      },
    },
    async (request, reply) =>
      reply.code(202).send(await events.resendEvent(app, request.actor, request.params.id, request.body)),
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
    (request) => types.listEventTypes(app, request.actor),
  )

  http.get(
    '/v1/event-types/types.d.ts',
    {
      ...read,
      schema: {
        operationId: 'readEventTypeScript',
        summary: 'The catalog as TypeScript declarations, for receivers',
        tags,
        response: { 200: inText('text/plain', 'Declarations: put them beside your code as a .d.ts') },
      },
    },
    async (request, reply) =>
      reply.type('text/plain; charset=utf-8').send(await types.eventTypeScript(app, request.actor)),
  )

  http.get(
    '/v1/event-types/page.html',
    {
      ...read,
      schema: {
        operationId: 'readEventTypePage',
        summary: 'The catalog as one HTML page, to give to those who receive',
        tags,
        response: { 200: inText('text/html', 'A page that needs nothing else') },
      },
    },
    async (request, reply) =>
      reply.type('text/html; charset=utf-8').send(await types.eventTypePage(app, request.actor)),
  )

  http.post(
    '/v1/event-types',
    {
      ...write,
      schema: {
        operationId: 'createEventType',
        summary: 'Add an event type of your own to the catalog, or another version of one',
        tags,
        body: CreateEventType,
        response: { 201: EventType },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await types.createEventType(app, request.actor, request.body)),
  )

  http.post(
    '/v1/event-types/import',
    {
      ...write,
      schema: {
        operationId: 'importEventTypes',
        summary: 'Take the webhooks of an OpenAPI document as event types',
        description:
          'A type whose schema is another than that of its newest version gets a new version. Of a body with `type` and `data` the schema of `data` is taken.',
        tags,
        body: ImportTypes,
        response: { 200: ImportedTypes },
      },
    },
    (request) => types.importEventTypes(app, request.actor, request.body),
  )

  http.patch(
    '/v1/event-types/:name',
    {
      ...write,
      schema: {
        operationId: 'updateEventType',
        summary: 'Describe an event type of your own anew, or deprecate it',
        description:
          'The newest version, or the one that is named. A schema does not change: make another version.',
        tags,
        params: TypeParams,
        body: UpdateEventType,
        response: { 200: EventType },
      },
    },
    (request) => types.updateEventType(app, request.actor, request.params.name, request.body),
  )

  http.delete(
    '/v1/event-types/:name',
    {
      ...write,
      schema: {
        operationId: 'deleteEventType',
        summary: 'Take an event type of your own out of the catalog, in one version or in all',
        tags,
        params: TypeParams,
        querystring: VersionQuery,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { version } = request.query
      const only = version === undefined ? undefined : Number(version)
      await types.deleteEventType(app, request.actor, request.params.name, only)
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
        description:
          'Also by a CPF or CNPJ, written either way, an e-mail or a phone; and the newest events of a type.',
        tags: ['Search'],
        querystring: SearchQuery,
        response: { 200: Found },
      },
    },
    (request) => findHits(app, request.actor, request.query.q),
  )
}
