import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { asWorker } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { testDatabaseUrl, undoAfter } from '../../test/harness.ts'
import { type Reply, type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes as eventRoutes } from '../events/routes.ts'
import { probeSucceeded, takeProbe } from './guard_queries.ts'
import { routes } from './routes.ts'

/** Two servers at one database: what one learns, the other must know. */
let one: Served
let two: Served
before(async () => {
  const database_url = await testDatabaseUrl()
  const master_key = randomBytes(32)
  const mount = { rooms: [connectionRoutes, eventRoutes, routes] }
  one = await serve({ database_url, master_key, mount, providers })
  two = await serve({ database_url, master_key, mount, providers })
})

type Vendor = {
  url: string
  hits: number
  status: number
  delay_ms: number
  headers: Record<string, string>
  most_at_once: number
}

async function openVendor(): Promise<Vendor> {
  const vendor: Vendor = { url: '', hits: 0, status: 200, delay_ms: 0, headers: {}, most_at_once: 0 }
  let under_way = 0
  const server = createServer(async (_request, response) => {
    vendor.hits += 1
    under_way += 1
    vendor.most_at_once = Math.max(vendor.most_at_once, under_way)
    const { status, headers } = vendor
    if (vendor.delay_ms > 0) await sleep(vendor.delay_ms)
    under_way -= 1
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => {
    server.closeAllConnections()
    server.close()
  })
  vendor.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return vendor
}

type Connected = { vendor: Vendor; tenant_id: string; key: string; path: string; id: string }

const PLENTY = { rates: [{ calls: 100_000, per_s: 60 }] }

async function connect(limits: object | undefined): Promise<Connected> {
  const vendor = await openVendor()
  const { key, tenant_id } = await tenantWithKey(one, ['*'], 'test')
  const body = {
    provider: 'http',
    name: 'x',
    environment: 'development',
    settings: { base_url: vendor.url },
    ...(limits && { limits }),
  }
  const reply = await one.send('POST', '/v1/connections', { key, body })
  assert.equal(reply.status, 201, reply.text)
  const id = String(reply.body['id'])
  return { vendor, tenant_id, key, path: `/v1/connections/${id}`, id }
}

const call = ({ key, path }: Connected, server = one, more: object = {}): Promise<Reply> =>
  server.send('POST', `${path}/calls`, { key, body: { method: 'GET', path: '/', retries: 0, ...more } })

const breakerOf = async ({ key, path }: Connected, server = one) =>
  (await server.send('GET', `${path}/breaker`, { key })).body

async function until(is: () => Promise<boolean>, within_ms = 5000): Promise<void> {
  const end = performance.now() + within_ms
  while (!(await is())) {
    assert.ok(performance.now() < end, `not within ${within_ms} ms`)
    await sleep(20)
  }
}

async function eventsOf({ key }: Connected): Promise<string[]> {
  const { body } = await one.send('GET', '/v1/events', { key })
  return (body['data'] as { type: string }[]).map(({ type }) => type)
}

test('five failures in a row open the breaker: nothing more is sent by any server, and the call says until when', async () => {
  const at = await connect(PLENTY)
  at.vendor.status = 503
  for (let n = 0; n < 5; n++) assert.equal((await call(at)).body['status'], 503)
  const refused = await call(at)
  assert.equal(refused.status, 200)
  const { id, state, attempts, error } = refused.body
  assert.deepEqual([state, attempts], ['failed', 0])
  assert.match(String(error), /breaker .* is open \(5 failures in a row.*503.*tries again at 20/)
  await until(async () => (await call(at, two)).body['attempts'] === 0, 1000)
  const hits = at.vendor.hits
  await Promise.all([call(at), call(at, two)])
  assert.equal(at.vendor.hits, hits)
  const record = await one.send('GET', `/v1/calls/${id}`, { key: at.key })
  assert.deepEqual([record.body['state'], record.body['attempts']], ['failed', 0])
  assert.deepEqual(await eventsOf(at), ['connection.breaker_opened'])
  const proxied = await one.send('GET', `/v1/proxy/${at.id}/x`, { key: at.key })
  assert.equal(proxied.status, 502)
})

test('half open, exactly one call of all servers is sent at a time, and three that succeed close the breaker', async () => {
  const at = await connect({ ...PLENTY, breaker: { failures: 2, open_s: 1 } })
  at.vendor.status = 500
  await call(at)
  await call(at)
  assert.equal((await breakerOf(at, two))['state'], 'open')
  Object.assign(at.vendor, { status: 200, hits: 0, delay_ms: 150, most_at_once: 0 })
  await sleep(1050)
  for (let probe = 1; probe <= 3; probe++) {
    const crowd = Array.from({ length: 20 }, (_, n) => call(at, n % 2 ? one : two))
    const sent = (await Promise.all(crowd)).filter(({ body }) => body['attempts'] === 1)
    assert.equal(sent.length, 1, `probe ${probe}`)
  }
  assert.deepEqual([at.vendor.hits, at.vendor.most_at_once], [3, 1])
  assert.equal((await breakerOf(at))['state'], 'closed')
  assert.equal((await call(at, two)).body['state'], 'succeeded')
  assert.deepEqual(await eventsOf(at), ['connection.breaker_closed', 'connection.breaker_opened'])
})

test('a probe that fails opens the breaker anew', async () => {
  const at = await connect({ ...PLENTY, breaker: { failures: 1, open_s: 1 } })
  at.vendor.status = 500
  await call(at)
  await sleep(1050)
  assert.equal((await call(at)).body['attempts'], 1)
  assert.equal((await call(at)).body['attempts'], 0)
  assert.equal((await breakerOf(at))['state'], 'open')
})

test('a server that dies with the probe gives way to another when its time is over, and its late word counts for nothing', async () => {
  const at = await connect({ ...PLENTY, breaker: { failures: 1, open_s: 1 } })
  at.vendor.status = 500
  await call(at)
  await sleep(1050)
  const place = { tenant_id: at.tenant_id, connection_id: fromWire('connection', at.id) }
  const take = (id: string, lease_ms: number) =>
    asWorker(one.app.db, (tx) => takeProbe(tx, place, { id, lease_ms }))
  const [dead, alive] = [one.app.newId(), one.app.newId()]
  assert.ok(await take(dead, 300))
  assert.equal(await take(alive, 300), null)
  await sleep(350)
  assert.ok(await take(alive, 300))
  const late = await asWorker(one.app.db, (tx) => probeSucceeded(tx, place, { id: dead, successes: 1 }))
  assert.equal(late, null)
})

test('an answer of 4xx is no failure, and ends a row of failures', async () => {
  const at = await connect({ ...PLENTY, breaker: { failures: 3 } })
  for (const status of [500, 500, 404, 500, 500, 422, 401, 403, 404, 400]) {
    at.vendor.status = status
    assert.equal((await call(at)).body['attempts'], 1)
  }
  assert.equal((await breakerOf(at))['state'], 'closed')
})

test('a breaker that is switched off never opens by itself', async () => {
  const at = await connect({ ...PLENTY, breaker: false })
  at.vendor.status = 500
  for (let n = 0; n < 7; n++) assert.equal((await call(at)).body['attempts'], 1)
  assert.equal((await breakerOf(at))['limits'], null)
})

test('a breaker opened by hand stays open until it is closed by hand, and the audit log says who did', async () => {
  const at = await connect({ ...PLENTY, breaker: false })
  const opened = await one.send('POST', `${at.path}/breaker/open`, { key: at.key })
  assert.deepEqual([opened.status, opened.body['state'], opened.body['next_attempt_at']], [200, 'open', null])
  await until(async () => (await call(at, two)).body['attempts'] === 0, 1000)
  const closed = await two.send('POST', `${at.path}/breaker/close`, { key: at.key })
  assert.equal(closed.body['state'], 'closed')
  await until(async () => (await call(at)).body['attempts'] === 1, 1000)
  const rows = await one.app.db.owner
    .selectFrom('audit')
    .select('action')
    .where('target', '=', at.id)
    .execute()
  const actions = rows.map(({ action }) => action)
  assert.ok(actions.includes('breaker.open') && actions.includes('breaker.close'), actions.join())
})

test('where the limit is reached a call is refused with the time of the next, on record, and nothing is sent', async () => {
  const at = await connect({ rates: [{ calls: 4, per_s: 60 }] })
  for (const server of [one, two, one, two]) assert.equal((await call(at, server)).status, 200)
  const refused = await call(at)
  assert.equal(refused.status, 429, refused.text)
  assert.equal(refused.body['code'], 'rate_limited')
  const retry_after_s = Number(refused.headers.get('retry-after'))
  assert.ok(retry_after_s > 50 && retry_after_s <= 62, String(retry_after_s))
  assert.equal((await call(at, two)).status, 429)
  assert.equal(at.vendor.hits, 4)
  const record = await one.send('GET', `/v1/calls/${refused.headers.get('trilho-call-id')}`, { key: at.key })
  assert.deepEqual([record.body['state'], record.body['attempts']], ['failed', 0])
  const { body } = await two.send('GET', `${at.path}/limits`, { key: at.key })
  assert.deepEqual(body['rates'], [{ calls: 4, per_s: 60, used: 4, remaining: 0 }])
})

test('a call that may wait is sent as soon as there is room, and refused where that is too late', async () => {
  const at = await connect({ rates: [{ calls: 2, per_s: 2 }] })
  await Promise.all([call(at), call(at, two)])
  const early = await call(at, one, { on_limit: 'wait', wait_ms: 300 })
  assert.equal(early.status, 429, early.text)
  const began = performance.now()
  const late = await call(at, two, { on_limit: 'wait', wait_ms: 5000 })
  assert.equal(late.status, 200, late.text)
  assert.ok(performance.now() - began > 1000)
  const misfit = await call(at, one, { wait_ms: 300 })
  assert.equal(misfit.body['field'], 'wait_ms')
})

test('a connection that says nothing of limits has 60 calls a minute and 1,000 an hour', async () => {
  const at = await connect(undefined)
  await call(at)
  const { body } = await one.send('GET', `${at.path}/limits`, { key: at.key })
  assert.deepEqual(
    (body['rates'] as { calls: number; per_s: number }[]).map(({ calls, per_s }) => [calls, per_s]),
    [
      [60, 60],
      [1000, 3600],
    ],
  )
})

test('a change of its limits holds from the next call on', async () => {
  const at = await connect({ rates: [{ calls: 1, per_s: 60 }] })
  await call(at)
  assert.equal((await call(at)).status, 429)
  const patched = await one.send('PATCH', at.path, { key: at.key, body: { limits: PLENTY } })
  assert.equal(patched.status, 200)
  assert.equal((await call(at)).status, 200)
  await until(async () => (await call(at, two)).status === 200, 1000)
  const twice = { limits: { rates: [PLENTY.rates[0], PLENTY.rates[0]] } }
  const refused = await one.send('PATCH', at.path, { key: at.key, body: twice })
  assert.equal(refused.body['field'], 'limits.rates')
})

test('a vendor that asks one server to wait is left alone by all of them', async () => {
  const at = await connect(PLENTY)
  await call(at, two)
  Object.assign(at.vendor, { status: 429, headers: { 'retry-after': '40' } })
  assert.equal((await call(at)).body['status'], 429)
  await until(async () => (await call(at, two)).status === 429, 1000)
  const { hits } = at.vendor
  const refused = await call(at, two)
  const retry_after_s = Number(refused.headers.get('retry-after'))
  assert.ok(retry_after_s > 30 && retry_after_s <= 40, refused.text)
  assert.equal(at.vendor.hits, hits)
  const { body } = await two.send('GET', `${at.path}/limits`, { key: at.key })
  assert.match(String(body['paused_until']), /^20/)
})

test('each try of a call pays the limit', async () => {
  const at = await connect({ rates: [{ calls: 2, per_s: 60 }], breaker: false })
  at.vendor.status = 500
  assert.equal((await call(at, one, { retries: 1 })).body['attempts'], 2)
  assert.equal((await call(at)).status, 429)
})

test('a call refused by the limit leaves its idempotency key free', async () => {
  const at = await connect({ rates: [{ calls: 1, per_s: 1 }] })
  await call(at)
  const headers = { 'idempotency-key': 'order-1' }
  const again = () =>
    one.send('POST', `${at.path}/calls`, { key: at.key, headers, body: { method: 'POST', path: '/' } })
  assert.equal((await again()).status, 429)
  await sleep(1200)
  const reply = await again()
  assert.deepEqual([reply.status, reply.headers.get('idempotency-replayed')], [200, null], reply.text)
})

test('no more calls than its places are under way, and who finds the line full is told so', async () => {
  const at = await connect({ ...PLENTY, concurrency: 2, queue: 3 })
  at.vendor.delay_ms = 300
  const replies = await Promise.all(Array.from({ length: 8 }, () => call(at)))
  const statuses = replies.map(({ status }) => status).sort()
  assert.deepEqual(statuses, [200, 200, 200, 200, 200, 503, 503, 503])
  assert.equal(at.vendor.most_at_once, 2)
  assert.match(String(replies.find(({ status }) => status === 503)?.body['detail']), /line .* is full/)
})

test("another tenant neither sees nor moves a connection's breaker and limits", async () => {
  const at = await connect(PLENTY)
  const { key } = await tenantWithKey(one, ['*'], 'test')
  const tries: [string, string][] = [
    ['GET', '/limits'],
    ['GET', '/breaker'],
    ['POST', '/breaker/open'],
    ['POST', '/breaker/close'],
  ]
  for (const [method, path] of tries)
    assert.equal((await one.send(method, at.path + path, { key })).status, 404)
})

test('a connection that is deleted takes its breaker and its counts with it', async () => {
  const at = await connect(PLENTY)
  await call(at)
  await one.send('POST', `${at.path}/breaker/open`, { key: at.key })
  assert.equal((await one.send('DELETE', at.path, { key: at.key })).status, 204)
  const { pool } = one.app.db.owner
  const { rows } = await pool.query(
    `select (select count(*) from breaker b where not exists (select from connection c where c.id = b.connection_id))
          + (select count(*) from rate_window w where not exists (select from connection c where c.id = w.connection_id)) as left`,
  )
  assert.equal(Number(rows[0].left), 0)
})
