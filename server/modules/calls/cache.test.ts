import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { asWorker } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { testDatabaseUrl, undoAfter } from '../../test/harness.ts'
import { type Reply, type SendOptions, type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { openConnection } from '../connections/connections.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { publishAll } from '../events/events.ts'
import { routes as eventRoutes } from '../events/routes.ts'
import { routes as operationRoutes } from '../operations/routes.ts'
import { drainCalls } from './calls.ts'
import { dropOnEvents, startDeferred, sweepCache } from './jobs.ts'
import { perform } from './perform.ts'
import { routes } from './routes.ts'

/** Two servers at one database: what one keeps or drops, the other must know. */
let one: Served
let two: Served
before(async () => {
  const database_url = await testDatabaseUrl()
  const master_key = randomBytes(32)
  const mount = { rooms: [connectionRoutes, eventRoutes, operationRoutes, routes] }
  one = await serve({ database_url, master_key, mount, providers })
  two = await serve({ database_url, master_key, mount, providers })
  for (const { app } of [one, two]) dropOnEvents(app)
})

type Vendor = {
  url: string
  seen: { method: string; url: string; headers: IncomingMessage['headers'] }[]
  status: number
  delay_ms: number
  headers: Record<string, string>
}

/** Numbers its answers; says 304 to whoever has its ETag or its time of change. */
async function openVendor(number?: (request: IncomingMessage) => Promise<number>): Promise<Vendor> {
  const vendor: Vendor = { url: '', seen: [], status: 200, delay_ms: 0, headers: {} }
  const server = createServer(async (request, response) => {
    vendor.seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers })
    const n = (await number?.(request)) ?? vendor.seen.length
    const { status, headers } = vendor
    if (vendor.delay_ms > 0) await sleep(vendor.delay_ms)
    const has = (name: string, of: string) =>
      request.headers[name] !== undefined && request.headers[name] === headers[of]
    const same = has('if-none-match', 'etag') || has('if-modified-since', 'last-modified')
    response.writeHead(same ? 304 : status, {
      ...(!same && { 'content-type': 'application/json' }),
      ...headers,
    })
    response.end(same ? '' : JSON.stringify({ n, language: request.headers['accept-language'] ?? null }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => {
    server.closeAllConnections()
    server.close()
  })
  vendor.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return vendor
}

type Connected = { vendor: Vendor; key: string; tenant_id: string; id: string; path: string }

async function connect(
  policies: object[],
  more: { tenant?: Connected; vendor?: Vendor } = {},
): Promise<Connected> {
  const vendor = more.vendor ?? (await openVendor())
  const { key, tenant_id } = more.tenant ?? (await tenantWithKey(one, ['*'], 'test'))
  const body = {
    provider: 'http',
    name: 'x',
    environment: 'development',
    settings: { base_url: vendor.url },
    limits: { rates: [{ calls: 100_000, per_s: 60 }] },
  }
  const made = await one.send('POST', '/v1/connections', { key, body })
  assert.equal(made.status, 201, made.text)
  const id = String(made.body['id'])
  const path = `/v1/connections/${id}`
  const put = await one.send('PUT', `${path}/cache`, { key, body: { policies } })
  assert.equal(put.status, 200, put.text)
  return { vendor, key, tenant_id, id, path }
}

type Note = { result: string; joined: boolean; stored: boolean; age_s: number | null; detail: string | null }

type Told = {
  id: string
  state: string
  status: number
  attempts: number
  cache: Note
  body: { n?: number } | null
}
type Ask = { server?: Served; [field: string]: unknown }

async function read(at: Connected, path: string, { server = one, ...more }: Ask = {}) {
  const body = { method: 'GET', path, retries: 0, ...more }
  const reply = await server.send('POST', `${at.path}/calls`, { key: at.key, body })
  assert.equal(reply.status, 200, reply.text)
  const told = reply.body as Told
  return { ...told, n: told.body?.n }
}

const proxied = (
  { key, id }: Connected,
  path: string,
  options: SendOptions & { method?: string } = {},
): Promise<Reply> => one.send(options.method ?? 'GET', `/v1/proxy/${id}${path}`, { key, ...options })

const cacheOf = async ({ key, path }: Connected, server = one) =>
  (await server.send('GET', `${path}/cache`, { key })).body

const TIMED = { path: '/things*', strategy: 'time_based' }

async function until(is: () => Promise<boolean> | boolean, within_ms = 30_000): Promise<void> {
  const end = performance.now() + within_ms
  while (!(await is())) {
    assert.ok(performance.now() < end, `not within ${within_ms} ms`)
    await sleep(20)
  }
}

test('a kept answer is given out without asking the vendor, with the id of the call that brought it', async () => {
  const at = await connect([TIMED])
  const first = await read(at, '/things?b=2&a=1')
  assert.deepEqual([first.cache.result, first.cache.stored], ['miss', true])
  const again = await read(at, '/things', { query: { a: 1, b: '2' } })
  assert.deepEqual([again.n, again.cache.result, again.id, again.attempts], [1, 'hit', first.id, 0])
  assert.equal(again.state, 'succeeded')
  await read(at, '/things?a=2&b=2')
  await read(at, '/others')
  const others = await read(at, '/others')
  assert.equal(others.cache, null)
  assert.equal(at.vendor.seen.length, 4)
  const { hits, misses, entries } = await cacheOf(at)
  assert.deepEqual([hits, misses], [1, 2])
  await until(async () => Number((await cacheOf(at))['entries']) === 2)
  assert.ok(Number(entries) <= 2)
})

test('only what crossed is on record: a hit is counted and no call', async () => {
  const at = await connect([TIMED])
  for (let n = 0; n < 5; n++) await read(at, '/things')
  await drainCalls(one.app)
  const { body } = await one.send('GET', `/v1/calls?connection_id=${at.id}`, { key: at.key })
  assert.equal((body['data'] as object[]).length, 1)
})

test('past its time an answer is fetched anew', async () => {
  const at = await connect([{ ...TIMED, ttl_s: 8 }])
  await read(at, '/things')
  assert.equal((await read(at, '/things')).n, 1)
  await sleep(8050)
  const late = await read(at, '/things')
  assert.deepEqual([late.n, late.cache.result], [2, 'miss'])
})

test('an ETag is asked for each time, and 304 gives the kept answer', async () => {
  const at = await connect([{ ...TIMED, strategy: 'etag' }])
  at.vendor.headers = { etag: '"v1"' }
  await read(at, '/things')
  const same = await read(at, '/things')
  assert.deepEqual([same.n, same.status, same.state, same.cache.result], [1, 200, 'succeeded', 'revalidated'])
  assert.equal(at.vendor.seen[1]?.headers['if-none-match'], '"v1"')
  at.vendor.headers = { etag: '"v2"' }
  assert.equal((await read(at, '/things')).n, 3)
  assert.equal((await read(at, '/things')).n, 3)
  assert.equal(at.vendor.seen[3]?.headers['if-none-match'], '"v2"')
})

test("a conditional policy goes by the vendor's own words, and asks by the time of change where there is no ETag", async () => {
  const at = await connect([{ ...TIMED, strategy: 'conditional' }])
  at.vendor.headers = {
    'cache-control': 'max-age=60, must-revalidate',
    'last-modified': 'Sun, 01 Nov 2026 00:00:00 GMT',
  }
  await read(at, '/things/1')
  assert.equal((await read(at, '/things/1')).cache.result, 'hit')
  at.vendor.headers['cache-control'] = 'no-cache'
  await read(at, '/things/2')
  const asked = await read(at, '/things/2')
  assert.deepEqual([asked.n, asked.cache.result], [2, 'revalidated'])
  assert.equal(at.vendor.seen[2]?.headers['if-modified-since'], 'Sun, 01 Nov 2026 00:00:00 GMT')
})

test('what must not be kept is not: no-store, cookies, Vary: *, other statuses; and it says why', async () => {
  const at = await connect([TIMED, { path: '/gone', strategy: 'time_based', statuses: [200, 404] }])
  const cases: [Partial<Vendor>, string][] = [
    [{ headers: { 'cache-control': 'No-Store' } }, 'no-store'],
    [{ headers: { 'set-cookie': 'a=b' } }, 'set-cookie'],
    [{ headers: { vary: 'accept, *' } }, 'vary'],
    [{ headers: {}, status: 404 }, 'status-404'],
    [{ headers: {}, status: 500 }, 'status-500'],
  ]
  for (const [as, detail] of cases) {
    Object.assign(at.vendor, { status: 200, ...as })
    await read(at, '/things')
    const { cache } = await read(at, '/things')
    assert.deepEqual([cache.result, cache.stored, cache.detail], ['miss', false, detail])
  }
  Object.assign(at.vendor, { status: 404, headers: {} })
  await read(at, '/gone')
  const gone = await read(at, '/gone')
  assert.deepEqual([gone.status, gone.state, gone.cache.result], [404, 'refused', 'hit'])
})

test('who wants only what is kept is given that, and 504 rather than an answer of the vendor', async () => {
  const at = await connect([{ ...TIMED, ttl_s: 1, stale_while_revalidate_s: 60 }])
  const send = (path: string) => {
    const body = { method: 'GET', path, headers: { 'Cache-Control': 'only-if-cached' } }
    return one.send('POST', `${at.path}/calls`, { key: at.key, body })
  }
  for (const path of ['/things/1', '/not-covered']) {
    const refused = await send(path)
    assert.deepEqual([refused.status, refused.body['code']], [504, 'not_cached'], refused.text)
  }
  assert.equal(at.vendor.seen.length, 0)
  await read(at, '/things/1')
  assert.match((await send('/things/1')).text, /"hit"/)
  await sleep(1_100)
  assert.match((await send('/things/1')).text, /"stale"/)
  await sleep(100)
  assert.equal(at.vendor.seen.length, 1, 'what is stale is not renewed behind it either')
})

test('no-store of the vendor gives way where the policy says so', async () => {
  const at = await connect([{ ...TIMED, ignore_no_store: true }])
  at.vendor.headers = { 'cache-control': 'no-cache, no-store' }
  await read(at, '/things')
  assert.equal((await read(at, '/things')).cache.result, 'hit')
})

test("headers of the caller tell answers apart, whether the vendor says Vary or not; the way's do not", async () => {
  const at = await connect([TIMED])
  const language = (text: string) => ({ headers: { 'Accept-Language': text, 'x-request-id': text } })
  assert.equal((await read(at, '/things', language('pt'))).n, 1)
  assert.equal((await read(at, '/things', language('en'))).n, 2)
  assert.equal((await read(at, '/things', language('pt'))).n, 1)
  assert.equal(
    (await read(at, '/things', { headers: { 'accept-language': 'en', 'x-request-id': 'z' } })).n,
    2,
  )
  at.vendor.headers = { vary: 'User-Agent' }
  assert.equal((await read(at, '/things/1', { headers: { 'user-agent': 'a' } })).n, 3)
  assert.equal((await read(at, '/things/1', { headers: { 'user-agent': 'b' } })).n, 4)
})

test('another tenant, another connection, other credentials and other settings never share an answer', async () => {
  const at = await connect([TIMED])
  await read(at, '/things')
  const { vendor } = at
  const sibling = await connect([TIMED], { tenant: at, vendor })
  assert.equal((await read(sibling, '/things')).cache.result, 'miss')
  const stranger = await connect([TIMED], { vendor })
  assert.equal((await read(stranger, '/things')).cache.result, 'miss')
  const body = { settings: { base_url: vendor.url, auth: 'bearer' }, credentials: { token: 'another-token' } }
  const changed = await one.send('PATCH', at.path, { key: at.key, body })
  assert.equal(changed.status, 200, changed.text)
  assert.deepEqual([(await read(at, '/things')).cache.result, vendor.seen.length], ['miss', 4])
  const seen = await one.send('GET', `${at.path}/cache`, { key: stranger.key })
  const purged = await one.send('POST', `${at.path}/cache/purge`, { key: stranger.key, body: {} })
  assert.deepEqual([seen.status, purged.status], [404, 404])
})

test('a second server finds what the first one kept, and what it keeps is sealed', async () => {
  const at = await connect([TIMED])
  await read(at, '/things')
  await drainCalls(one.app)
  const other = await read(at, '/things', { server: two })
  assert.deepEqual([other.n, other.cache.result, at.vendor.seen.length], [1, 'hit', 1])
  const { rows } = await one.app.db.owner.pool.query<{ sealed: Buffer }>(
    'select sealed from cached_answer where connection_id = $1',
    [fromWire('connection', at.id)],
  )
  assert.equal(rows.length, 1)
  assert.ok(!rows[0]?.sealed.includes('language'))
})

test('fifty identical reads at once are one call, and each of them gets the answer', async () => {
  const at = await connect([{ ...TIMED, ttl_s: 0 }])
  at.vendor.delay_ms = 10_000 // all fifty have come by then
  const all = await Promise.all(Array.from({ length: 50 }, () => read(at, '/things')))
  assert.equal(at.vendor.seen.length, 1)
  assert.ok(all.every(({ n }) => n === 1))
  assert.equal(all.filter(({ cache }) => cache.joined).length, 49)
  at.vendor.delay_ms = 0
  await read(at, '/things')
  assert.equal(at.vendor.seen.length, 2)
})

test('whoever joins a call is given its answer only where that is theirs by Vary', async () => {
  const at = await connect([TIMED])
  Object.assign(at.vendor, { delay_ms: 300, headers: { vary: 'User-Agent' } })
  const agents = ['phone', 'phone', 'desk', 'desk', 'desk']
  const answers = await Promise.all(
    agents.map((agent) => read(at, '/things', { headers: { 'user-agent': agent } })),
  )
  const numbers = (of: string) => new Set(answers.filter((_, n) => agents[n] === of).map(({ n }) => n))
  assert.deepEqual([numbers('phone').size, numbers('desk').size], [1, 1])
  assert.equal(new Set([...numbers('phone'), ...numbers('desk')]).size, 2)
  assert.equal(at.vendor.seen.length, 2)
  Object.assign(at.vendor, { headers: { vary: '*' } })
  const all = await Promise.all([1, 2, 3].map(() => read(at, '/things/any')))
  assert.equal(new Set(all.map(({ n }) => n)).size, 3)
})

test('one of those who share a call hangs up, and the others get the answer', async () => {
  const at = await connect([TIMED])
  at.vendor.delay_ms = 300
  const quitter = new AbortController()
  const body = JSON.stringify({ method: 'GET', path: '/things', retries: 0 })
  const headers = { authorization: `Bearer ${at.key}`, 'content-type': 'application/json' }
  const first = fetch(`${one.url}${at.path}/calls`, { method: 'POST', headers, body, signal: quitter.signal })
  await until(() => at.vendor.seen.length === 1)
  const others = Array.from({ length: 5 }, () => read(at, '/things'))
  quitter.abort()
  await assert.rejects(first)
  for (const other of await Promise.all(others)) assert.deepEqual([other.n, other.state], [1, 'succeeded'])
  assert.equal(at.vendor.seen.length, 1)
})

test('a change drops what is kept of its address and of the place of its result, on every server, before it is answered', async () => {
  const at = await connect([{ path: '/things*', strategy: 'time_based' }])
  const paths = ['/things/1?full=yes', '/things/2', '/things/3']
  for (const server of [one, two]) for (const path of paths) await read(at, path, { server })
  await drainCalls(one.app)
  at.vendor.headers = { location: '/things/2' }
  await read(at, '/things/1', { method: 'POST', body: {} })
  at.vendor.headers = {}
  const asked = at.vendor.seen.length
  assert.deepEqual(
    (await Promise.all(paths.map((path) => read(at, path)))).map(({ cache }) => cache.result),
    ['miss', 'miss', 'hit'],
  )
  await drainCalls(one.app)
  await until(
    async () => (await read(at, '/things/2', { server: two })).n === (await read(at, '/things/2')).n,
  )
  assert.equal(at.vendor.seen.length, asked + 2)
})

test('a change that the vendor refused drops nothing', async () => {
  const at = await connect([TIMED])
  await read(at, '/things')
  at.vendor.status = 422
  await read(at, '/things', { method: 'POST', body: {} })
  assert.equal((await read(at, '/things')).cache.result, 'hit')
})

test('a change that was made later, as a job, drops what it changed too', async () => {
  const at = await connect([TIMED])
  await read(at, '/things')
  const actor = {
    kind: 'system' as const,
    id: 'test',
    tenant_id: at.tenant_id,
    environment: 'test' as const,
    scopes: ['*'],
    ip: null,
    request_id: null,
  }
  const connection = await openConnection(one.app, at.tenant_id, fromWire('connection', at.id))
  const request = { method: 'PUT' as const, path: '/things' }
  await perform(one.app, actor, connection, { operation: null, request, retries: 0, patience_ms: 0 })
  assert.equal((await read(at, '/things')).cache.result, 'miss')
})

test('whoever changes something reads nothing older afterwards, however reads and changes cross', async () => {
  const policies = [{ ...TIMED, stale_while_revalidate_s: 60 }]
  let value = 0
  const at = await connect(policies, {
    vendor: await openVendor(async ({ method }) => {
      await sleep(Math.random() * 5)
      if (method !== 'GET') value += 1
      const now = value
      await sleep(Math.random() * 10)
      return now
    }),
  })
  const before = { [one.url]: 0, [two.url]: 0 }
  const act = async (server: Served) => {
    const mine = before[server.url] ?? 0
    if (Math.random() < 0.2) {
      const { n = 0 } = await read(at, '/things', { server, method: 'PUT' })
      before[server.url] = Math.max(before[server.url] ?? 0, n)
    } else {
      const { n = 0 } = await read(at, '/things', { server })
      assert.ok(n >= mine, `read ${n} after a change that made ${mine}`)
    }
  }
  const loop = async (server: Served) => {
    for (let turn = 0; turn < 40; turn++) await act(server)
  }
  await Promise.all([one, one, one, two, two, two].map(loop))
  for (const { app } of [one, two]) await drainCalls(app)
  for (const server of [one, two])
    await until(async () => (await read(at, '/things', { server })).n === value)
})

test('an answer that was under way while its address changed is kept nowhere and joined by nobody', async () => {
  for (const slow_one of [one, two]) {
    const at = await connect([TIMED])
    at.vendor.delay_ms = 400
    const slow = read(at, '/things', { server: slow_one })
    await until(() => at.vendor.seen.length === 1)
    at.vendor.delay_ms = 0
    await read(at, '/things', { method: 'DELETE' })
    assert.equal((await read(at, '/things')).n, 3)
    assert.equal((await slow).n, 1)
    for (const { app } of [one, two]) await drainCalls(app)
    for (const server of [one, two]) assert.equal((await read(at, '/things', { server })).n, 3)
  }
})

test('a purge by hand drops the paths that fit, on every server', async () => {
  const at = await connect([{ path: '*', strategy: 'time_based' }])
  for (const path of ['/a/1', '/a/2', '/b']) await read(at, path)
  await drainCalls(one.app)
  for (const path of ['/a/1', '/b']) await read(at, path, { server: two })
  const purge = (body: object) => one.send('POST', `${at.path}/cache/purge`, { key: at.key, body })
  assert.deepEqual((await purge({ path: '/a/*' })).body, { purged: 2 })
  assert.equal((await read(at, '/b')).cache.result, 'hit')
  assert.equal((await read(at, '/a/1')).cache.result, 'miss')
  await drainCalls(one.app)
  await until(async () => (await read(at, '/a/1', { server: two })).n === 4)
  assert.deepEqual((await purge({})).body, { purged: 2 })
  assert.equal((await read(at, '/b')).cache.result, 'miss')
})

async function readLater(at: Connected, ...bodies: object[]) {
  const { key, path } = at
  const ids: string[] = []
  for (const body of bodies) {
    const asked = { mode: 'async', method: 'GET', retries: 0, ...body }
    const reply = await one.send('POST', `${path}/calls`, { key, body: asked })
    assert.equal(reply.status, 202, reply.text)
    ids.push(String(reply.body['id']))
  }
  const loop = startDeferred(one.app, async () => {})
  undoAfter(() => loop.stop())
  const look = () =>
    Promise.all(ids.map(async (id) => (await one.send('GET', `/v1/calls/${id}`, { key })).body))
  await until(async () => (await look()).every(({ closed_at }) => closed_at !== null))
  await loop.stop()
  return (await look()).map((body) => ({
    ...body,
    report: body['report'] as Told,
    log: body['log'] as unknown[],
  }))
}

test('deferred calls are answered from what is kept, share a call, and pass it by where they say so', async () => {
  const at = await connect([TIMED])
  const all = await readLater(at, ...Array.from({ length: 4 }, () => ({ path: '/things/1' })))
  assert.deepEqual(
    all.map(({ report }) => [report.state, report.body?.n]),
    Array.from({ length: 4 }, () => ['succeeded', 1]),
  )
  assert.equal(at.vendor.seen.length, 1)
  assert.equal(all.filter(({ log }) => log.length === 1).length, 1, 'the try that asked has its attempt')
  const [hit, skipped] = await readLater(at, { path: '/things/1' }, { path: '/things/1', skip_cache: true })
  assert.deepEqual([hit?.report.cache.result, hit?.report.attempts, hit?.report.body?.n], ['hit', 0, 1])
  assert.deepEqual([skipped?.report.cache.result, skipped?.report.body?.n], ['bypassed', 2])
})

test('an event drops what the policies that name its type kept, of its own tenant', async () => {
  const policies = [
    { path: '/prices*', strategy: 'time_based', invalidate_on: ['price.*'] },
    { path: '*', strategy: 'time_based' },
  ]
  const [at, stranger] = [await connect(policies), await connect(policies)]
  for (const path of ['/prices/1', '/names']) await read(at, path)
  await read(stranger, '/prices/1')
  await drainCalls(one.app)
  await read(at, '/prices/1', { server: two })
  const type = { name: 'price.changed', description: 'x', schema: { type: 'object' }, example: {} }
  assert.equal((await one.send('POST', '/v1/event-types', { key: at.key, body: type })).status, 201)
  const event = { type: 'price.changed', data: {} }
  const published = await one.send('POST', '/v1/events', { key: at.key, body: event })
  assert.ok(published.status < 300, published.text)
  assert.equal((await read(at, '/prices/1')).cache.result, 'miss')
  assert.equal((await read(at, '/names')).cache.result, 'hit')
  assert.equal((await read(stranger, '/prices/1')).cache.result, 'hit')
  await drainCalls(one.app)
  const newest = at.vendor.seen.length
  await until(async () => (await read(at, '/prices/1', { server: two })).n === newest)
})

test('an event that a worker publishes drops it too', async () => {
  const at = await connect([{ ...TIMED, invalidate_on: ['payment.*'] }])
  await read(at, '/things')
  const { app } = one
  const event = { tenant_id: at.tenant_id, id: app.newId(), type: 'payment.completed', data: '{}' }
  const events = [{ ...event, entity_id: null, message_id: null }]
  await asWorker(app.db, async (tx) => publishAll(app, tx, { events, external_ids: [] }, new Map()))
  assert.equal((await read(at, '/things')).cache.result, 'miss')
})

test('past its time an answer is given at once while one call renews it, where the policy lets it', async () => {
  const at = await connect([{ ...TIMED, ttl_s: 8, stale_while_revalidate_s: 60 }])
  await read(at, '/things')
  await sleep(8050)
  at.vendor.delay_ms = 8000 // all ten have come by then
  const all = await Promise.all(Array.from({ length: 10 }, () => read(at, '/things')))
  assert.ok(all.every(({ n, cache }) => n === 1 && cache.result === 'stale'))
  await until(async () => (await read(at, '/things')).n === 2)
  assert.equal(at.vendor.seen.length, 2)
})

test('where the vendor fails or is gone, what is past its time stands in as long as the policy says', async () => {
  const at = await connect([
    { ...TIMED, ttl_s: 0, stale_if_error_s: 60 },
    { path: '/short', strategy: 'time_based', ttl_s: 1 },
  ])
  await read(at, '/things')
  await read(at, '/short')
  at.vendor.status = 503
  const stood = await read(at, '/things')
  assert.deepEqual(
    [stood.n, stood.status, stood.cache.result, stood.cache.detail],
    [1, 200, 'stale', 'status-503'],
  )
  await sleep(1050)
  assert.equal((await read(at, '/short')).status, 503)
  assert.equal((await one.send('POST', `${at.path}/breaker/open`, { key: at.key })).status, 200)
  const hits = at.vendor.seen.length
  assert.deepEqual([(await read(at, '/things')).cache.detail, at.vendor.seen.length], ['no-answer', hits])
})

test('what was kept is dropped when the vendor says something else that is not kept', async () => {
  const at = await connect([{ ...TIMED, ttl_s: 0, stale_if_error_s: 60 }])
  await read(at, '/things')
  at.vendor.status = 404
  await read(at, '/things')
  await drainCalls(one.app)
  at.vendor.status = 503
  assert.equal((await read(at, '/things')).status, 503)
})

test('a stored operation says itself that its answers may be kept, whatever its method', async () => {
  const at = await connect([])
  const search = { name: 'things.search', method: 'POST', path: '/search', cache: { strategy: 'time_based' } }
  const made = await one.send('POST', `${at.path}/operations`, { key: at.key, body: search })
  assert.equal(made.status, 201, made.text)
  const call = async (input: object) => {
    const body = { operation: 'things.search', input }
    const reply = await one.send('POST', `${at.path}/calls`, { key: at.key, body })
    assert.equal(reply.status, 200, reply.text)
    return reply.body as Told
  }
  assert.equal((await call({ q: 1 })).cache.result, 'miss')
  assert.equal((await call({ q: 1 })).cache.result, 'hit')
  assert.equal((await call({ q: 2 })).cache.result, 'miss')
  await read(at, '/search', { method: 'PUT', body: {} })
  assert.equal((await call({ q: 1 })).cache.result, 'miss')
})

test('a hit asks neither limiter nor breaker', async () => {
  const at = await connect([TIMED])
  await read(at, '/things')
  await one.send('POST', `${at.path}/breaker/open`, { key: at.key })
  assert.equal((await read(at, '/things')).cache.result, 'hit')
  const closed = await read(at, '/things/other')
  assert.deepEqual([closed.state, closed.attempts], ['failed', 0])
})

test('a caller can pass the cache by, and ask for what is new', async () => {
  const at = await connect([TIMED])
  await read(at, '/things')
  const skipped = await read(at, '/things', { skip_cache: true })
  assert.deepEqual([skipped.n, skipped.cache.result], [2, 'bypassed'])
  assert.equal((await read(at, '/things')).n, 1)
  const renewed = await read(at, '/things', { headers: { 'cache-control': 'no-cache' } })
  assert.deepEqual([renewed.n, renewed.cache.result], [3, 'miss'])
  assert.equal((await read(at, '/things')).n, 3)
  const part = await read(at, '/things', { headers: { range: 'bytes=0-1' } })
  assert.equal(part.cache.result, 'bypassed')
})

test('the proxy says in Cache-Status what the cache did, and how old the answer is', async () => {
  const at = await connect([{ ...TIMED, strategy: 'etag', ttl_s: 8 }])
  at.vendor.headers = { etag: '"a"', 'cache-status': 'Edge; fwd=miss' }
  const missed = await proxied(at, '/things')
  assert.equal(
    missed.headers.get('cache-status'),
    'Edge; fwd=miss, trilho; fwd=uri-miss; fwd-status=200; stored; ttl=8',
  )
  at.vendor.headers = { etag: '"a"' }
  await proxied(at, '/things/1')
  const hit = await proxied(at, '/things/1')
  assert.match(String(hit.headers.get('cache-status')), /^trilho; hit; ttl=\d+$/)
  assert.match(String(hit.headers.get('age')), /^[0-8]$/)
  assert.equal(hit.body['n'], 2)
  await sleep(8050)
  const asked = await proxied(at, '/things/1')
  assert.equal(asked.headers.get('cache-status'), 'trilho; fwd=stale; fwd-status=304; stored; ttl=8')
  assert.deepEqual([asked.status, asked.body['n']], [200, 2])
  assert.equal((await proxied(at, '/elsewhere')).headers.get('cache-status'), null)
})

test("a caller's own copy is answered with 304 where it still is the answer, and the vendor asked only where needed", async () => {
  const at = await connect([TIMED])
  at.vendor.headers = { etag: 'W/"a"' }
  // What fetch would add of its own accord asks for what is new.
  const plain = { authorization: `Bearer ${at.key}`, 'cache-control': 'max-age=100', pragma: 'none' }
  const ask = (etag: string) =>
    fetch(`${one.url}/v1/proxy/${at.id}/things`, { headers: { ...plain, 'if-none-match': etag } })
  const other = await ask('"b"')
  assert.deepEqual([other.status, ((await other.json()) as { n: number }).n], [200, 1])
  const same = await ask('"b", "a"')
  assert.deepEqual([same.status, await same.text(), same.headers.get('etag')], [304, '', 'W/"a"'])
  assert.match(String(same.headers.get('cache-status')), /^trilho; hit/)
  assert.equal((await proxied(at, '/things')).status, 200)
  assert.equal(at.vendor.seen.length, 1)
  assert.equal(at.vendor.seen[0]?.headers['if-none-match'], undefined)
  const dated = { 'if-modified-since': 'Sun, 01 Nov 2026 00:00:00 GMT' }
  const passed = await proxied(at, '/things', { headers: dated })
  assert.equal(passed.headers.get('cache-status'), 'trilho; fwd=bypass; fwd-status=200')
})

test('other policies drop what was kept under those before; a switched off one caches nothing', async () => {
  const at = await connect([TIMED])
  await read(at, '/things')
  const put = (policies: object[]) => one.send('PUT', `${at.path}/cache`, { key: at.key, body: { policies } })
  assert.equal(
    (
      await put([
        { ...TIMED, enabled: false },
        { path: '*', strategy: 'time_based' },
      ])
    ).status,
    200,
  )
  assert.equal((await read(at, '/things')).cache, null)
  await put([TIMED])
  assert.equal((await read(at, '/things')).cache.result, 'miss')
  const wrong = await put([{ path: 'things', strategy: 'time_based' }])
  assert.deepEqual([wrong.status, wrong.body['code']], [400, 'invalid_request'])
})

test('what is past its time is removed from the database, and the oldest of what is too much', async () => {
  const at = await connect([
    { ...TIMED, ttl_s: 1 },
    { path: '*', strategy: 'time_based' },
  ])
  await read(at, '/things')
  for (const path of ['/a', '/b', '/c']) {
    await read(at, path)
    await drainCalls(one.app) // in this order
  }
  const paths = async () => {
    const { rows } = await one.app.db.owner.pool.query<{ path: string; bytes: number }>(
      'select path, bytes from cached_answer where connection_id = $1 order by stored_at',
      [fromWire('connection', at.id)],
    )
    return rows
  }
  assert.equal((await paths()).length, 4)
  await sleep(1050)
  await sweepCache(one.app)
  const left = await paths()
  assert.deepEqual(
    left.map(({ path }) => path),
    ['/a', '/b', '/c'],
  )
  await sweepCache(one.app, (left[1]?.bytes ?? 0) + (left[2]?.bytes ?? 0))
  assert.deepEqual(
    (await paths()).map(({ path }) => path),
    ['/b', '/c'],
  )
})

test('who sweeps waits for nobody who drops, and so never in a circle with them', async () => {
  const [busy, free] = [await connect([TIMED]), await connect([TIMED])]
  for (const at of [busy, free]) await read(at, '/things')
  await drainCalls(one.app)
  const { pool } = one.app.db.owner
  await pool.query("update cached_answer set expires_at = now() - interval '1 s'")
  const dropping = await pool.connect()
  try {
    await dropping.query('begin')
    await dropping.query('update connection_cache set epoch = epoch + 1 where connection_id = $1', [
      fromWire('connection', busy.id),
    ])
    await dropping.query('delete from cached_answer where connection_id = $1', [
      fromWire('connection', busy.id),
    ])
    const swept = await Promise.race([sweepCache(one.app), sleep(60_000, 'it waits', { ref: false })])
    assert.notEqual(swept, 'it waits')
    const { rows } = await pool.query('select connection_id from cached_answer')
    assert.ok(rows.every((row) => row['connection_id'] !== fromWire('connection', free.id)))
  } finally {
    await dropping.query('rollback')
    dropping.release()
  }
})

test('a deleted connection takes with it what was kept', async () => {
  const at = await connect([TIMED])
  await read(at, '/things')
  await drainCalls(one.app)
  assert.equal((await one.send('DELETE', at.path, { key: at.key })).status, 204)
  const { rows } = await one.app.db.owner.pool.query(
    'select from connection_cache where connection_id = $1',
    [fromWire('connection', at.id)],
  )
  assert.equal(rows.length, 0)
})
