import assert from 'node:assert/strict'
import { sql } from 'kysely'
import type { Config } from '../platform/config.ts'
import { fromWire } from '../platform/ids.ts'
import { startSandbox } from '../sandbox/sandbox.ts'
import { type Front, openFront } from './faulty_front.ts'
import { undoAfter } from './harness.ts'
import { eventually, type Json, type Product, type Reply, startProduct } from './product.ts'

/** A tenant that issues cards at two vendors: one tells of everything by webhooks and asks, the other is silent. */
export type Vendor = { url: string; front: Front; connection: string; cardholder: string }
export type Card = Json & {
  id: string
  status: string
  vendor_id: string
  reason: string | null
  wish: Json | null
  moves: Json[]
}
/** As the vendor tells it. */
export type Purchase = Json & {
  id: string
  approved: boolean
  status: string
  request_history: { approved: boolean; reason: string }[]
}
export type Authorization = Json & { id: string; status: string; money: Json; decisions: Json[] }
export type Issuing = Awaited<ReturnType<typeof startIssuing>>

export async function startIssuing(changed: Partial<Config> = {}) {
  const product = await startProduct(changed)
  const loud = await connect(product, product.sandbox.url)
  const other = await startSandbox({ port: 0 })
  undoAfter(() => other.stop())
  const silent = await connect(product, other.url)
  const source = await listen(product, loud)
  return { product, loud, silent, ...source, ...verbs(product, loud), ...looks(product, [loud, silent]) }
}

async function connect(product: Product, sandbox_url: string): Promise<Vendor> {
  const front = await openFront(sandbox_url)
  const made = await product.api.ok('POST', '/v1/connections', {
    provider: 'stripe',
    name: 'Stripe',
    environment: 'development',
    settings: { base_url: `${front.url}/stripe` },
    credentials: { secret_key: 'sk_test_abcdef123456' },
    limits: { breaker: false, retry_budget: false },
  })
  const connection = String(made['id'])
  const address = { line1: 'Rua das Flores 12', city: 'Recife', postal_code: '50000-000', country: 'BR' }
  const call = await product.api.ok('POST', `/v1/connections/${connection}/calls`, {
    operation: 'cards.create_cardholder',
    input: { name: 'Joana Prado', first_name: 'Joana', last_name: 'Prado', address },
  })
  const { vendor_id } = call['result'] as { vendor_id: string }
  return { url: `${sandbox_url}/stripe`, front, connection, cardholder: vendor_id }
}

/** The machine may be busy with other tests. */
export const PATIENT = { within_ms: 10_000 }

/** A source that hears all that the vendor tells, and is asked by it. */
export async function listen({ api }: Pick<Product, 'api'>, vendor: Pick<Vendor, 'url'>) {
  const made = await api.ok('POST', '/v1/sources', {
    provider: 'stripe',
    name: 'Stripe',
    secrets: ['none yet'],
    options: { decisions: PATIENT },
  })
  await fetch(`${vendor.url}/_control/issuing`, {
    method: 'POST',
    body: JSON.stringify({ patience_ms: 30_000 }),
  })
  const url = String(made['url'])
  const body = `url=${encodeURIComponent(url)}&enabled_events[]=*`
  const endpoint = (await stripe('POST', '/v1/webhook_endpoints', body, vendor)) as { secret: string }
  await api.ok('PATCH', `/v1/sources/${made['id']}`, { secrets: [endpoint.secret] })
  return { source: String(made['id']), source_url: url, secret: endpoint.secret }
}

/** What the vendor itself says, past all of ours. */
export async function stripe(
  method: string,
  path: string,
  body: string | undefined,
  at: Pick<Vendor, 'url'>,
): Promise<Json> {
  const headers = {
    authorization: 'Bearer sk_test_abcdef123456',
    'content-type': 'application/x-www-form-urlencoded',
  }
  const reply = await fetch(at.url + path, { method, headers, ...(body && { body }) })
  return reply.json() as Promise<Json>
}

