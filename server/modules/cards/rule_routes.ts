import Type from 'typebox'
import type { Routes } from '../app.ts'
import * as rules from './rule_book.ts'
import { CreateRule, Rule, Rules, UpdateRule } from './rule_schema.ts'
import { IdParams as params } from './schema.ts'

const read = { config: { access: 'cards:read' } } as const
const keep = { config: { access: 'cards:write' } } as const
const tags = ['Cards']

export const ruleRoutes: Routes = (http, app) => {
  http.get(
    '/v1/cards/rules',
    {
      ...read,
      schema: {
        operationId: 'listCardRules',
        summary: 'List the rules for authorizations, in the order in which they are asked',
        tags,
        response: { 200: Rules },
      },
    },
    (request) => rules.listRules(app, request.actor),
  )
  http.post(
    '/v1/cards/rules',
    {
      ...keep,
      schema: {
        operationId: 'createCardRule',
        summary: 'Add a rule for authorizations',
        description:
          'Asked after the state of the card and its limits. The first whose conditions all hold decides; where none does it is approved.',
        tags,
        body: CreateRule,
        response: { 201: Rule },
      },
    },
    async (request, reply) => reply.code(201).send(await rules.createRule(app, request.actor, request.body)),
  )
  http.get(
    '/v1/cards/rules/:id',
    {
      ...read,
      schema: {
        operationId: 'readCardRule',
        summary: 'Read a rule for authorizations',
        tags,
        params,
        response: { 200: Rule },
      },
    },
    (request) => rules.readRule(app, request.actor, request.params.id),
  )
  http.patch(
    '/v1/cards/rules/:id',
    {
      ...keep,
      schema: {
        operationId: 'updateCardRule',
        summary: 'Change a rule for authorizations',
        tags,
        params,
        body: UpdateRule,
        response: { 200: Rule },
      },
    },
    (request) => rules.updateRule(app, request.actor, request.params.id, request.body),
  )
  http.delete(
    '/v1/cards/rules/:id',
    {
      ...keep,
      schema: {
        operationId: 'deleteCardRule',
        summary: 'Delete a rule for authorizations',
        tags,
        params,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await rules.deleteRule(app, request.actor, request.params.id)
      return reply.code(204).send(null)
    },
  )
}
