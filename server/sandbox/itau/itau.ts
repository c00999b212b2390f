import { randomUUID } from 'node:crypto'
import { createOAuth } from '../oauth.ts'
import { json, numberIn, readJson, remember, type SandboxReply, type SandboxRequest } from '../wire.ts'
import { createTransfers } from './transfers.ts'

/**
 * Itaú's API Account Statement 1 (devportal.itau.com.br) below `/itau/account-statement/v1`, its tokens at
 * `/itau/api/oauth/token` for any client with the secret `sandbox-secret`. Every account of twelve digits (branch 4, number
 * 7, check digit 1) is there and begins with a few entries; `PUT /itau/_control/{account}` sets them, as the API tells
 * them. `/balances` tells of the accounts that were asked for or set, and an account may be told to fail in it by
 * `PUT /itau/_control/{account}/failing` with `true`. What it pays stands in `transfers.ts`.
 */
export function createItau(): (request: SandboxRequest) => SandboxReply {
  const books: Books = { events: new Map(), failing: new Set() }
  const oauth = createOAuth()
  const transfers = createTransfers()
  return (request) => {
    if (request.path === '/api/oauth/token') return oauth.vendor({ ...request, path: '/token' })
    if (request.path === '/_control/transfers') return transfers.control(request)
    if (request.path.startsWith('/_control/')) return control(books, request)
    const [, token = ''] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? []
    if (!oauth.isLive(token)) return refused(401, 'Unauthorized')
    if (!UUID.test(String(request.headers['x-itau-correlationid'] ?? '')))
      return refused(400, 'x-itau-correlationid is required and must be a UUID')
    if (request.path.startsWith('/sispag/v1/')) return transfers.api(request)
    const [, what, account] =
      /^\/account-statement\/v1\/(balances|statements\/([0-9]{12}))$/.exec(request.path) ?? []
    if (what === undefined || request.method !== 'GET') return refused(404, 'Not Found')
    return account === undefined ? balances(books) : statement(books, account, request.query)
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** As the API writes it; a debit is below zero. */
type Event = {
  date: { event: string; accounting: string }
  amount: { value: number; currency: string }
  [field: string]: unknown
}
type Books = { events: Map<string, Event[]>; failing: Set<string> }

const MOST_ACCOUNTS = 1_000
const DAY_MS = 86_400_000

function control(books: Books, { path, method, body }: SandboxRequest): SandboxReply {
  const [, , account = '', what] = path.split('/')
  if (what === 'failing') {
    if (readJson(body) === true) books.failing.add(account)
    else books.failing.delete(account)
    return json(200, { failing: books.failing.has(account) })
  }
  if (method === 'PUT') remember(books.events, account, (readJson(body) ?? []) as Event[], MOST_ACCOUNTS)
  return json(200, eventsOf(books, account))
}

function eventsOf({ events }: Books, account: string): Event[] {
  const known = events.get(account)
  if (known) return known
  const made = TOLD.map((_, at) => eventOf(at))
  remember(events, account, made, MOST_ACCOUNTS)
  return made
}

const TOLD = [
  ['D', -45.9, 'PIX ENVIADO MARIA', 'PIX', 1],
  ['C', 1_250, 'PIX RECEBIDO LOJA LTDA', 'PIX', 2],
  ['D', -312.07, 'PAGAMENTO DE BOLETO', 'BOLETO', 3],
  ['D', -74.3, 'TAR CONTA EMPRESA', 'DEBITO', 8],
] as const

function eventOf(at: number): Event {
  const [operation, value, text, type, days_ago] = TOLD[at] ?? TOLD[0]
  const day = new Date(Date.now() - days_ago * DAY_MS).toISOString().slice(0, 10)
  return {
    id: randomUUID(),
    type: 'lancamento',
    operation,
    reversal: false,
    date: { event: `${day}T13:01:38.007Z`, accounting: day },
    literal: { code: '', shortened: text.slice(0, 24), complete: text },
    amount: { value, currency: 'BRL' },
    counterpart: { type: 'CONTA_CORRENTE', name: 'FULANO LTDA', document: '00000000000191', institution: '' },
    origin: { identifier: '', type, operation: '', channel: '', complement: '' },
  }
}

/** The first day is needed, and the last is not taken to the letter; newest first; a page behind the last is 422. */
function statement(books: Books, account: string, query: URLSearchParams): SandboxReply {
  const [type, from] = [query.get('type'), query.get('start_date')]
  if (type !== 'current_account' && type !== 'savings_account')
    return refused(400, `Account Type ${type} nonexistent`)
  if (!from || Number.isNaN(Date.parse(from))) return refused(400, 'start_date is required')
  const last = Date.parse(query.get('end_date') ?? '') || Date.now()
  const to = new Date(last + DAY_MS).toISOString().slice(0, 10)
  const told = eventsOf(books, account)
    .filter(({ date }) => date.accounting >= from && date.accounting <= to)
    .sort((a, b) => (a.date.event < b.date.event ? 1 : -1))
  const page_size = numberIn(query, 'page_size', 10, 1_000) || 10
  const total_pages = Math.max(1, Math.ceil(told.length / page_size))
  const page = numberIn(query, 'page', 1, 100_000) || 1
  if (page > total_pages) return { status: 422, body: '' }
  return json(200, {
    data: [
      {
        events: told.slice((page - 1) * page_size, page * page_size),
        balances: balancesOf(books, account),
      },
    ],
    pagination: {
      links: { next: page < total_pages ? `/statements/${account}?page=${page + 1}` : '', previous: '' },
      ...{ page, total_pages, total_elements: told.length, page_size },
    },
    filters: null,
  })
}

function balancesOf(books: Books, account: string) {
  const cents = eventsOf(books, account).reduce(
    (sum, { amount }) => sum + Math.round(amount.value * 100),
    100_000,
  )
  const date = { event: new Date().toISOString() }
  const balance = (type: string, value: number) => ({
    ...{ type, date, literal: { shortened: type, complete: type }, amount: { value, currency: 'BRL' } },
  })
  return [
    balance('saldo_disponivel', cents / 100),
    balance('saldo_bloqueado', 10),
    balance('saldo_aplic_aut', 0),
  ]
}

/** One that fails is told of beside the others, by 206. */
function balances(books: Books): SandboxReply {
  const data = [...books.events.keys()].map((statementId) =>
    books.failing.has(statementId)
      ? { statementId, error: { error: 'Serviço indisponível' } }
      : { statementId, balances: balancesOf(books, statementId) },
  )
  return json(data.some((one) => 'error' in one) ? 206 : 200, { data, summary: [] })
}

const refused = (status: number, message: string): SandboxReply => json(status, { status, message })