const CARD = { kind: 'virtual', currency: 'BRL', customer: 'shop-1042' }
const WITHOUT_BODY = ['activate', 'unblock', 'refresh']

function verbs({ api }: Product, loud: Vendor) {
  const post = (id: string, verb: string, body: Json = {}): Promise<Reply> =>
    api.send('POST', `/v1/cards/${id}/${verb}`, WITHOUT_BODY.includes(verb) ? undefined : body)
  const helper = (path: string, body: string, at: Vendor) =>
    stripe('POST', `/v1/test_helpers/issuing/${path}`, body, at)
  return {
    post,
    issue: (more: Json = {}, at = loud) =>
      api.ok('POST', '/v1/cards', {
        ...{ connection_id: at.connection, cardholder: at.cardholder, ...CARD },
        ...more,
      }) as Promise<Card>,
    must: async (id: string, verb: string, body: Json = {}): Promise<Card> => {
      const reply = await post(id, verb, body)
      assert.equal(reply.status, 200, JSON.stringify(reply.body))
      return reply.body as Card
    },
    limit: (id: string, limits: Json) => api.send('PUT', `/v1/cards/${id}/limits`, limits),
    /** A merchant asks for money. */
    buy: (card: Card, amount: number, more = '', at = loud) =>
      helper('authorizations', `card=${card.vendor_id}&amount=${amount}${more}`, at) as Promise<Purchase>,
    merchant: (id: string, verb: string, body = '') =>
      helper(`authorizations/${id}/${verb}`, body, loud) as Promise<Purchase>,
    takes: (path: string, body = '') => helper(`transactions/${path}`, body, loud),
  }
}

function looks({ api, app }: Product, vendors: Vendor[]) {
  const read = (id: string) => api.ok('GET', `/v1/cards/${id}`) as Promise<Card>
  return {
    read,
    becomes: (id: string, status: string) =>
      eventually(async () => {
        const card = await read(id)
        return card.status === status && card
      }),
    authorizationIs: (vendor_id: string, status: string): Promise<Authorization> =>
      eventually(async () => {
        const [found] = await api.list(`/v1/cards/authorizations?vendor_id=${vendor_id}&status=${status}`)
        return found && (api.ok('GET', `/v1/cards/authorizations/${found['id']}`) as Promise<Authorization>)
      }),
    transactionsOf: (card: Card, count: number) =>
      eventually(async () => {
        const found = await api.list(`/v1/cards/transactions?card_id=${card.id}`)
        return found.length >= count && found
      }),
    /** The types of the events about a card, in the order they were published. */
    toldOf: async (id: string): Promise<string[]> => {
      const { rows } = await sql<{ type: string }>`
        select type from event where tenant_id = ${fromWire('tenant', api.tenant_id)} and entity_id = ${id}
         order by id`.execute(app.db.owner)
      return rows.map(({ type }) => type)
    },
    /** All messages that came so far are worked on. */
    heard: () =>
      eventually(async () => {
        const { rows } = await sql`select from inbox_queue`.execute(app.db.owner)
        return rows.length === 0
      }),
    /** The vendors are well again, and it is as if the time to ask them had come. */
    askNow: async (id: string): Promise<void> => {
      for (const { front } of vendors) front.calm()
      await sql`update job set due = now() where payload ->> 'card_id' = ${fromWire('card', id)}`.execute(
        app.db.owner,
      )
      app.db.notify('trilho_job', 'new')
    },
    /** Those that the vendor made under our id. */
    cardsAt: async (at: Vendor, id: string): Promise<Json[]> => {
      const { data } = (await stripe('GET', '/v1/issuing/cards?limit=100', undefined, at)) as { data: Json[] }
      return data.filter(({ metadata }) => (metadata as Json)['reference'] === id)
    },
    calm: () => {
      for (const { front } of vendors) front.calm()
    },
  }
}
