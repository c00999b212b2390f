import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { Webhook } from 'standardwebhooks'
import { inTenant } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { type Api, eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { forgetSubscriptions, matches } from './audience.ts'

type Arrival = { path: string; headers: IncomingHttpHeaders; body: string; at: number }

let product: Product
/** A tenant of its own for each test. */
let api: Api
let server: Server
let base: string
const arrivals: Arrival[] = []
/** What the receiver answers at a path: a status for each arrival, the last one for all that follow. */
const answers = new Map<string, (number | 'hang' | 'cut')[]>()

before(async () => {
  product = await startProduct()
  server = createServer(async (request, response) => {
    const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>)
    const path = request.url ?? ''
    arrivals.push({
      path,
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
      at: performance.now(),
    })
    const planned = answers.get(path) ?? [200]
    const answer = planned.length > 1 ? planned.shift() : planned[0]
    if (answer === 'cut') return request.socket.destroy()
    if (answer === 'hang') return
    return response.writeHead(answer ?? 200, answer === 302 ? { location: '/elsewhere' } : {}).end('noted')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
beforeEach(async () => {
  api = await product.newTenant()
})
after(() => {
  server.closeAllConnections()
  server.close()
})

const at = (path: string) => arrivals.filter((one) => one.path === path)

async function subscribe(path: string, event_types = ['*'], more: Json = {}): Promise<Json> {
  return api.ok('POST', '/v1/subscriptions', { name: path, url: base + path, event_types, ...more })
}

const payment = (n = 1) => ({
  provider: 'stripe',
  source_id: 'src_01jz8k3v9mf2tb7xq4c5n6p8rs',
  payment: { vendor_id: `pi_${n}`, status: 'completed', money: { amount: '15050', currency: 'BRL' } },
})
const publish = (data: Json | string, type = 'payment.completed') =>
  api.ok(
    'POST',
    '/v1/events',
    typeof data === 'string' ? `{"type":"${type}","data":${data}}` : { type, data },
  )

const deliveryOf = (event: Json, state: string) =>
  eventually(async () =>
    (await api.list(`/v1/deliveries?event_id=${event['id']}`)).find((one) => one['state'] === state),
  )

test('an event reaches its subscription signed, and the reference library verifies it', async () => {
  const { secret, id } = await subscribe('/signed', ['payment.*'])
  const event = await publish(payment())
  const arrival = await eventually(async () => at('/signed')[0])
  const read = new Webhook(String(secret)).verify(
    arrival.body,
    arrival.headers as Record<string, string>,
  ) as Json
  assert.equal(read['type'], 'payment.completed')
  assert.deepEqual(read['data'], payment())
  assert.equal(arrival.headers['webhook-id'], event['id'])
  assert.equal(arrival.headers['trilho-event-type'], 'payment.completed')
  assert.equal(arrival.headers['trilho-subscription-id'], id)
})

test('the data goes out to the byte as it was published', async () => {
  await subscribe('/bytes', ['webhook.received'])
  const data = '{ "b": 10.10,"a":12345678901234567890.000000001 ,\n "ç":"\\u00e9" }'
  await publish(data, 'webhook.received')
  const arrival = await eventually(async () => at('/bytes')[0])
  assert.ok(arrival.body.endsWith(`"data":${data}}`), arrival.body)
})

test('only the event types subscribed to are delivered', async () => {
  await subscribe('/refunds', ['payment.refunded', 'invoice.*'])
  const other = await publish(payment(2))
  const wanted = await publish({ ...payment(3) }, 'payment.refunded')
  await eventually(async () => at('/refunds')[0])
  assert.equal(other['deliveries'], 0)
  assert.equal(wanted['deliveries'], 1)
  assert.equal(at('/refunds').length, 1)
})

test('deliveries are found by when they were made', async () => {
  await subscribe('/timed', ['payment.refunded'])
  const event = await publish(payment(5), 'payment.refunded')
  const { id, created_at } = await deliveryOf(event, 'delivered')
  const made_ms = Date.parse(String(created_at))
  const at = (ms: number) => new Date(made_ms + ms).toISOString()
  const idsOf = async (query: string) =>
    (await api.list(`/v1/deliveries?event_id=${event['id']}&${query}`)).map((one) => one['id'])
  assert.deepEqual(await idsOf(`since=${at(0)}&until=${at(1)}`), [id])
  assert.deepEqual(await idsOf(`since=${at(1)}`), [])
  assert.deepEqual(await idsOf(`until=${at(0)}&state=delivered`), [])
  assert.deepEqual(await idsOf('since=1960-01-01T00:00:00Z'), [id])
})

test('a pattern takes its family and nothing that only looks like it', () => {
  assert.ok(matches('*', 'a.b') && matches('a.*', 'a.b') && matches('a.*', 'a.b.c') && matches('a.b', 'a.b'))
  assert.ok(
    !matches('a.*', 'a') && !matches('a.*', 'ab.c') && !matches('a.b', 'a.b.c') && !matches('a', 'a.b'),
  )
})

test('a refused attempt is made again within five seconds, under the same id', async () => {
  answers.set('/flaky', [500, 200])
  await subscribe('/flaky')
  const event = await publish(payment(4))
  const delivery = await deliveryOf(event, 'delivered')
  const [first, second] = at('/flaky')
  assert.ok(first && second)
  const waited_s = (second.at - first.at) / 1000
  assert.ok(waited_s < 30, `waited ${waited_s} s`) // five, and what a busy machine adds
  assert.equal(first.headers['webhook-id'], second.headers['webhook-id'])
  assert.equal(second.headers['trilho-attempt'], '2')
  const { log } = (await api.ok('GET', `/v1/deliveries/${delivery['id']}`)) as { log: Json[] }
  assert.deepEqual(
    log.map(({ number, outcome, status, response_body }) => [number, outcome, status, response_body]),
    [
      [1, 'refused', 500, 'noted'],
      [2, 'delivered', 200, 'noted'],
    ],
  )
})

test('a redirect is a failure that says so, and is never followed', async () => {
  answers.set('/moved', [302])
  await subscribe('/moved')
  const event = await publish(payment(5))
  const delivery = await eventually(async () => {
    const [one] = await api.list(`/v1/deliveries?event_id=${event['id']}`)
    return Number(one?.['attempts']) >= 1 && one
  })
  assert.equal(delivery['state'], 'pending')
  assert.match(String(delivery['error']), /302.*not followed/)
  assert.equal(at('/elsewhere').length, 0)
})

test('410 Gone disables the subscription and says why', async () => {
  answers.set('/gone', [410])
  const { id } = await subscribe('/gone')
  const event = await publish(payment(6))
  await deliveryOf(event, 'failed')
  const subscription = await eventually(async () => {
    const one = await api.ok('GET', `/v1/subscriptions/${id}`)
    return one['state'] === 'disabled' && one
  })
  assert.match(String(subscription['state_note']), /410/)
  assert.equal((await publish(payment(7)))['deliveries'], 0)
})

test('a dead letter is listed, and delivered when it is replayed', async () => {
  answers.set('/dead', [410, 200])
  const { id } = await subscribe('/dead')
  const event = await publish(payment(8))
  const dead = await deliveryOf(event, 'failed')
  const letters = await api.list('/v1/deliveries?state=failed')
  assert.ok(letters.some((one) => one['id'] === dead['id']))
  await eventually(async () => (await api.ok('GET', `/v1/subscriptions/${id}`))['state'] === 'disabled')
  const early = await api.send('POST', `/v1/deliveries/${dead['id']}/replay`)
  assert.equal(early.status, 409)
  assert.match(String(early.body['detail']), /is disabled; enable it first/)
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'enabled' })
  await api.ok('POST', `/v1/deliveries/${dead['id']}/replay`)
  const delivered = await deliveryOf(event, 'delivered')
  assert.equal(delivered['attempts'], 2)
  await api.send('DELETE', `/v1/subscriptions/${id}`)
  const late = await api.send('POST', `/v1/deliveries/${dead['id']}/replay`)
  assert.equal(late.status, 409)
  assert.match(String(late.body['detail']), /is gone; send its event to another one/)
})

test('a delivery that is still pending is not replayed beside itself', async () => {
  answers.set('/pending', [500])
  await subscribe('/pending')
  const event = await publish(payment(9))
  const [one] = await api.list(`/v1/deliveries?event_id=${event['id']}`)
  const { status } = await api.send('POST', `/v1/deliveries/${one?.['id']}/replay`)
  assert.equal(status, 409)
})

test('a receiver that hangs or cuts the line delays nobody else', async () => {
  answers.set('/hang', ['hang'])
  answers.set('/cut', ['cut'])
  await Promise.all([
    subscribe('/hang', ['webhook.received'], { timeout_ms: 60_000 }),
    subscribe('/cut', ['webhook.received']),
  ])
  await subscribe('/quick', ['payment.*'])
  for (let n = 0; n < 20; n++) await publish('{}', 'webhook.received')
  const began = performance.now()
  await publish(payment(10))
  await eventually(async () => at('/quick')[0])
  assert.ok(performance.now() - began < 50_000, 'before the other gave up')
})

test('a tenant whose subscriptions cannot be read delays nobody else, and what waits for it goes once they can be', async () => {
  answers.set('/unread', [500])
  answers.set('/unread-in-order', [500])
  const { owner } = product.app.db
  const retried = { retry_schedule_s: [2, 2, 2, 2, 2, 2] }
  const { id } = await subscribe('/unread', ['*'], retried)
  await subscribe('/unread-in-order', ['*'], { ...retried, order: { per: 'subscription' } })
  const event = await publish(payment(11))
  await eventually(async () => at('/unread')[0] && at('/unread-in-order')[0])
  const tenant_id = fromWire('tenant', api.tenant_id)
  /** Its secret in other words, and back. */
  const turn = () =>
    inTenant(product.app.db, tenant_id, async (tx) => {
      await sql`
        update secret set sealed = set_byte(sealed, 20, 255 - get_byte(sealed, 20))
         where tenant_id = ${tenant_id} and owner_id = ${fromWire('subscription', String(id))}`.execute(tx)
      forgetSubscriptions(tx, tenant_id)
    })
  await turn()
  const waiting = (table: 'delivery_queue' | 'delivery_lane') =>
    owner.selectFrom(table).select(['claim', 'cuts', 'due']).where('tenant_id', '=', tenant_id).execute()
  const isPutBack = async (table: 'delivery_queue' | 'delivery_lane') =>
    (await waiting(table)).every(
      ({ claim, cuts, due }) => !claim && cuts === 0 && due > new Date(Date.now() + 4_000),
    )
  await eventually(async () => (await isPutBack('delivery_queue')) && (await isPutBack('delivery_lane')))

  const stranger = api
  api = await product.newTenant()
  await subscribe('/read')
  await publish(payment(12))
  await eventually(async () => at('/read')[0])
  api = stranger
  answers.set('/unread', [200])
  answers.set('/unread-in-order', [200])
  await turn()
  await eventually(async () =>
    (await api.list(`/v1/deliveries?event_id=${event['id']}`)).every((one) => one['state'] === 'delivered'),
  )
})

test('what the product may not reach is refused in words that name the setting', async () => {
  await api.ok('POST', '/v1/subscriptions', {
    name: 'Metadata',
    url: 'http://169.254.169.254/latest/meta-data/',
    event_types: ['*'],
  })
  const event = await publish(payment(11))
  const delivery = await eventually(async () => {
    const [one] = await api.list(`/v1/deliveries?event_id=${event['id']}`)
    return Number(one?.['attempts']) >= 1 && one
  })
  assert.match(String(delivery['error']), /TRILHO_EGRESS_ALLOW/)
})

test('the secret is given at creation and on request, and every reading is on record', async () => {
  const made = await subscribe('/secret')
  assert.match(String(made['secret']), /^whsec_/)
  const read = await api.ok('GET', `/v1/subscriptions/${made['id']}`)
  assert.equal(read['secret'], undefined)
  const { secret } = await api.ok('GET', `/v1/subscriptions/${made['id']}/secret`)
  assert.equal(secret, made['secret'])
  const audit = await api.list('/v1/audit')
  assert.ok(audit.some((one) => one['action'] === 'subscription.read_secret' && one['target'] === made['id']))
})

test('an address that is no http address is refused by name', async () => {
  for (const url of ['ftp://example.com', 'https://user:pass@example.com/', 'nowhere']) {
    const { status, body } = await api.send('POST', '/v1/subscriptions', {
      name: 'X',
      url,
      event_types: ['*'],
    })
    assert.equal(status, 400, url)
    assert.equal(body['field'], 'url')
  }
})

test('a deleted subscription gets nothing more, and what was on its way ends in words', async () => {
  answers.set('/deleted', [500])
  const { id } = await subscribe('/deleted')
  const event = await publish(payment(12))
  await eventually(async () => at('/deleted')[0])
  assert.equal((await api.send('DELETE', `/v1/subscriptions/${id}`)).status, 204)
  const before_it = at('/deleted').length // one, or the second that came at once
  const delivery = await deliveryOf(event, 'failed')
  assert.match(String(delivery['error']), /disabled or gone/)
  await sleep(50)
  assert.ok(at('/deleted').length <= before_it + 1, 'none but what was on its way')
})
