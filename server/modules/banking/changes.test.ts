import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import Type from 'typebox'
import type { Page, TransactionChanges, VendorAccount, VendorTransaction } from '../../kit/banking.ts'
import { defineProvider, get, operation } from '../../kit/provider.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes } from './routes.ts'
import { runSync } from './sync.ts'
import { claimSyncs } from './sync_queries.ts'

/** A bank that tells what changed since a cursor, and of each change once. */
const truth = {
  ...{ accounts: [] as string[], changes: [] as TransactionChanges['added'], after_list: () => {} },
  /** Given page by page in place of the changes, where there are any. */
  pages: [] as Pick<TransactionChanges, 'added' | 'removed'>[],
}
let url: string
let served: Served
let key: string

const provider = defineProvider({
  ...{ id: 'ticker', name: 'Ticker', category: 'banking', docs: 'https://example.com' },
  base_url: { live: 'https://example.com', test: 'https://example.com' },
  fields: [{ key: 'base_url', label: 'Base URL', type: 'url' }],
  auth: { kind: 'none' },
  limits: { requests_per_minute: 1_000_000, timeout_ms: 30_000 },
  test: get('/accounts'),
  banking: {
    accounts: operation({
      request: () => get('/accounts'),
      reads: Type.Unsafe<Page<VendorAccount>>({}),
      translate: (page) => page,
    }),
    changes: operation({
      request: ({ after }) => get('/changes', { after }),
      reads: Type.Unsafe<TransactionChanges>({}),
      translate: (changes) => changes,
    }),
  },
})

before(async () => {
  const server = createServer((request, reply) => {
    const asked = new URL(request.url ?? '/', 'http://bank')
    reply.setHeader('content-type', 'application/json')
    reply.end(JSON.stringify(asked.pathname === '/accounts' ? listed() : changedSince(asked)))
    if (asked.pathname === '/accounts') truth.after_list()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  served = await serve({
    providers: new Map([[provider.id, provider]]),
    mount: { rooms: [connectionRoutes, routes] },
  })
  key = (await tenantWithKey(served, ['*'], 'test')).key
})

const listed = (): Page<VendorAccount> => ({
  items: truth.accounts.map((vendor_id) => ({
    ...{ vendor_id, kind: 'checking', name: null, bank_code: null, branch: null },
    ...{ number_masked: null, currency: 'BRL' },
  })),
  next: null,
})

function changedSince(asked: URL): TransactionChanges {
  const page = truth.pages.shift()
  if (page) return { ...page, modified: [], next: crypto.randomUUID(), has_more: truth.pages.length > 0 }
  const added = truth.changes.slice(Number(asked.searchParams.get('after') ?? 0))
  return { added, modified: [], removed: [], next: String(truth.changes.length), has_more: false }
}

const entry = (account_id: string): VendorTransaction & { account_id: string } => ({
  ...{ account_id, vendor_id: crypto.randomUUID(), status: 'booked', kind: 'card', description: 'Padaria' },
  ...{ money: { amount: '-1000', currency: 'BRL' }, at: '2026-03-10T12:00:00.000Z', is_final: true },
})

const send = async (method: string, path: string, body?: unknown) => {
  const reply = await served.send(method, path, { key, ...(body !== undefined && { body }) })
  assert.ok(reply.status < 300, reply.text)
  return reply.body
}

async function sync(bank: unknown) {
  const { id } = await send('POST', `/v1/banks/${bank}/sync`)
  const { items } = await claimSyncs(served.app.db.worker, {
    id: crypto.randomUUID(),
    limit: 1,
    ahead: false,
  })
  const [item] = items
  assert(item)
  await runSync(served.app, item, () => true)
  return send('GET', `/v1/bank-syncs/${id}`)
}

test('what changed on an account that was opened meanwhile is lost neither then nor later', async () => {
  const about = { user_id: 'ana', name: 'Ticker', bank_code: '00000000', schedule: null }
  const made = await send('POST', '/v1/banks', { ...about, provider: 'ticker', settings: { base_url: url } })
  truth.accounts = ['old']
  truth.changes = [entry('old')]
  truth.after_list = () => {
    truth.after_list = () => {}
    truth.accounts.push('new')
    truth.changes.push(entry('new'), entry('old'))
  }
  const first = await sync(made['id'])
  assert.deepEqual([first['state'], first['imported']], ['succeeded', 3])
  truth.changes.push(entry('of nobody'), entry('new'))
  const second = await sync(made['id'])
  assert.deepEqual([second['state'], second['imported']], ['succeeded', 1])
  const third = await sync(made['id'])
  assert.deepEqual([third['state'], third['imported'], third['skipped']], ['succeeded', 0, 0])
})

test('what is told of and withdrawn again while it is read is gone, and what is told of after that is there', async () => {
  const about = { user_id: 'bia', name: 'Ticker', bank_code: '00000000', schedule: null }
  const made = await send('POST', '/v1/banks', { ...about, provider: 'ticker', settings: { base_url: url } })
  truth.accounts = ['one']
  const [stays, goes, comes] = [entry('one'), entry('one'), entry('one')]
  const removed = ({ vendor_id }: VendorTransaction) => [{ vendor_id, account_id: 'one' }]
  truth.pages = [
    { added: [stays, goes], removed: removed(comes) },
    { added: [comes], removed: removed(goes) },
  ]
  const read = await sync(made['id'])
  assert.deepEqual([read['state'], read['imported']], ['succeeded', 2])
  truth.pages = [{ added: [], removed: removed(stays) }]
  const after = await sync(made['id'])
  assert.deepEqual([after['state'], after['removed']], ['succeeded', 1])
})
