import type { Routes } from '../app.ts'
import {
  CreateTransfer,
  IdParams,
  Policy,
  RejectTransfer,
  ResolveTransfer,
  SetPolicy,
  Transfer,
  TransferQuery,
  TransferStory,
  Transfers,
} from './schema.ts'
import * as transfers from './transfers.ts'

const read = { config: { access: 'transfers:read' } } as const
const write = { config: { access: 'transfers:write', acts_outside: true } } as const
const decide = { config: { access: 'transfers:approve', acts_outside: true } } as const
const tags = ['Transfers']
const params = IdParams

export const routes: Routes = (http, app) => {
  policy(http, app)
  making(http, app)
  deciding(http, app)
  ending(http, app)
}

const policy: Routes = (http, app) => {
  http.get(
    '/v1/transfers/policy',
    {
      ...read,
      schema: {
        operationId: 'readTransferPolicy',
        summary: 'From which amount on a second person has to let a transfer go',
        tags,
        response: { 200: Policy },
      },
    },
    (request) => transfers.readPolicy(app, request.actor),
  )
  http.put(
    '/v1/transfers/policy',
    {
      config: { access: 'tenants:write' },
      schema: {
        operationId: 'setTransferPolicy',
        summary: 'Say from which amount on a second person has to let a transfer go',
        description: 'Of the environment of the key. What waits already goes on waiting.',
        tags,
        body: SetPolicy,
        response: { 200: Policy },
      },
    },
    (request) => transfers.setPolicy(app, request.actor, request.body),
  )
}

const making: Routes = (http, app) => {
  http.post(
    '/v1/transfers',
    {
      config: { ...write.config, keyed_by_body: true },
      schema: {
        operationId: 'createTransfer',
        summary: 'Send money from an account by Pix, by TED, or to an account of the same bank',
        description:
          'Send an `Idempotency-Key`. `processing` means that its end was not seen; it is asked for until it is known, and told by an event. `awaiting_approval` means that nothing is sent before somebody else approves it.',
        tags,
        body: CreateTransfer,
        response: { 201: Transfer },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await transfers.createTransfer(app, request.actor, request.body)),
  )
  http.get(
    '/v1/transfers',
    {
      ...read,
      schema: {
        operationId: 'listTransfers',
        summary: 'List transfers, newest first',
        tags,
        querystring: TransferQuery,
        response: { 200: Transfers },
      },
    },
    (request) => transfers.listTransfers(app, request.actor, request.query),
  )
  http.get(
    '/v1/transfers/:id',
    {
      ...read,
      schema: {
        operationId: 'readTransfer',
        summary: 'Read a transfer, with where it goes and what made it what it is',
        tags,
        params,
        response: { 200: TransferStory },
      },
    },
    (request) => transfers.readTransfer(app, request.actor, request.params.id),
  )
}

const deciding: Routes = (http, app) => {
  http.post(
    '/v1/transfers/:id/approve',
    {
      ...decide,
      schema: {
        operationId: 'approveTransfer',
        summary: 'Let a transfer go that waits for a second person',
        description: 'Not by who asked for it.',
        tags,
        params,
        response: { 200: Transfer },
      },
    },
    (request) => transfers.approveTransfer(app, request.actor, request.params.id),
  )
  http.post(
    '/v1/transfers/:id/reject',
    {
      ...decide,
      schema: {
        operationId: 'rejectTransfer',
        summary: 'Say no to a transfer that waits for a second person',
        tags,
        params,
        body: RejectTransfer,
        response: { 200: Transfer },
      },
    },
    (request) => transfers.rejectTransfer(app, request.actor, request.params.id, request.body),
  )
}

const ending: Routes = (http, app) => {
  http.post(
    '/v1/transfers/:id/cancel',
    {
      ...write,
      schema: {
        operationId: 'cancelTransfer',
        summary: 'Give up a transfer',
        description: 'One that was not sent at once; of any other the bank says whether it still can.',
        tags,
        params,
        response: { 200: Transfer },
      },
    },
    (request) => transfers.cancelTransfer(app, request.actor, request.params.id),
  )
  http.post(
    '/v1/transfers/:id/refresh',
    {
      ...write,
      schema: {
        operationId: 'refreshTransfer',
        summary: 'Ask the bank how a transfer is',
        tags,
        params,
        response: { 200: TransferStory },
      },
    },
    (request) => transfers.refreshTransfer(app, request.actor, request.params.id),
  )
  http.post(
    '/v1/transfers/:id/resolve',
    {
      ...write,
      schema: {
        operationId: 'resolveTransfer',
        summary: 'Say by hand what became of a transfer whose bank cannot say it',
        tags,
        params,
        body: ResolveTransfer,
        response: { 200: Transfer },
      },
    },
    (request) => transfers.resolveTransfer(app, request.actor, request.params.id, request.body),
  )
}
