import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
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
  develop()
  api = await product.newTenant()
})

/** The server listens on loopback all the while; what decides is the name it was told to listen on. */
const develop = () => Object.assign(product.app.config, { host: '127.0.0.1', plain_deliveries: false })
const produce = (plain_deliveries: boolean) =>
  Object.assign(product.app.config, { host: 'hub.example.com', plain_deliveries })

const subscription = (url: string, more: Json = {}): Json => ({
  name: 'orders',
  url,
  event_types: ['webhook.received'],
  retry_schedule_s: [],
  ...more,
})

const PLAIN = [
  'http://hooks.example.com/a',
  'HTTP://hooks.example.com/a',
  'amqp://mq.example.com/?exchange=events',
  'kafka://broker.example.com/orders',
  'nats://nats.example.com/orders',
  'redis://redis.example.com/orders',
  'sqs:http://sqs.example.com/1/orders?region=sa-east-1',
]
const toTls = (url: string) => url.replace(/(http|amqp|kafka|nats|redis):/i, '$1s:')
const AWS = { type: 'aws', access_key_id: 'a', secret_access_key: 'b' }
const authFor = (url: string): Json => (url.startsWith('sqs') ? { auth: AWS } : {})

test('outside development mode an address without TLS is refused by each scheme, and taken with TLS', async () => {
  produce(false)
  const { id } = await api.ok('POST', '/v1/subscriptions', subscription('https://hooks.example.com/a'))
  for (const url of PLAIN) {
    const made = await api.send('POST', '/v1/subscriptions', subscription(url, authFor(url)))
    assert.equal(made.status, 400, url)
    assert.equal(made.body['field'], 'url')
    assert.match(String(made.body['detail']), /without TLS.*TRILHO_PLAIN_DELIVERIES=true/)
    assert.equal((await api.send('PATCH', `/v1/subscriptions/${id}`, { url })).status, 400, url)
    await api.ok('POST', '/v1/subscriptions', subscription(toTls(url), authFor(url)))
  }
})

test('the address of an access token is held to the same', async () => {
  produce(false)
  const auth = {
    type: 'oauth2',
    client_id: 'a',
    client_secret: 'b',
    token_url: 'http://id.example.com/token',
  }
  const made = await api.send(
    'POST',
    '/v1/subscriptions',
    subscription('https://hooks.example.com', { auth }),
  )
  assert.equal(made.status, 400)
  assert.equal(made.body['field'], 'auth.token_url')
})

test('in development mode, and where the setting permits it, addresses without TLS are taken', async () => {
  await api.ok('POST', '/v1/subscriptions', subscription('http://hooks.example.com'))
  produce(true)
  for (const url of PLAIN) await api.ok('POST', '/v1/subscriptions', subscription(url, authFor(url)))
})

test('what was subscribed before the rule is not sent, the delivery says why, and it goes once it is permitted', async () => {
  const { id } = await api.ok('POST', '/v1/subscriptions', subscription(`${receiver.base}/before`))
  produce(false)
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { name: 'another' }) // what is in memory is read anew
  await api.ok('POST', '/v1/events', { type: 'webhook.received', data: {} })
  const failed = await eventually(async () => (await api.list('/v1/deliveries?state=failed'))[0])
  assert.match(String(failed['error']), /^the address is without TLS; use https, or set TRILHO_PLAIN_DELIVER/)
  assert.equal(receiver.at('/before').length, 0)

  produce(true)
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { name: 'permitted' })
  await api.ok('POST', `/v1/deliveries/${failed['id']}/replay`)
  await eventually(async () => receiver.at('/before').length === 1)
})
