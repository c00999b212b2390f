import type { FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { WebhookReply } from '../../kit/provider.ts'
import type { App, Routes } from '../app.ts'
import { checkLength } from './bodies.ts'
import { isTrustedProxy } from './proxies.ts'
import { type Arrival, defaultSource, greet, receive } from './receive.ts'
import { Received } from './schema.ts'

/** Where vendors post. The body is bytes here, whatever its content type. */
export const webhookRoutes: Routes = (http, app) => {
  // What says that it is too large for its source is not read.
  http.addHook('onRequest', async ({ params, headers }) => {
    const { source } = params as { source?: string }
    if (source !== undefined) await checkLength(app, source, Number(headers['content-length'] ?? 0))
  })
  byAddress(http, app)
  byToken(http, app)
  byDefault(http, app)
  handshakes(http, app)
  byOtherMethods(http, app)
  byNoMethod(http, app)
}

const schema = { tags: ['Webhooks'], response: { 200: Received } }
const params = Type.Object({ provider: Type.String(), source: Type.String() })

const arrivalOf = (app: App, request: FastifyRequest): Arrival => ({
  method: request.method,
  path: request.url,
  headers: request.headers,
  body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
  ip: request.ip,
  behind_proxy: isTrustedProxy(app, request.socket.remoteAddress),
  is_plain: request.protocol !== 'https',
})

const byAddress: Routes = (http, app) => {
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
      return answer(reply, await receive(app, provider, source, arrivalOf(app, request)))
    },
  )
}

/** Of two words behind the source the first is the secret, and the second the vendor's own: Pix adds `/pix`. */
const byToken: Routes = (http, app) => {
  const token = Type.String()
  for (const [path, operationId, more] of [
    ['/webhooks/:provider/:source/:token', 'receiveWebhookByToken', {}],
    ['/webhooks/:provider/:source/:token/:word', 'receiveWebhookByTokenAndWord', { word: Type.String() }],
  ] as const)
    http.post(
      path,
      {
        config: { access: 'public' },
        schema: {
          ...schema,
          operationId,
          summary: 'Receive a webhook whose secret stands in the address',
          params: Type.Object({ ...params.properties, token, ...more }),
        },
      },
      async (request, reply) => {
        const { provider, source } = request.params as Static<typeof params>
        return answer(reply, await receive(app, provider, source, arrivalOf(app, request)))
      },
    )
}

const handshakes: Routes = (http, app) => {
  http.get(
    '/webhooks/:provider/:source',
    {
      config: { access: 'public' },
      schema: {
        tags: ['Webhooks'],
        operationId: 'answerHandshake',
        summary: 'Answer a provider that tries the address of a source, or tells it things by GET',
        description:
          'Where `options.methods` names GET the query is a message. Whoever’s handshake is not known is answered 405. A query is taken as it comes.',
        params,
        response: {
          200: {
            description: 'What the provider wants to hear, or that the message is stored',
            content: { 'text/plain': { schema: Type.String() }, 'application/json': { schema: Received } },
          },
        },
      },
    },
    async (request, reply) => {
      const { provider, source } = request.params
      return answer(reply, await greet(app, provider, source, arrivalOf(app, request)))
    },
  )
}

const byDefault: Routes = (http, app) => {
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
      const source = await defaultSource(app, provider)
      return answer(reply, await receive(app, provider, source, arrivalOf(app, request)))
    },
  )
}

const ADDRESS = { url: '/webhooks/:provider/:source', params }
const WITH_TOKEN = {
  url: '/webhooks/:provider/:source/:token',
  params: Type.Object({ ...params.properties, token: Type.String() }),
}

/** A source says itself which methods it takes (`options.methods`), and answers 405 to the others. */
const byOtherMethods: Routes = (http, app) => {
  for (const { url, params, method, operationId } of [
    { ...ADDRESS, method: 'PUT', operationId: 'putWebhook' },
    { ...ADDRESS, method: 'PATCH', operationId: 'patchWebhook' },
    { ...WITH_TOKEN, method: 'PUT', operationId: 'putWebhookByToken' },
    { ...WITH_TOKEN, method: 'PATCH', operationId: 'patchWebhookByToken' },
    { ...WITH_TOKEN, method: 'GET', operationId: 'getWebhookByToken' },
  ]) {
    const summary = `Receive a webhook by ${method}, which \`options.methods\` of its source names`
    http.route({
      method,
      url,
      config: { access: 'public' },
      schema: { ...schema, operationId, summary, params },
      handler: async (request, reply) => {
        const { provider, source } = request.params
        return answer(reply, await greet(app, provider, source, arrivalOf(app, request)))
      },
    })
  }
}

/** No source takes them: it answers 405 with what it does take, and counts them as its own. */
const byNoMethod: Routes = (http, app) => {
  for (const { url, params: known } of [ADDRESS, WITH_TOKEN])
    http.route({
      method: ['DELETE', 'OPTIONS'],
      url,
      config: { access: 'public' },
      schema: { hide: true, params: known },
      handler: async (request, reply) => {
        const { provider, source } = request.params as Static<typeof params>
        return answer(reply, await receive(app, provider, source, arrivalOf(app, request)))
      },
    })
}

/** Ours as JSON, a vendor's own as it is. */
function answer(reply: FastifyReply, given: Static<typeof Received> | WebhookReply): FastifyReply {
  if (!('body' in given)) return reply.send(given)
  return reply
    .code(given.status)
    .headers(given.headers ?? {})
    .type(given.content_type)
    .send(given.body)
}
