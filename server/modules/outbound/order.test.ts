import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inTenant } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { type Api, eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { type Receiver, startReceiver } from '../../test/receiver.ts'
import { createAttempts } from './attempts.ts'
import { forgetSubscriptions, receiverOf } from './audience.ts'
import { checkOrdering, laneKey } from './order.ts'
import { ANY_PARKED_FOR_NOBODY } from './parked_queries.ts'
import { disableSubscription } from './queries.ts'
import { releaseParked } from './release.ts'

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
    order: { per: 'key', key: 'data.account' },
    ...more,
  })
const publish = (data: Json) => api.ok('POST', '/v1/events', { type: 'webhook.received', data })
const dataAt = (path: string) =>
  receiver.at(path).map(({ body }) => (JSON.parse(body) as { data: Json }).data)
const numbersOf = (path: string, account: unknown) =>
  dataAt(path)
    .filter((data) => data['account'] === account)
    .map((data) => data['n'])
/** One for each event. */
const firstsOf = (path: string) => [...new Set(receiver.at(path).map(({ headers }) => headers['webhook-id']))]
const stateOf = async (event: Json) =>
  (await api.list(`/v1/deliveries?event_id=${event['id']}`))[0]?.['state']

test('the deliveries of a key arrive one after another, in the order of their events', async () => {
  receiver.answer('/in-order', { status: 200, after_ms: 3 })
  await subscribe('/in-order')
  for (let n = 0; n < 30; n++) await publish({ account: 'A', n })
  await eventually(async () => receiver.at('/in-order').length === 30)
  assert.deepEqual(
    numbersOf('/in-order', 'A'),
    Array.from({ length: 30 }, (_, n) => n),
  )
})

test('what was sent before one that cannot be read is on record, and is not sent again', async () => {
  const { id } = await subscribe('/unread')
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'paused' })
  const [first, second] = [await publish({ account: 'A', n: 1 }), await publish({ account: 'A', n: 2 })]
  const { pool } = product.app.db.owner
  await pool.query(
    `create policy unread on event as restrictive for select to trilho_worker
      using (id <> '${fromWire('event', String(second['id']))}' or 1 / (length(type) - length(type)) = 1)`,
  )
  try {
    await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'enabled' })
    await eventually(async () => (await stateOf(first)) === 'delivered')
  } finally {
    await pool.query('drop policy unread on event')
  }
  await eventually(async () => (await stateOf(second)) === 'delivered')
  assert.deepEqual(numbersOf('/unread', 'A'), [1, 2])
})

test('one that fails keeps its own key waiting, and nobody else', async () => {
  receiver.answer('/blocked', { status: 500 }, { status: 200 })
  await subscribe('/blocked', { retry_schedule_s: [1] })
  await publish({ account: 'A', n: 1 })
  await eventually(async () => receiver.at('/blocked').length > 0)
  await publish({ account: 'A', n: 2 })
  await publish({ account: 'B', n: 1 })
  await publish({ n: 'without a key' })
  await eventually(async () => firstsOf('/blocked').length === 4)
  assert.deepEqual([...new Set(numbersOf('/blocked', 'A'))], [1, 2])
})

test('a whole subscription in order lets nothing pass the one in front', async () => {
  receiver.answer('/whole', { status: 500 }, { status: 200 })
  await subscribe('/whole', { order: { per: 'subscription' }, retry_schedule_s: [1] })
  const first = await publish({ account: 'A', n: 1 })
  await eventually(async () => receiver.at('/whole').length > 0)
  const second = await publish({ account: 'B', n: 2 })
  await eventually(async () => (await stateOf(second)) === 'delivered')
  assert.equal(await stateOf(first), 'delivered')
  assert.deepEqual([...new Set(dataAt('/whole').map(({ n }) => n))], [1, 2])
})

test('what is to be skipped becomes a dead letter after so many attempts, and the next one goes', async () => {
  receiver.answer('/skipping', { status: 500 }, { status: 500 }, { status: 200 })
  const order = { per: 'key', key: 'data.account', on_failure: 'skip', after_attempts: 2 }
  await subscribe('/skipping', { order, retry_schedule_s: [1] })
  const events = [await publish({ account: 'A', n: 1 }), await publish({ account: 'A', n: 2 })]
  await eventually(async () => (await stateOf(events[1] as Json)) === 'delivered')
  assert.equal(await stateOf(events[0] as Json), 'failed')
  assert.deepEqual(numbersOf('/skipping', 'A'), [1, 1, 2])
})

