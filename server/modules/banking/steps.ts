import type {
  Banking,
  Page,
  TransactionChanges,
  VendorAccount,
  VendorBalance,
  VendorTransaction,
} from '../../kit/banking.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import type { App, Cause } from '../app.ts'
import type { OpenConnection } from '../connections/connections.ts'
import type { Draft } from '../events/events.ts'
import * as accounts from './account_queries.ts'
import { dayOf } from './days.ts'
import { type BankRow, updateBank } from './queries.ts'
import { type Difference, lastWord, reconcile, type Told } from './reconcile.ts'
import { addCounts, type Step } from './sync_queries.ts'
import { aboutOf, driftEvents, transactionEvents } from './told.ts'
import * as transactions from './transaction_queries.ts'
import { ask, type Heard, TROUBLES } from './vendor.ts'
import { knownTo, windowsOf } from './windows.ts'

/**
 * What a sync does, step by step: the bank's accounts; of each the transactions, window by window, and the balance; or
 * all that changed since a cursor. A step asks for its pages one by one, and what they say becomes true all at once.
 */
export type Reading = {
  app: App
  tenant_id: string
  sync_id: string
  bank: BankRow
  banking: Banking
  connection: OpenConnection
  /** What has the bank asked. */
  by: Cause
}

/** What a page holds, as it is kept; `next` is where the page after it begins. */
export type Leaf = { items: unknown[]; next: string | null }

/** What a step came to: what is to be read after it, before all else, and what is to be told. */
export type Settled = { todo: Step[]; drafts: Draft[] }

export function askFor(reading: Reading, step: Step, after: string | null): Promise<Heard<Leaf>> {
  switch (step.kind) {
    case 'accounts':
      return askAccounts(reading, after)
    case 'window':
      return askWindow(reading, step, after)
    case 'changes':
      return askChanges(reading, after)
    case 'balance':
      return askBalance(reading, step.account_id)
  }
}

export function settle(tx: Tx, reading: Reading, step: Step, items: readonly unknown[]): Promise<Settled> {
  switch (step.kind) {
    case 'accounts':
      return settleAccounts(tx, reading, step, items as readonly VendorAccount[])
    case 'window':
      return settleWindow(tx, reading, step, items as readonly VendorTransaction[])
    case 'changes':
      return settleChanges(tx, reading, step, items as readonly TransactionChanges[])
    case 'balance':
      return settleBalance(tx, reading, step.account_id, items as readonly VendorBalance[])
  }
}

const paged = <Item>(heard: Heard<Page<Item>>): Heard<Leaf> =>
  'told' in heard ? { told: { items: heard.told.items, next: heard.told.next } } : heard

async function askAccounts(
  { app, banking, connection, by }: Reading,
  after: string | null,
): Promise<Heard<Leaf>> {
  if (typeof banking.accounts === 'function')
    return { told: { items: banking.accounts(connection.opened.settings), next: null } }
  const input = after === null ? {} : { after }
  return paged(await ask<Page<VendorAccount>>(app, connection, 'banking.accounts', input, by))
}

async function settleAccounts(
  tx: Tx,
  { app, tenant_id, bank, banking }: Reading,
  { again }: Extract<Step, { kind: 'accounts' }>,
  told: readonly VendorAccount[],
): Promise<Settled> {
  const owner = { tenant_id, bank_id: bank.id, user_id: bank.user_id }
  const today = dayOf(app.clock.now())
  const kept: string[] = []
  const todo: Step[] = banking.changes ? [{ kind: 'changes', ...(again && { again }) }] : []
  for (const account of told) {
    const row = await accounts.upsertAccount(tx, owner, app.newId(), account)
    kept.push(row.id)
    if (!banking.changes && banking.transactions) todo.push(...windowsOf(banking, row, today))
    if (banking.balance) todo.push({ kind: 'balance', account_id: row.id })
  }
  await accounts.leaveAccounts(tx, { tenant_id, id: bank.id }, kept)
  const login_id = told.find((account) => account.login_id !== undefined)?.login_id
  if (login_id !== undefined && login_id !== bank.login_id)
    await updateBank(tx, { tenant_id, id: bank.id }, { login_id })
  return { todo, drafts: [] }
}

