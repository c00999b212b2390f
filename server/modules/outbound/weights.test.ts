import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, type Json, startProduct } from '../../test/product.ts'
import { startReceiver } from '../../test/receiver.ts'

const EVENTS = 120

test('while more is due than can be sent, a subscription of weight 3 is sent three times as much as its neighbours', async () => {
  const receiver = await startReceiver()
  const { api } = await startProduct({ worker_concurrency: 16 })
  const paths = ['/u', '/v', '/w', '/heavy']
  const made: Json[] = []
  for (const path of paths) {
    receiver.answer(path, { status: 200, after_ms: 25 })
    const weight = path === '/heavy' ? { weight: 3 } : {}
    const wanted = { name: path, url: receiver.base + path, event_types: ['webhook.received'], ...weight }
    made.push(await api.ok('POST', '/v1/subscriptions', wanted))
  }
  assert.deepEqual(
    made.map(({ weight }) => weight),
    [1, 1, 1, 3],
  )
  const change = (state: string) =>
    Promise.all(made.map(({ id }) => api.ok('PATCH', `/v1/subscriptions/${id}`, { state })))
  await change('paused')
  const publish = () => api.ok('POST', '/v1/events', { type: 'webhook.received', data: {} })
  for (let n = 0; n < EVENTS; n += 20) await Promise.all(Array.from({ length: 20 }, publish))
  // First, as a slow machine would let the others through before it is there.
  await api.ok('PATCH', `/v1/subscriptions/${made[3]?.['id']}`, { state: 'enabled' })
  await change('enabled')

  await eventually(async () => receiver.at('/heavy').length >= EVENTS)
  const last = receiver.at('/heavy')[EVENTS - 1]?.at ?? 0
  for (const path of ['/u', '/v', '/w']) {
    const beside = receiver.at(path).filter(({ at }) => at <= last).length
    // A third would be 40; the first few go as they fall due.

    assert.ok(beside < 0.7 * EVENTS, `${path} was sent ${beside} while /heavy was sent ${EVENTS}`)
  }
  for (const path of paths) await eventually(async () => receiver.at(path).length === EVENTS)
})
