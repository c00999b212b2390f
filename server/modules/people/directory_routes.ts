import type { Actor, App, Http } from '../app.ts'
import { IdParams } from '../wire.ts'
import {
  listPeople,
  readPerson,
  resetSecondFactor,
  restorePerson,
  signOutPerson,
  suspendPerson,
} from './people.ts'
import * as shapes from './schema.ts'

const tags = ['People']
const admin = { config: { access: 'admin' } } as const

/** For the administrator of the installation: the people of all tenants. */
export function directoryRoutes(http: Http, app: App): void {
  listRoutes(http, app)
  for (const verb of VERBS) actRoute(http, app, verb)
}

function listRoutes(http: Http, app: App): void {
  http.get(
    '/v1/people',
    {
      ...admin,
      schema: {
        operationId: 'listPeople',
        tags,
        summary: 'List the people of all tenants',
        description:
          'Who has signed up, newest first, with their places in every tenant. `email` finds one of them.',
        querystring: shapes.PeopleQuery,
        response: { 200: shapes.ListedPersonPage },
      },
    },
    (request) => listPeople(app, request.query),
  )
  http.get(
    '/v1/people/:id',
    {
      ...admin,
      schema: {
        operationId: 'readPerson',
        tags,
        summary: 'Read a person',
        params: IdParams,
        response: { 200: shapes.ListedPersonSchema },
      },
    },
    (request) => readPerson(app, request.params.id),
  )
}

type Verb = {
  path: string
  operationId: string
  summary: string
  description: string
  act(app: App, actor: Actor, id: string): Promise<shapes.ListedPerson>
}

const VERBS: Verb[] = [
  {
    path: 'sign-out',
    operationId: 'signOutPerson',
    summary: 'Sign a person out everywhere',
    description: 'Ends every session within a second. Whoever knows the password may come again.',
    act: signOutPerson,
  },
  {
    path: 'reset-second-factor',
    operationId: 'resetSecondFactor',
    summary: 'End the second factor of a person',
    description:
      'For a phone that was lost. Ends the recovery codes and every session as well; then the password alone lets the person in. 409 for your own.',
    act: resetSecondFactor,
  },
  {
    path: 'suspend',
    operationId: 'suspendPerson',
    summary: 'Suspend a person in all tenants',
    description:
      'Ends every session and link; nobody comes in as this person until they are restored. 409 for yourself, and for the last who administers the installation.',
    act: suspendPerson,
  },
  {
    path: 'restore',
    operationId: 'restorePerson',
    summary: 'Let a suspended person in again',
    description: 'With the password, the second factor and the places they had.',
    act: restorePerson,
  },
]

function actRoute(http: Http, app: App, { path, act, ...said }: Verb): void {
  http.post(
    `/v1/people/:id/${path}`,
    { ...admin, schema: { ...said, tags, params: IdParams, response: { 200: shapes.ListedPersonSchema } } },
    (request) => act(app, request.actor, request.params.id),
  )
}
