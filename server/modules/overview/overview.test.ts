import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { fromWire } from '../../platform/ids.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Api, eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { type Receiver, startReceiver } from '../../test/receiver.ts'
import { signedPayment } from '../../test/stripe_payment.ts'

const SECRET = 'whsec_of_the_overview'
let product: Product
let receiver: Receiver
let vendor: string
before(async () => {
  const server = createServer((request, response) =>
    response.writeHead(request.url === '/bad' ? 500 : 200, { 'content-type': 'application/json' }).end('{}'),
  )
  server.listen(0, '127.0.0.1')
  undoAfter(async () => {
    server.closeAllConnections()
    server.close()
  })
  product = await startProduct()
  receiver = await startReceiver()
  vendor = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

const connect = async (api: Api, limits: Json = {}): Promise<string> => {
  const settings = { base_url: vendor }
  const body = { provider: 'http', name: 'Shop', environment: 'development', settings, limits }
  return String((await api.ok('POST', '/v1/connections', body))['id'])
}

const call = (api: Api, id: string, path: string) =>
  api.send('POST', `/v1/connections/${id}/calls`, { method: 'POST', path })

type Flow = { total: Json; previous: Json; series: Json[]; backlog: Json }
type Overview = {
  step: string
  from: string
  to: string
  previous: { from: string; to: string }
  connections: Json | null
  calls: { total: Json; previous: Json; series: Json[]; top_connections: Json[] }
  inbound: Flow | null
  outbound: Flow | null
  breakers: Json[]
  limits: Json[]
}
const read = async (api: Api, query = ''): Promise<Overview> =>
  (await api.ok('GET', `/v1/overview${query}`)) as Overview

test('one request tells of connections, calls, open breakers and limits that are nearly used up', async () => {
  const api = await product.newTenant()
  const busy = await connect(api, { rates: [{ calls: 5, per_s: 3600 }], breaker: { failures: 1 } })
  const idle = await connect(api)
  await api.ok('PATCH', `/v1/connections/${idle}`, { state: 'disabled' })
  for (const path of ['/', '/', '/', '/bad']) await call(api, busy, path)
  const { step, connections, calls, breakers, limits } = await read(api, '?range=1h')
  assert.equal(step, 'five_minutes')
  assert.deepEqual([connections?.['total'], connections?.['enabled'], connections?.['disabled']], [2, 1, 1])
  assert.deepEqual([calls.total['calls'], calls.total['succeeded'], calls.total['success_rate']], [4, 3, 75])
  assert.equal(calls.previous['calls'], 0)
  assert.ok(calls.series.length >= 12 && calls.series.length <= 14)
  assert.equal(
    calls.series.reduce((sum, one) => sum + Number(one['calls']), 0),
    4,
  )
  assert.deepEqual(
    calls.top_connections.map((one) => [one['connection_id'], one['name'], one['calls'], one['errors']]),
    [[busy, 'Shop', 4, 1]],
  )
  assert.deepEqual(
    breakers.map((one) => [one['connection_id'], one['name'], one['state']]),
    [[busy, 'Shop', 'open']],
  )
  assert.deepEqual(
    limits.map((one) => [one['connection_id'], one['level'], one['limit'], one['per_s']]),
    [[busy, 'connection', 5, 3600]],
  )
  assert.ok(Number(limits[0]?.['share_percent']) >= 80)
})

test('webhooks of both directions are counted by what came of them, and what waits is told with its age', async () => {
  const api = await product.newTenant()
  const made = await api.ok('POST', '/v1/sources', { provider: 'stripe', name: 'S', secrets: [SECRET] })
  receiver.answer('/refuses', { status: 500 })
  await api.ok('POST', '/v1/subscriptions', {
    name: 'Refuses',
    url: `${receiver.base}/refuses`,
    event_types: ['*'],
    retry_schedule_s: [604_800], // at some moment of a week: one attempt is seen, and one delivery waits
  })
  const { body, headers } = signedPayment('of_the_overview', SECRET)
  const post = (sent: string) => fetch(String(made['url']), { method: 'POST', headers, body: sent })
  assert.equal((await post(body)).status, 200)
  assert.equal((await post(body)).status, 200)
  assert.equal((await post(`${body} `)).status, 401)
  const { inbound, outbound } = await eventually(async () => {
    const seen = await read(api)
    return Number(seen.outbound?.total['count']) > 0 && seen
  })
  assert.deepEqual(inbound?.total['outcomes'], { completed: 1, duplicate: 1, quarantined: 1 })
  assert.equal(inbound?.total['count'], 3)
  assert.equal(inbound?.backlog['depth'], 0)
  assert.deepEqual(outbound?.total['outcomes'], { refused: 1 })
  assert.deepEqual([outbound?.backlog['depth'], outbound?.backlog['is_more']], [1, false])
  assert.equal(typeof outbound?.backlog['oldest_s'], 'number')
  assert.equal(inbound?.series.length, outbound?.series.length)
})

test('the period before is as long as the one asked for, and its figures are its own', async () => {
  const api = await product.newTenant()
  const { db } = product.app
  const now = Date.now()
  const day = 86_400_000
  const add = (grain: string, at_ms: number, calls: number) =>
    db.owner.pool.query(
      `insert into metric (tenant_id, subject_id, grain, at, calls, succeeded)
       values ($1, '00000000-0000-0000-0000-000000000000', $2, date_trunc($2, $3::timestamptz, 'UTC'), $4, $4)`,
      [fromWire('tenant', api.tenant_id), grain, new Date(at_ms), calls],
    )
  for (const grain of ['hour', 'day']) {
    await add(grain, now - 2 * 3_600_000, 7)
    await add(grain, now - day - 5 * 3_600_000, 3)
  }
  await add('day', now - 10 * day, 40)
  await add('day', now - 45 * day, 20)
  const { from, to, previous, calls, step } = await read(api, '?range=24h')
  assert.equal(step, 'hour')
  assert.equal(Date.parse(to) - Date.parse(from), Date.parse(previous.to) - Date.parse(previous.from))
  assert.equal(previous.to, from)
  assert.deepEqual([calls.total['calls'], calls.previous['calls']], [7, 3])
  const month = await read(api, '?range=30d')
  assert.deepEqual([month.step, month.calls.total['calls'], month.calls.previous['calls']], ['day', 50, 20])
})

test('what a credential may not read is null, and a range that cannot be is refused by name', async () => {
  const { body } = await product.api.send('POST', '/v1/keys', {
    name: 'Calls alone',
    environment: 'test',
    scopes: ['calls:read'],
  })
  const get = (query: string, key: unknown) =>
    fetch(`${product.url}/v1/overview${query}`, { headers: { authorization: `Bearer ${key}` } })
  const seen = (await (await get('', body['key'])).json()) as Overview
  assert.deepEqual([seen.connections, seen.inbound, seen.outbound], [null, null, null])
  assert.equal(seen.calls.total['calls'], 0)
  for (const [query, field] of [
    ['?from=2099-01-01T00:00:00Z', 'from'],
    ['?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'from'],
    ['?from=2020-01-01T00:00:00Z', 'from'],
  ] as const) {
    const refused = await product.api.send('GET', `/v1/overview${query}`)
    assert.deepEqual([refused.status, refused.body['field']], [400, field], query)
  }
})
