import Type from 'typebox'
import type { Routes } from '../app.ts'
import { bankContract } from './bank_contract.ts'
import * as banking from './banking.ts'
import { consentContract } from './consent_contract.ts'
import { consentRoutes } from './consent_routes.ts'
import { Bank, BankQuery, Banks, CreateBank, IdParams, Sync, SyncQuery, Syncs, UpdateBank } from './schema.ts'
import { viewRoutes } from './view_routes.ts'

const read = { config: { access: 'banking:read' } } as const
const operate = { config: { access: 'banking:operate' } } as const
const write = { config: { access: 'banking:write' } } as const
const tags = ['Banking']

export const routes: Routes = (http, app) => {
  viewRoutes(http, app)
  bankContract(http, app)
  consentRoutes(http, app)
  consentContract(http, app)
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
        description:
          'Its credentials are gone at once, or where people agreed as soon as the bank knows that their consents are over. What it told stays.',
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

  http.post(
    '/v1/banks/:id/sync',
    {
      ...operate,
      schema: {
        operationId: 'syncBank',
        summary: 'Read all that a bank tells, soon',
        description: 'Where a sync of this bank is under way it is that one. Its end is told by events.',
        tags,
        params: IdParams,
        response: { 202: Sync },
      },
    },
    async (request, reply) =>
      reply.code(202).send(await banking.syncBank(app, request.actor, request.params.id)),
  )

  http.get(
    '/v1/bank-syncs',
    {
      ...read,
      schema: {
        operationId: 'listBankSyncs',
        summary: 'List syncs, newest first',
        tags,
        querystring: SyncQuery,
        response: { 200: Syncs },
      },
    },
    (request) => banking.listSyncs(app, request.actor, request.query),
  )

  http.get(
    '/v1/bank-syncs/:id',
    {
      ...read,
      schema: {
        operationId: 'readBankSync',
        summary: 'Read a sync: how it goes, or how it went',
        tags,
        params: IdParams,
        response: { 200: Sync },
      },
    },
    (request) => banking.readSync(app, request.actor, request.params.id),
  )
}
