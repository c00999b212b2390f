import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { createClient } from '@redis/client'
import { createEgress } from '../../platform/egress/egress.ts'
import { type Broker, startNats, startRedis, startSqs, without } from '../../test/brokers.ts'
import { undoAfter } from '../../test/harness.ts'
import { type DestinationAuth, type Message, publish, readDestination } from './destinations.ts'

const egress = createEgress({ allow: [], allow_loopback: true })
undoAfter(() => egress.close())

let count = 0
function message(more: Partial<Message> = {}): Message {
  count += 1
  const id = `evt_${count}`
  return {
    id,
    copy_id: `${id}.sub_1`,
    type: 'payment.completed',
    timestamp: new Date('2026-01-02T03:04:05Z'),
    headers: { 'content-type': 'application/json', 'webhook-id': id, 'webhook-signature': 'v1,abc= v1,def=' },
    body: '{"amount":10.10,"who":"João"}',
    key: null,
    ...more,
  }
}

async function send(
  url: string,
  given = message(),
  { auth = null, timeout_ms = 5_000 }: { auth?: DestinationAuth | null; timeout_ms?: number } = {},
) {
  const destination = readDestination(url)
  assert(destination && typeof destination !== 'string', String(destination))
  return publish(egress, { destination, auth, message: given, timeout_ms })
}

test('an address says which broker it is of, and a wrong one says what is wrong with it', () => {
  assert.equal(readDestination('https://example.com/hooks'), null)
  const right: Record<string, string> = {
    'amqps://mq.example.com/orders?exchange=events': 'amqp',
    'amqp://mq.example.com?routing_key=inbox': 'amqp',
    'kafkas://one.example.com,two.example.com:9095/orders': 'kafka',
    'natss://nats.example.com/orders.paid': 'nats',
    'rediss://redis.example.com:6380/orders?db=2&max_length=1000': 'redis',
    'sqs:https://sqs.sa-east-1.amazonaws.com/123456789012/orders.fifo': 'sqs',
  }
  for (const [url, kind] of Object.entries(right)) {
    const read = readDestination(url)
    assert(read && typeof read !== 'string', `${url}: ${read}`)
    assert.equal(read.kind, kind)
    assert.equal(read.url, url)
  }
  const wrong: Record<string, RegExp> = {
    'amqps://mq.example.com/orders': /\?exchange/,
    'amqps://mq.example.com/%zz?exchange=e': /must be like/,
    'kafka://one/': /must be like/,
    'kafka://one/a%20b': /topic/,
    'kafka://user:word@one/topic': /go into auth/,
    'rediss://user:word@redis.example.com/s': /go into auth/,
    'rediss://redis.example.com/s#1': /%23/,
    'nats://nats.example.com/orders.*': /one subject/,
    'nats://nats.example.com/orders%0d%0aPUB': /one subject/,
    'nats://nats.example.com/orders?jetstream=maybe': /on or off/,
    'redis://redis.example.com': /must be like/,
    'redis://redis.example.com/s?db=x': /\?db/,
    'redis://redis.example.com/s?maxlen=5': /\?maxlen is not known/,
    'sqs:https://queue.example.com/orders': /\?region/,
    'sqs:ftp://sqs.us-east-1.amazonaws.com/1/a': /must be like/,
  }
  for (const [url, words] of Object.entries(wrong)) assert.match(String(readDestination(url)), words, url)
})

test('a broker that is not there, or not to be reached, is told in words and nothing was sent', async () => {
  for (const url of [
    'redis://127.0.0.1:1/s',
    'nats://127.0.0.1:1/s',
    'amqp://127.0.0.1:1/?exchange=e',
    'kafka://127.0.0.1:1/t',
  ]) {
    const landing = await send(url)
    assert(landing.kind === 'error', url)
    assert.equal(landing.sent, false, url)
    assert.match(landing.message, /refused/, url)
  }
  const guarded = createEgress({ allow: [], allow_loopback: false })
  undoAfter(() => guarded.close())
  for (const url of [
    'redis://127.0.0.1/s',
    'nats://localhost/s',
    'amqp://127.0.0.1/?exchange=e',
    'kafka://127.0.0.1/t',
  ]) {
    const destination = readDestination(url)
    assert(destination && typeof destination !== 'string')
    const landing = await publish(guarded, {
      destination,
      auth: null,
      message: message(),
      timeout_ms: 20_000,
    })
    assert(landing.kind === 'error', url)
    assert.match(landing.message, /TRILHO_EGRESS_ALLOW/, url)
  }
})

