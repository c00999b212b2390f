import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import * as accounts from './account_queries.ts'
import * as lists from './list_queries.ts'
import { findBank } from './queries.ts'
import { noBank } from './syncs.ts'
import { listTransactions as pageOfTransactions } from './transaction_list.ts'
import {
  type Account,
  type Consolidated,
  type Transaction,
  type TransactionQuery,
  toAccount,
  toTransaction,
  type UpdateTransaction,
} from './transaction_schema.ts'
import { checkWorldOfTold } from './worlds.ts'

/** What the banks of a person told, over all of them. */

export async function listAccounts(app: App, { tenant_id }: Actor, input: AccountInput) {
  const { limit, before } = readPage('bank_account', input)
  const { user_id } = input
  const bank_id = input.bank_id === undefined ? undefined : fromWire('bank', input.bank_id, 'bank_id')
  const rows = await inTenant(app.db, tenant_id, (tx) =>
    accounts.listAccountPage(tx, tenant_id, { user_id, bank_id }, limit, before),
  )
  return toPage('bank_account', rows, limit, toAccount)
}

type AccountInput = PageInput & { user_id?: string | undefined; bank_id?: string | undefined }

/** Of one bank, which has to be there. */
export async function listAccountsOfBank(app: App, actor: Actor, wire_id: string, input: PageInput) {
  const place = { tenant_id: actor.tenant_id, id: fromWire('bank', wire_id) }
  const bank = await inTenant(app.db, actor.tenant_id, (tx) => findBank(tx, place))
  if (!bank) throw noBank(wire_id)
  return listAccounts(app, actor, { ...input, bank_id: wire_id })
}

export async function readAccount(app: App, { tenant_id }: Actor, wire_id: string): Promise<Account> {
  const place = { tenant_id, id: fromWire('bank_account', wire_id) }
  const row = await inTenant(app.db, tenant_id, (tx) => accounts.findAccount(tx, place))
  if (!row) throw new Problem('not_found', { detail: `there is no bank account ${wire_id}` })
  return toAccount(row)
}

/** What is owed is no money that somebody has. */
const HOLDS_MONEY = ['checking', 'savings', 'payment', 'investment', 'other']

export async function readBalance(app: App, { tenant_id }: Actor, user_id: string): Promise<Consolidated> {
  const rows = await inTenant(app.db, tenant_id, (tx) => accounts.listAccountsOf(tx, tenant_id, user_id))
  const told = rows.filter(({ kind, current }) => current !== null && HOLDS_MONEY.includes(kind))
  const totals = [...Map.groupBy(told, ({ currency }) => currency)].map(([currency, group]) => ({
    currency,
    available: { amount: sumOf(group, 'available'), currency },
    current: { amount: sumOf(group, 'current'), currency },
    accounts: group.length,
  }))
  const times = told.flatMap(({ balance_at }) => balance_at ?? []).sort((a, b) => a.getTime() - b.getTime())
  return {
    user_id,
    totals,
    accounts: rows.map((row) => ({ ...toAccount(row), bank_name: row.bank_name })),
    oldest_at: times[0]?.toISOString() ?? null,
  }
}

const sumOf = (rows: accounts.AccountRow[], field: 'available' | 'current'): string =>
  String(rows.reduce((sum, row) => sum + BigInt(row[field] ?? 0), 0n))

export async function listTransactions(app: App, actor: Actor, input: TransactionQuery) {
  const { rows, next_cursor } = await pageOfTransactions(app, actor, input)
  return { data: rows.map(toTransaction), next_cursor }
}

/** One that the bank took back too. */
export async function readTransaction(app: App, { tenant_id }: Actor, wire_id: string): Promise<Transaction> {
  const place = { tenant_id, id: fromWire('bank_transaction', wire_id) }
  const row = await inTenant(app.db, tenant_id, (tx) => lists.findTransaction(tx, place))
  return toTransaction(found(row, wire_id))
}

function found(row: lists.TransactionRow | undefined, wire_id: string): lists.TransactionRow {
  if (row) return row
  throw new Problem('not_found', { detail: `there is no transaction ${wire_id}` })
}

export async function updateTransaction(
  app: App,
  actor: Actor,
  wire_id: string,
  { category }: UpdateTransaction,
): Promise<Transaction> {
  const { tenant_id } = actor
  const place = { tenant_id, id: fromWire('bank_transaction', wire_id) }
  const before = await inTenant(app.db, tenant_id, (tx) => lists.findTransaction(tx, place))
  await checkWorldOfTold(app, actor, found(before, wire_id).bank_id)
  return inTenant(app.db, tenant_id, async (tx) => {
    const row = found(await lists.setCategory(tx, place, category), wire_id)
    await audit(tx, actor, 'bank_transaction.update', toWire('bank_transaction', row.id), { category })
    return toTransaction(row)
  })
}
