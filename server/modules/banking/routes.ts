import Type from 'typebox'
import type { Routes } from '../app.ts'
import * as banking from './banking.ts'
import { Bank, BankQuery, Banks, CreateBank, IdParams, UpdateBank } from './schema.ts'

const read = { config: { access: 'banking:read' } } as const
const write = { config: { access: 'banking:write' } } as const
const tags = ['Banking']

export const routes: Routes = (http, app) => {
  http.post(
    '/v1/banks',
    {
      ...write,
      schema: {
        operationId: 'createBank',
        summary: 'Connect a bank of a person',
        tags,
        body: CreateBank,
        response: { 201: Bank },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await banking.createBank(app, request.actor, request.body)),
  )

  http.get(
    '/v1/banks',
    {
      ...read,
      schema: {
        operationId: 'listBanks',
        summary: 'List banks, newest first',
        tags,
        querystring: BankQuery,
        response: { 200: Banks },
      },
    },
    (request) => banking.listBanks(app, request.actor, request.query),
  )

  http.get(
    '/v1/banks/:id',
    {
      ...read,
      schema: {
        operationId: 'readBank',
        summary: 'Read a bank',
        tags,
        params: IdParams,
        response: { 200: Bank },
      },
    },
    (request) => banking.readBank(app, request.actor, request.params.id),
  )

  http.patch(
    '/v1/banks/:id',
    {
      ...write,
      schema: {
        operationId: 'updateBank',
        summary: 'Change a bank',
        tags,
        params: IdParams,
        body: UpdateBank,
        response: { 200: Bank },
      },
    },
    (request) => banking.updateBank(app, request.actor, request.params.id, request.body),
  )

  http.delete(
    '/v1/banks/:id',
    {
      ...write,
      schema: {
        operationId: 'deleteBank',
        summary: 'Disconnect a bank',
        description: 'Its credentials are gone at once. What it told stays.',
        tags,
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await banking.deleteBank(app, request.actor, request.params.id)
      return reply.code(204).send(null)
    },
  )
}