type Window = Extract<Step, { kind: 'window' }>

async function askWindow(reading: Reading, step: Window, after: string | null): Promise<Heard<Leaf>> {
  const { app, connection, by } = reading
  const account = await accountOf(reading, step.account_id)
  const input = {
    account_id: account.vendor_id,
    account_kind: account.kind,
    from: step.from,
    to: step.to,
    ...(step.recent && { recent: true }),
    ...(after !== null && { after }),
  }
  const heard = await ask<Page<VendorTransaction>>(app, connection, 'banking.transactions', input, by)
  const code = 'trouble' in heard ? heard.trouble.vendor_code : null
  const is_nothing = code !== null && reading.banking.statement?.nothing?.includes(code)
  return is_nothing ? { told: { items: [], next: null } } : paged(heard)
}

async function settleWindow(
  tx: Tx,
  reading: Reading,
  { account_id, from, to, is_last }: Window,
  items: readonly VendorTransaction[],
): Promise<Settled> {
  const { app, tenant_id, banking } = reading
  const account = await mustFind(tx, reading, account_id)
  const drafts = await apply(tx, reading, account, {
    items,
    composed: banking.statement?.ids === 'composed',
    window: { from, to },
    gone: [],
  })
  const today = dayOf(app.clock.now())
  await accounts.moveRead(
    tx,
    { tenant_id, id: account_id },
    {
      read_to: knownTo({ from, to }, today),
      read_on: is_last ? today : null,
    },
  )
  return { todo: [], drafts }
}

/** The answer is kept whole: its parts belong to several accounts. */
async function askChanges(
  { app, connection, bank, by }: Reading,
  after: string | null,
): Promise<Heard<Leaf>> {
  const from = after ?? bank.cursor
  const input = from === null ? {} : { after: from }
  const heard = await ask<TransactionChanges>(app, connection, 'banking.changes', input, by)
  if (!('told' in heard)) return heard
  return { told: { items: [heard.told], next: heard.told.has_more ? heard.told.next : null } }
}

/**
 * Of an account that was opened since the list was read the list is read anew first, and nothing is used: the cursor tells
 * of each change once. What is on no list even then is an account that the bank does not give us.
 */
async function settleChanges(
  tx: Tx,
  reading: Reading,
  { again }: Extract<Step, { kind: 'changes' }>,
  pages: readonly TransactionChanges[],
): Promise<Settled> {
  const { app, tenant_id, bank } = reading
  const drafts: Draft[] = []
  const today = dayOf(app.clock.now())
  const own = await accounts.listAccounts(tx, { tenant_id, id: bank.id })
  const known = new Set(own.map(({ vendor_id }) => vendor_id))
  const isNew = ({ account_id }: { account_id: string }) => !known.has(account_id)
  if (!again && pages.some(({ added, modified }) => added.some(isNew) || modified.some(isNew)))
    return { todo: [{ kind: 'accounts', again: true }], drafts: [] }
  for (const account of own) {
    const { items, gone } = lastWord(pages, account.vendor_id)
    drafts.push(...(await apply(tx, reading, account, { items, composed: false, window: null, gone })))
    await accounts.moveRead(tx, { tenant_id, id: account.id }, { read_to: today, read_on: today })
  }
  await updateBank(tx, { tenant_id, id: bank.id }, { cursor: pages.at(-1)?.next ?? bank.cursor })
  return { todo: [], drafts }
}

type Answer = {
  items: readonly VendorTransaction[]
  composed: boolean
  /** The days it covers; null where it tells only of changes, and says by `gone` what is no more. */
  window: { from: string; to: string } | null
  gone: readonly string[]
}

