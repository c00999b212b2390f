import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { publicAddress } from '../../platform/config.ts'
import type { App, Http } from '../app.ts'
import { IdParams, PageQuery } from '../wire.ts'
import { endVisitCookie, isHttps, setCookie, setVisitCookie, visitOf } from './cookies.ts'
import {
  createProvider,
  finishVisit,
  listProviders,
  listWays,
  readProvider,
  removeProvider,
  startVisit,
  type Turned,
  visitorOf,
} from './people.ts'
import * as shapes from './schema.ts'

const tags = ['People']
const admin = { config: { access: 'admin' } } as const
const anybody = { config: { access: 'public' } } as const

export function companyRoutes(http: Http, app: App): void {
  providerRoutes(http, app)
  visitRoutes(http, app)
}

/** Where people come back to is the address others know us by, so that decides which cookie holds there. */
const isSafe = (app: App, request: FastifyRequest): boolean =>
  isHttps(request) || publicAddress(app.config).startsWith('https:')

function visitRoutes(http: Http, app: App): void {
  http.get(
    '/v1/sign-in',
    {
      ...anybody,
      schema: {
        operationId: 'listSignInWays',
        tags,
        summary: 'Ways to sign in',
        description:
          'By a password, and by the companies that sign their people in: their `start` is for a browser.',
        response: { 200: shapes.SignInWaysSchema },
      },
    },
    () => listWays(app),
  )
  http.get(
    '/v1/sign-in/:id/start',
    {
      ...anybody,
      schema: {
        operationId: 'startSignIn',
        tags,
        summary: "Go to a company's own sign-in",
        description:
          'For a browser: sends it to the provider. 429 after 60 in 15 minutes from an address that did not come back signed in.',
        params: IdParams,
        response: { 303: Type.Null({ description: 'To the provider' }) },
      },
    },
    async (request, reply) => {
      const provider = await readProvider(app, request.params.id)
      const visit = await startVisit(app, visitorOf(request), provider)
      if (visit === null) return reply.redirect(refusedAt('provider'), 303)
      setVisitCookie(reply, visit.kept, isSafe(app, request))
      return reply.redirect(visit.url, 303)
    },
  )
  http.get(
    '/v1/sign-in/:id/callback',
    {
      ...anybody,
      schema: {
        operationId: 'finishSignIn',
        tags,
        summary: "Come back from a company's own sign-in",
        description:
          'For a browser: signs it in and sends it to the dashboard, which says so where it was refused.',
        params: IdParams,
        querystring: Type.Object({}, { additionalProperties: true }),
        response: { 303: Type.Null({ description: 'To the dashboard' }) },
      },
    },
    async (request, reply) => reply.redirect(await comeBack(app, request, reply, request.params.id), 303),
  )
}

const refusedAt = (why: Turned): string => `/#/sign-in?refused=${why}`

/** Where to send the browser on. */
async function comeBack(app: App, request: FastifyRequest, reply: FastifyReply, id: string): Promise<string> {
  const provider = await readProvider(app, id)
  const query = new URL(request.raw.url ?? '', 'http://localhost').searchParams
  const opened = await finishVisit(app, visitorOf(request), provider, query, visitOf(request))
  endVisitCookie(reply)
  if (typeof opened === 'string') return refusedAt(opened)
  setCookie(reply, opened.token, isSafe(app, request))
  return '/'
}

function providerRoutes(http: Http, app: App): void {
  http.get(
    '/v1/sign-in-providers',
    {
      ...admin,
      schema: {
        operationId: 'listSignInProviders',
        tags,
        summary: 'List the companies that sign their people in',
        description: 'OpenID providers of the installation, newest first.',
        querystring: PageQuery,
        response: { 200: shapes.SignInProviderPage },
      },
    },
    (request) => listProviders(app, request.query),
  )
  http.post(
    '/v1/sign-in-providers',
    {
      ...admin,
      schema: {
        operationId: 'createSignInProvider',
        tags,
        summary: 'Let a company sign its people in',
        description:
          'An OpenID provider and the domains of the e-mails it may speak for. Who comes for the first time becomes a member of the tenant. Register `redirect_uri` of the answer at the provider.',
        body: shapes.NewSignInProviderBody,
        response: { 201: shapes.SignInProviderSchema },
      },
    },
    async (request, reply) => reply.code(201).send(await createProvider(app, request.actor, request.body)),
  )
  http.delete(
    '/v1/sign-in-providers/:id',
    {
      ...admin,
      schema: {
        operationId: 'removeSignInProvider',
        tags,
        summary: 'Let a company sign nobody in any more',
        description: 'Its people stay members; suspend or remove those who are to go.',
        params: IdParams,
        response: { 204: Type.Null({ description: 'Removed' }) },
      },
    },
    async (request, reply) => {
      await removeProvider(app, request.actor, request.params.id)
      return reply.code(204).send(null)
    },
  )
}