test('a parked key waits until somebody lets it go on, or passes by its head', async () => {
  receiver.answer('/parked', { status: 500 })
  const order = { per: 'key', key: 'data.account', on_failure: 'park', after_attempts: 1 }
  const { id } = await subscribe('/parked', { order })
  const events = [await publish({ account: 'A', n: 1 }), await publish({ account: 'A', n: 2 })]
  const parked = () => api.list(`/v1/subscriptions/${id}/parked`)
  const [lane] = await eventually(async () => {
    const lanes = await parked()
    return lanes.length > 0 && lanes
  })
  assert.equal(lane?.['key'], 'A')
  assert.equal(lane?.['pending'], 2)
  assert.equal(await stateOf(events[0] as Json), 'pending')
  await api.ok('POST', `/v1/subscriptions/${id}/parked/resume`, { key: 'A' })
  await eventually(async () => receiver.at('/parked').length === 2)
  await eventually(async () => (await parked()).length === 1)
  receiver.answer('/parked', { status: 200 })
  await api.ok('POST', `/v1/subscriptions/${id}/parked/skip`, { key: 'A' })
  await eventually(async () => (await stateOf(events[1] as Json)) === 'delivered')
  assert.equal(await stateOf(events[0] as Json), 'failed')
  assert.deepEqual(numbersOf('/parked', 'A'), [1, 1, 2])
  assert.deepEqual(await api.list('/v1/events?type=delivery.recovered'), [], 'the second never failed')
  assert.equal((await api.send('POST', `/v1/subscriptions/${id}/parked/skip`, { key: 'A' })).status, 409)
  const stranger = await product.newTenant()
  assert.equal((await stranger.send('GET', `/v1/subscriptions/${id}/parked`)).status, 404)
})

test('a key that was parked and delivers when it is resumed is told of, and what comes after it is not', async () => {
  receiver.answer('/parked-told', { status: 500 })
  const order = { per: 'key', key: 'data.account', on_failure: 'park', after_attempts: 2 }
  const { id } = await subscribe('/parked-told', { order, retry_schedule_s: [1] })
  await subscribe('/parked-watch', { event_types: ['delivery.*'] })
  const [first] = [await publish({ account: 'A' }), await publish({ account: 'A' })]
  await eventually(async () => (await api.list(`/v1/subscriptions/${id}/parked`)).length === 1)
  receiver.answer('/parked-told', { status: 200 }, { status: 500 }, { status: 200 })
  await api.ok('POST', `/v1/subscriptions/${id}/parked/resume`, { key: 'A' })
  await eventually(async () => receiver.at('/parked-told').length === 5)
  const told = () =>
    receiver.at('/parked-watch').map(({ body }) => JSON.parse(body) as { type: string; data: Json })
  await eventually(async () => told().length === 2)
  await sleep(200)
  assert.deepEqual(
    told().map(({ type, data }) => [type, data['event_id']]),
    [
      ['delivery.exhausted', first?.['id']],
      ['delivery.recovered', first?.['id']],
    ],
  )
})

test('what an event is about is a key too, also of what is sent later', async () => {
  receiver.answer('/about', { status: 500 })
  const wanted = { type: 'webhook.received', entity_id: 'order-7', data: {} }
  await api.ok('POST', '/v1/events', wanted)
  const order = { per: 'key', key: 'entity_id', on_failure: 'park', after_attempts: 1 }
  const { id } = await subscribe('/about', { order })
  await api.ok('POST', '/v1/events', wanted)
  const parked = (pending: number) =>
    eventually(async () => {
      const [lane] = await api.list(`/v1/subscriptions/${id}/parked`)
      return lane?.['pending'] === pending && lane
    })
  assert.equal((await parked(1))['key'], 'order-7')
  const since = new Date(Date.now() - 60_000).toISOString()
  await api.ok('POST', '/v1/replays', { subscription_id: id, since, state: 'missing' })
  assert.equal((await parked(2))['key'], 'order-7')
})

test('what was cut off before it was parked has all its attempts when it is resumed', async () => {
  receiver.answer('/parked-cut', { status: 500 })
  const order = { per: 'key', key: 'data.account', on_failure: 'park', after_attempts: 2 }
  const { id } = await subscribe('/parked-cut', { order, retry_schedule_s: [1] })
  await publish({ account: 'A' })
  const parked = () => api.list(`/v1/subscriptions/${id}/parked`)
  await eventually(async () => (await parked()).length === 1)
  await product.app.db.owner
    .updateTable('delivery_lane')
    .set({ attempts: 4, cuts: 2 })
    .where('subscription_id', '=', fromWire('subscription', String(id)))
    .execute()
  await api.ok('POST', `/v1/subscriptions/${id}/parked/resume`, { key: 'A' })
  await eventually(async () => receiver.at('/parked-cut').length > 2 && (await parked()).length === 1)
  assert.equal(receiver.at('/parked-cut').length, 4)
})

