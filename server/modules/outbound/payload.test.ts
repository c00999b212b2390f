import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
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
const publish = (data: string) => api.ok('POST', '/v1/events', `{"type":"webhook.received","data":${data}}`)
const first = (path: string) => eventually(async () => receiver.at(path)[0])
const verify = (secret: unknown, { body, headers }: { body: string; headers: object }) =>
  new Webhook(String(secret)).verify(body, headers as Record<string, string>)

const ORDER = '{"order":"A-17","total":12.50,"id":12345678901234567890,"items":[{"sku":"x"},{"sku":"y"}]}'

test('a template is filled with the event, every digit as it was written, and what is sent is what is signed', async () => {
  const template = {
    text: 'Order {{data.order}} of {{data.total}}',
    id: '{{data.id}}',
    skus: '{{data.items[].sku}}',
    absent: '{{data.nothing}}',
    of: { event: '{{id}}', type: '{{type}}', version: '{{version}}', at: '{{timestamp}}' },
  }
  const made = await subscribe('/template', { payload: { template } })
  assert.deepEqual(made['payload'], { template })
  const { id } = await publish(ORDER)
  const arrival = await first('/template')
  const event = await api.ok('GET', `/v1/events/${id}`)
  assert.equal(
    arrival.body,
    `{"text":"Order A-17 of 12.50","id":12345678901234567890,"skus":["x","y"],"of":{"event":"${id}","type":"webhook.received","version":1,"at":"${event['created_at']}"}}`,
  )
  verify(made['secret'], arrival)
  assert.equal(arrival.headers['webhook-id'], id)
  const delivery = await eventually(async () => (await api.list('/v1/deliveries?state=delivered'))[0])
  const { log } = (await api.ok('GET', `/v1/deliveries/${delivery['id']}`)) as { log: Json[] }
  assert.equal(log[0]?.['request_body'], arrival.body, 'what was sent is on record')
})

test('an expression makes what is sent, and one that is changed makes the next', async () => {
  const { id, secret } = await subscribe('/expression', {
    payload: { expression: '{"count": $count(data.items), "sum": data.total * 2}' },
  })
  await publish(ORDER)
  const arrival = await first('/expression')
  assert.deepEqual(JSON.parse(arrival.body), { count: 2, sum: 25 })
  verify(secret, arrival)
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { payload: { expression: 'data.order' } })
  await publish(ORDER)
  await eventually(async () => receiver.at('/expression')[1]?.body === '"A-17"')
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { payload: null })
  await publish(ORDER)
  await eventually(async () => receiver.at('/expression')[2]?.body.endsWith(`"data":${ORDER}}`))
})

test('what a template makes goes out as a form where the subscription wants one', async () => {
  await subscribe('/shaped-form', {
    content_type: 'form',
    payload: { template: { order: '{{data.order}}', id: '{{data.id}}' } },
  })
  await publish(ORDER)
  assert.equal((await first('/shaped-form')).body, 'order=A-17&id=12345678901234567890')
})

const BROKEN: [string, Json, RegExp][] = [
  [
    'runs for ever',
    { expression: '($f := function($n) { $f($n + 1) }; $f(1))' },
    /^the payload took longer than 1000 ms/,
  ],
  ['fails', { expression: '$number(data.order)' }, /^the payload fails: .*A-17/],
  ['gives nothing', { expression: 'data.nothing' }, /^the payload gives nothing for this event$/],
  [
    'is too large',
    { template: Array.from({ length: 600 }, () => '{{data}}') },
    /^the payload (took too much memory|took longer|gives more)/,
  ],
]
for (const [how, payload, words] of BROKEN) {
  test(`an attempt whose payload ${how} fails in words, sends nothing, and can be replayed when it is mended`, async () => {
    const path = `/broken-${how.replaceAll(' ', '-')}`
    const { id } = await subscribe(path, { payload, retry_schedule_s: [1] })
    const filling = how === 'is too large' ? 'x'.repeat(100_000) : 'x'
    await publish(`{"order":"A-17","filling":"${filling}"}`)
    const failed = await eventually(async () => (await api.list('/v1/deliveries?state=failed'))[0])
    assert.match(String(failed['error']), words)
    assert.equal(failed['attempts'], 2, 'it is tried again as any other')
    assert.equal(receiver.at(path).length, 0)
    await api.ok('PATCH', `/v1/subscriptions/${id}`, { payload: { template: { order: '{{data.order}}' } } })
    await api.ok('POST', `/v1/deliveries/${failed['id']}/replay`)
    assert.equal((await first(path)).body, '{"order":"A-17"}')
  })
}

test('a payload that never ends holds up its own subscription, and no other', async () => {
  const payload = { expression: '($f := function($n) { $f($n + 1) }; $f(1))' }
  const other = await product.newTenant()
  for (const n of [1, 2, 3]) {
    await other.ok('POST', '/v1/subscriptions', {
      name: 'x',
      url: receiver.base,
      event_types: ['*'],
      payload,
    })
    await other.ok('POST', '/v1/events', { type: 'webhook.received', data: { n } })
  }
  await subscribe('/endless', { payload })
  await subscribe('/beside', { payload: { template: { n: '{{data.n}}' } } })
  await Promise.all(Array.from({ length: 20 }, (_, n) => publish(`{"n":${n}}`)))
  await eventually(async () => receiver.at('/beside').length === 20)
  assert.equal(receiver.at('/endless').length, 0)
})

