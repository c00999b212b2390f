import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { AMQPClient } from '@cloudamqp/amqp-client'
import { createClient } from '@redis/client'
import { startRabbitmq, startRedis, without } from '../../test/brokers.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Api, eventually, type Product, startProduct } from '../../test/product.ts'

/** One subscription, and a topic of its own for each type of event, keyed by what the event is about. */

let product: Product
let api: Api

const TYPES = ['order.completed', 'order.failed']

before(async () => {
  product = await startProduct()
  api = product.api
  for (const name of TYPES)
    await api.ok('POST', '/v1/event-types', { name, description: 'x', schema: { type: 'object' } })
})

const subscribe = (url: string, more: object = {}) =>
  api.ok('POST', '/v1/subscriptions', { name: 'topics', url, event_types: ['order.*'], ...more })
const publish = (type: string, entity_id: string) =>
  api.ok('POST', '/v1/events', { type, entity_id, data: { n: 1 } })

test('each type of event goes to the stream that the address makes of it', {
  skip: without.redis,
}, async () => {
  const { port } = await startRedis()
  const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect()
  client.on('error', () => {})
  undoAfter(async () => client.destroy())
  const { url, id } = await subscribe(`redis://127.0.0.1:${port}/{family}s.{name}`)
  assert.equal(url, `redis://127.0.0.1:${port}/{family}s.{name}`)
  const [completed, failed] = TYPES
  const events = [await publish(completed ?? '', 'A-17'), await publish(failed ?? '', 'A-18')]
  for (const [at, stream] of ['orders.completed', 'orders.failed'].entries()) {
    const [entry, ...more] = await eventually(async () => {
      const entries = await client.xRange(stream, '-', '+')
      return (entries ?? []).length > 0 && entries
    })
    assert.deepEqual(more, [])
    assert.equal(entry?.message['webhook-id'], events[at]?.['id'])
    assert.equal(JSON.parse(entry?.message['body'] ?? '').type, TYPES[at])
  }
  await api.send('DELETE', `/v1/subscriptions/${id}`)
})

test('what an event is about is its key, unless an order has another', {
  skip: without.rabbitmq,
}, async () => {
  const { port } = await startRabbitmq()
  const client = new AMQPClient(`amqp://guest:guest@127.0.0.1:${port}`)
  await client.connect()
  undoAfter(() => client.close())
  const channel = await client.channel()
  const auth = { type: 'basic', username: 'guest', password: 'guest' }
  for (const [exchange, order, expected] of [
    ['unordered', null, 'orders.completed.A-17'],
    ['ordered', { per: 'key', key: 'data.n' }, 'orders.completed.1'],
  ] as const) {
    await channel.exchangeDeclare(exchange, 'topic')
    await channel.queueDeclare(exchange)
    await channel.queueBind(exchange, exchange, '#')
    const at = `amqp://127.0.0.1:${port}/?exchange=${exchange}&routing_key={family}s.{name}.{key}`
    await subscribe(at, { auth, ...(order && { order }) })
    const { id } = await publish('order.completed', 'A-17')
    const kept = await eventually(() => channel.basicGet(exchange))
    assert.equal(kept.properties.messageId, id)
    assert.equal(kept.routingKey, expected)
  }
})
