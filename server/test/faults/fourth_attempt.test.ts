import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { testDatabaseUrl, undoAfter } from '../harness.ts'
import { apiOf, eventually, type Json } from '../product.ts'
import { startProduct } from './product.ts'

test('a delivery whose process is killed at its fourth attempt is told of as failing after the next, once', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'trilho-killed-'))
  undoAfter(() => rm(dir, { recursive: true, force: true }))
  const env = {
    DATABASE_URL: await testDatabaseUrl(),
    TRILHO_DATA_DIR: dir,
    TRILHO_PORT: '0',
    TRILHO_SANDBOX: 'false',
    TRILHO_ADMIN_KEY: randomBytes(24).toString('hex'),
    TRILHO_MASTER_KEY: randomBytes(32).toString('hex'),
    TRILHO_PARTITIONS_AHEAD_DAYS: '2',
    TRILHO_LOG_LEVEL: 'error',
  }
  const first = await startProduct(env)
  let asked = 0
  const receiver = createServer((_request, response) => {
    asked += 1
    if (asked === 4) first.kill()
    else response.writeHead(500).end()
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  undoAfter(async () => {
    first.kill()
    receiver.closeAllConnections()
    receiver.close()
  })
  const admin = { authorization: `Bearer ${env.TRILHO_ADMIN_KEY}` }
  const tenant = await apiOf(first.url, admin, '', '').ok('POST', '/v1/tenants', { name: 'Mercado Azul' })
  const acting = { ...admin, 'trilho-tenant': String(tenant['id']) }
  const before = apiOf(first.url, acting, '', '')
  await before.ok('POST', '/v1/subscriptions', {
    name: 'Failing',
    url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
    event_types: ['webhook.received'],
    retry_schedule_s: [1, 1, 1, 1, 1, 1],
  })
  const event = await before.ok('POST', '/v1/events', { type: 'webhook.received', data: {} })
  await first.ended
  assert.equal(asked, 4)

  const second = await startProduct(env)
  undoAfter(async () => {
    second.kill()
    await second.ended
  })
  const api = apiOf(second.url, acting, '', '')
  const ended = await eventually(async () => {
    const [one] = await api.list(`/v1/deliveries?event_id=${event['id']}`)
    return one?.['state'] === 'failed' && one
  })
  const { log } = (await api.ok('GET', `/v1/deliveries/${ended['id']}`)) as { log: Json[] }
  assert.deepEqual(
    [asked, ended['attempts'], log.length],
    [8, 8, 7],
    'the one that was cut off is no failure',
  )
  const failing = await api.list('/v1/events?type=delivery.failing')
  assert.deepEqual(
    failing.map(({ data }) => [(data as Json)['delivery_id'], (data as Json)['attempts']]),
    [[ended['id'], 5]],
  )
})
