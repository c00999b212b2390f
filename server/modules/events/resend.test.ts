import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type Api, eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { type Receiver, startReceiver } from '../../test/receiver.ts'

let product: Product
let receiver: Receiver
before(async () => {
  product = await startProduct()
  receiver = await startReceiver()
})

const subscribe = async (api: Api, path: string, more: Json = {}): Promise<string> => {
  const body = { name: path, url: receiver.base + path, event_types: ['other.type'], retry_schedule_s: [] }
  return String((await api.ok('POST', '/v1/subscriptions', { ...body, ...more }))['id'])
}
const publish = async (api: Api): Promise<string> =>
  String((await api.ok('POST', '/v1/events', { type: 'webhook.received', data: { n: 1 } }))['id'])
const ended = (api: Api, id: unknown, attempts: number) =>
  eventually(async () => {
    const delivery = await api.ok('GET', `/v1/deliveries/${id}`)
    return delivery['state'] !== 'pending' && delivery['attempts'] === attempts && delivery
  })

test('an event goes to one subscription alone, whatever types that takes, and once more when it is asked again', async () => {
  const api = await product.newTenant()
  const [to, other] = [await subscribe(api, '/one'), await subscribe(api, '/other')]
  const event = await publish(api)
  const path = `/v1/events/${event}/resend`
  const first = await api.ok('POST', path, { subscription_id: to })
  await ended(api, first['id'], 1)
  const again = await api.ok('POST', path, { subscription_id: to })
  assert.equal(again['id'], first['id'])
  const last = await ended(api, first['id'], 2)
  assert.equal(last['state'], 'delivered')
  assert.deepEqual([receiver.at('/one').length, receiver.at('/other').length], [2, 0])
  assert.equal(receiver.at('/one')[0]?.headers['webhook-id'], receiver.at('/one')[1]?.headers['webhook-id'])
  assert.deepEqual(await api.list(`/v1/deliveries?subscription_id=${other}`), [])
})

test('many who ask at the same time make one delivery, sent once', async () => {
  const api = await product.newTenant()
  receiver.answer('/slow', { status: 200, after_ms: 12_000 }) // all of them have asked by then
  const to = await subscribe(api, '/slow', { timeout_ms: 60_000 })
  const event = await publish(api)
  const path = `/v1/events/${event}/resend`
  const asked = await Promise.all(
    Array.from({ length: 8 }, () => api.ok('POST', path, { subscription_id: to })),
  )
  assert.equal(new Set(asked.map(({ id }) => id)).size, 1)
  await ended(api, asked[0]?.['id'], 1)
  assert.equal(receiver.at('/slow').length, 1)
})

test('nothing is sent to a subscription that is not enabled, to another customer, or of an event that is not there', async () => {
  const api = await product.newTenant()
  const [paused, of_shop] = [
    await subscribe(api, '/paused'),
    await subscribe(api, '/shop', { customer: 'shop-1' }),
  ]
  await api.ok('PATCH', `/v1/subscriptions/${paused}`, { state: 'paused' })
  const event = await publish(api)
  const stranger = await product.newTenant()
  const theirs = await subscribe(stranger, '/theirs')
  const cases: [string, string, number][] = [
    [event, paused, 409],
    [event, of_shop, 409],
    [event, theirs, 404],
    ['evt_01jz8k3v9mf2tb7xq4c5n6p8rs', of_shop, 404],
  ]
  for (const [id, subscription_id, status] of cases) {
    const refused = await api.send('POST', `/v1/events/${id}/resend`, { subscription_id })
    assert.equal(refused.status, status, JSON.stringify(refused.body))
  }
  assert.deepEqual(await api.list(`/v1/deliveries?event_id=${event}`), [])
})
