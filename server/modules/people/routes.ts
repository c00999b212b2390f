import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { toWire } from '../../platform/ids.ts'
import type { App, Http, Routes, SignedIn } from '../app.ts'
import { IdParams, PageQuery } from '../wire.ts'
import { companyRoutes } from './company_routes.ts'
import { endCookie, isHttps, setCookie } from './cookies.ts'
import { directoryRoutes } from './directory_routes.ts'
import { memberRoutes } from './member_routes.ts'
import {
  changeTotp,
  describeOpened,
  endSession,
  listSessions,
  readSession,
  signIn,
  updateProfile,
  visitorOf,
  welcome,
} from './people.ts'
import * as shapes from './schema.ts'
import type { Opened } from './sessions.ts'

export const routes: Routes = (http, app) => {
  comingRoutes(http, app)
  sessionRoutes(http, app)
  sessionsRoutes(http, app)
  profileRoutes(http, app)
  memberRoutes(http, app)
  directoryRoutes(http, app)
  companyRoutes(http, app)
}

const tags = ['People']
const anybody = { config: { access: 'public' } } as const
const person = { config: { access: 'member' } } as const

/** What `access: 'member'` has seen to. */
export function signedIn({ signed_in }: FastifyRequest): SignedIn {
  if (!signed_in) throw new Error('a route for people was opened to somebody who has not signed in')
  return signed_in
}

async function letIn(app: App, request: FastifyRequest, reply: FastifyReply, opened: Opened) {
  setCookie(reply, opened.token, isHttps(request))
  return describeOpened(app, opened)
}

function comingRoutes(http: Http, app: App): void {
  http.post(
    '/v1/session',
    {
      ...anybody,
      schema: {
        operationId: 'signIn',
        tags,
        summary: 'Sign in',
        description:
          'Answers with a cookie that stands for the person: 12 hours from the last request, 7 days at most. `totp_required` asks for the code of the second factor. 429 after 10 failures in 15 minutes from an address, 50 for an e-mail, or 10 codes of a person.',
        body: shapes.SignInBody,
        response: { 200: shapes.SessionSchema },
      },
    },
    async (request, reply) => letIn(app, request, reply, await signIn(app, visitorOf(request), request.body)),
  )
  http.post(
    '/v1/welcome',
    {
      ...anybody,
      schema: {
        operationId: 'welcome',
        tags,
        summary: 'Use a one-time link',
        description:
          'Signs up the first administrator or somebody who was invited, or sets a new password, and signs in. Who has an account already gives its password.',
        body: shapes.WelcomeBody,
        response: { 200: shapes.SessionSchema },
      },
    },
    async (request, reply) =>
      letIn(app, request, reply, await welcome(app, visitorOf(request), request.body)),
  )
}

function sessionRoutes(http: Http, app: App): void {
  http.get(
    '/v1/session',
    {
      ...person,
      schema: {
        operationId: 'readSession',
        tags,
        summary: 'Who am I',
        description:
          'The person, the tenant that is looked at, and what may be done there. `trilho-tenant` chooses another one, `trilho-environment` live or test.',
        response: { 200: shapes.SessionSchema },
      },
    },
    (request) => readSession(app, request.actor, signedIn(request)),
  )
  http.delete(
    '/v1/session',
    {
      ...person,
      schema: {
        operationId: 'signOut',
        tags,
        summary: 'Sign out',
        description: 'Ends this session everywhere within a second.',
        response: { 204: Type.Null({ description: 'Signed out' }) },
      },
    },
    async (request, reply) => {
      const session = signedIn(request)
      await endSession(app, request.actor, session, toWire('session', session.id))
      endCookie(reply)
      return reply.code(204).send(null)
    },
  )
}

function sessionsRoutes(http: Http, app: App): void {
  http.get(
    '/v1/sessions',
    {
      ...person,
      schema: {
        operationId: 'listSessions',
        tags,
        summary: 'List your sessions',
        description: 'Where you are signed in, newest first.',
        querystring: PageQuery,
        response: { 200: shapes.SessionEntryPage },
      },
    },
    (request) => listSessions(app, signedIn(request), request.query),
  )
  http.delete(
    '/v1/sessions/:id',
    {
      ...person,
      schema: {
        operationId: 'revokeSession',
        tags,
        summary: 'End one of your sessions',
        description: 'It is refused everywhere within a second.',
        params: IdParams,
        response: { 204: Type.Null({ description: 'Ended' }) },
      },
    },
    async (request, reply) => {
      await endSession(app, request.actor, signedIn(request), request.params.id)
      return reply.code(204).send(null)
    },
  )
}

function profileRoutes(http: Http, app: App): void {
  http.patch(
    '/v1/member',
    {
      ...person,
      schema: {
        operationId: 'updateProfile',
        tags,
        summary: 'Change your name, language or password',
        description: 'A new password wants the old one, and ends your other sessions.',
        body: shapes.ProfileChangeBody,
        response: { 200: shapes.PersonSchema },
      },
    },
    (request) => updateProfile(app, request.actor, signedIn(request), request.body),
  )
  http.post(
    '/v1/member/totp',
    {
      ...person,
      schema: {
        operationId: 'changeTotp',
        tags,
        summary: 'Turn your second factor on or off',
        description:
          'begin gives a secret for an authenticator app, confirm takes a code of it and gives ten recovery codes; from then on signing in needs a code of either. renew_codes gives ten others, and those before are worth nothing. begin, renew_codes and remove need your password, where you have one.',
        body: shapes.TotpBody,
        response: { 200: shapes.TotpSchema },
      },
    },
    (request) => changeTotp(app, request.actor, signedIn(request), request.body),
  )
}