/** Makes the transactions of an account what the bank says they are. */
async function apply(
  tx: Tx,
  reading: Reading,
  account: accounts.AccountRow,
  { items, composed, window, gone }: Answer,
): Promise<Draft[]> {
  const { app, tenant_id, sync_id, bank } = reading
  const place = { tenant_id, account_id: account.id }
  const missing = new Set(gone)
  const inside = window ? await transactions.listKnown(tx, place, window) : []
  const found = new Set(inside.map(({ vendor_id }) => vendor_id))
  const others = new Set([...items.map(({ vendor_id }) => vendor_id), ...gone].filter((id) => !found.has(id)))
  const known = [...inside, ...(await transactions.listNamed(tx, place, [...others]))]
  const told: Told = {
    items,
    composed,
    read_on: account.read_on,
    covers: ({ day, vendor_id }) =>
      window ? day >= window.from && day <= window.to : missing.has(vendor_id),
  }
  const difference = reconcile(known, told)
  const changes = await write(app, tx, { ...place, bank_id: bank.id, user_id: bank.user_id }, difference)
  await addCounts(
    tx,
    { tenant_id, id: sync_id },
    {
      imported: changes.imported.length,
      updated: changes.updated.length,
      removed: changes.removed.length,
      skipped: difference.same,
    },
  )
  return transactionEvents(aboutOf(reading, account.id), changes)
}

async function write(
  app: App,
  tx: Tx,
  owner: transactions.Owner,
  { added, changed, removed }: Difference,
): Promise<Record<'imported' | 'updated' | 'removed', string[]>> {
  const fresh = added.map((content) => ({ id: app.newId(), content }))
  // What is no more goes first, and what is new comes last: no two rows ever share the bank's id.
  await transactions.removeTransactions(tx, owner, removed)
  await transactions.updateTransactions(tx, owner, changed)
  await transactions.insertTransactions(tx, owner, fresh)
  return { imported: fresh.map(({ id }) => id), updated: changed.map(({ id }) => id), removed }
}

async function askBalance(reading: Reading, account_id: string): Promise<Heard<Leaf>> {
  const { app, connection, by } = reading
  const account = await accountOf(reading, account_id)
  const input = { account_id: account.vendor_id }
  const heard = await ask<VendorBalance>(app, connection, 'banking.balance', input, by)
  if ('told' in heard) return { told: { items: [heard.told], next: null } }
  // Not every account has one: a card, an investment.
  return heard.trouble.code === TROUBLES.not_found.code ? { told: { items: [], next: null } } : heard
}

async function settleBalance(
  tx: Tx,
  reading: Reading,
  account_id: string,
  [told]: readonly VendorBalance[],
): Promise<Settled> {
  if (!told) return { todo: [], drafts: [] }
  const { app, tenant_id } = reading
  const account = await mustFind(tx, reading, account_id)
  const sum = await transactions.sumBooked(tx, { tenant_id, account_id }, account.currency)
  const drift = await accounts.setBalance(
    tx,
    { tenant_id, id: account_id },
    {
      available: told.available.amount,
      current: told.current.amount,
      blocked: told.blocked?.amount ?? null,
      overdraft_limit: told.overdraft_limit?.amount ?? null,
      at: told.at === null ? app.clock.now() : new Date(told.at),
      sum: String(sum),
    },
  )
  const { current } = told
  const moved = { drift, was: account.drift ?? '0', current: current.amount, currency: account.currency }
  return { todo: [], drafts: driftEvents(aboutOf(reading, account_id), moved) }
}

const accountOf = (reading: Reading, account_id: string): Promise<accounts.AccountRow> =>
  inTenant(reading.app.db, reading.tenant_id, (tx) => mustFind(tx, reading, account_id))

/** Accounts are never deleted. */
async function mustFind(tx: Tx, { tenant_id }: Reading, id: string): Promise<accounts.AccountRow> {
  const row = await accounts.findAccount(tx, { tenant_id, id })
  if (!row) throw new Error('an account is gone')
  return row
}
