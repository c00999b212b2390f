import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { toWire } from '../../platform/ids.ts'
import type { App, Http } from '../app.ts'
import { IdParams } from '../wire.ts'
import {
  beginAuthorization,
  type CameBack,
  endAuthorization,
  finishAuthorization,
  readAuthorization,
} from './oauth.ts'
import { languageOf, resultPage } from './oauth_page.ts'
import { Authorization, BeginAuthorization, Begun } from './oauth_schema.ts'

const write = { config: { access: 'connections:write' } } as const
const tags = ['Connections']

export function oauthRoutes(http: Http, app: App): void {
  beginning(http, app)
  reading(http, app)
  comingBack(http, app)
}

function beginning(http: Http, app: App): void {
  http.post(
    '/v1/connections/:id/authorize',
    {
      ...write,
      schema: {
        operationId: 'authorizeConnection',
        summary: "Begin a visit to the vendor's page of consent",
        description: 'OAuth 2.0 authorization code with PKCE. The address is good once and for ten minutes.',
        tags,
        params: IdParams,
        body: BeginAuthorization,
        response: { 201: Begun },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await beginAuthorization(app, request.actor, request.params.id, request.body)),
  )
}

function reading(http: Http, app: App): void {
  http.get(
    '/v1/connections/:id/authorization',
    {
      config: { access: 'connections:read' },
      schema: {
        operationId: 'readAuthorization',
        summary: 'Whether the vendor lets the connection in, and until when',
        tags,
        params: IdParams,
        response: { 200: Authorization },
      },
    },
    (request) => readAuthorization(app, request.actor, request.params.id),
  )

  http.delete(
    '/v1/connections/:id/authorization',
    {
      ...write,
      schema: {
        operationId: 'endAuthorization',
        summary: 'Forget what the connection is let in by',
        tags,
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await endAuthorization(app, request.actor, request.params.id)
      return reply.code(204).send(null)
    },
  )
}

function comingBack(http: Http, app: App): void {
  http.get(
    '/oauth/callback',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'finishAuthorization',
        summary: 'Where vendors send people back to',
        description: 'A page for people, or a redirect to `return_to`.',
        tags,
        querystring: Type.Object({}, { additionalProperties: true }),
        response: { 200: Type.String(), 303: Type.Null(), 400: Type.String() },
      },
    },
    async (request, reply) => {
      const query = new URL(request.raw.url ?? '', 'http://localhost').searchParams
      const back = await finishAuthorization(app, query, request.actor)
      return show(request, reply, back, query.size === 0 ? randomBytes(16).toString('base64') : null)
    },
  )
  http.register(async (scope) => fragment(scope as Http, app))
}

const FORM = 'application/x-www-form-urlencoded'

/** What stood behind the `#`, sent on by our own page: the state in it is known to whoever was sent away alone. */
function fragment(scope: Http, app: App): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(
    FORM,
    { parseAs: 'string', bodyLimit: 65_536 },
    async (_request: FastifyRequest, text: string) => new URLSearchParams(text),
  )
  scope.setValidatorCompiler(() => () => true) // read as the query is
  const options = { config: { access: 'public' as const }, schema: { hide: true } }
  scope.post('/oauth/callback', options, async (request, reply) => {
    const given = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
    return show(request, reply, await finishAuthorization(app, given, request.actor), null)
  })
}

/** `nonce`: the answer may stand behind the `#`, and the page is to look. */
function show(request: FastifyRequest, reply: FastifyReply, back: CameBack, nonce: string | null) {
  if (back.return_to !== null) return reply.redirect(withResult(back.return_to, back), 303)
  if (nonce !== null)
    reply.header(
      'content-security-policy',
      `default-src 'none'; script-src 'nonce-${nonce}'; base-uri 'none'; frame-ancestors 'none'`,
    )
  return reply
    .code(back.ok ? 200 : 400)
    .type('text/html; charset=utf-8')
    .send(resultPage(back, languageOf(request.headers['accept-language']), nonce))
}

function withResult(
  return_to: string,
  { ok, connection_id }: { ok: boolean; connection_id: string | null },
): string {
  const url = new URL(return_to)
  url.searchParams.set('status', ok ? 'connected' : 'failed')
  if (connection_id !== null) url.searchParams.set('connection', toWire('connection', connection_id))
  return url.href
}
