import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { startProduct as startProcess } from '../../test/faults/product.ts'
import { undoAfter } from '../../test/harness.ts'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { holdPermits } from './permit_queries.ts'

/** How many of a subscription are under way at once, in however many processes. */
const OTHER_WORKERS = 3

let product: Product
before(async () => {
  product = await startProduct()
  const { database_url, data_dir } = product.app.config
  const env = {
    DATABASE_URL: database_url?.reveal() ?? '',
    TRILHO_DATA_DIR: data_dir,
    TRILHO_ROLES: 'worker',
    TRILHO_PORT: '0',
    TRILHO_DB_POOL_SIZE: '4',
    TRILHO_LOG_LEVEL: 'error',
  }
  const started = await Promise.all(Array.from({ length: OTHER_WORKERS }, () => startProcess(env)))
  for (const running of started) {
    undoAfter(async () => {
      running.kill()
      await running.ended
    })
  }
})

/** Answers after `after_ms`, and counts how many it is asked at once. */
async function startCounter(after_ms: number) {
  const seen = { now: 0, most: 0, bodies: [] as Json[] }
  const server = createServer(async (request, response) => {
    seen.most = Math.max(seen.most, ++seen.now)
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>))
    seen.bodies.push(JSON.parse(body.toString()) as Json)
    setTimeout(() => {
      seen.now -= 1
      response.end()
    }, after_ms)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  undoAfter(async () => {
    server.closeAllConnections()
    server.close()
  })
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

async function deliverAll(wanted: Json, events: Json[], after_ms: number) {
  const api = await product.newTenant()
  const { seen, url } = await startCounter(after_ms)
  const subscription = { name: 'few', url, event_types: ['*'], ...wanted }
  const { id } = await api.ok('POST', '/v1/subscriptions', subscription)
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'paused' })
  await Promise.all(events.map((data) => api.ok('POST', '/v1/events', { type: 'webhook.received', data })))
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'enabled' })
  await eventually(async () => seen.bodies.length === events.length)
  return seen
}

for (const max_concurrency of [1, 3]) {
  test(`of ${max_concurrency} at once there are never more, though four processes deliver`, async () => {
    const events = Array.from({ length: 60 }, (_, n) => ({ n }))
    const { most } = await deliverAll({ max_concurrency }, events, 30)
    assert.equal(most, max_concurrency)
  })
}

test('what keeps an order and what does not share what a subscription allows, and neither waits for the end of the other', async () => {
  const order = { per: 'key', key: 'data.account', on_failure: 'block' }
  const events = Array.from({ length: 80 }, (_, n) => (n % 2 ? { n, account: `a${n}` } : { n }))
  const { most, bodies } = await deliverAll({ max_concurrency: 1, order }, events, 20)
  assert.equal(most, 1)
  const has_key = bodies.map(({ data }) => 'account' in (data as Json))
  const changes = has_key.filter((one, at) => at > 0 && one !== has_key[at - 1]).length
  assert.ok(changes >= 20, `one gave way to the other ${changes} times: ${has_key.map(Number).join('')}`)
})

test('however many ask for permits at once, no more are given than there may be; those of the dead are given anew', async () => {
  const { worker } = product.app.db
  const of = { tenant_id: crypto.randomUUID(), subscription_id: crypto.randomUUID(), most: 5 }
  const ask = async (holder: string, count: number) =>
    (await holdPermits(worker, holder, [{ ...of, count }]))[0] ?? 0
  const holders = Array.from({ length: 12 }, (_, n) => `process ${n}`)
  for (let round = 0; round < 10; round++) {
    const held = await Promise.all(holders.map((holder, n) => ask(holder, 1 + ((n + round) % 3))))
    const sum = held.reduce((all, one) => all + one, 0)
    assert.ok(sum > 0 && sum <= of.most, `${held}`)
    if (round % 2) await Promise.all(holders.map((holder) => ask(holder, 0)))
  }
  assert.equal(await ask('dies', 5), 5)
  assert.equal(await ask('next', 2), 0)
  const { rowCount } = await product.app.db.owner.pool.query(
    `update subscription_permit set holders = jsonb_set(holders, '{dies,until}', to_jsonb(now() - interval '1 s'))
      where subscription_id = $1`,
    [of.subscription_id],
  )
  assert.equal(rowCount, 1)
  assert.equal(await ask('next', 2), 2)
})