test('what waits longer for its turn to be made than an attempt may take is no failed attempt', async () => {
  const endless = { expression: '($f := function($n) { $f($n + 1) }; $f(1))' } // each is ended after a second
  const first = { payload: endless, retry_schedule_s: [], filter: { kind: 'first' } }
  for (let n = 0; n < 6; n++) await subscribe(`/holds-up-${n}`, first)
  const payload = { template: { n: '{{data.n}}' } }
  const { id } = await subscribe('/long-line', { payload, timeout_ms: 4_000, filter: { kind: 'then' } })
  const began = performance.now()
  await publish('{"kind":"first"}')
  await Promise.all(Array.from({ length: 10 }, (_, n) => publish(`{"kind":"then","n":${n}}`)))
  const delivered = await eventually(async () => {
    const all = await api.list(`/v1/deliveries?state=delivered&subscription_id=${id}`)
    return all.length === 10 && all
  })
  assert.deepEqual([...new Set(delivered.map(({ attempts }) => attempts))], [1])
  const waited_ms = Math.max(...receiver.at('/long-line').map(({ at }) => at)) - began
  assert.ok(waited_ms > 4_000, `${waited_ms} ms`)
})

test('in order, what a template makes keeps the order', async () => {
  await subscribe('/shaped-order', {
    order: { per: 'subscription' },
    payload: { template: '{{data.n}}' },
  })
  for (let n = 0; n < 10; n++) await publish(`{"n":${n}}`)
  await eventually(async () => receiver.at('/shaped-order').length === 10)
  assert.deepEqual(
    receiver.at('/shaped-order').map(({ body }) => body),
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  )
})

test('a payload that could never be made is refused when it is given, by the place', async () => {
  const refused: [Json, string, RegExp][] = [
    [{ expression: '{"a": ' }, 'payload.expression', /^payload.expression fails: /],
    [{ template: { a: ['{{data..b}}'] } }, 'payload.template.a.0', /payload.template.a.0/],
    [{ template: 'x'.repeat(40_000) }, 'payload', /must not be longer than 32768 characters/],
  ]
  const { id } = await subscribe('/kept')
  for (const [payload, field, words] of refused) {
    const reply = await api.send('PATCH', `/v1/subscriptions/${id}`, { payload })
    assert.equal(reply.status, 400, JSON.stringify(reply.body))
    assert.equal(reply.body['field'], field)
    assert.match(String(reply.body['detail']), words)
    assert.equal(
      (await api.send('POST', '/v1/subscriptions/preview', { event_type: 'webhook.received', payload }))
        .status,
      400,
    )
  }
  assert.equal((await api.send('PATCH', `/v1/subscriptions/${id}`, { payload: {} })).status, 400)
})

test('a preview gives what the delivery of a past event is: body, headers, and whether it would be sent', async () => {
  const made = await subscribe('/previewed', {
    payload: { template: { order: '{{data.order}}' } },
    headers: { 'x-team': 'billing' },
    filter: { order: 'A-17' },
  })
  const { id } = await publish(ORDER)
  const arrival = await first('/previewed')
  const preview = await api.ok('POST', '/v1/subscriptions/preview', {
    subscription_id: made['id'],
    event_id: id,
  })
  assert.equal(preview['body'], arrival.body)
  assert.equal(preview['matches'], true)
  assert.equal(preview['url'], made['url'])
  const headers = preview['headers'] as Record<string, string>
  assert.equal(headers['x-team'], '[secret]')
  verify(made['secret'], { body: String(preview['body']), headers })
  for (const [name, value] of Object.entries(headers)) {
    if (/signature|timestamp|x-team/.test(name)) continue
    assert.equal(value, arrival.headers[name], name)
  }
  assert.equal(receiver.at('/previewed').length, 1, 'nothing is sent')

  const wanted = { subscription_id: made['id'], event_id: id }
  const other = await api.ok('POST', '/v1/subscriptions/preview', {
    ...wanted,
    filter: { order: 'B' },
    payload: { expression: '$number(data.order)' },
  })
  assert.deepEqual([other['matches'], other['missed_by'], other['body']], [false, 'filter', null])
  assert.match(String(other['error']), /^the payload fails/)
  const types = await api.ok('POST', '/v1/subscriptions/preview', { ...wanted, event_types: ['payment.*'] })
  assert.equal(types['missed_by'], 'event_types')
})

test('a preview takes the example of the catalog where there is no event yet, and another tenant has neither', async () => {
  const preview = await api.ok('POST', '/v1/subscriptions/preview', {
    event_type: 'payment.completed',
    payload: { template: { is: '{{type}}' } },
  })
  assert.equal(preview['body'], '{"is":"payment.completed"}')
  assert.equal((preview['headers'] as Json)['webhook-signature'], undefined)
  const { id: subscription_id } = await subscribe('/foreign')
  const { id: event_id } = await publish('{}')
  const stranger = await product.newTenant()
  for (const asked of [{ event_id }, { event_type: 'payment.completed', subscription_id }]) {
    assert.equal((await stranger.send('POST', '/v1/subscriptions/preview', asked)).status, 404)
  }
  assert.equal((await api.send('POST', '/v1/subscriptions/preview', {})).status, 400)
})

test('an expression whose error no table keeps is an attempt that failed, as any other', async () => {
  await subscribe('/nul', { payload: { expression: String.raw`$error("no \u0000 total")` } })
  await publish(ORDER)
  const delivery = await eventually(async () => (await api.list('/v1/deliveries?state=failed'))[0])
  assert.match(String(delivery['error']), /the payload fails: no .*total/)
})
