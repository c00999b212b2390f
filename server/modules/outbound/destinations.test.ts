import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { before, beforeEach, test } from 'node:test'
import { AMQPClient } from '@cloudamqp/amqp-client'
import { createClient } from '@redis/client'
import { Webhook } from 'standardwebhooks'
import { type Broker, startNats, startRabbitmq, startRedis, without } from '../../test/brokers.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Api, eventually, type Json, type Product, startProduct } from '../../test/product.ts'

let product: Product
/** A tenant of its own for each test. */
let api: Api

before(async () => {
  product = await startProduct()
})
beforeEach(async () => {
  api = await product.newTenant()
})

const subscribe = (url: string, more: Json = {}): Promise<Json> =>
  api.ok('POST', '/v1/subscriptions', { name: 'queue', url, event_types: ['webhook.received'], ...more })
const publish = (n: number) =>
  api.ok('POST', '/v1/events', `{"type":"webhook.received","data":{"key":"k${n % 2}","n":${n}}}`)

type Entry = { id: string; message: Record<string, string> }

async function openRedis({ port }: Broker): Promise<(stream: string) => Promise<Entry[]>> {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: 50 } })
  client.on('error', () => {})
  await client.connect()
  undoAfter(async () => client.destroy())
  return async (stream) => ((await client.xRange(stream, '-', '+').catch(() => [])) ?? []) as Entry[]
}

const logOf = async (delivery: Json): Promise<Json[]> =>
  (await api.ok('GET', `/v1/deliveries/${delivery['id']}`))['log'] as Json[]

test('an event reaches a stream of Redis, signed, and the attempt keeps what Redis answered', {
  skip: without.redis,
}, async () => {
  const redis = await startRedis()
  const read = await openRedis(redis)
  const made = await subscribe(`redis://127.0.0.1:${redis.port}/orders`, {
    headers: { 'x-team': 'billing' },
  })
  const { id } = await publish(1)
  const entry = await eventually(async () => (await read('orders'))[0])
  const { body = '', ...headers } = entry.message
  assert.equal(headers['webhook-id'], id)
  assert.equal(headers['x-team'], 'billing')
  assert.deepEqual(new Webhook(String(made['secret'])).verify(body, headers), JSON.parse(body))
  const delivery = await eventually(async () => (await api.list('/v1/deliveries?state=delivered'))[0])
  const [attempt] = await logOf(delivery)
  assert.equal(attempt?.['outcome'], 'delivered')
  assert.equal(attempt['status'], null)
  assert.deepEqual(JSON.parse(String(attempt['response_body'])), { entry: entry.id })

  await api.ok('POST', `/v1/subscriptions/${made['id']}/test`, {})
  await eventually(async () => (await read('orders'))[1]?.message['trilho-event-type'] === 'webhook.test')
})

test('while a Redis is away its deliveries wait, and come after it in the order of their key', {
  skip: without.redis,
}, async () => {
  const redis = await startRedis()
  const read = await openRedis(redis)
  await subscribe(`redis://127.0.0.1:${redis.port}/orders`, {
    order: { per: 'key', key: 'data.key' },
    retry_schedule_s: Array(20).fill(1),
  })
  await redis.stop()
  for (let n = 1; n <= 6; n++) await publish(n)
  const failed = await eventually(async () =>
    (await api.list('/v1/deliveries')).find(({ error }) => error !== null),
  )
  assert.match(String(failed['error']), /^connection refused by 127\.0\.0\.1/)
  await redis.start()
  const entries = await eventually(async () => {
    const found = await read('orders')
    return found.length >= 6 && found
  })
  const seen = (key: string) =>
    entries
      .map(({ message }) => (JSON.parse(message['body'] ?? '') as { data: { key: string; n: number } }).data)
      .filter((data) => data.key === key)
      .map(({ n }) => n)
  assert.deepEqual(
    [seen('k0'), seen('k1')],
    [
      [2, 4, 6],
      [1, 3, 5],
    ],
  )
})

