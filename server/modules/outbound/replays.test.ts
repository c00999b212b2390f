import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Api, eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { type Receiver, startReceiver } from '../../test/receiver.ts'

let product: Product
let receiver: Receiver
/** A tenant of its own for each test. */
let api: Api

before(async () => {
  receiver = await startReceiver()
  product = await startProduct()
})
beforeEach(async () => {
  api = await product.newTenant()
})

const subscribe = (path: string, more: Json = {}): Promise<Json> =>
  api.ok('POST', '/v1/subscriptions', {
    name: path,
    url: receiver.base + path,
    event_types: ['webhook.received'],
    retry_schedule_s: [],
    ...more,
  })
const publish = (data: Json) => api.ok('POST', '/v1/events', { type: 'webhook.received', data })
const since = () => new Date(Date.now() - 60_000).toISOString()
const ended = (replay: Json) =>
  eventually(async () => {
    const one = await api.ok('GET', `/v1/replays/${replay['id']}`)
    return one['state'] === 'completed' && one
  })
const numbersAt = (path: string) =>
  receiver.at(path).map(({ body }) => (JSON.parse(body) as { data: { n: number } }).data.n)

test('events from before a subscription was there are sent to it later: those it takes, once, in its order', async () => {
  for (let n = 1; n <= 4; n++) await publish({ n, kind: n === 3 ? 'other' : 'mine' })
  const order = { per: 'subscription' }
  const { id } = await subscribe('/late', { filter: { kind: 'mine' }, order })
  await publish({ n: 5, kind: 'mine' })
  await eventually(async () => receiver.at('/late').length === 1)
  await sleep(5)
  const wanted = { subscription_id: id, since: since(), state: 'missing' }
  assert.equal((await api.ok('POST', '/v1/replays', { ...wanted, dry_run: true }))['total'], 3)
  const done = await ended(await api.ok('POST', '/v1/replays', wanted))
  assert.equal(done['replayed'], 3)
  await eventually(async () => receiver.at('/late').length === 4)
  assert.deepEqual(numbersAt('/late'), [5, 1, 2, 4])
  assert.equal((await ended(await api.ok('POST', '/v1/replays', wanted)))['replayed'], 0)
})

test('events of the time a subscription was disabled are sent when it is enabled again', async () => {
  const { id } = await subscribe('/was-disabled')
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'disabled' })
  await publish({ n: 1 })
  await sleep(5)
  const wanted = { subscription_id: id, since: since(), state: 'missing' }
  assert.equal((await api.send('POST', '/v1/replays', wanted)).status, 409)
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'enabled' })
  await ended(await api.ok('POST', '/v1/replays', wanted))
  await eventually(async () => receiver.at('/was-disabled').length === 1)
})

test('only deliveries of the types and the status that were asked for are replayed', async () => {
  const { id } = await subscribe('/picked', { event_types: ['*'] })
  receiver.answer('/picked', { status: 500 }, { status: 503 }, { status: 200 })
  const failed = async (count: number) =>
    eventually(async () => (await api.list('/v1/deliveries?state=failed')).length === count)
  await publish({ n: 1 })
  await failed(1)
  await publish({ n: 2 })
  await failed(2)
  await sleep(5)
  const wanted = { subscription_id: id, since: since() }
  const total = async (more: Json) =>
    (await api.ok('POST', '/v1/replays', { ...wanted, ...more, dry_run: true }))['total']
  assert.equal(await total({}), 2)
  assert.equal(await total({ event_types: ['webhook.*'] }), 2)
  assert.equal(await total({ event_types: ['payment.*'] }), 0)
  assert.equal(await total({ status: 503 }), 1)
  const done = await ended(await api.ok('POST', '/v1/replays', { ...wanted, status: 503 }))
  assert.equal(done['replayed'], 1)
  await eventually(async () => numbersAt('/picked').at(-1) === 2)
})

test('a replay keeps to its rate, stands still while it is paused, and goes on where it stood', async () => {
  const { id } = await subscribe('/paced')
  receiver.answer('/paced', { status: 500 })
  await Promise.all(Array.from({ length: 6 }, (_, n) => publish({ n })))
  await eventually(async () => (await api.list('/v1/deliveries?state=failed')).length === 6)
  receiver.answer('/paced', { status: 200 })
  await sleep(5)
  const made = await api.ok('POST', '/v1/replays', { subscription_id: id, since: since(), per_second: 2 })
  await eventually(async () => receiver.at('/paced').length === 8)
  const paused = await api.ok('POST', `/v1/replays/${made['id']}/pause`)
  assert.equal(paused['state'], 'paused')
  assert.ok(Number(paused['replayed']) < 6)
  assert.equal((await api.send('POST', `/v1/replays/${made['id']}/pause`)).status, 409)
  await sleep(1_200)
  const still = await api.ok('GET', `/v1/replays/${made['id']}`)
  assert.equal(still['replayed'], paused['replayed'])
  await api.ok('POST', `/v1/replays/${made['id']}/resume`)
  const done = await ended(made)
  assert.equal(done['replayed'], 6)
  await eventually(async () => receiver.at('/paced').length === 12)
})
