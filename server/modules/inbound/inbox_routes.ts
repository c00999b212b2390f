import Type from 'typebox'
import type { Routes } from '../app.ts'
import { IdParams } from '../wire.ts'
import * as inbound from './inbound.ts'
import {
  Message,
  MessageQuery,
  Messages,
  MessageTypes,
  MessageWithBody,
  Received,
  Story,
  TypesQuery,
  WaitingEntities,
} from './schema.ts'
import {
  Discard,
  Discarded,
  Quarantine,
  QuarantinedWithBody,
  QuarantineQuery,
  Release,
  Released,
  ReleaseQuery,
} from './schema_quarantine.ts'
import { listEvents, SecurityEventQuery, SecurityEvents } from './security_events.ts'

const read = { config: { access: 'sources:read' } } as const
const write = { config: { access: 'sources:write' } } as const
const mend = { config: { access: 'sources:operate' } } as const
const inbox = ['Inbox']

/** What came in, and what was refused. */
export const routes: Routes = (http, app) => {
  http.get(
    '/v1/messages',
    {
      ...read,
      schema: {
        operationId: 'listMessages',
        summary: 'The inbox: received webhooks, newest first',
        tags: inbox,
        querystring: MessageQuery,
        response: { 200: Messages },
      },
    },
    (request) => inbound.listMessages(app, request.actor, request.query),
  )

  http.get(
    '/v1/messages/types',
    {
      ...read,
      schema: {
        operationId: 'countMessageTypes',
        summary: 'Count received webhooks by their type and state',
        tags: inbox,
        querystring: TypesQuery,
        response: { 200: MessageTypes },
      },
    },
    (request) => inbound.countTypes(app, request.actor, request.query),
  )

  http.get(
    '/v1/messages/:id',
    {
      ...read,
      schema: {
        operationId: 'readMessage',
        summary: 'Read a received webhook with its bytes',
        tags: inbox,
        params: IdParams,
        response: { 200: MessageWithBody },
      },
    },
    (request) => inbound.readMessage(app, request.actor, request.params.id),
  )

  http.post(
    '/v1/messages/:id/replay',
    {
      ...mend,
      schema: {
        operationId: 'replayMessage',
        summary: 'Process a message again that failed, was ignored or parked, or for which its entity waits',
        tags: inbox,
        params: IdParams,
        response: { 202: Message },
      },
    },
    async (request, reply) =>
      reply.code(202).send(await inbound.replayMessage(app, request.actor, request.params.id)),
  )

  http.post(
    '/v1/messages/:id/skip',
    {
      ...mend,
      schema: {
        operationId: 'skipMessage',
        summary: 'Give up a message for which its entity waits, so that the entity goes on',
        tags: inbox,
        params: IdParams,
        response: { 202: Message },
      },
    },
    async (request, reply) =>
      reply.code(202).send(await inbound.skipMessage(app, request.actor, request.params.id)),
  )

  http.get(
    '/v1/sources/:id/waiting',
    {
      ...read,
      schema: {
        operationId: 'listWaiting',
        summary: 'Entities of a source that stand still, each with the message it waits at',
        tags: inbox,
        params: IdParams,
        response: { 200: WaitingEntities },
      },
    },
    (request) => inbound.listWaiting(app, request.actor, request.params.id),
  )

  http.get(
    '/v1/quarantine',
    {
      ...read,
      schema: {
        operationId: 'listQuarantine',
        summary: 'What was refused at the door, newest first',
        tags: inbox,
        querystring: QuarantineQuery,
        response: { 200: Quarantine },
      },
    },
    (request) => inbound.listQuarantine(app, request.actor, request.query),
  )

  http.get(
    '/v1/quarantine/:id',
    {
      ...read,
      schema: {
        operationId: 'readQuarantined',
        summary: 'Read a refused message with its bytes',
        tags: inbox,
        params: IdParams,
        response: { 200: QuarantinedWithBody },
      },
    },
    (request) => inbound.readQuarantined(app, request.actor, request.params.id),
  )

  http.post(
    '/v1/quarantine/:id/release',
    {
      ...mend,
      schema: {
        operationId: 'releaseQuarantined',
        summary: 'Take a refused message in after all, once its source is mended',
        description:
          'It is verified again, as of the moment it arrived, with the secrets and settings of now, unless it was refused for `schema_mismatch` alone: that was verified as it came. Then it is stored like any other.',
        tags: inbox,
        params: IdParams,
        body: Release,
        response: { 200: Received },
      },
    },
    (request) => inbound.releaseQuarantined(app, request.actor, request.params.id, request.body),
  )

  http.get(
    '/v1/security-events',
    {
      ...read,
      schema: {
        operationId: 'listSecurityEvents',
        summary: 'Who was turned away at the door and why, newest first',
        tags: inbox,
        querystring: SecurityEventQuery,
        response: { 200: SecurityEvents },
      },
    },
    (request) => listEvents(app, request.actor, request.query),
  )

  http.post(
    '/v1/sources/:id/release',
    {
      ...mend,
      schema: {
        operationId: 'releaseAll',
        summary: 'Take in what a source refused, as far as it verifies now',
        description: 'The oldest 200 in one request; what is still refused stays in quarantine.',
        tags: inbox,
        params: IdParams,
        querystring: ReleaseQuery,
        body: Release,
        response: { 200: Released },
      },
    },
    (request) =>
      inbound.releaseAll(app, request.actor, request.params.id, { ...request.query, ...request.body }),
  )

  http.delete(
    '/v1/quarantine/:id',
    {
      ...write,
      schema: {
        operationId: 'discardQuarantined',
        summary: 'Discard a refused message for good',
        tags: inbox,
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await inbound.discardQuarantined(app, request.actor, request.params.id)
      return reply.code(204).send(null)
    },
  )

  http.post(
    '/v1/sources/:id/discard',
    {
      ...write,
      schema: {
        operationId: 'discardAll',
        summary: 'Discard what a source refused for good, as far as it fits, or count it (dry_run)',
        tags: inbox,
        params: IdParams,
        body: Discard,
        response: { 200: Discarded },
      },
    },
    (request) => inbound.discardAll(app, request.actor, request.params.id, request.body),
  )

  http.get(
    '/v1/messages/:id/story',
    {
      ...read,
      schema: {
        operationId: 'readStory',
        summary:
          'Everything about a received webhook: bytes, steps, events, deliveries, what else bears its ids',
        tags: inbox,
        params: IdParams,
        response: { 200: Story },
      },
    },
    (request) => inbound.readStory(app, request.actor, request.params.id),
  )

  http.delete(
    '/v1/messages/:id/body',
    {
      ...write,
      schema: {
        operationId: 'eraseMessage',
        summary: 'Erase the bytes and headers of a received webhook for good',
        tags: inbox,
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await inbound.eraseMessage(app, request.actor, request.params.id)
      return reply.code(204).send(null)
    },
  )
}
