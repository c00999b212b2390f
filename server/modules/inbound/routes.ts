import type { FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { WebhookReply } from '../../kit/provider.ts'
import type { Routes } from '../app.ts'
import { IdParams, PageQuery } from '../wire.ts'
import * as inbound from './inbound.ts'
import {
  CreateSource,
  Message,
  MessageQuery,
  Messages,
  MessageWithBody,
  Quarantine,
  QuarantinedWithBody,
  Received,
  Source,
  Sources,
  UpdateSource,
} from './schema.ts'

const read = { config: { access: 'sources:read' } } as const
const write = { config: { access: 'sources:write' } } as const
const tags = ['Sources']
const inbox = ['Inbox']

export const routes: Routes = (http, app) => {
  http.post(
    '/v1/sources',
    {
      ...write,
      schema: {
        operationId: 'createSource',
        summary: 'Make an address that receives a provider’s webhooks',
        tags,
        body: CreateSource,
        response: { 201: Source },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await inbound.createSource(app, request.actor, request.body)),
  )

  http.get(
    '/v1/sources',
    {
      ...read,
      schema: {
        operationId: 'listSources',
        summary: 'List sources, newest first',
        tags,
        querystring: PageQuery,
        response: { 200: Sources },
      },
    },
    (request) => inbound.listSources(app, request.actor, request.query),
  )

  http.get(
    '/v1/sources/:id',
    {
      ...read,
      schema: {
        operationId: 'readSource',
        summary: 'Read a source',
        tags,
        params: IdParams,
        response: { 200: Source },
      },
    },
    (request) => inbound.readSource(app, request.actor, request.params.id),
  )

  http.patch(
    '/v1/sources/:id',
    {
      ...write,
      schema: {
        operationId: 'updateSource',
        summary: 'Change, disable or enable a source, or replace its secrets',
        tags,
        params: IdParams,
        body: UpdateSource,
        response: { 200: Source },
      },
    },
    (request) => inbound.updateSource(app, request.actor, request.params.id, request.body),
  )

  http.delete(
    '/v1/sources/:id',
    {
      ...write,
      schema: {
        operationId: 'deleteSource',
        summary: 'Delete a source',
        tags,
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await inbound.deleteSource(app, request.actor, request.params.id)
      return reply.code(204).send(null)
    },
  )

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
      ...write,
      schema: {
        operationId: 'replayMessage',
        summary: 'Process a failed or ignored message again',
        tags: inbox,
        params: IdParams,
        response: { 202: Message },
      },
    },
    async (request, reply) =>
      reply.code(202).send(await inbound.replayMessage(app, request.actor, request.params.id)),
  )

  http.get(
    '/v1/quarantine',
    {
      ...read,
      schema: {
        operationId: 'listQuarantine',
        summary: 'What was refused at the door, newest first',
        tags: inbox,
        querystring: MessageQuery,
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
      ...write,
      schema: {
        operationId: 'releaseQuarantined',
        summary: 'Take a refused message in after all, once its source is mended',
        description:
          'It is verified again, as of the moment it arrived, with the secrets and settings of now; then it is stored like any other.',
        tags: inbox,
        params: IdParams,
        response: { 200: Received },
      },
    },
    (request) => inbound.releaseQuarantined(app, request.actor, request.params.id),
  )
}

/** Where vendors post. The body is bytes here, whatever its content type. */
export const webhookRoutes: Routes = (http, app) => {
  const schema = { tags: ['Webhooks'], response: { 200: Received } }
  const params = Type.Object({ provider: Type.String(), source: Type.String() })
  const arrival = (request: FastifyRequest) => ({
    method: request.method,
    path: request.url,
    headers: request.headers,
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    ip: request.ip,
  })

  http.post(
    '/webhooks/:provider/:source',
    {
      config: { access: 'public' },
      schema: {
        ...schema,
        operationId: 'receiveWebhook',
        summary: 'Receive a webhook of a provider at a source',
        description:
          'Answered after the commit that holds the message, or as the provider wants it. A signature that does not verify answers 401.',
        params,
      },
    },
    async (request, reply) => {
      const { provider, source } = request.params
      return answer(reply, await inbound.receive(app, provider, source, arrival(request)))
    },
  )

  http.get(
    '/webhooks/:provider/:source',
    {
      config: { access: 'public' },
      schema: {
        tags: ['Webhooks'],
        operationId: 'answerHandshake',
        summary: 'Answer a provider that tries the address of a source',
        description: 'Whoever’s handshake is not known there is answered 405. A query is taken as it comes.',
        params,
        response: {
          200: {
            description: 'What the provider wants to hear',
            content: { 'text/plain': { schema: Type.String() } },
          },
        },
      },
    },
    async (request, reply) => {
      const { provider, source } = request.params
      return answer(reply, await inbound.greet(app, provider, source, arrival(request)))
    },
  )

  http.post(
    '/webhooks/:provider',
    {
      config: { access: 'public' },
      schema: {
        ...schema,
        operationId: 'receiveWebhookAtDefault',
        summary: 'Receive a webhook at the only default source of a provider',
        params: Type.Object({ provider: Type.String() }),
      },
    },
    async (request, reply) => {
      const { provider } = request.params
      const source = await inbound.defaultSource(app, provider)
      return answer(reply, await inbound.receive(app, provider, source, arrival(request)))
    },
  )
}

/** Ours as JSON, a vendor's own as it is. */
function answer(reply: FastifyReply, given: Static<typeof Received> | WebhookReply): FastifyReply {
  if (!('body' in given)) return reply.send(given)
  return reply.code(given.status).type(given.content_type).send(given.body)
}