test('what is parked ends as failed when its subscription is deleted, disabled, or asks to be disabled', async () => {
  const ends: [string, (id: unknown) => Promise<unknown>][] = [
    ['/parked-deleted', (id) => api.send('DELETE', `/v1/subscriptions/${id}`)],
    ['/parked-disabled', (id) => api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'disabled' })],
    [
      '/parked-gone',
      () => {
        receiver.answer('/parked-gone', { status: 410 })
        return publish({ account: 'B' })
      },
    ],
  ]
  for (const [path, end] of ends) {
    api = await product.newTenant()
    receiver.answer(path, { status: 500 })
    const order = { per: 'key', key: 'data.account', on_failure: 'park', after_attempts: 1 }
    const { id } = await subscribe(path, { order })
    const events = [await publish({ account: 'A', n: 1 }), await publish({ account: 'A', n: 2 })]
    await eventually(async () => (await api.list(`/v1/subscriptions/${id}/parked`)).length === 1)
    await end(id)
    for (const event of events) await eventually(async () => (await stateOf(event)) === 'failed')
    assert.equal(numbersOf(path, 'A').length, 1)
  }
})

test('what would be parked when its subscription is deleted already ends as failed too', async () => {
  receiver.answer('/parked-late', { status: 500, after_ms: 300 })
  const order = { per: 'key', key: 'data.account', on_failure: 'park', after_attempts: 1 }
  const { id } = await subscribe('/parked-late', { order })
  const event = await publish({ account: 'A' })
  await eventually(async () => receiver.at('/parked-late').length === 1)
  assert.equal((await api.send('DELETE', `/v1/subscriptions/${id}`)).status, 204)
  await eventually(async () => (await stateOf(event)) === 'failed')
})

test('what was left parked by a process that went down is ended by the clock', async () => {
  receiver.answer('/parked-left', { status: 500 })
  const order = { per: 'key', key: 'data.account', on_failure: 'park', after_attempts: 1 }
  const tenant_id = fromWire('tenant', api.tenant_id)
  const { id } = await subscribe('/parked-left', { order })
  const event = await publish({ account: 'A' })
  const parked = () => api.list(`/v1/subscriptions/${id}/parked`)
  await eventually(async () => (await parked()).length === 1)
  const { owner } = product.app.db
  const isSign = async () =>
    (await owner.selectNoFrom(ANY_PARKED_FOR_NOBODY.as('sign')).executeTakeFirstOrThrow()).sign
  await releaseParked(product.app)
  assert.deepEqual([await isSign(), (await parked()).length], [false, 1])
  await inTenant(product.app.db, tenant_id, async (tx) => {
    await disableSubscription(tx, tenant_id, fromWire('subscription', String(id)), '')
    forgetSubscriptions(tx, tenant_id)
  })
  assert.equal(await isSign(), true)
  await releaseParked(product.app)
  await eventually(async () => (await stateOf(event)) === 'failed')
  assert.equal(await isSign(), false)
})

test('a paused subscription keeps its order when it is resumed', async () => {
  const { id } = await subscribe('/resumed')
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'paused' })
  for (let n = 0; n < 5; n++) await publish({ account: 'A', n })
  const held = async () =>
    (
      await product.app.db.owner
        .selectFrom('delivery_lane')
        .select('held')
        .where('subscription_id', '=', fromWire('subscription', String(id)))
        .execute()
    ).every((lane) => lane.held)
  await eventually(held)
  assert.equal(receiver.at('/resumed').length, 0)
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'enabled' })
  await eventually(async () => receiver.at('/resumed').length === 5)
  assert.deepEqual(numbersOf('/resumed', 'A'), [0, 1, 2, 3, 4])
  assert.ok(receiver.at('/resumed').every(({ headers }) => headers['trilho-attempt'] === '1'))
})

test('what was tried as often as can be counted stops nobody, is tried on, and ends when it is taken', async () => {
  const { owner } = product.app.db
  /** Due at once, as if it had been tried for years. */
  const age = (table: 'delivery_lane' | 'delivery_queue', id: unknown) =>
    eventually(async () => {
      const { numUpdatedRows } = await owner
        .updateTable(table)
        .set({ attempts: 32_767, due: new Date() })
        .where('subscription_id', '=', fromWire('subscription', String(id)))
        .where('attempts', '>', 0)
        .where('claim', 'is', null)
        .executeTakeFirst()
      return numUpdatedRows === 1n
    })
  receiver.answer('/ancient', { status: 500 })
  receiver.answer('/replayed', { status: 500 })
  const lane = await subscribe('/ancient', { retry_schedule_s: [1] })
  const plain = await subscribe('/replayed', { order: null, retry_schedule_s: [600] })
  const event = await publish({ account: 'A' })
  await Promise.all([age('delivery_lane', lane['id']), age('delivery_queue', plain['id'])])
  receiver.answer('/replayed', { status: 200 })
  const before = receiver.at('/ancient').length

  api = await product.newTenant()
  await subscribe('/others-in-order')
  await subscribe('/others', { order: null })
  await publish({ account: 'A' })
  for (const path of ['/others', '/others-in-order'])
    await eventually(async () => receiver.at(path).length > 0)
  await eventually(async () => receiver.at('/ancient').length > before + 1)
  assert.equal(receiver.at('/ancient').at(-1)?.headers['trilho-attempt'], '32767')
  receiver.answer('/ancient', { status: 200 })
  const states = () =>
    owner
      .selectFrom('delivery')
      .select('state')
      .where('event_id', '=', fromWire('event', String(event['id'])))
      .execute()
  await eventually(async () => (await states()).every(({ state }) => state === 'delivered'))
})

