import Type from 'typebox'
import type { App, Http } from '../app.ts'
import { IdParams, PageQuery } from '../wire.ts'
import { inviteMember, listMembers, removeMember, updateMember } from './people.ts'
import * as shapes from './schema.ts'

const tags = ['People']
const read = { config: { access: 'tenants:read' } } as const
const write = { config: { access: 'tenants:write' } } as const

export function memberRoutes(http: Http, app: App): void {
  membersRoutes(http, app)
  http.patch(
    '/v1/members/:id',
    {
      ...write,
      schema: {
        operationId: 'updateMember',
        tags,
        summary: 'Change the role of a member, or suspend one',
        description:
          'It holds everywhere within a second. Nobody gives more than they have, or changes themselves.',
        params: IdParams,
        body: shapes.MemberChangeBody,
        response: { 200: shapes.MemberSchema },
      },
    },
    (request) => updateMember(app, request.actor, request.params.id, request.body),
  )
  http.delete(
    '/v1/members/:id',
    {
      ...write,
      schema: {
        operationId: 'removeMember',
        tags,
        summary: 'Remove a member, or take an invitation back',
        description:
          'It holds everywhere within a second. An account goes with its last tenant. Whom a company signs in here is a 409: suspend them.',
        params: IdParams,
        response: { 204: Type.Null({ description: 'Removed' }) },
      },
    },
    async (request, reply) => {
      await removeMember(app, request.actor, request.params.id)
      return reply.code(204).send(null)
    },
  )
}

function membersRoutes(http: Http, app: App): void {
  http.get(
    '/v1/members',
    {
      ...read,
      schema: {
        operationId: 'listMembers',
        tags,
        summary: 'List the members of the tenant',
        description:
          "Who may sign in to this tenant, and who was invited; newest first. Those of the installation's own tenant administer all of it and are listed there alone.",
        querystring: PageQuery,
        response: { 200: shapes.MemberPage },
      },
    },
    (request) => listMembers(app, request.actor, request.query),
  )
  http.post(
    '/v1/members',
    {
      ...write,
      schema: {
        operationId: 'inviteMember',
        tags,
        summary: 'Invite somebody',
        description:
          'Makes a one-time link for them, which you hand on; nothing is sent by mail. Inviting again who has not come yet makes another one.',
        body: shapes.NewMemberBody,
        response: { 201: shapes.NewMemberSchema },
      },
    },
    async (request, reply) => reply.code(201).send(await inviteMember(app, request.actor, request.body)),
  )
}
