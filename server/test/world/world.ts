import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openApp, rooms, startWorkers, webhooks } from '../../assemble.ts'
import { createHttp } from '../../http/http.ts'
import type { App, Http, Routes } from '../../modules/app.ts'
import { ensureAdminKey } from '../../modules/tenants/tenants.ts'
import { loadConfig } from '../../platform/config.ts'
import { fromWire } from '../../platform/ids.ts'
import { createLog } from '../../platform/log.ts'
import { secret } from '../../platform/secret.ts'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { testDatabaseUrl, undoAfter } from '../harness.ts'
import { bankOnce } from './bank.ts'
import { askConsent } from './bank_consent.ts'
import { makeRows, readTables, type Table } from './catalog.ts'
import { consent } from './consent.ts'
import { issueOnce } from './issue.ts'
import { type Operation, operationsOf } from './operations.ts'
import { payOnce } from './pay.ts'
import { visitPortal } from './portal.ts'
import { type Answer, closeConnections, exchange } from './raw_http.ts'
import { transferOnce } from './transfer.ts'

/**
 * The whole product with all its rooms, and in it two tenants who have used every part of it: what the proofs go
 * over that enumerate tables, routes and statements. A table or list that stays empty here is a gap in a proof,
 * and fails it: teach `useProduct` to fill it.
 */
export type World = {
  app: App
  http: Http
  url: string
  sandbox_url: string
  place: Place
  admin_key: string
  operations: Operation[]
  a: Citizen
  b: Citizen
  send: Send
  /** Errors that the server logged. */
  failures: Record<string, unknown>[]
  stopWorkers(): Promise<void>
}

export type Citizen = {
  tenant: string
  tenant_id: string
  live_key: string
  test_key: string
  source: string
  connection: string
  signing_secret: string
  /** Ids by which a search finds something of theirs. */
  known_as: string[]
}

export type Send = (
  method: string,
  path: string,
  options?: { key?: string | undefined; json?: unknown; headers?: Record<string, string> },
) => Promise<Answer>

/** Where a house stands: another one there has the same database and the same master key. */
export type Place = { database_url: string; data_dir: string; env: Record<string, string> }

/** `env` are settings as a process would get them. */
export async function makeWorld(env: Record<string, string> = {}): Promise<World> {
  const data_dir = await mkdtemp(join(tmpdir(), 'trilho-world-'))
  undoAfter(() => rm(data_dir, { recursive: true, force: true }))
  const house = await openHouse({ database_url: await testDatabaseUrl(), data_dir, env })
  const admin_key = await ensureAdminKey(house.app)
  assert.ok(admin_key)
  const ground = { ...house, admin_key }
  try {
    const [a, b] = [await settle(ground, 'Azul'), await settle(ground, 'Branco')]
    const world = { ...ground, a, b }
    await spendDay(world, [a, b])
    return world
  } catch (error) {
    throw new Error(`the world could not be made\n${JSON.stringify(house.failures, null, 2)}`, {
      cause: error,
    })
  }
}

export type House = Omit<World, 'admin_key' | 'a' | 'b'>

/** The product in this process, with its sandbox; `watch` is told of it before anybody comes. */
export async function openHouse(place: Place, watch: (app: App) => void = () => {}): Promise<House> {
  const failures: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void failures.push(JSON.parse(line)) }
  const sandbox = await startSandbox({ port: 0 })
  undoAfter(() => sandbox.stop()) // after the connections to it are closed
  const app = await openCellar(place, createLog({ level: 'error', format: 'json', destination }))
  watch(app)
  const { http, url } = await openDoor(app)
  const workers = await startWorkers(app)
  let working = true
  const stopWorkers = async () => {
    if (working) await workers.stop()
    working = false
  }
  undoAfter(stopWorkers)
  const operations = operationsOf(http)
  return {
    app,
    http,
    url,
    place,
    sandbox_url: sandbox.url,
    operations,
    send: sender(url),
    failures,
    stopWorkers,
  }
}

/** The same house behind another door, with `more` rooms in it. */
export async function openDoor(app: App, more: Routes[] = []): Promise<{ http: Http; url: string }> {
  const http = await createHttp(app, { rooms: [...rooms, ...more], ...webhooks })
  await http.listen({ host: '127.0.0.1', port: 0 })
  undoAfter(() => http.close())
  undoAfter(async () => closeConnections()) // the server waits for them
  return { http, url: `http://127.0.0.1:${(http.server.address() as AddressInfo).port}` }
}

