import assert from 'node:assert/strict'
import { sql } from 'kysely'
import type { Config } from '../platform/config.ts'
import { fromWire } from '../platform/ids.ts'
import { openFront } from './faulty_front.ts'
import { type Api, apiOf, eventually, type Json, type Product, startProduct } from './product.ts'

/** A tenant that pays through a bank, with a front before the bank that loses what it is told to lose. */
export type Transfer = Json & {
  id: string
  status: string
  number: number
  vendor_id: string | null
  vendor_status: string | null
  failure: { reason: string; code: string | null; message: string | null } | null
  moves: { version: number; status: string; cause: string; cause_id: string | null }[]
}
/** As the bank has it. */
export type Paid = {
  numeroRequisicao: number
  item: Json
  state: string
  debited: number
  cents: number
  is_released: boolean
}
export type Transferring = Awaited<ReturnType<typeof startTransferring>>

export const BRANCH = { bank_code: '60701190', branch: '1234', number: '56789', check_digit: '0' }
export const PERSON = { name: 'Joana Prado', document: '52998224725' }
export const TO_KEY = { destination: { pix_key: '+5511987654321' }, method: 'pix' }
export const TO_ACCOUNT = { destination: { account: BRANCH, ...PERSON }, method: 'ted' }

export const startTransferring = async (changed: Partial<Config> = {}) =>
  transferringBy(await startProduct(changed))

export async function transferringBy(product: Product) {
  const front = await openFront(product.sandbox.url)
  const connection = await connect(product, front.url)
  const again = (settings: Json) => connect(product, front.url, settings)
  return { product, front, connection, connect: again, ...verbs(product, connection), ...looks(product) }
}

async function connect({ api }: Pick<Product, 'api'>, url: string, settings: Json = {}) {
  const made = await api.ok('POST', '/v1/connections', {
    provider: 'banco_do_brasil_transfers',
    name: 'Banco do Brasil',
    environment: 'development',
    settings: {
      ...{ base_url: `${url}/banco_do_brasil/pagamentos-lote/v1`, app_key: 'd27b077907ffab60' },
      token_url: `${url}/banco_do_brasil/oauth/token`,
      ...{ debit_account: '1607/99738672-X', contract: '731030', mtls: false },
      ...settings,
    },
    credentials: { client_id: 'shop', client_secret: 'sandbox-secret' },
    limits: { breaker: false, retry_budget: false },
  })
  return String(made['id'])
}

function verbs(product: Product, connection: string) {
  const { api } = product
  const ask = (more: Json = {}, by: Api = api) =>
    by.send('POST', '/v1/transfers', {
      ...{ connection_id: connection, money: { amount: '15050', currency: 'BRL' }, ...TO_KEY },
      ...more,
    })
  return {
    ask,
    make: async (more: Json = {}): Promise<Transfer> => {
      const reply = await ask(more)
      assert.equal(reply.status, 201, JSON.stringify(reply.body))
      return reply.body as Transfer
    },
    read: (id: string) => api.ok('GET', `/v1/transfers/${id}`) as Promise<Transfer>,
    act: (id: string, verb: string, body?: Json, by: Api = api) =>
      by.send('POST', `/v1/transfers/${id}/${verb}`, body),
    refresh: (id: string) => api.ok('POST', `/v1/transfers/${id}/refresh`) as Promise<Transfer>,
  }
}

function looks(product: Product) {
  const { api, app, sandbox } = product
  const control = async (path = '', method = 'GET', body?: Json) => {
    const reply = await fetch(`${sandbox.url}/banco_do_brasil/_control/transfers${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
    })
    return (await reply.json()) as { balance: number; requests: Paid[] }
  }
  /** Its next turn comes now, and not when it would; one that is under way is left alone. */
  const hurry = async (id: string): Promise<void> => {
    await sql`
      update job set due = now() where claim is null and payload ->> 'transfer_id' = ${fromWire('transfer', id)}`.execute(
      app.db.owner,
    )
    app.db.notify('trilho_job', 'new')
  }
  return {
    control,
    /** What the bank was asked for it. */
    atBank: async (transfer: Pick<Transfer, 'id'>): Promise<Paid[]> =>
      (await control()).requests.filter(({ item }) => Object.values(item).includes(transfer.id)),
    hurry,
    /** As it is when it has come to be so, each turn of it hurried. */
    until: (id: string, ...statuses: string[]): Promise<Transfer> =>
      eventually(async () => {
        const now = (await api.ok('GET', `/v1/transfers/${id}`)) as Transfer
        if (statuses.includes(now.status)) return now
        await hurry(id)
        return null
      }),
    toldOf: async (id: string): Promise<string[]> => {
      const { rows } = await sql<{ type: string }>`
        select type from event where tenant_id = ${fromWire('tenant', api.tenant_id)} and entity_id = ${id}
         order by id`.execute(app.db.owner)
      return rows.map(({ type }) => type)
    },
    /** Within it, it is so much later for us. */
    later: async <T>(hours: number, work: () => Promise<T>): Promise<T> => {
      const { clock } = app
      const now = () => new Date(clock.now().getTime() + hours * 3_600_000)
      Object.assign(app, { clock: { ...clock, now } })
      return work().finally(() => Object.assign(app, { clock }))
    },
    /** Another key of the tenant. */
    otherKey: async (scopes: string[]): Promise<Api> => {
      const { key } = await api.ok('POST', '/v1/keys', { name: 'Other', environment: 'test', scopes })
      return apiOf(product.url, { authorization: `Bearer ${key}` }, String(key), api.tenant_id)
    },
  }
}
