import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { forget, inTenant } from '../../platform/database/database.ts'
import type { EgressRequest } from '../../platform/egress/egress.ts'
import { fromWire } from '../../platform/ids.ts'
import { undoAfter } from '../harness.ts'
import { eventually, type Json, type Product, startProduct } from '../product.ts'
import { DOWN, OK, openRawVendor } from '../raw_vendor.ts'

/**
 * What holds where nobody set anything, read where it acts: a change of any of these numbers changes what customers
 * have, whatever the constant is called that it stands in.
 */
let product: Product
/** Every request that left, and when. */
const sent: (EgressRequest & { at_ms: number })[] = []

before(async () => {
  product = await startProduct()
  const { egress } = product.app
  const send: typeof egress.send = (request) => {
    sent.push({ ...request, at_ms: performance.now() })
    return egress.send(request)
  }
  Object.assign(product.app, { egress: { ...egress, send } })
})

const read = async <Row extends object>(text: string, values: unknown[]): Promise<Row | undefined> =>
  (await product.app.db.owner.pool.query<Row>(text, values)).rows[0]

async function connect(base_url: string, more: Json = {}): Promise<{ id: string; path: string }> {
  const wanted = { provider: 'http', name: 'x', environment: 'development', settings: { base_url }, ...more }
  const { id } = await product.api.ok('POST', '/v1/connections', wanted)
  return { id: String(id), path: `/v1/connections/${id}` }
}
const get = (path: string, more: Json = {}): Promise<Json> =>
  product.api.ok('POST', `${path}/calls`, { method: 'GET', path: '/x', ...more })

test('a message that cannot be processed is tried again after 1 min, 5 min, 15 min, 1 h and 6 h, then it has failed', async () => {
  const { owner } = product.app.db
  await sql`alter table event add constraint no_event check (type <> 'http.poison')`.execute(owner)
  undoAfter(async () => void (await sql`alter table event drop constraint no_event`.execute(owner)))
  const settings = { signature: 'token', signature_header: 'x-token', event_type: 'type' }
  const wanted = { provider: 'http', name: 'x', settings, secrets: ['a-token-of-theirs'] }
  const { url } = await product.api.ok('POST', '/v1/sources', wanted)
  const headers = { 'content-type': 'application/json', 'x-token': 'a-token-of-theirs' }
  const response = await fetch(String(url), { method: 'POST', headers, body: '{"type":"poison"}' })
  const { id: wire_id } = (await response.json()) as { id: string }
  const id = fromWire('message', wire_id)
  const waits: number[] = []
  for (let attempt = 1; attempt <= 5; attempt++) {
    const row = await eventually(() =>
      read<{ wait_s: number }>(
        `select extract(epoch from due - now())::float8 as wait_s from inbox_queue
          where id = $1 and attempts = $2 and claim is null`,
        [id, attempt],
      ),
    )
    waits.push(Math.round(row.wait_s / 30) * 30)
    await product.app.db.owner.pool.query('update inbox_queue set due = now() where id = $1', [id])
    product.app.db.notify('trilho_inbox', 'new')
  }
  assert.deepEqual(waits, [60, 300, 900, 3_600, 21_600])
  const state = await eventually(async () => {
    const message = await product.api.ok('GET', `/v1/messages/${wire_id}`)
    return message['state'] !== 'pending' && message['state']
  })
  assert.equal(state, 'failed')
})

test('an attempt may take 30 s, and a read is tried 3 times more, within 1, 2 and 4 s', async (t) => {
  const vendor = await openRawVendor((socket) => void socket.end(DOWN))
  const { path } = await connect(vendor.url)
  t.mock.method(Math, 'random', () => 0.25)
  const before = sent.length
  assert.equal((await get(path))['attempts'], 4)
  const attempts = sent.slice(before)
  assert.deepEqual(
    attempts.map(({ timeout_ms }) => timeout_ms),
    [30_000, 30_000, 30_000, 30_000],
  )
  const waits = attempts.slice(1).map(({ at_ms }, at) => at_ms - (attempts[at]?.at_ms ?? 0))
  for (const [at, quarter] of [250, 500, 1_000].entries()) {
    const wait_ms = waits[at] ?? 0
    assert.ok(wait_ms >= quarter - 5 && wait_ms < 2 * quarter, `${waits} ms`)
  }
})