async function openCellar({ database_url, data_dir, env }: Place, log: App['log']): Promise<App> {
  const config = loadConfig({
    TRILHO_PARTITIONS_AHEAD_DAYS: '2',
    TRILHO_RATE_LIMIT_PER_SECOND: '1000000',
    TRILHO_PORT: '0',
    ...env,
  })
  const { app, close } = await openApp({ ...config, data_dir, database_url: secret(database_url) }, log)
  undoAfter(close)
  return app
}

export const sender =
  (url: string): Send =>
  (method, path, { key, json, headers } = {}) =>
    exchange(url, {
      method,
      path,
      headers: {
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: json === undefined ? null : JSON.stringify(json),
    })

type Ground = Pick<World, 'admin_key' | 'send' | 'sandbox_url'>

/** A tenant with its keys, a connection to the sandbox and a source. */
async function settle({ admin_key, send, sandbox_url }: Ground, name: string): Promise<Citizen> {
  const made = await ok(send('POST', '/v1/tenants', { key: admin_key, json: { name } }))
  const tenant = String(made['id'])
  const key = async (environment: string) => {
    const headers = { 'trilho-tenant': tenant }
    const json = { name, environment, scopes: ['*'] }
    return String((await ok(send('POST', '/v1/keys', { key: admin_key, headers, json })))['key'])
  }
  const [live_key, test_key] = [await key('live'), await key('test')]
  const signing_secret = `whsec_${name.toLowerCase().repeat(6)}`
  const connection = await ok(
    send('POST', '/v1/connections', {
      key: test_key,
      json: {
        provider: 'stripe',
        name,
        environment: 'development',
        settings: { base_url: `${sandbox_url}/stripe` },
        credentials: { secret_key: `sk_test_${name}` },
        keep_bodies: { until_days: 1 },
      },
    }),
  )
  const source = await ok(
    send('POST', '/v1/sources', {
      key: live_key,
      json: { provider: 'stripe', name, secrets: [signing_secret], is_default: name === 'Branco' },
    }),
  )
  const ids = { connection: String(connection['id']), source: String(source['id']) }
  const tenant_id = fromWire('tenant', tenant)
  return { tenant, tenant_id, live_key, test_key, ...ids, signing_secret, known_as: [] }
}

/** What tenants do on a day, and what follows from it by itself. */
export async function spendDay(world: World, citizens: Citizen[]): Promise<void> {
  const from = world.app.newId()
  for (const citizen of citizens) await useProduct(world, citizen)
  await calm(world, from, citizens.length)
}

/** A tenant's day: every room is used, so that every table and list has something of theirs. */
async function useProduct(world: World, citizen: Citizen): Promise<void> {
  const { send, sandbox_url, admin_key, operations } = world
  const key = citizen.live_key
  const bin = `${sandbox_url}/bin/${citizen.tenant}`
  const subscribe = (url: string) =>
    ok(send('POST', '/v1/subscriptions', { key, json: { name: 'Orders', url, event_types: ['*'] } }))
  const { id: subscription_id } = await subscribe(bin)
  const since = new Date(Date.now() - 3_600_000).toISOString()
  await ok(send('POST', '/v1/replays', { key, json: { subscription_id, since } }))
  await subscribe(`${bin}-gone?status=500`)
  const type = `order.${randomUUID().slice(0, 8)}`
  const order = { name: type, description: 'It left', schema: { type: 'object' }, example: {} }
  await ok(send('POST', '/v1/event-types', { key, json: order }))
  const entity_id = `order-${randomUUID()}`
  const event = { type, data: { entity_id }, entity_id }
  await ok(
    send('POST', '/v1/events', { key, json: event, headers: { 'idempotency-key': `once-${entity_id}` } }),
  )
  const payment = `pi_${randomUUID().slice(0, 8)}`
  await postWebhook(world, citizen, payment, citizen.signing_secret)
  await postWebhook(world, citizen, `${payment}x`, 'whsec_of_somebody_else')
  await ok(send('POST', '/v1/message-replays', { key, json: { since } }))
  if (operations.some(({ id }) => id === 'createPortalLink')) await visitPortal(send, citizen, bin)
  if (operations.some(({ id }) => id === 'inviteMember')) {
    const json = { email: `${entity_id}@example.com`, role: 'viewer' }
    await ok(send('POST', '/v1/members', { key, json }))
  }
  await ok(
    send('POST', '/v1/oauth-clients', {
      key: admin_key,
      headers: { 'trilho-tenant': citizen.tenant },
      json: { client_id: `app-${entity_id}`, name: 'App', environment: 'live', scopes: ['*'] },
    }),
  )
  if (operations.some(({ id }) => id === 'makeCall')) {
    const json = { method: 'GET', path: '/v1/payment_intents', idempotency_key: entity_id }
    await ok(send('POST', `/v1/connections/${citizen.connection}/calls`, { key: citizen.test_key, json }))
  }
  if (operations.some(({ id }) => id === 'authorizeConnection')) await consent(send, sandbox_url, citizen)
  if (operations.some(({ id }) => id === 'createBatch')) {
    const at = `/v1/connections/${citizen.connection}`
    const mapping = `m${randomUUID()}`
    await ok(send('POST', '/v1/mappings', { key: citizen.test_key, json: { name: mapping, out: [] } }))
    const stored = {
      name: `balance.d${randomUUID().replaceAll('-', '')}`,
      method: 'GET',
      path: '/v1/balance',
      mapping,
    }
    await ok(send('POST', `${at}/operations`, { key: citizen.test_key, json: stored }))
    const call = { operation: stored.name }
    await ok(send('POST', `${at}/calls`, { key: citizen.test_key, json: { ...call, mode: 'async' } }))
    await ok(send('POST', `${at}/calls/batch`, { key: citizen.test_key, json: { calls: [call] } }))
  }
  if (operations.some(({ id }) => id === 'createPayment')) await payOnce(send, sandbox_url, citizen)
  if (operations.some(({ id }) => id === 'issueCard')) await issueOnce(send, sandbox_url, citizen)
  if (operations.some(({ id }) => id === 'createTransfer')) await transferOnce(send, sandbox_url, citizen)
  if (operations.some(({ id }) => id === 'createBank')) await bankOnce(send, sandbox_url, citizen)
  if (operations.some(({ id }) => id === 'createConsent')) await askConsent(send, citizen)
  if (operations.some(({ id }) => id === 'closeBreaker')) {
    const path = `/v1/connections/${citizen.connection}/breaker/close`
    await ok(send('POST', path, { key: citizen.test_key }))
  }
  citizen.known_as.push(entity_id, payment)
}

/** As Stripe would: the intent succeeded, signed with `secret`. */
async function postWebhook(
  { send }: Pick<World, 'send'>,
  { source }: Citizen,
  id: string,
  secret: string,
): Promise<void> {
  const object = {
    id,
    object: 'payment_intent',
    amount: 990,
    currency: 'brl',
    status: 'succeeded',
    created: 1,
    metadata: {},
  }
  const json = {
    id: `evt_${id}`,
    object: 'event',
    type: 'payment_intent.succeeded',
    created: 1,
    data: { object },
  }
  const headers = stripeHeaders(JSON.stringify(json), secret)
  const { status } = await send('POST', `/webhooks/stripe/${source}`, { json, headers })
  assert.ok(status === 200 || status === 401)
}

export function stripeHeaders(body: Buffer | string, secret: string): Record<string, string> {
  const t = Math.floor(Date.now() / 1000)
  const v1 = createHmac('sha256', secret).update(`${t}.`).update(body).digest('hex')
  return { 'stripe-signature': `t=${t},v1=${v1}` }
}

export async function ok(answered: Promise<Answer>): Promise<Record<string, unknown>> {
  const { status, text, body } = await answered
  assert.ok(status >= 200 && status < 300, `${status} ${text}`)
  return body
}

/**
 * Waits until nothing that began after the id `from` is under way, so that whatever changes afterwards was changed by
 * a request. Deliveries that were refused wait for their next attempt.
 */
async function calm({ app }: World, from: string, tenants: number): Promise<void> {
  const left = `
    select (select count(*) from inbox_queue where id > $1) + (select count(*) from delivery_queue where id > $1 and attempts = 0)
           + (select count(*) from call_queue where id > $1)
           + $2 - (select count(distinct tenant_id) from attempt where id > $1) as n`
  for (let turn = 0; turn < 4000; turn++) {
    const { rows } = await app.db.owner.pool.query<{ n: string }>(left, [from, tenants])
    if (Number(rows[0]?.n) <= 0) return
    await sleep(25)
  }
  throw new Error('the tenants are still busy after so long')
}

/** Gives every tenant a row in each table that using the product has left empty, such as jobs of the future. */
export async function fillTables({ app, a, b }: World): Promise<Table[]> {
  const { pool } = app.db.owner
  const tables = await readTables(pool)
  for (const table of tables) {
    if (!table.tenant_column) continue
    for (const { tenant_id } of [a, b]) {
      const { rowCount } = await pool.query(
        `select from ${table.name} where ${table.tenant_column} = $1 limit 1`,
        [tenant_id],
      )
      if (rowCount === 0) await makeRows(pool, table, tenant_id, 1)
    }
  }
  return tables
}
