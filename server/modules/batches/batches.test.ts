import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { quiet, testDatabaseUrl, undoAfter } from '../../test/harness.ts'
import { type Reply, type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { cancelCall } from '../calls/deferred.ts'
import { startDeferred } from '../calls/jobs.ts'
import { routes as callRoutes } from '../calls/routes.ts'
import { settleCalls } from '../calls/settle.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes as eventRoutes } from '../events/routes.ts'
import { cancelBatch } from './batches.ts'
import { runTurn } from './jobs.ts'
import { routes } from './routes.ts'

let database_url: string
let served: Served
before(async () => {
  database_url = await testDatabaseUrl()
  served = await serve({
    database_url,
    mount: { rooms: [connectionRoutes, eventRoutes, callRoutes, routes] },
    providers,
  })
})

type Vendor = {
  url: string
  hits: Map<string, number>
  most_at_once: number
  delay_ms: number
  /** The answer of `/slow` waits for it. */
  gate: Promise<unknown>
}

/** `/fail…` is refused, `/down` fails, the rest is fine. */
async function openVendor(): Promise<Vendor> {
  const vendor: Vendor = { url: '', hits: new Map(), most_at_once: 0, delay_ms: 5, gate: Promise.resolve() }
  let under_way = 0
  const server = createServer(async (request, response) => {
    const url = request.url ?? ''
    vendor.hits.set(url, (vendor.hits.get(url) ?? 0) + 1)
    under_way += 1
    vendor.most_at_once = Math.max(vendor.most_at_once, under_way)
    await (url === '/slow' ? vendor.gate : sleep(vendor.delay_ms))
    under_way -= 1
    response.writeHead(url.startsWith('/fail') ? 422 : url === '/down' ? 503 : 200, {
      'content-type': 'application/json',
    })
    response.end(JSON.stringify({ url }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => {
    server.closeAllConnections()
    server.close()
  })
  vendor.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return vendor
}

type Connected = { vendor: Vendor; tenant_id: string; key: string; path: string }

async function connect(
  settings: object = {},
  rates: object[] = [{ calls: 100_000, per_s: 60 }],
): Promise<Connected> {
  const vendor = await openVendor()
  const { key, tenant_id } = await tenantWithKey(served, ['*'], 'test')
  const body = {
    provider: 'http',
    name: 'x',
    environment: 'development',
    settings: { base_url: vendor.url, ...settings },
    limits: { rates },
  }
  const reply = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(reply.status, 201, reply.text)
  return { vendor, tenant_id, key, path: `/v1/connections/${reply.body['id']}` }
}

const callsTo = (count: number, place = (n: number) => `/ok/${n}`) =>
  Array.from({ length: count }, (_, n) => ({ method: 'POST', path: place(n) }))

async function create({ key, path }: Connected, body: object): Promise<string> {
  const reply = await served.send('POST', `${path}/calls/batch`, { key, body })
  assert.equal(reply.status, 202, reply.text)
  return String(reply.body['id'])
}

const look = async ({ key }: Connected, id: string): Promise<Reply['body']> =>
  (await served.send('GET', `/v1/batches/${id}`, { key })).body

async function over(at: Connected, id: string, within_ms = 180_000): Promise<Reply['body']> {
  const end = performance.now() + within_ms
  for (;;) {
    const body = await look(at, id)
    if (body['state'] !== 'running') return body
    assert.ok(performance.now() < end, `not over: ${JSON.stringify(body)}`)
    await sleep(20)
  }
}

const work = () => {
  const loop = startDeferred(served.app, runTurn)
  undoAfter(() => loop.stop())
  return loop
}

type Item = { position: number; state: string; report: { body: { url: string } } | null }

test('a batch makes every call once, a few at a time; one that is refused stops no other', async () => {
  const at = await connect()
  const jobs = work()
  const id = await create(at, { calls: callsTo(40, (n) => (n % 10 === 3 ? `/fail/${n}` : `/ok/${n}`)) })
  const ended = await over(at, id)
  await jobs.stop()
  const { state, total, succeeded, refused, queued, started } = ended
  assert.deepEqual(
    { state, total, succeeded, refused, queued, started },
    {
      state: 'completed',
      total: 40,
      succeeded: 36,
      refused: 4,
      queued: 0,
      started: 0,
    },
  )
  assert.ok(at.vendor.most_at_once <= 5, `${at.vendor.most_at_once} at once`)
  assert.equal(at.vendor.hits.size, 40)
  assert.ok([...at.vendor.hits.values()].every((times) => times === 1))
  const first = await served.send('GET', `/v1/batches/${id}/calls?limit=30`, { key: at.key })
  const rest = await served.send('GET', `/v1/batches/${id}/calls?cursor=${first.body['next_cursor']}`, {
    key: at.key,
  })
  const items = [...(first.body['data'] as Item[]), ...(rest.body['data'] as Item[])]
  assert.deepEqual(
    items.map(({ position }) => position),
    Array.from({ length: 40 }, (_, n) => n),
  )
  assert.equal(items[3]?.state, 'refused')
  assert.equal(items[7]?.report?.body.url, '/ok/7')
  const { body } = await served.send('GET', '/v1/events', { key: at.key })
  const [event] = body['data'] as { type: string; data: Record<string, unknown> }[]
  assert.deepEqual(
    [event?.type, event?.data['succeeded'], event?.data['refused']],
    ['batch.completed', 36, 4],
  )
})

test('a batch takes what the limits allow at once, tries no more than that, and gives back what it did not use', async () => {
  const at = await connect({}, [{ calls: 12, per_s: 60 }])
  const jobs = work()
  const id = await create(at, { calls: callsTo(30) })
  const end = performance.now() + 50_000
  let now = await look(at, id)
  while (now['succeeded'] !== 12 || now['started'] !== 0) {
    assert.ok(performance.now() < end, JSON.stringify(now))
    await sleep(20)
    now = await look(at, id)
  }
  await jobs.stop()
  const { state, succeeded, queued } = now
  assert.deepEqual([state, succeeded, queued, at.vendor.hits.size], ['running', 12, 18, 12])
  const calls = await served.send('GET', '/v1/calls?limit=100', { key: at.key })
  assert.equal((calls.body['data'] as unknown[]).length, 12, 'none was tried in vain')
  const few = await connect({}, [{ calls: 12, per_s: 60 }])
  const more = work()
  await over(few, await create(few, { calls: callsTo(3, (n) => `/few/${n}`) }))
  await more.stop()
  const { body } = await served.send('GET', `${few.path}/limits`, { key: few.key })
  assert.deepEqual(
    (body['rates'] as { used: number }[]).map(({ used }) => used),
    [3],
  )
})

test('a batch of reads that a policy covers asks the vendor once for what is the same', async () => {
  const at = await connect()
  const policies = [{ path: '/ok/*', strategy: 'time_based' }]
  await served.send('PUT', `${at.path}/cache`, { key: at.key, body: { policies } })
  const jobs = work()
  const id = await create(at, {
    calls: Array.from({ length: 20 }, (_, n) => ({ method: 'GET', path: `/ok/${n % 2}` })),
  })
  const { succeeded } = await over(at, id)
  await jobs.stop()
  assert.equal(succeeded, 20)
  assert.deepEqual([...at.vendor.hits.values()], [1, 1])
})

test('the slowest call of a batch holds up none of the others', async () => {
  const at = await connect()
  const { promise, resolve } = Promise.withResolvers<void>()
  at.vendor.gate = promise
  const jobs = work()
  const id = await create(at, { calls: callsTo(8, (n) => (n === 0 ? '/slow' : `/ok/${n}`)), concurrency: 2 })
  while (at.vendor.hits.size < 8) await sleep(5)
  assert.equal((await look(at, id))['state'], 'running', 'the slow one is under way all the while')
  resolve()
  await over(at, id)
  await jobs.stop()
  assert.equal(at.vendor.most_at_once, 2)
})

test('a delay keeps the starts of calls apart', async () => {
  const at = await connect()
  const jobs = work()
  const began = performance.now()
  const id = await create(at, { calls: callsTo(4), delay_ms: 100 })
  await over(at, id)
  await jobs.stop()
  assert.ok(performance.now() - began >= 300)
})

test('what is wrong with one call is refused with its place, and nothing of the batch is kept', async () => {
  const at = await connect()
  const calls = [...callsTo(2), { method: 'GET' }]
  const reply = await served.send('POST', `${at.path}/calls/batch`, { key: at.key, body: { calls } })
  assert.deepEqual([reply.status, reply.body['field']], [400, 'calls.2.path'])
  const listed = await served.send('GET', '/v1/batches', { key: at.key })
  assert.deepEqual(listed.body['data'], [])
})

/** As a worker that died would leave it: the first call sent and unanswered, the second begun and not sent. */
async function dieAtWork(id: string): Promise<void> {
  const { app } = served
  const [sent, unsent] = [app.newId(), app.newId()]
  const { rows } = await app.db.owner.pool.query<{ id: string; tenant_id: string; connection_id: string }>(
    `update deferred_call set state = 'started', tries = 1, call_ids = array[case position when 0 then $2 else $3 end::uuid]
      where batch_id = $1 and position < 2 returning id, tenant_id, connection_id`,
    [fromWire('batch', id), sent, unsent],
  )
  await app.db.owner.pool.query(
    `insert into call (tenant_id, id, connection_id, method, path, actor) values ($1, $2, $3, 'POST', '/ok/0', 'x')`,
    [rows[0]?.tenant_id, sent, rows[0]?.connection_id],
  )
}

test('a batch whose worker died goes on with another: what was sent is not sent again, the rest is made once', async () => {
  const at = await connect()
  const id = await create(at, { calls: callsTo(20) })
  await dieAtWork(id)
  const jobs = work()
  const ended = await over(at, id)
  await jobs.stop()
  assert.deepEqual([ended['succeeded'], ended['unknown']], [19, 1])
  assert.ok(!at.vendor.hits.has('/ok/0'))
  assert.equal(at.vendor.hits.size, 19)
  assert.ok([...at.vendor.hits.values()].every((times) => times === 1))
})

test('a batch that is given up sends no more, and says what was done', async () => {
  const at = await connect()
  at.vendor.delay_ms = 50
  const jobs = work()
  const id = await create(at, { calls: callsTo(50), concurrency: 2 })
  while (at.vendor.hits.size < 2) await sleep(5)
  const canceled = await served.send('POST', `/v1/batches/${id}/cancel`, { key: at.key })
  assert.equal(canceled.body['state'], 'canceled', canceled.text)
  await jobs.stop()
  const ended = await look(at, id)
  const sent = at.vendor.hits.size
  assert.ok(sent < 50)
  assert.equal(Number(ended['succeeded']) + Number(ended['canceled']), 50, JSON.stringify(ended))
  assert.equal(ended['succeeded'], sent)
  assert.equal((await served.send('POST', `/v1/batches/${id}/cancel`, { key: at.key })).status, 409)
})

test('what would be tried again is given up with its batch', async () => {
  const at = await connect({ idempotency_header: 'Idempotency-Key' })
  at.vendor.delay_ms = 300
  const calls = [{ method: 'POST', path: '/down', retries: 0, retry_later: { times: 5, after_ms: 60_000 } }]
  const id = await create(at, { calls })
  const jobs = work()
  while (at.vendor.hits.size < 1) await sleep(5)
  await served.send('POST', `/v1/batches/${id}/cancel`, { key: at.key })
  await jobs.stop()
  const { unknown, canceled, queued, started } = await look(at, id)
  // The vendor answered 500: it may have done it, so it is not told as never sent.
  assert.deepEqual([unknown, canceled, queued, started], [1, 0, 0, 0])
})

test('a batch that was canceled while its worker was dead leaves no call begun', async () => {
  const at = await connect()
  const id = await create(at, { calls: callsTo(5) })
  await dieAtWork(id)
  await served.send('POST', `/v1/batches/${id}/cancel`, { key: at.key })
  const jobs = work()
  const end = performance.now() + 60_000
  while ((await look(at, id))['started'] !== 0) {
    assert.ok(performance.now() < end, JSON.stringify(await look(at, id)))
    await sleep(20)
  }
  await jobs.stop()
  const { canceled, unknown, succeeded } = await look(at, id)
  assert.deepEqual([canceled, unknown, succeeded], [3, 1, 1])
})

test('a call that we fail to make holds up none of the others of its batch', async () => {
  const at = await connect()
  const id = await create(at, { calls: callsTo(6), concurrency: 1 })
  await served.app.db.owner.pool.query(
    `update deferred_call set request = '\\x00' where batch_id = $1 and position = 0`,
    [fromWire('batch', id)],
  )
  const jobs = work()
  const end = performance.now() + 60_000
  while (at.vendor.hits.size < 5) {
    assert.ok(performance.now() < end, JSON.stringify(await look(at, id)))
    await sleep(20)
  }
  await jobs.stop()
  assert.equal((await look(at, id))['state'], 'running', 'it is tried again later')
})

test('a call of a batch whose answer was cut off is settled with its try, and counted as what it was', async () => {
  const sandbox = await startSandbox({ port: 0 })
  undoAfter(() => sandbox.stop())
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const body = {
    provider: 'stripe',
    name: 'x',
    environment: 'development',
    settings: { base_url: `${sandbox.url}/stripe` },
    credentials: { secret_key: 'sk_test_abcdef123456' },
  }
  const made = await served.send('POST', '/v1/connections', { key, body })
  const path = `/v1/connections/${made.body['id']}`
  const call = {
    operation: 'payments.create',
    input: { money: { amount: '15050', currency: 'BRL' }, reference: 'order-1042' },
    retries: 0,
    retry_later: { times: 0 },
  }
  const cut = { ...call, headers: { 'x-sandbox-fault': 'cut;times=1;key=batch' } }
  const at = { vendor: { url: sandbox.url } as Vendor, tenant_id: '', key, path }
  const jobs = work()
  const id = await create(at, { calls: [call, cut] })
  const ended = await over(at, id)
  await jobs.stop()
  assert.deepEqual([ended['succeeded'], ended['unknown']], [1, 1])
  await settleCalls(served.app)
  const settled = await look(at, id)
  assert.deepEqual([settled['succeeded'], settled['unknown']], [2, 0])
  const { body: items } = await served.send('GET', `/v1/batches/${id}/calls`, { key })
  const { body: told } = await served.send('GET', '/v1/events?type=call.settled', { key })
  const [{ data }] = told['data'] as [{ data: Record<string, unknown> }]
  const item = (items['data'] as { id: string }[])[1]
  assert.deepEqual([data['call_id'], data['batch_id']], [item?.id, id])
})

test('who watches sees the batch move and end', async () => {
  const at = await connect()
  const jobs = work()
  const id = await create(at, { calls: callsTo(20), concurrency: 2 })
  const { headers, text } = await served.send('GET', `/v1/batches/${id}/events`, { key: at.key })
  await jobs.stop()
  assert.equal(headers.get('content-type'), 'text/event-stream')
  const events = text
    .trim()
    .split('\n\n')
    .map((event) => {
      const [name = '', data = ''] = event.split('\n')
      return { name: name.slice(7), batch: JSON.parse(data.slice(6)) as { succeeded: number; state: string } }
    })
  assert.equal(events.at(-1)?.name, 'end')
  assert.deepEqual([events.at(-1)?.batch.state, events.at(-1)?.batch.succeeded], ['completed', 20])
  const other = await tenantWithKey(served, ['*'], 'test')
  assert.equal((await served.send('GET', `/v1/batches/${id}/events`, { key: other.key })).status, 404)
})

test('twenty may watch at once, and whoever leaves makes room', async () => {
  const at = await connect()
  const id = await create(at, { calls: callsTo(1) }) // nobody works: it does not end
  const watch = async () => {
    const gone = new AbortController()
    const headers = { authorization: `Bearer ${at.key}` }
    const { status } = await fetch(`${served.url}/v1/batches/${id}/events`, { headers, signal: gone.signal })
    return { status, gone }
  }
  const watching = await Promise.all(Array.from({ length: 20 }, watch))
  assert.ok(watching.every(({ status }) => status === 200))
  assert.equal((await watch()).status, 429)
  watching[0]?.gone.abort()
  const deadline = performance.now() + 60_000
  let again = await watch()
  for (; again.status !== 200 && performance.now() < deadline; again = await watch()) await sleep(20)
  assert.equal(again.status, 200)
  for (const { gone } of [...watching, again]) gone.abort()
})

test('calls and batches are given up by one database connection at a time', async () => {
  const db = await openDatabase({ url: database_url, pool_size: 1, log: quiet })
  undoAfter(() => db.close())
  const at = await connect()
  const waits = { mode: 'async', method: 'POST', path: '/x' }
  const deferred = await served.send('POST', `${at.path}/calls`, { key: at.key, body: waits })
  const batch = await create(at, { calls: callsTo(2) })
  const actor = {
    kind: 'system',
    id: 'test',
    environment: 'test',
    scopes: [],
    ip: null,
    request_id: null,
  } as const
  const { tenant_id } = at
  // Each as a process that has opened no connection yet.
  const fresh = () => ({ ...served.app, db })
  assert.equal(
    (await cancelCall(fresh(), { ...actor, tenant_id }, String(deferred.body['id']))).state,
    'canceled',
  )
  assert.equal((await cancelBatch(fresh(), { ...actor, tenant_id }, batch)).state, 'canceled')
})
