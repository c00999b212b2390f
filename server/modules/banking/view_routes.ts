import { Readable } from 'node:stream'
import Type from 'typebox'
import type { Routes } from '../app.ts'
import { exportTransactions } from './export.ts'
import { IdParams, PageQuery } from './schema.ts'
import {
  Account,
  AccountQuery,
  Accounts,
  BalanceQuery,
  Consolidated,
  ExportQuery,
  Transaction,
  TransactionQuery,
  Transactions,
  UpdateTransaction,
} from './transaction_schema.ts'
import * as view from './view.ts'

const read = { config: { access: 'banking:read' } } as const
const write = { config: { access: 'banking:write' } } as const
const tags = ['Banking']

export const viewRoutes: Routes = (http, app) => {
  const closing = new AbortController()
  http.addHook('preClose', async () => closing.abort())

  http.get(
    '/v1/banks/:id/accounts',
    {
      ...read,
      schema: {
        operationId: 'listAccountsOfBank',
        summary: 'List the accounts of a bank with their balances, newest first',
        tags,
        params: IdParams,
        querystring: PageQuery,
        response: { 200: Accounts },
      },
    },
    (request) => view.listAccountsOfBank(app, request.actor, request.params.id, request.query),
  )

  http.get(
    '/v1/bank-accounts',
    {
      ...read,
      schema: {
        operationId: 'listBankAccounts',
        summary: 'List accounts with their balances, newest first',
        tags,
        querystring: AccountQuery,
        response: { 200: Accounts },
      },
    },
    (request) => view.listAccounts(app, request.actor, request.query),
  )

  http.get(
    '/v1/bank-accounts/:id',
    {
      ...read,
      schema: {
        operationId: 'readBankAccount',
        summary: 'Read an account with its balance',
        tags,
        params: IdParams,
        response: { 200: Account },
      },
    },
    (request) => view.readAccount(app, request.actor, request.params.id),
  )

  http.get(
    '/v1/bank-balance',
    {
      ...read,
      schema: {
        operationId: 'readBankBalance',
        summary: 'What a person has, over all banks',
        tags,
        querystring: BalanceQuery,
        response: { 200: Consolidated },
      },
    },
    (request) => view.readBalance(app, request.actor, request.query.user_id),
  )

  http.get(
    '/v1/bank-transactions',
    {
      ...read,
      schema: {
        operationId: 'listBankTransactions',
        summary: 'List transactions over all banks, newest first',
        description:
          'A page may be shorter than its limit, even empty, where several filters leave little of much; it goes on as long as there is a `next_cursor`.',
        tags,
        querystring: TransactionQuery,
        response: { 200: Transactions },
      },
    },
    (request) => view.listTransactions(app, request.actor, request.query),
  )

  http.get(
    '/v1/bank-transactions/export',
    {
      ...read,
      schema: {
        operationId: 'exportBankTransactions',
        summary: 'Take transactions away as CSV or OFX',
        description: 'Streamed, newest first. No cell of the CSV is a formula.',
        tags,
        querystring: ExportQuery,
        response: {
          200: Type.Unsafe<Readable>(Type.Unknown({ description: 'text/csv or application/x-ofx' })),
        },
      },
    },
    async (request, reply) => {
      const lines = await exportTransactions(app, request.actor, request.query)
      const is_ofx = request.query.format === 'ofx'
      return reply
        .type(is_ofx ? 'application/x-ofx' : 'text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="transactions.${is_ofx ? 'ofx' : 'csv'}"`)
        .header('cache-control', 'no-store')
        .send(Readable.from(lines, { objectMode: false, signal: closing.signal }))
    },
  )

  http.get(
    '/v1/bank-transactions/:id',
    {
      ...read,
      schema: {
        operationId: 'readBankTransaction',
        summary: 'Read a transaction',
        tags,
        params: IdParams,
        response: { 200: Transaction },
      },
    },
    (request) => view.readTransaction(app, request.actor, request.params.id),
  )

  http.patch(
    '/v1/bank-transactions/:id',
    {
      ...write,
      schema: {
        operationId: 'updateBankTransaction',
        summary: 'Give a transaction a category of yours, or take it away',
        tags,
        params: IdParams,
        body: UpdateTransaction,
        response: { 200: Transaction },
      },
    },
    (request) => view.updateTransaction(app, request.actor, request.params.id, request.body),
  )
}
