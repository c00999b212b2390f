import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fromWire } from '../../platform/ids.ts'
import { testDatabase } from '../../test/harness.ts'
import { eventually, startProduct } from '../../test/product.ts'
import { startReceiver } from '../../test/receiver.ts'
import { receiverOf } from './audience.ts'
import { createRate, paceOf } from './rate.ts'
import { takeOf } from './rate_queries.ts'

for (const [count, per_s] of [
  [1, 1],
  [4, 1],
  [30, 1],
  [30, 2],
] as const) {
  test(`of ${count} in ${per_s} s the next one waits until that is over, whoever asks`, async () => {
    const { worker } = await testDatabase()
    const wanted = { tenant_id: crypto.randomUUID(), subscription_id: crypto.randomUUID() }
    const pace = paceOf({ count, per_s })
    const began = performance.now()
    let given = 0
    /** Two workers, each with more than may go. */
    async function take(): Promise<void> {
      while (given <= count) {
        const waits = await takeOf(worker, Array(8).fill({ ...wanted, ...pace }))
        given += waits.filter((ms) => ms === 0).length
        await sleep(Math.min(...waits.filter((ms) => ms > 0), 1_000))
      }
    }
    await Promise.all([take(), take()])
    const took_ms = performance.now() - began
    assert.ok(took_ms >= per_s * 1000 - 5, `${given} within ${took_ms} ms`)
  })
}

test('a rate is nearly reached where there is enough to send, and a tenth of it goes at once', async () => {
  const { worker } = await testDatabase()
  const wanted = { tenant_id: crypto.randomUUID(), subscription_id: crypto.randomUUID() }
  const asked = Array(500).fill({ ...wanted, ...paceOf({ count: 200, per_s: 1 }) })
  const goes = async () => (await takeOf(worker, asked)).filter((ms) => ms === 0).length
  assert.equal(await goes(), 20)
  assert.ok((await goes()) < 20)
})

test('another rate takes hold at once, and within a minute where deliveries wait already', async () => {
  const receiver = await startReceiver()
  const { app, newTenant } = await startProduct()
  const api = await newTenant()
  const rate = { count: 1, per_s: 86_400 }
  const { id } = await api.ok('POST', '/v1/subscriptions', {
    ...{ name: 'Slow', url: `${receiver.base}/slow`, event_types: ['webhook.received'], rate },
  })
  const publish = () => api.ok('POST', '/v1/events', { type: 'webhook.received', data: {} })
  await publish()
  await eventually(async () => receiver.at('/slow').length === 1)
  const place = { tenant_id: fromWire('tenant', api.tenant_id), id: fromWire('subscription', String(id)) }
  const wait = createRate(app)
  const asked = await receiverOf(app, place.tenant_id, place.id)
  assert(asked)
  assert.equal(await wait(asked, place.tenant_id), 60_000)
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { rate: { count: 100, per_s: 1 } })
  await publish()
  await eventually(async () => receiver.at('/slow').length === 2)
})
