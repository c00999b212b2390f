import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Type from 'typebox'
import type { Page, Statement, VendorAccount, VendorBalance, VendorTransaction } from '../kit/banking.ts'
import { defineProvider, get, operation, type Provider, path } from '../kit/provider.ts'
import { undoAfter } from './harness.ts'

/** A bank that is no more than its truth, on real sockets: what it tells is what a test put into it. */
export type ModelBank = {
  url: string
  accounts: Map<string, VendorTransaction[]>
  balances: Map<string, string>
  /** Rows in one page. */
  page_size: number
  /** Of requests, before each is answered; what it throws is a failure of the bank. */
  before: (path: string) => Promise<void> | void
}

export async function openModelBank(): Promise<ModelBank> {
  const bank: ModelBank = {
    url: '',
    accounts: new Map(),
    balances: new Map(),
    page_size: 100,
    before: () => {},
  }
  const server = createServer((request, reply) => void answer(bank, request, reply))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  bank.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  undoAfter(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return bank
}

async function answer(bank: ModelBank, request: IncomingMessage, reply: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://bank')
  try {
    await bank.before(url.pathname)
    reply.setHeader('content-type', 'application/json')
    reply.end(JSON.stringify(tell(bank, url)))
  } catch (error) {
    reply.statusCode = Number((error as { status?: number }).status ?? 503)
    reply.end('{}')
  }
}

function tell(bank: ModelBank, url: URL): unknown {
  const [, , id = '', what] = url.pathname.split('/')
  if (what === undefined) return { items: [...bank.accounts.keys()].map(toAccount), next: null }
  if (what === 'balance') return toBalance(bank.balances.get(id) ?? '0')
  const [from, to] = [url.searchParams.get('from') ?? '', url.searchParams.get('to') ?? '']
  const rows = (bank.accounts.get(id) ?? []).filter(({ at }) => dayOf(at) >= from && dayOf(at) <= to)
  const begin = Number(url.searchParams.get('after') ?? 0)
  const end = begin + bank.page_size
  return { items: rows.slice(begin, end), next: end < rows.length ? String(end) : null }
}

/** Brazil is three hours behind UTC all the year, as things stand. */
const dayOf = (at: string): string => new Date(Date.parse(at) - 3 * 3_600_000).toISOString().slice(0, 10)

const toAccount = (vendor_id: string): VendorAccount => ({
  ...{ vendor_id, kind: 'checking', name: 'Conta', bank_code: '00000000', branch: '0001' },
  ...{ number_masked: '****1234', currency: 'BRL' },
})

const toBalance = (amount: string): VendorBalance => ({
  available: { amount, currency: 'BRL' },
  current: { amount, currency: 'BRL' },
  at: null,
})

/** It speaks our own words, so that nothing is between the room and the truth. */
export const modelProvider = (statement: Statement): Provider =>
  defineProvider({
    id: 'model_bank',
    name: 'Model bank',
    category: 'banking',
    docs: 'https://example.com',
    base_url: { live: 'https://example.com', test: 'https://example.com' },
    fields: [{ key: 'base_url', label: 'Base URL', type: 'url' }],
    auth: { kind: 'none' },
    limits: { requests_per_minute: 1_000_000, requests_per_hour: 10_000_000, timeout_ms: 5_000 },
    test: get('/accounts'),
    banking: {
      statement,
      accounts: operation({
        request: () => get('/accounts'),
        reads: Type.Unsafe<Page<VendorAccount>>({}),
        translate: (page) => page,
      }),
      balance: operation({
        request: ({ account_id }) => get(path`/accounts/${account_id}/balance`),
        reads: Type.Unsafe<VendorBalance>({}),
        translate: (balance) => balance,
      }),
      transactions: operation({
        request: ({ account_id, from, to, after }) =>
          get(path`/accounts/${account_id}/transactions`, { from, to, after }),
        reads: Type.Unsafe<Page<VendorTransaction>>({}),
        translate: (page) => page,
      }),
    },
  })
