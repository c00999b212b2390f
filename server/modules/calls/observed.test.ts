import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { eventually, type Product, startProduct } from '../../test/product.ts'
import { DOWN, OK, openRawVendor } from '../../test/raw_vendor.ts'

/** What Prometheus is told under the names that the dashboards and alerts of before ask for. */
let product: Product
before(async () => {
  product = await startProduct()
})

const ABSENT = 'HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'

/** The values of a metric by its labels; lines of other metrics left out. */
async function seriesOf(name: string): Promise<Record<string, number>> {
  const text = await (await fetch(`${product.url}/metrics`)).text()
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(name.length, at), Number(line.slice(at + 1))]
    }),
  )
}

test('calls are counted under the names of before, and a breaker stands there in its state of now alone', async () => {
  const vendor = await openRawVendor((socket, nth) => void socket.write([OK, ABSENT, DOWN][nth - 1] ?? DOWN))
  const { api } = product
  const before_it = (await seriesOf('api_connections_active'))[''] ?? 0
  const { id } = await api.ok('POST', '/v1/connections', {
    provider: 'http',
    name: 'Shop',
    environment: 'development',
    settings: { base_url: vendor.url },
    limits: { breaker: { failures: 1 }, retries: 0 },
  })
  await api.ok('PATCH', `/v1/connections/${id}/health`, { every_s: null })
  for (const state of ['succeeded', 'refused', 'failed']) {
    const call = await api.ok('POST', `/v1/connections/${id}/calls`, { method: 'GET', path: '/x' })
    assert.equal(call['state'], state)
  }
  const place = '{method="GET",endpoint="request"}'
  assert.deepEqual(await seriesOf('api_requests_total'), { [place]: 3 })
  assert.deepEqual(await seriesOf('api_response_duration_seconds_count'), { [place]: 3 })
  assert.deepEqual(await seriesOf('integration_requests_total'), {
    '{status="success"}': 1,
    '{status="refused"}': 1,
    '{status="failed"}': 1,
  })
  assert.deepEqual(await seriesOf('integration_total'), { '{provider="http"}': 3 })
  assert.deepEqual(await seriesOf('integration_success_total'), { '{provider="http"}': 1 })
  assert.deepEqual(await seriesOf('api_connections_active'), { '': before_it + 1 })
  assert.deepEqual(await seriesOf('integration_circuit_breaker'), {
    [`{connection="${id}",state="open"}`]: 1,
  })
  await api.ok('POST', `/v1/connections/${id}/breaker/close`)
  assert.deepEqual(await seriesOf('integration_circuit_breaker'), {
    [`{connection="${id}",state="closed"}`]: 1,
  })
})

test('what is delivered is counted under the name of before, by its status', async () => {
  const receiver = await openRawVendor((socket, nth) => void socket.write([OK, DOWN][nth - 1] ?? DOWN))
  const { api } = product
  await api.ok('POST', '/v1/event-types', { name: 'order.paid', description: 'x', schema: {} })
  const shop = { name: 'Shop', url: receiver.url, event_types: ['order.paid'], retry_schedule_s: [1] }
  await api.ok('POST', '/v1/subscriptions', shop)
  await api.ok('POST', '/v1/events', { type: 'order.paid', data: {} })
  const counted = () => seriesOf('webhook_deliveries_total')
  await eventually(async () => (await counted())['{status="delivered"}'] === 1)
  await api.ok('POST', '/v1/events', { type: 'order.paid', data: {} })
  await eventually(async () => (await counted())['{status="expired"}'] === 1)
  assert.deepEqual(await counted(), {
    '{status="delivered"}': 1,
    '{status="failed"}': 1,
    '{status="expired"}': 1,
  })
})