test('a server that takes everything and confirms nothing leaves it unknown, within the time', async () => {
  const sockets: Socket[] = []
  const answers = { redis: '+PONG\r\n', nats: 'PONG\r\n' }
  for (const scheme of ['redis', 'nats'] as const) {
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      if (scheme === 'nats') socket.write('INFO {"max_payload":1024}\r\n')
      socket.once('data', () => socket.write(answers[scheme]))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    undoAfter(async () => void server.close())
    const address = server.address()
    assert(address && typeof address === 'object')
    const began = performance.now()
    const landing = await send(`${scheme}://127.0.0.1:${address.port}/s`, message(), { timeout_ms: 5000 })
    assert.deepEqual(landing, { kind: 'error', sent: true, message: 'no confirmation within 5000 ms' })
    assert.ok(performance.now() - began < 30_000)
  }
  for (const socket of sockets) socket.destroy()
})

test('what answers in another language is no broker', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  undoAfter(async () => void server.close())
  const address = server.address()
  assert(address && typeof address === 'object')
  for (const scheme of ['redis', 'nats']) {
    const landing = await send(`${scheme}://127.0.0.1:${address.port}/s`)
    assert(landing.kind === 'error')
    assert.equal(landing.sent, false)
    assert.match(landing.message, /is not that of a/)
  }
})

test('a stream of Redis gets the headers as fields and the body to the byte', {
  skip: without.redis,
}, async () => {
  const redis = await startRedis()
  const given = message()
  const landing = await send(`redis://127.0.0.1:${redis.port}/orders?max_length=100`, given)
  assert(landing.kind === 'accepted')
  assert.match(String(landing.answer['entry']), /^\d+-\d+$/)
  const reader = await createClient({ url: `redis://127.0.0.1:${redis.port}` }).connect()
  reader.on('error', () => {})
  const entries = await reader.xRange('orders', '-', '+')
  assert.deepEqual({ ...entries?.[0]?.message }, { ...given.headers, body: given.body })

  const many = await Promise.all(
    Array.from({ length: 200 }, () => send(`redis://127.0.0.1:${redis.port}/many`)),
  )
  assert.ok(many.every(({ kind }) => kind === 'accepted'))
  assert.equal(await reader.xLen('many'), 200)
  assert.match(await reader.sendCommand(['CLIENT', 'LIST']).then(String), /^(id=[^\n]*\n?){2}$/) // it and we

  await reader.set('plain', 'no stream')
  const refused = await send(`redis://127.0.0.1:${redis.port}/plain`)
  assert(refused.kind === 'refused')
  assert.match(refused.message, /^Redis answered: WRONGTYPE/)

  reader.destroy()
  await redis.stop()
  const away = await send(`redis://127.0.0.1:${redis.port}/orders`)
  assert(away.kind === 'error')
  await redis.start()
  assert.equal((await send(`redis://127.0.0.1:${redis.port}/orders`)).kind, 'accepted')
})

test('a Redis with a password takes the right one and says no to another', {
  skip: without.redis,
}, async () => {
  const { port } = await startRedis(['--requirepass', 'correct-horse'])
  const url = `redis://127.0.0.1:${port}/orders`
  const wrong = await send(url, message(), { auth: { type: 'bearer', token: 'wrong' } })
  assert(wrong.kind === 'error')
  assert.match(wrong.message, /^Redis answered: WRONGPASS/)
  assert.equal(wrong.sent, false)
  assert.match(JSON.stringify(await send(url)), /NOAUTH/)
  const auth = { type: 'basic', username: 'default', password: 'correct-horse' } as const
  assert.equal((await send(url, message(), { auth })).kind, 'accepted')
})

/** One request to a NATS server and the body of its answer. */
async function askNats(port: number, subject: string, body: unknown): Promise<Record<string, unknown>> {
  const socket = connect(port, '127.0.0.1')
  const text = JSON.stringify(body)
  socket.write(
    `CONNECT {"verbose":false}\r\nSUB reply 1\r\nPUB ${subject} reply ${text.length}\r\n${text}\r\n`,
  )
  let heard = ''
  for await (const chunk of socket) {
    heard += chunk
    const found = /\r\nMSG reply 1 (\d+)\r\n(.*)\r\n/s.exec(heard)
    if (found) return JSON.parse(found[2] ?? '') as Record<string, unknown>
  }
  throw new Error('NATS hung up')
}

