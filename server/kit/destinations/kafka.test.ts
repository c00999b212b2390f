import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { createEgress } from '../../platform/egress/egress.ts'
import { startKafka, without } from '../../test/brokers.ts'
import { undoAfter } from '../../test/harness.ts'
import { type DestinationAuth, type Message, publish, readDestination } from './destinations.ts'

const egress = createEgress({ allow: [], allow_loopback: true })
undoAfter(() => egress.close())

const message = (id: string, key: string | null): Message => ({
  id,
  copy_id: `${id}.sub_1`,
  type: 'payment.completed',
  timestamp: new Date('2026-01-02T03:04:05Z'),
  headers: { 'webhook-id': id, 'webhook-signature': 'v1,abc= v1,def=' },
  body: '{"amount":10.10,"who":"João"}',
  key,
})

async function send(
  url: string,
  given: Message,
  { timeout_ms = 10_000, auth = null }: { timeout_ms?: number; auth?: DestinationAuth | null } = {},
) {
  const destination = readDestination(url)
  assert(destination && typeof destination !== 'string', String(destination))
  return publish(egress, { destination, auth, message: given, timeout_ms })
}

test('Kafka confirms what its replicas have, and keeps a key in its partition', {
  skip: without.kafka,
}, async () => {
  const broker = await startKafka()
  const url = `kafka://127.0.0.1:${broker.port}/orders`
  const kafka = new Kafka({ brokers: [`127.0.0.1:${broker.port}`], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 4 }], waitForLeaders: true })

  const landings = await Promise.all(
    Array.from({ length: 100 }, (_, n) => send(url, message(`evt_${n}`, `pay ${n % 10}`))),
  )
  const partitions = new Map<number, Set<unknown>>()
  for (const [n, landing] of landings.entries()) {
    assert(landing.kind === 'accepted', JSON.stringify(landing))
    const of_key = partitions.get(n % 10) ?? new Set()
    partitions.set(n % 10, of_key.add(landing.answer['partition']))
  }
  assert.ok([...partitions.values()].every(({ size }) => size === 1))
  const offsets = await admin.fetchTopicOffsets('orders')
  assert.equal(
    offsets.reduce((sum, { high }) => sum + Number(high), 0),
    100,
  )

  const consumer = kafka.consumer({ groupId: 'test' })
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  const first = await new Promise<{ value: string; key: string; headers: Record<string, string> }>(
    (resolve) => {
      consumer.run({
        eachMessage: async ({ message: { key, value, headers = {} } }) =>
          resolve({
            value: String(value),
            key: String(key),
            headers: Object.fromEntries(Object.entries(headers).map(([name, held]) => [name, String(held)])),
          }),
      })
    },
  )
  await consumer.disconnect()
  assert.equal(first.value, message('', null).body)
  assert.match(first.key, /^pay \d$/)
  assert.equal(first.headers['webhook-signature'], 'v1,abc= v1,def=')

  const missing = await send(`kafka://127.0.0.1:${broker.port}/nothing`, message('evt_x', null))
  assert(missing.kind === 'refused', JSON.stringify(missing))
  assert.match(missing.message, /UNKNOWN_TOPIC_OR_PARTITION/)

  const { sasl_port, username, password } = broker
  const behind_login = `kafka://127.0.0.1:${sasl_port}/orders`
  const scram = { type: 'scram', mechanism: 'sha-512', username, password } as const
  for (const auth of [scram, { type: 'basic', username, password } as const]) {
    const landing = await send(behind_login, message('evt_s', null), { auth })
    assert.equal(landing.kind, 'accepted', JSON.stringify(landing))
    const stranger = await send(behind_login, message('evt_s', null), {
      auth: { ...auth, password: 'wrong' },
    })
    assert(stranger.kind === 'error')
    assert.equal(stranger.sent, false)
    assert.match(stranger.message, /authentication failed/i)
  }

  await admin.disconnect()
  await broker.stop()
  const away = await send(url, message('evt_y', null), { timeout_ms: 3_000 })
  assert.equal(away.kind, 'error')
})
