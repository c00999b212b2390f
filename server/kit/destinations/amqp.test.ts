import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AMQPClient } from '@cloudamqp/amqp-client'
import { createEgress } from '../../platform/egress/egress.ts'
import { startRabbitmq, without } from '../../test/brokers.ts'
import { undoAfter } from '../../test/harness.ts'
import { type DestinationAuth, type Message, publish, readDestination } from './destinations.ts'

const egress = createEgress({ allow: [], allow_loopback: true })
undoAfter(() => egress.close())

const GUEST = { type: 'basic', username: 'guest', password: 'guest' } as const

const message = (id: string, more: Partial<Message> = {}): Message => ({
  id,
  copy_id: `${id}.sub_1`,
  type: 'payment.completed',
  timestamp: new Date('2026-01-02T03:04:05Z'),
  headers: { 'webhook-id': id, 'webhook-signature': 'v1,abc= v1,def=' },
  body: '{"amount":10.10,"who":"João"}',
  key: null,
  ...more,
})

async function send(url: string, given: Message, auth: DestinationAuth | null = GUEST) {
  const destination = readDestination(url)
  assert(destination && typeof destination !== 'string', String(destination))
  return publish(egress, { destination, auth, message: given, timeout_ms: 10_000 })
}

test('RabbitMQ confirms what a queue has taken, and gives back what none would', {
  skip: without.rabbitmq,
}, async () => {
  const broker = await startRabbitmq()
  const host = `amqp://127.0.0.1:${broker.port}`
  const client = new AMQPClient(`amqp://guest:guest@127.0.0.1:${broker.port}`)
  client.onerror = () => {}
  await client.connect()
  const channel = await client.channel()
  await channel.exchangeDeclare('events', 'topic', { durable: true })
  await channel.queueDeclare('payments', { durable: true })
  await channel.queueDeclare('full', { durable: true }, { 'x-max-length': 1, 'x-overflow': 'reject-publish' })
  await channel.queueBind('payments', 'events', 'payment.*.pay 1')

  const url = `${host}/?exchange=events&routing_key={type}.{key}`
  const given = message('evt_1', { key: 'pay 1' })
  assert.deepEqual(await send(url, given), {
    kind: 'accepted',
    answer: { exchange: 'events', routing_key: 'payment.completed.pay 1', confirmed: true },
  })
  const kept = await channel.basicGet('payments')
  assert(kept)
  assert.equal(kept.bodyString(), given.body)
  assert.equal(kept.properties.messageId, given.id)
  assert.equal(kept.properties.type, given.type)
  assert.equal(kept.properties.deliveryMode, 2)
  assert.deepEqual({ ...kept.properties.headers }, given.headers)

  const many = await Promise.all(
    Array.from({ length: 200 }, (_, n) => send(`${host}/%2F?routing_key=payments`, message(`evt_m${n}`))),
  )
  assert.ok(many.every(({ kind }) => kind === 'accepted'))
  assert.equal((await channel.queueDeclare('payments', { passive: true })).messageCount, 200)

  // Two at once that differ only in where they go: each hears of its own.
  const [taken, back] = await Promise.all([send(url, given), send(url, { ...given, key: 'pay 2' })])
  assert.equal(taken.kind, 'accepted')
  assert.deepEqual(back, {
    kind: 'refused',
    message: 'RabbitMQ gave the message back: no queue of events takes payment.completed.pay 2',
  })
  // Two subscriptions that send the same there: neither takes what came back of the other for its own.
  const lost = { ...given, key: 'pay 2' }
  for (const { kind } of await Promise.all([send(url, lost), send(url, lost)])) assert.equal(kind, 'refused')
  const full = `${host}?routing_key=full`
  await send(full, message('evt_f1'))
  const overflow = await send(full, message('evt_f2'))
  assert(overflow.kind === 'refused', JSON.stringify(overflow))

  const missing = await send(`${host}/?exchange=nothing`, given)
  assert(missing.kind === 'refused', JSON.stringify(missing))
  assert.match(missing.message, /NOT_FOUND - no exchange 'nothing'/)
  assert.equal((await send(url, given)).kind, 'accepted')

  const stranger = await send(url, given, { ...GUEST, password: 'wrong' })
  assert(stranger.kind === 'error')
  assert.equal(stranger.sent, false)
  assert.match(stranger.message, /ACCESS_REFUSED/)
  const nowhere = await send(`${host}/nothing?exchange=events`, given)
  assert(nowhere.kind === 'error')
  assert.match(nowhere.message, /vhost nothing not found|NOT_ALLOWED/)

  const under_way = Array.from({ length: 200 }, (_, n) => send(url, message(`evt_s${n}`, { key: 'pay 1' })))
  await broker.stop()
  assert.ok((await Promise.all(under_way)).every(({ kind }) => kind === 'accepted' || kind === 'error'))
  assert.equal((await send(url, given)).kind, 'error')
})
