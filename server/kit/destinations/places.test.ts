import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDestination } from './destinations.ts'
import { placeFor } from './session.ts'

test('one address names a topic for each type of event', () => {
  const placed = (template: string, type: string, key: string | null = null) =>
    placeFor(template, { type, key })
  assert.equal(placed('{family}s.{name}', 'payment.completed'), 'payments.completed')
  assert.equal(placed('{family}s.{name}', 'payment.dispute.opened'), 'payments.dispute.opened')
  assert.equal(placed('all.{type}', 'payment.completed'), 'all.payment.completed')
  assert.equal(placed('{family}-{name}', 'ping'), 'ping-ping')
  assert.equal(placed('orders.{key}', 'order.paid', 'A-17'), 'orders.A-17')
  assert.equal(placed('orders.{key}', 'order.paid'), 'orders.')
  assert.equal(placed('{tag}.webhooks.inbound', 'order.paid'), '{tag}.webhooks.inbound')
})

test('such an address is kept as it was written, and read again is the same', () => {
  for (const url of [
    'kafka://one:9092/{family}s.{name}',
    'nats://one:4222/{type}',
    'redis://one:6379/{type}?db=1',
    'amqp://one/shop?exchange=events&routing_key={family}.{key}',
  ]) {
    const read = readDestination(url)
    assert(read && typeof read !== 'string', `${url}: ${read}`)
    assert.equal(read.url, url)
    const again = readDestination(read.url)
    assert(again && typeof again !== 'string')
    assert.deepEqual(again.target, read.target)
  }
})

test('what would make no topic of any event is refused when it is set', () => {
  const wrong: Record<string, RegExp> = {
    'kafka://one/{key}': /topic/,
    'kafka://one/{topic}': /topic/,
    'kafka://one/{type} x': /topic/,
    'nats://one/orders.{key}': /one subject/,
    'nats://one/{type}.*': /one subject/,
  }
  for (const [url, words] of Object.entries(wrong)) assert.match(String(readDestination(url)), words, url)
})