test('an attempt has the time that is left when it begins, however long its event was in coming', async () => {
  const { app } = product
  receiver.answer('/no-time', { status: 200, after_ms: 5_000 })
  const { id } = await subscribe('/no-time')
  const [tenant_id, subscription_id] = [
    fromWire('tenant', api.tenant_id),
    fromWire('subscription', String(id)),
  ]
  const active = await receiverOf(app, tenant_id, subscription_id)
  const event = { type: 'webhook.received', version: 1, data: '{}' }
  const attempts = createAttempts(app, async (wanted) => {
    await sleep(400)
    return wanted.map(() => event)
  })
  const ids = { id: app.newId(), event_id: app.newId(), claim: app.newId() }
  const item = { ...ids, tenant_id, subscription_id, attempts: 1, cuts: 0, renewed_at: null, told: false }
  const ends = app.clock.monotonic() + 1_000
  const ended = await attempts.attempt(item, active, () => ends - app.clock.monotonic())
  assert.equal(ended?.outcome, 'failed')
  assert.match(String(ended?.error), /no answer within \d+ ms/)
  assert.ok(Number(ended?.duration_ms) < 700, `${ended?.duration_ms} ms`)
  assert.equal(await attempts.attempt(item, active, () => 0), null)
  assert.equal(receiver.at('/no-time').length, 1)
})

test('what is too old is not sent, and does not hold up its key', async () => {
  receiver.answer('/aged', { status: 500 })
  await subscribe('/aged', { expire_after_s: 20, retry_schedule_s: [21, 21] })
  const first = await publish({ account: 'A', n: 1 })
  await eventually(async () => (await stateOf(first)) === 'expired')
  receiver.answer('/aged', { status: 200 })
  const second = await publish({ account: 'A', n: 2 })
  await eventually(async () => (await stateOf(second)) === 'delivered')
  assert.equal((await api.list('/v1/deliveries?state=expired')).length, 1)
})

test('a key is a text, number or truth value of the event; everything else keeps no order', () => {
  const per = (key: string) => checkOrdering({ per: 'key', key })
  const data = () => ({
    payment: { id: 'pay_1', count: 7, paid: true, list: [] },
    long: 'x'.repeat(300),
    nul: 'a\0',
  })
  const event = { type: 'a.b', entity_id: 'pay_9' }
  assert.equal(laneKey(null, event, data), null)
  assert.equal(laneKey(checkOrdering({ per: 'subscription' }), event, data), '')
  assert.equal(laneKey(per('type'), event, data), 'a.b')
  assert.equal(laneKey(per('entity_id'), event, data), 'pay_9')
  assert.equal(laneKey(per('entity_id'), { type: 'a.b' }, data), null)
  assert.equal(laneKey(per('data.payment.id'), event, data), 'pay_1')
  assert.equal(laneKey(per('data.payment.count'), event, data), '7')
  assert.equal(laneKey(per('data.payment.paid'), event, data), 'true')
  for (const path of ['data.payment', 'data.payment.list', 'data.missing', 'data.constructor'])
    assert.equal(laneKey(per(path), event, data), null, path)
  assert.match(String(laneKey(per('data.long'), event, data)), /^sha256:/)
  assert.match(String(laneKey(per('data.nul'), event, data)), /^sha256:/)
})

test('an order that cannot be kept is refused by the field', async () => {
  const bad: [Json, string][] = [
    [{ per: 'key' }, 'order.key'],
    [{ per: 'key', key: 'payment.id' }, 'order.key'],
    [{ per: 'key', key: 'data.' }, 'order.key'],
    [{ per: 'subscription', key: 'data.id' }, 'order.key'],
    [{ per: 'subscription', after_attempts: 3 }, 'order.after_attempts'],
  ]
  for (const [order, field] of bad) {
    const { status, body } = await api.send('POST', '/v1/subscriptions', {
      ...{ name: 'X', url: receiver.base, event_types: ['*'], order },
    })
    assert.equal(status, 400, field)
    assert.equal(body['field'], field)
  }
})