/** In front of a Redis: takes everything there, and cuts the line before the first entry is confirmed. */
async function startCutter({ port }: Broker): Promise<number> {
  let is_cut = false
  const server = createServer((socket) => {
    const inner = connect(port, '127.0.0.1')
    socket.on('error', () => {}).on('close', () => inner.destroy())
    inner.on('error', () => {}).on('close', () => socket.destroy())
    socket.pipe(inner)
    inner.on('data', (chunk) => {
      if (is_cut || !/\d+-\d+\r\n/.test(chunk.toString())) return socket.write(chunk)
      is_cut = true
      return socket.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  undoAfter(async () => void server.close())
  return (server.address() as AddressInfo).port
}

test('where the confirmation is lost the event comes again under its own id, and the log says what is not known', {
  skip: without.redis,
}, async () => {
  const redis = await startRedis()
  const read = await openRedis(redis)
  await subscribe(`redis://127.0.0.1:${await startCutter(redis)}/orders`, { retry_schedule_s: [1] })
  const { id } = await publish(1)
  const delivery = await eventually(async () => (await api.list('/v1/deliveries?state=delivered'))[0])
  const errors = (await logOf(delivery)).map(({ error }) => error)
  assert.ok(errors.some((error) => /whether it arrived is not known$/.test(String(error))))
  const entries = await read('orders')
  assert.deepEqual(
    entries.map(({ message }) => [message['webhook-id'], message['trilho-attempt']]),
    [
      [id, '1'],
      [id, '2'],
    ],
  )
})

test('what a broker refuses is retried, and ends as a dead letter in its words', {
  skip: without.redis,
}, async () => {
  const redis = await startRedis(['--requirepass', 'correct-horse'])
  const url = `redis://127.0.0.1:${redis.port}/orders`
  const auth = { type: 'basic', username: 'default', password: 'wrong' }
  const made = await subscribe(url, { auth, retry_schedule_s: [1] })
  assert.deepEqual(made['auth'], { type: 'basic', username: 'default' })
  await publish(1)
  const [dead] = await eventually(async () => {
    const found = await api.list('/v1/deliveries?state=failed')
    return found.length > 0 && found
  })
  assert.equal(dead?.['attempts'], 2)
  assert.match(String(dead['error']), /^Redis answered: WRONGPASS/)

  await api.ok('PATCH', `/v1/subscriptions/${made['id']}`, { auth: { ...auth, password: 'correct-horse' } })
  await api.ok('POST', `/v1/deliveries/${dead['id']}/replay`)
  await eventually(async () => (await api.list('/v1/deliveries?state=delivered'))[0])
})

test('an address that is no queue, or a queue that takes another kind of login, is refused by its field', async () => {
  const refusals: [Json, string, RegExp][] = [
    [{ url: 'amqps://mq.example.com/' }, 'url', /\?exchange/],
    [{ url: 'redis://user:word@redis.example.com/s' }, 'url', /go into auth/],
    [{ url: 'ftp://example.com/s' }, 'url', /amqps/],
    [{ url: 'sqs:https://sqs.sa-east-1.amazonaws.com/1/orders' }, 'auth', /type aws/],
    [
      { url: 'amqps://mq.example.com/?exchange=e', auth: { type: 'bearer', token: 't' } },
      'auth',
      /type basic/,
    ],
    [
      {
        url: 'https://example.com/hooks',
        auth: { type: 'scram', mechanism: 'sha-256', username: 'u', password: 'p' },
      },
      'auth',
      /basic or bearer/,
    ],
  ]
  for (const [input, field, words] of refusals) {
    const refused = await api.send('POST', '/v1/subscriptions', { name: 'q', event_types: ['*'], ...input })
    assert.equal(refused.status, 400, JSON.stringify(input))
    assert.match(JSON.stringify(refused.body), words)
    assert.match(JSON.stringify(refused.body), new RegExp(`"field":"${field}"|${field}`))
  }
  const keys = { type: 'aws', access_key_id: 'AKIAEXAMPLE', secret_access_key: 'correct-horse' }
  const made = await subscribe('sqs:https://sqs.sa-east-1.amazonaws.com/1/orders', { auth: keys })
  assert.deepEqual(made['auth'], { type: 'aws', access_key_id: 'AKIAEXAMPLE' })
  const moved = await api.send('PATCH', `/v1/subscriptions/${made['id']}`, {
    url: 'https://example.com/hooks',
  })
  assert.equal(moved.status, 400)
  assert.match(JSON.stringify(moved.body), /"auth"|auth for this url/)
})

test('an event reaches a queue of RabbitMQ, also after its exchange had no queue', {
  skip: without.rabbitmq,
}, async () => {
  const rabbitmq = await startRabbitmq()
  const client = new AMQPClient(`amqp://guest:guest@127.0.0.1:${rabbitmq.port}`)
  await client.connect()
  undoAfter(() => client.close())
  const channel = await client.channel()
  await channel.exchangeDeclare('events', 'topic')
  await subscribe(`amqp://127.0.0.1:${rabbitmq.port}/?exchange=events`, {
    auth: { type: 'basic', username: 'guest', password: 'guest' },
    retry_schedule_s: Array(20).fill(1),
  })
  const { id } = await publish(1)
  const waiting = await eventually(async () =>
    (await api.list('/v1/deliveries')).find(({ error }) => error !== null),
  )
  assert.match(String(waiting['error']), /no queue of events takes webhook\.received/)
  await channel.queueDeclare('inbox')
  await channel.queueBind('inbox', 'events', 'webhook.*')
  const kept = await eventually(() => channel.basicGet('inbox'))
  assert.equal(kept.properties.messageId, id)
  const delivery = await eventually(async () => (await api.list('/v1/deliveries?state=delivered'))[0])
  const log = await logOf(delivery)
  assert.deepEqual(log.map(({ outcome }) => outcome).sort(), [
    'delivered',
    ...Array(log.length - 1).fill('refused'),
  ])
})

const SLOW_MS = 150

/** As far away as another continent: each answer of the broker comes late. */
async function startSlowWay({ port }: Broker): Promise<number> {
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const socket of [client, upstream]) socket.on('error', () => {})
    client.pipe(upstream)
    upstream.on('data', (bytes) => setTimeout(() => client.write(bytes), SLOW_MS))
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  undoAfter(async () => void server.close())
  return (server.address() as AddressInfo).port
}

const WAYS: [keyof typeof without, () => Promise<Broker>, string, string, Json][] = [
  ['redis', startRedis, 'redis://127.0.0.1:PORT/orders', 'delivered', {}],
  ['nats', startNats, 'nats://127.0.0.1:PORT/orders?jetstream=off', 'delivered', {}],
  ['nats', startNats, 'nats://127.0.0.1:PORT/orders', 'refused', {}],
  [
    'rabbitmq',
    startRabbitmq,
    'amqp://127.0.0.1:PORT/?exchange=amq.topic',
    'refused',
    { auth: { type: 'basic', username: 'guest', password: 'guest' } },
  ],
]
for (const [name, startBroker, address, outcome, more] of WAYS) {
  test(`an attempt that ${name} ${outcome === 'delivered' ? 'takes' : 'refuses'} says how long it took`, {
    skip: without[name],
  }, async () => {
    const port = await startSlowWay(await startBroker())
    await subscribe(address.replace('PORT', String(port)), { retry_schedule_s: [], ...more })
    await publish(1)
    const [delivery] = await eventually(async () => {
      const ended = (await api.list('/v1/deliveries')).filter(({ state }) => state !== 'pending')
      return ended.length > 0 && ended
    })
    const [attempt] = await logOf(delivery ?? {})
    assert.equal(attempt?.['outcome'], outcome, String(attempt?.['error']))
    const { total_ms, ...steps } = attempt['timing'] as Record<string, number>
    assert.ok(Number(total_ms) >= SLOW_MS, `${total_ms} ms`)
    assert.ok(Math.abs(Number(total_ms) - Number(attempt['duration_ms'])) < 1_000)
    assert.deepEqual(steps, {}, 'of a broker nothing but the whole is known')
  })
}

test('a broker whose words hold what PostgreSQL cannot keep is told of all the same', async () => {
  const server = createServer((socket) => socket.on('data', () => socket.write('-NO\u0000PE \ud800\r\n')))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  undoAfter(async () => void server.close())
  await subscribe(`redis://127.0.0.1:${(server.address() as AddressInfo).port}/orders`, {
    retry_schedule_s: [],
  })
  await publish(1)
  const failed = await eventually(async () => (await api.list('/v1/deliveries?state=failed'))[0])
  assert.match(String(failed['error']), /NOPE/)
})