test('a stream of JetStream confirms each message, and knows a copy by its id', {
  skip: without.nats,
}, async () => {
  const { port } = await startNats()
  const url = `nats://127.0.0.1:${port}/orders.paid`
  const nobody = await send(url)
  assert(nobody.kind === 'refused')
  assert.match(nobody.message, /no stream of JetStream/)
  await askNats(port, '$JS.API.STREAM.CREATE.ORDERS', { name: 'ORDERS', subjects: ['orders.>'] })

  const given = message()
  assert.deepEqual(await send(url, given), {
    kind: 'accepted',
    answer: { stream: 'ORDERS', sequence: 1, duplicate: false },
  })
  assert.deepEqual(await send(url, given), {
    kind: 'accepted',
    answer: { stream: 'ORDERS', sequence: 1, duplicate: true },
  })
  const other = await send(url, { ...given, copy_id: `${given.id}.sub_2` }) // of another subscription
  assert(other.kind === 'accepted')
  assert.equal(other.answer['duplicate'], false)
  const { message: kept } = (await askNats(port, '$JS.API.STREAM.MSG.GET.ORDERS', { seq: 1 })) as {
    message: { data: string; hdrs: string }
  }
  assert.equal(Buffer.from(kept.data, 'base64').toString(), given.body)
  const headers = Buffer.from(kept.hdrs, 'base64').toString()
  assert.match(headers, new RegExp(`\r\nNats-Msg-Id: ${given.copy_id}\r\n`))
  assert.match(headers, /\r\nwebhook-signature: v1,abc= v1,def=\r\n/)

  const many = await Promise.all(Array.from({ length: 200 }, () => send(url)))
  assert.equal(new Set(many.map((one) => one.kind === 'accepted' && one.answer['sequence'])).size, 200)
  const long = await send(url, message({ body: Buffer.alloc(1_100_000) }))
  assert(long.kind === 'refused')
  assert.match(long.message, /1100000 bytes/)
  assert.deepEqual(await send(`nats://127.0.0.1:${port}/nobody?jetstream=off`), {
    kind: 'accepted',
    answer: {},
  })
})

test('a NATS with a token takes the right one and says no to another', { skip: without.nats }, async () => {
  const { port } = await startNats(['--auth', 'correct-horse'])
  const url = `nats://127.0.0.1:${port}/a?jetstream=off`
  const wrong = await send(url)
  assert(wrong.kind === 'error')
  assert.equal(wrong.sent, false)
  assert.match(wrong.message, /Authorization Violation/)
  const auth = { type: 'bearer', token: 'correct-horse' } as const
  assert.equal((await send(url, message(), { auth })).kind, 'accepted')
})

const KEYS = { type: 'aws', access_key_id: 'AKIAEXAMPLE', secret_access_key: 'correct-horse' } as const

test('a queue of SQS gets the body and the headers, and a FIFO one the order and the id', {
  skip: without.sqs,
}, async () => {
  const { port }: Broker = await startSqs()
  const ask = async (target: string, body: unknown) => {
    const answer = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: {
        'x-amz-target': `AmazonSQS.${target}`,
        'content-type': 'application/x-amz-json-1.0',
        authorization: 'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/sqs/aws4_request',
      },
      body: JSON.stringify(body),
    })
    return (await answer.json()) as { QueueUrl: string; Messages: Received[] }
  }
  const { QueueUrl } = await ask('CreateQueue', {
    QueueName: 'orders.fifo',
    Attributes: { FifoQueue: 'true' },
  })
  const url = `sqs:${QueueUrl}?region=us-east-1`
  const given = message({ key: 'pay 1' })
  const landing = await send(url, given, { auth: KEYS })
  assert(landing.kind === 'accepted', JSON.stringify(landing))
  assert.equal((await send(url, given, { auth: KEYS })).kind, 'accepted') // a copy
  const { Messages } = await ask('ReceiveMessage', {
    QueueUrl,
    MaxNumberOfMessages: 10,
    AttributeNames: ['All'],
    MessageAttributeNames: ['All'],
  })
  assert.equal(Messages.length, 1)
  const [kept] = Messages
  const other = await send(url, { ...given, copy_id: `${given.id}.sub_2` }, { auth: KEYS }) // of another subscription
  assert(other.kind === 'accepted')
  assert.notEqual(other.answer['message_id'], landing.answer['message_id'])
  assert.equal(kept?.MessageId, landing.answer['message_id'])
  assert.equal(kept?.Body, given.body)
  assert.equal(kept?.Attributes['MessageGroupId'], 'pay_1')
  assert.equal(kept?.MessageAttributes['webhook-id']?.StringValue, given.id)

  const many = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`x-${n}`, `${n}`]))
  const headers = { ...many, 'webhook-id': 'evt_9', 'webhook-signature': 'v1,abc=' }
  const full = message({ key: 'pay 2', id: 'evt_9', headers })
  assert.equal((await send(url, full, { auth: KEYS })).kind, 'accepted')
  const { Messages: more } = await ask('ReceiveMessage', { QueueUrl, MessageAttributeNames: ['All'] })
  const attributes = more[0]?.MessageAttributes ?? {}
  assert.equal(Object.keys(attributes).length, 10)
  const { 'trilho-other-headers': others, ...shown } = attributes
  const names = Object.entries(shown).map(([name, { StringValue }]) => [name, StringValue])
  assert.deepEqual({ ...Object.fromEntries(names), ...JSON.parse(others?.StringValue ?? '') }, headers)
  assert.equal(shown['webhook-signature']?.StringValue, 'v1,abc=')

  const missing = await send(url.replace('orders', 'nothing'), given, { auth: KEYS })
  assert(missing.kind === 'refused')
  assert.match(missing.message, /^SQS answered 400: .*NonExistentQueue|QueueDoesNotExist/)
})

type Received = {
  MessageId: string
  Body: string
  Attributes: Record<string, string>
  MessageAttributes: Record<string, { StringValue: string }>
}
