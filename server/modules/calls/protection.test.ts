import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { asWorker, inTenant } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { testDatabaseUrl, undoAfter } from '../../test/harness.ts'
import { adminKey, type Reply, type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes as eventRoutes } from '../events/routes.ts'
import { createKey } from '../tenants/tenants.ts'
import { probeSucceeded, takeProbe } from './breaker_queries.ts'
import { drainCalls } from './calls.ts'
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
  /** Every answer waits for it. */
  gate: Promise<unknown>
}

async function openVendor(): Promise<Vendor> {
  const vendor: Vendor = {
    url: '',
    hits: 0,
    status: 200,
    delay_ms: 0,
    headers: {},
    most_at_once: 0,
    gate: Promise.resolve(),
  }
  let under_way = 0
  const server = createServer(async (_request, response) => {
    vendor.hits += 1
    under_way += 1
    vendor.most_at_once = Math.max(vendor.most_at_once, under_way)
    const { status, headers } = vendor
    if (vendor.delay_ms > 0) await sleep(vendor.delay_ms)
    await vendor.gate
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

/** Twenty calls at once, spread over the servers; those that were sent are answered once all others were told no. */
async function crowdOf(at: Connected, sent_at_once: number): Promise<Reply[]> {
  const open = shut(at.vendor)
  const { hits } = at.vendor
  let turned_away = 0
  const asked = Array.from({ length: 20 }, async (_, n) => {
    const reply = await call(at, n % 2 ? one : two, { method: 'POST' })
    if (reply.body['attempts'] === 0) turned_away += 1
    return reply
  })
  await until(async () => turned_away >= 20 - sent_at_once && at.vendor.hits >= hits + sent_at_once)
  open()
  return (await Promise.all(asked)).filter(({ body }) => body['attempts'] === 1)
}

/** The vendor answers nobody until what this gives is called. */
function shut(vendor: Vendor): () => void {
  const { promise, resolve } = Promise.withResolvers<void>()
  vendor.gate = promise
  return resolve
}

async function until(is: () => Promise<boolean>, within_ms = 60_000): Promise<void> {
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
  await until(async () => (await call(at, two)).body['attempts'] === 0)
  const hits = at.vendor.hits
  await Promise.all([call(at), call(at, two)])
  assert.equal(at.vendor.hits, hits)
  const record = await one.send('GET', `/v1/calls/${id}`, { key: at.key })
  assert.deepEqual([record.body['state'], record.body['attempts']], ['failed', 0])
  assert.deepEqual(await eventsOf(at), ['connection.breaker_opened'])
  const proxied = await one.send('GET', `/v1/proxy/${at.id}/x`, { key: at.key })
  assert.deepEqual([proxied.status, proxied.body['code']], [503, 'breaker_open'])
  const wait_s = Number(proxied.headers.get('retry-after'))
  assert.ok(wait_s > 30 && wait_s <= 60, String(wait_s))
  const { turned_away } = (await call(at)).body as { turned_away: { by: string; retry_after_ms: number } }
  assert.deepEqual([turned_away.by, turned_away.retry_after_ms > 30_000], ['breaker', true])
})

test('half open, exactly one call of all servers is sent at a time, and three that succeed close the breaker', async () => {
  const at = await connect({ ...PLENTY, breaker: { failures: 2, open_s: 1 } })
  at.vendor.status = 500
  await call(at)
  await call(at)
  assert.equal((await breakerOf(at, two))['state'], 'open')
  Object.assign(at.vendor, { status: 200, hits: 0, most_at_once: 0 })
  await sleep(1050)
  for (let probe = 1; probe <= 3; probe++) assert.equal((await crowdOf(at, 1)).length, 1, `probe ${probe}`)
  assert.deepEqual([at.vendor.hits, at.vendor.most_at_once], [3, 1])
  assert.equal((await breakerOf(at))['state'], 'closed')
  assert.equal((await call(at, two)).body['state'], 'succeeded')
  assert.deepEqual(await eventsOf(at), [
    'connection.breaker_closed',
    'connection.breaker_half_open',
    'connection.breaker_opened',
  ])
})

test('as many probes as the connection says are sent at once, of all servers, and one that fails opens again', async () => {
  const at = await connect({ ...PLENTY, breaker: { failures: 1, open_s: 1, successes: 100, probes: 3 } })
  at.vendor.status = 500
  await call(at)
  Object.assign(at.vendor, { status: 200, hits: 0, most_at_once: 0 })
  await sleep(1050)
  const sent = [...(await crowdOf(at, 3)), ...(await crowdOf(at, 3))]
  assert.deepEqual([sent.length, at.vendor.hits, at.vendor.most_at_once], [6, 6, 3])
  const breaker = await breakerOf(at)
  assert.deepEqual([breaker['state'], breaker['successes']], ['half_open', sent.length])
  assert.equal((breaker['limits'] as { probes: number }).probes, 3)
  at.vendor.status = 500
  await call(at)
  assert.equal((await breakerOf(at, two))['state'], 'open')
})

test('of probes that are taken at the same moment one moves the breaker, the others find it moved', async () => {
  const at = await connect({ ...PLENTY, breaker: { failures: 1, open_s: 1, probes: 3 } })
  at.vendor.status = 500
  await call(at)
  await sleep(1_100)
  const place = { tenant_id: at.tenant_id, connection_id: fromWire('connection', at.id) }
  const take = () =>
    inTenant(one.app.db, at.tenant_id, (tx) =>
      takeProbe(tx, place, { id: one.app.newId(), lease_ms: 10_000, most: 3 }),
    )
  // All of them have begun before the first of them is let through.
  const taken = await asWorker(one.app.db, async (tx) => {
    await sql`select from breaker where connection_id = ${place.connection_id} for update`.execute(tx)
    const all = [take(), take(), take()]
    await sleep(500)
    return all
  })
  const moves = (await Promise.all(taken)).map((one) => one?.was)
  assert.deepEqual(moves.sort(), ['half_open', 'half_open', 'open'])
})

test('failures count together, whichever server sees them, and an answer to any of them ends the row', async () => {
  const at = await connect({ ...PLENTY, breaker: { failures: 4 } })
  at.vendor.status = 500
  for (const server of [one, two, one]) await call(at, server)
  assert.equal((await breakerOf(at, two))['failures'], 3)
  at.vendor.status = 200
  await until(async () => {
    await call(at, two)
    return (await breakerOf(at))['failures'] === 0
  })
  at.vendor.status = 500
  for (const server of [two, one, two]) assert.equal((await call(at, server)).body['attempts'], 1)
  assert.equal((await breakerOf(at))['state'], 'closed')
  await call(at, one)
  const breaker = await breakerOf(at, two)
  assert.deepEqual([breaker['state'], breaker['failures']], ['open', 0])
  assert.match(String(breaker['reason']), /^4 failures in a row/)
  assert.match(String(breaker['last_failure_at']), /^20/)
})

test('a probe that fails opens the breaker anew, and each move is told', async () => {
  const at = await connect({ ...PLENTY, breaker: { failures: 1, open_s: 10 } })
  at.vendor.status = 500
  await call(at)
  await sleep(10_050)
  assert.equal((await call(at)).body['attempts'], 1)
  assert.equal((await call(at)).body['attempts'], 0)
  assert.equal((await breakerOf(at))['state'], 'open')
  assert.deepEqual(await eventsOf(at), [
    'connection.breaker_opened',
    'connection.breaker_half_open',
    'connection.breaker_opened',
  ])
})

test('a server that dies with the probe gives way to another when its time is over, and its late word counts for nothing', async () => {
  const at = await connect({ ...PLENTY, breaker: { failures: 1, open_s: 1 } })
  at.vendor.status = 500
  await call(at)
  await sleep(1050)
  const place = { tenant_id: at.tenant_id, connection_id: fromWire('connection', at.id) }
  const take = (id: string, lease_ms: number) =>
    asWorker(one.app.db, (tx) => takeProbe(tx, place, { id, lease_ms, most: 1 }))
  const [dead, alive] = [one.app.newId(), one.app.newId()]
  assert.ok(await take(dead, 6000))
  assert.equal(await take(alive, 6000), null)
  await sleep(6050)
  assert.ok(await take(alive, 60_000))
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
  await until(async () => (await call(at, two)).body['attempts'] === 0)
  const closed = await two.send('POST', `${at.path}/breaker/close`, { key: at.key })
  assert.equal(closed.body['state'], 'closed')
  await until(async () => (await call(at)).body['attempts'] === 1)
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
  const [rate] = body['rates'] as Record<string, unknown>[]
  const { resets_at, ...counted } = rate ?? {}
  assert.deepEqual(counted, {
    level: 'connection',
    operation: null,
    unit: 'calls',
    limit: 4,
    per_s: 60,
    used: 4,
    remaining: 0,
  })
  const reset_s = (Date.parse(String(resets_at)) - Date.now()) / 1000
  assert.ok(reset_s > 50 && reset_s <= 62, String(reset_s))
  assert.equal(refused.headers.get('ratelimit'), `"connection";r=0;t=${retry_after_s}`)
  assert.equal(refused.headers.get('ratelimit-policy'), '"connection";q=4;w=60')
})

test('a call that may wait is sent as soon as there is room, and refused where that is too late', async () => {
  const at = await connect({ rates: [{ calls: 2, per_s: 10 }] })
  const began = performance.now()
  await Promise.all([call(at), call(at, two)])
  const early = await call(at, one, { on_limit: 'wait', wait_ms: 100 })
  assert.equal(early.status, 429, early.text)
  const late = await call(at, two, { on_limit: 'wait', wait_ms: 30_000 })
  assert.equal(late.status, 200, late.text)
  assert.ok(performance.now() - began >= 10_000)
  const misfit = await call(at, one, { wait_ms: 300 })
  assert.equal(misfit.body['field'], 'wait_ms')
})

test('a connection that says nothing of limits has 60 calls a minute and 1,000 an hour', async () => {
  const at = await connect(undefined)
  await call(at)
  const { body } = await one.send('GET', `${at.path}/limits`, { key: at.key })
  assert.deepEqual(
    (body['rates'] as { limit: number; per_s: number }[]).map(({ limit, per_s }) => [limit, per_s]),
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
  await until(async () => (await call(at, two)).status === 200)
  const twice = { limits: { rates: [PLENTY.rates[0], PLENTY.rates[0]] } }
  const refused = await one.send('PATCH', at.path, { key: at.key, body: twice })
  assert.equal(refused.body['field'], 'limits.rates')
})

test('a vendor that asks one server to wait is left alone by all of them', async () => {
  const at = await connect(PLENTY)
  await call(at, two)
  Object.assign(at.vendor, { status: 429, headers: { 'retry-after': '40' } })
  assert.equal((await call(at)).body['status'], 429)
  await until(async () => (await call(at, two)).status === 429)
  const { hits } = at.vendor
  const refused = await call(at, two)
  const retry_after_s = Number(refused.headers.get('retry-after'))
  assert.ok(retry_after_s > 30 && retry_after_s <= 40, refused.text)
  assert.equal(at.vendor.hits, hits)
  const { body } = await two.send('GET', `${at.path}/limits`, { key: at.key })
  assert.match(String(body['paused_until']), /^20/)
})

test("what the vendor says is left is all that the servers take together, until the vendor's reset", async () => {
  const at = await connect(PLENTY)
  at.vendor.headers = { 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': '5' }
  await call(at)
  at.vendor.headers = {}
  const { body } = await two.send('GET', `${at.path}/limits`, { key: at.key })
  assert.equal((body['vendor'] as { remaining: number }[])[0]?.remaining, 3)
  const statuses: number[] = []
  for (const server of [two, one, two, one, two]) statuses.push((await call(at, server)).status)
  assert.deepEqual(statuses.sort(), [200, 200, 200, 429, 429])
  assert.equal(at.vendor.hits, 4)
  await until(async () => (await call(at)).status === 200)
})

test('a vendor that answers well and has nothing left is left alone until its reset', async () => {
  const at = await connect(PLENTY)
  const reset = Math.ceil(Date.now() / 1000) + 30
  at.vendor.headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(reset) }
  assert.equal((await call(at)).status, 200)
  const refused = await call(at)
  assert.equal(refused.status, 429)
  assert.match(refused.text, /the vendor asks this connection to wait/)
})

test('an operation with limits of its own pays them beside those of its connection', async () => {
  const at = await connect({
    rates: [{ calls: 3, per_s: 60 }],
    operations: { test: [{ calls: 1, per_s: 60 }] },
  })
  const tried = () => one.send('POST', `${at.path}/test`, { key: at.key })
  assert.equal((await tried()).body['ok'], true)
  assert.match(String((await tried()).body['message']), /the limit of the operation test \(1 calls in 60 s\)/)
  assert.equal((await call(at)).status, 200)
  assert.equal((await call(at, two)).status, 200)
  assert.equal((await call(at)).status, 429)
  assert.equal(at.vendor.hits, 3)
  const twice = { rates: [PLENTY.rates[0]], operations: { x: [PLENTY.rates[0], PLENTY.rates[0]] } }
  const refused = await one.send('PATCH', at.path, { key: at.key, body: { limits: twice } })
  assert.equal(refused.body['field'], 'limits.operations.x')
})

test('a limit in bytes refuses the call after the one that filled it, on every server', async () => {
  const at = await connect({ rates: [{ bytes: 3000, per_s: 60 }] })
  const sent = { method: 'POST', path: '/', body: 'x'.repeat(2000) }
  for (const server of [one, one]) assert.equal((await call(at, server, sent)).status, 200)
  await until(async () => (await call(at, two)).status === 429)
  const refused = await call(at)
  assert.match(refused.text, /\(3000 bytes in 60 s\)/)
  assert.match(String(refused.headers.get('ratelimit-policy')), /;qu="content-bytes"$/)
})

test('a tenant limits all of its connections together, and every server keeps it from then on', async () => {
  const first = await connect(PLENTY)
  const body = {
    provider: 'http',
    name: 'y',
    environment: 'development',
    settings: { base_url: first.vendor.url },
  }
  const made = await one.send('POST', '/v1/connections', { key: first.key, body })
  const second = { ...first, path: `/v1/connections/${made.body['id']}` }
  const actor = {
    kind: 'system',
    id: 'test',
    environment: 'live',
    scopes: ['*'],
    ip: null,
    request_id: null,
  } as const
  const { key } = await createKey(
    one.app,
    { ...actor, tenant_id: first.tenant_id },
    { name: 'l', environment: 'live', scopes: ['*'] },
  )
  assert.equal((await call(first)).status, 200)
  const limit = { rates: [{ calls: 3, per_s: 60 }] }
  assert.equal((await one.send('PUT', '/v1/limits', { key: first.key, body: limit })).status, 403)
  assert.equal((await one.send('PUT', '/v1/limits', { key, body: limit })).status, 200)
  await until(async () => {
    const { body } = await two.send('GET', '/v1/limits', { key })
    return (body['rates'] as unknown[]).length === 1
  })
  const statuses: number[] = []
  for (const [at, server] of [
    [first, one],
    [second, two],
    [first, two],
    [second, one],
    [first, one],
  ] as const)
    statuses.push((await call(at, server)).status)
  assert.deepEqual(statuses, [200, 200, 200, 429, 429])
  const seen = await two.send('GET', '/v1/limits', { key })
  assert.deepEqual(
    (seen.body['rates'] as { level: string; remaining: number }[]).map(({ level, remaining }) => [
      level,
      remaining,
    ]),
    [['tenant', 0]],
  )
  await one.send('PUT', '/v1/limits', { key, body: { rates: [] } })
  await until(async () => (await call(first, two)).status === 200)
})

test('the administrator limits the installation, which the tenants meet and do not see', async () => {
  const admin = await adminKey(one)
  const at = await connect(PLENTY)
  const put = (rates: object[]) => one.send('PUT', '/v1/installation/limits', { key: admin, body: { rates } })
  assert.equal(
    (await one.send('PUT', '/v1/installation/limits', { key: at.key, body: { rates: [] } })).status,
    403,
  )
  try {
    assert.equal((await put([{ calls: 1, per_s: 3600 }])).status, 200)
    await until(async () => {
      const { body } = await two.send('GET', '/v1/installation/limits', { key: admin })
      return (body['rates'] as unknown[]).length === 1
    })
    assert.equal((await call(at, two)).status, 200)
    const refused = await call(at)
    assert.match(refused.text, /the limit of this installation/)
    const { body } = await one.send('GET', `${at.path}/limits`, { key: at.key })
    assert.deepEqual(
      (body['rates'] as { level: string }[]).map(({ level }) => level),
      ['connection'],
    )
  } finally {
    await put([])
  }
})

test('what was used is on record by the hour, with what was refused', async () => {
  const at = await connect({ rates: [{ calls: 2, per_s: 60 }] })
  await call(at, one, { method: 'POST', path: '/', body: 'x'.repeat(98) })
  await call(at, two)
  assert.equal((await call(at)).status, 429)
  await Promise.all([drainCalls(one.app), drainCalls(two.app)])
  const { body } = await two.send('GET', `${at.path}/limits/history`, { key: at.key })
  const hours = body['data'] as Record<string, unknown>[]
  const sumOf = (count: string) => hours.reduce((sum, hour) => sum + Number(hour[count]), 0)
  assert.deepEqual(['calls', 'bytes', 'refused'].map(sumOf), [2, 102, 1])
  assert.ok(hours.length <= 2, 'one, or two where the hour ended meanwhile')
  const all = await one.send('GET', '/v1/limits/history', { key: at.key })
  assert.deepEqual(all.body['data'], body['data'])
  const { key } = await tenantWithKey(one, ['*'], 'test')
  assert.deepEqual((await one.send('GET', '/v1/limits/history', { key })).body['data'], [])
  assert.equal((await one.send('GET', `${at.path}/limits/history`, { key })).status, 404)
})

test('each try of a call pays the limit', async () => {
  const at = await connect({ rates: [{ calls: 2, per_s: 60 }], breaker: false })
  at.vendor.status = 500
  assert.equal((await call(at, one, { retries: 1 })).body['attempts'], 2)
  assert.equal((await call(at)).status, 429)
})

test('a call refused by the limit leaves its idempotency key free', async () => {
  const at = await connect({ rates: [{ calls: 1, per_s: 3 }] })
  await call(at)
  const headers = { 'idempotency-key': 'order-1' }
  const again = () =>
    one.send('POST', `${at.path}/calls`, { key: at.key, headers, body: { method: 'POST', path: '/' } })
  assert.equal((await again()).status, 429)
  await sleep(3300)
  const reply = await again()
  assert.deepEqual([reply.status, reply.headers.get('idempotency-replayed')], [200, null], reply.text)
})

test('a connection says how long an attempt may take and how often it is tried again, unless the call does', async () => {
  const at = await connect({ ...PLENTY, breaker: false, retries: 1, backoff_ms: 10, timeout_ms: 700 })
  at.vendor.delay_ms = 20_000
  const ask = async (more: object) =>
    (await one.send('POST', `${at.path}/calls`, { key: at.key, body: { method: 'GET', path: '/', ...more } }))
      .body
  const own = await ask({})
  assert.deepEqual([own['state'], own['attempts']], ['failed', 2])
  assert.ok(Number(own['duration_ms']) < 15_000, String(own['duration_ms']))
  assert.equal((await ask({ retries: 0 }))['attempts'], 1)
  const proxied = await one.send('GET', `/v1/proxy/${at.id}/x`, { key: at.key })
  assert.deepEqual([proxied.status, at.vendor.hits], [502, 5])
  at.vendor.delay_ms = 1_000
  assert.equal((await ask({ timeout_ms: 20_000 }))['state'], 'succeeded')
})

test('no more calls than its places are under way, and who finds the line full is told so', async () => {
  const at = await connect({ ...PLENTY, concurrency: 2, queue: 3 })
  const open = shut(at.vendor)
  let full = 0
  const asked = Array.from({ length: 8 }, async () => {
    const reply = await call(at)
    if (reply.status === 503) full += 1
    return reply
  })
  await until(async () => full >= 3 && at.vendor.hits >= 2)
  open()
  const replies = await Promise.all(asked)
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
    ['GET', '/limits/history'],
    ['GET', '/breaker'],
    ['POST', '/breaker/open'],
    ['POST', '/breaker/close'],
  ]
  for (const [method, path] of tries)
    assert.equal((await one.send(method, at.path + path, { key })).status, 404)
})

test('a connection that is deleted takes its breaker and its counts with it', async () => {
  const at = await connect(PLENTY)
  Object.assign(at.vendor, { status: 429, headers: { 'retry-after': '40' } })
  await call(at)
  await one.send('POST', `${at.path}/breaker/open`, { key: at.key })
  assert.equal((await one.send('DELETE', at.path, { key: at.key })).status, 204)
  const { pool } = one.app.db.owner
  const { rows } = await pool.query(
    `select (select count(*) from breaker b where b.connection_id = $1)
          + (select count(*) from rate_window w where w.connection_id = $1)
          + (select count(*) from vendor_limit v where v.connection_id = $1) as left`,
    [fromWire('connection', at.id)],
  )
  assert.equal(Number(rows[0].left), 0)
})