test('60 calls a minute are sent, and the next is refused until the minute is over', async () => {
  const vendor = await openRawVendor((socket) => void socket.write(OK))
  const { path } = await connect(vendor.url)
  const { url } = product
  const headers = { authorization: `Bearer ${product.api.key}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ method: 'GET', path: '/x' })
  const ask = () => fetch(`${url}${path}/calls`, { method: 'POST', headers, body })
  const statuses = await Promise.all(Array.from({ length: 60 }, async () => (await ask()).status))
  assert.deepEqual(statuses, Array(60).fill(200))
  const refused = await ask()
  assert.equal(refused.status, 429)
  const wait_s = Number(refused.headers.get('retry-after'))
  assert.ok(wait_s > 30 && wait_s <= 62, `${wait_s} s`)
  const { rates } = (await product.api.ok('GET', `${path}/limits`)) as { rates: Json[] }
  assert.deepEqual(
    rates.map(({ limit, per_s, used }) => [limit, per_s, used]),
    [
      [60, 60, 60],
      [1_000, 3_600, 60],
    ],
  )
})

/** Whoever asks the breaker of this connection from now on finds that its time is over. */
async function aMinuteLater(wire_id: string): Promise<void> {
  const [tenant_id, id] = [fromWire('tenant', product.api.tenant_id), fromWire('connection', wire_id)]
  await inTenant(product.app.db, tenant_id, async (tx) => {
    await sql`update breaker set next_attempt_at = now() where connection_id = ${id}`.execute(tx)
    forget(tx, 'breaker', `${tenant_id} ${id}`)
  })
}

test('5 failures in a row open the breaker for 60 s, and 3 successes close it', async () => {
  let answer = DOWN
  const vendor = await openRawVendor((socket) => void socket.end(answer))
  const { id, path } = await connect(vendor.url)
  const breaker = () => product.api.ok('GET', `${path}/breaker`)
  for (let failure = 1; failure <= 5; failure++) {
    assert.equal((await breaker())['state'], 'closed', `before failure ${failure}`)
    await get(path, { retries: 0 })
  }
  const open = await eventually(async () => {
    const now = await breaker()
    return now['state'] === 'open' && now
  })
  const wait_ms = Date.parse(String(open['next_attempt_at'])) - Date.now()
  assert.ok(wait_ms > 55_000 && wait_ms <= 60_000, `${wait_ms} ms`)
  answer = OK
  await aMinuteLater(id)
  for (let success = 1; success <= 3; success++) {
    assert.notEqual((await breaker())['state'], 'closed', `before success ${success}`)
    assert.equal((await get(path, { retries: 0 }))['state'], 'succeeded', id)
  }
  await eventually(async () => (await breaker())['state'] === 'closed')
})

test('an answer that may be kept is fresh for 300 s', async () => {
  const vendor = await openRawVendor((socket) => void socket.write(OK))
  const { path } = await connect(vendor.url)
  await product.api.ok('PUT', `${path}/cache`, { policies: [{ path: '/*', strategy: 'time_based' }] })
  await get(path)
  const { result, ttl_s } = (await get(path))['cache'] as { result: string; ttl_s: number }
  assert.equal(result, 'hit')
  assert.ok(ttl_s >= 298 && ttl_s <= 300, `${ttl_s} s`)
})

test('a vendor is checked every 300 s, a tenth more or less, and given 10 s to answer', async () => {
  const vendor = await openRawVendor((socket) => void socket.write(OK))
  const { id } = await connect(vendor.url)
  const next = () =>
    read<{ id: string; wait_s: number }>(
      `select j.id, extract(epoch from j.due - now())::float8 as wait_s from job j
         join health h on h.tenant_id = j.tenant_id and h.job_id = j.id
        where h.connection_id = $1 and j.due > now()`,
      [fromWire('connection', id)],
    )
  const first = await eventually(next)
  await product.app.db.owner.pool.query('update job set due = now() where id = $1', [first.id])
  product.app.db.notify('trilho_job', 'new')
  const second = await eventually(async () => {
    const row = await next()
    return row?.id !== first.id && row
  })
  for (const { wait_s } of [first, second]) assert.ok(wait_s > 265 && wait_s <= 330, `${wait_s} s`)
  assert.deepEqual(
    sent.filter(({ url }) => url.startsWith(vendor.url)).map(({ timeout_ms }) => timeout_ms),
    [10_000],
  )
})

test('a token is renewed 300 s before its end', async () => {
  const { url } = product.sandbox
  const settings = {
    base_url: `${url}/echo`,
    auth: 'oauth2_client_credentials',
    token_url: `${url}/oauth/token`,
  }
  const credentials = { client_id: 'me', client_secret: 'sandbox-secret' }
  const { id, path } = await connect(settings.base_url, { settings, credentials })
  assert.equal((await get(path, { path: '/oauth' }))['state'], 'succeeded')
  const row = await read<{ ahead_s: number }>(
    `select extract(epoch from expires_at - renew_at)::float8 as ahead_s from connection_token
      where connection_id = $1`,
    [fromWire('connection', id)],
  )
  assert.equal(row?.ahead_s, 300)
})
