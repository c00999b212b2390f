import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'

const SECRET = 'whsec_only_stripe_and_we_know'
let product: Product

before(async () => {
  product = await startProduct()
})

async function newSource(more: Json = {}): Promise<{ id: string; url: string }> {
  const source = await product.api.ok('POST', '/v1/sources', {
    provider: 'stripe',
    name: 'Stripe',
    secrets: [SECRET],
    ...more,
  })
  return source as { id: string; url: string }
}

let serial = 0
const paymentEvent = (more: Json = {}) => ({
  id: `evt_${++serial}`,
  object: 'event',
  type: 'payment_intent.succeeded',
  created: 1_767_225_600,
  data: {
    object: {
      id: `pi_${serial}`,
      object: 'payment_intent',
      amount: 15050,
      currency: 'brl',
      status: 'succeeded',
      created: 1_767_225_600,
    },
  },
  ...more,
})

function post(url: string, body: string | Buffer, secret = SECRET, seconds = Math.floor(Date.now() / 1000)) {
  const signature = createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex')
  const headers = { 'content-type': 'application/json', 'stripe-signature': `t=${seconds},v1=${signature}` }
  return fetch(url, { method: 'POST', headers, body })
}

test('a signed message is stored to the byte before it is answered', async () => {
  const { url } = await newSource()
  const body = JSON.stringify(paymentEvent(), null, 3)
  const response = await post(url, body)
  assert.equal(response.status, 200)
  const { status, id } = (await response.json()) as Json
  assert.equal(status, 'received')
  const message = await product.api.ok('GET', `/v1/messages/${id}`)
  assert.equal(Buffer.from(String(message['body']), 'base64').toString(), body)
})

test('a message becomes an event that names it, and is found by the vendor’s ids', async () => {
  const { url } = await newSource()
  const sent = paymentEvent()
  const { id } = (await (await post(url, JSON.stringify(sent))).json()) as Json
  const event = await eventually(async () =>
    (await product.api.list('/v1/events?type=payment.completed')).find((one) => one['message_id'] === id),
  )
  assert.deepEqual((event['data'] as { payment: Json }).payment['money'], {
    amount: '15050',
    currency: 'BRL',
  })
  const found = async (q: string) =>
    (await product.api.list(`/v1/search?q=${q}`)).map(({ kind, id }) => ({ kind, id }))
  const [the_message, the_event] = [
    { kind: 'message', id },
    { kind: 'event', id: event['id'] },
  ]
  assert.deepEqual(await found(sent.id), [the_message])
  assert.deepEqual(await found(sent.data.object.id), [the_event, the_message])
  assert.deepEqual(await found(String(id)), [the_event, the_message])
  const stranger = await product.newTenant()
  assert.deepEqual(await stranger.list(`/v1/search?q=${sent.id}`), [])
})

test('of fifty copies at once one is taken, and all are answered with its id', async () => {
  const { url } = await newSource()
  const body = JSON.stringify(paymentEvent())
  const replies = await Promise.all(
    Array.from({ length: 50 }, async () => (await (await post(url, body)).json()) as Json),
  )
  assert.equal(new Set(replies.map(({ id }) => id)).size, 1)
  assert.equal(replies.filter(({ status }) => status === 'received').length, 1)
})

test('what does not verify is refused with 401 and kept, raw, with the reason', async () => {
  const { id, url } = await newSource()
  const body = JSON.stringify(paymentEvent())
  const old = Math.floor(Date.now() / 1000) - 3_600
  assert.equal((await post(url, body, 'whsec_a_forger')).status, 401)
  assert.equal((await post(url, body, SECRET, old)).status, 401)
  assert.equal((await fetch(url, { method: 'POST', body })).status, 401)
  const kept = await product.api.list(`/v1/quarantine?source_id=${id}`)
  assert.deepEqual(kept.map(({ reason }) => reason).sort(), ['bad_signature', 'missing_header', 'too_old'])
  const whole = await product.api.ok('GET', `/v1/quarantine/${kept[0]?.['id']}`)
  assert.equal(Buffer.from(String(whole['body']), 'base64').toString(), body)
  assert.deepEqual(await product.api.list(`/v1/messages?source_id=${id}`), [])
})

test('what was refused for a wrong secret is taken in once the secret is right, and only then', async () => {
  const { id, url } = await newSource({ secrets: ['whsec_mistyped'] })
  const sent = paymentEvent()
  const old = Math.floor(Date.now() / 1000) - 200 // near the end of its tolerance when it arrived
  assert.equal((await post(url, JSON.stringify(sent), SECRET, old)).status, 401)
  const [kept] = await product.api.list(`/v1/quarantine?source_id=${id}`)
  const release = `/v1/quarantine/${kept?.['id']}/release`
  const refused = await product.api.send('POST', release)
  assert.deepEqual([refused.status, refused.body['code']], [409, 'conflict'])
  await product.api.ok('PATCH', `/v1/sources/${id}`, { secrets: [SECRET] })
  const { status, id: message } = await product.api.ok('POST', release)
  assert.equal(status, 'received')
  await eventually(async () =>
    (await product.api.list('/v1/events?type=payment.completed')).find(
      (one) => one['message_id'] === message,
    ),
  )
  assert.deepEqual(await product.api.list(`/v1/quarantine?source_id=${id}`), [])
  assert.equal((await product.api.send('POST', release)).status, 404)
})

test('a source without a secret takes nothing', async () => {
  const source = await product.api.ok('POST', '/v1/sources', { provider: 'stripe', name: 'Not yet' })
  assert.equal((await post(String(source['url']), '{}')).status, 401)
})

test('a replaced secret holds at once, and both while there are two', async () => {
  const { id, url } = await newSource()
  await product.api.ok('PATCH', `/v1/sources/${id}`, { secrets: ['whsec_the_new_one', SECRET] })
  assert.equal((await post(url, JSON.stringify(paymentEvent()))).status, 200)
  assert.equal((await post(url, JSON.stringify(paymentEvent()), 'whsec_the_new_one')).status, 200)
  await product.api.ok('PATCH', `/v1/sources/${id}`, { secrets: ['whsec_the_new_one'] })
  assert.equal((await post(url, JSON.stringify(paymentEvent()))).status, 401)
})

test('a genuine message that cannot be read is kept as failed, in words, and can be processed again', async () => {
  const { url } = await newSource()
  const body = JSON.stringify(paymentEvent({ data: 'nothing of the kind' }))
  const { id } = (await (await post(url, body)).json()) as Json
  const message = await eventually(async () => {
    const one = await product.api.ok('GET', `/v1/messages/${id}`)
    return one['state'] === 'failed' && one
  })
  assert.match(String(message['error']), /data/)
  await product.api.ok('POST', `/v1/messages/${id}/replay`)
  const again = await eventually(async () => {
    const one = await product.api.ok('GET', `/v1/messages/${id}`)
    return one['state'] === 'failed' && one
  })
  assert.equal(again['error'], message['error'])
})

test('what means nothing to us is ignored, not failed', async () => {
  const { url } = await newSource()
  const { id } = (await (
    await post(url, JSON.stringify(paymentEvent({ type: 'customer.created' })))
  ).json()) as Json
  await eventually(async () => (await product.api.ok('GET', `/v1/messages/${id}`))['state'] === 'ignored')
})

test('a type that a source names and its provider has no words for is published by the vendor’s own, as it came', async () => {
  const { id, url } = await newSource({ options: { event_types: ['customer.*'] } })
  const told = async (body: string) => {
    const { id: message } = (await (await post(url, body)).json()) as Json
    const { state } = await eventually(async () => {
      const one = await product.api.ok('GET', `/v1/messages/${message}`)
      return one['state'] !== 'pending' && one
    })
    const events = (await product.api.list('/v1/events?limit=100')).filter(
      (one) => one['message_id'] === message,
    )
    return [state, ...events.map(({ type }) => type)]
  }
  const sent = paymentEvent({ type: 'customer.subscription.created' })
  assert.deepEqual(await told(JSON.stringify(sent)), ['completed', 'stripe.customer.subscription.created'])
  const [event] = await product.api.list('/v1/events?type=stripe.customer.subscription.created')
  assert.deepEqual(event?.['data'], sent)
  assert.deepEqual(await told(JSON.stringify(paymentEvent())), ['ignored'])
  await product.api.ok('PATCH', `/v1/sources/${id}`, { options: { event_types: ['*'] } })
  assert.deepEqual(await told(JSON.stringify(paymentEvent())), ['completed', 'payment.completed'])
})

test('bytes that are no JSON are stored and answered like any other', async () => {
  const { url } = await newSource()
  const body = Buffer.from([0xff, 0xfe, 0x00, 0x80])
  const response = await post(url, body)
  assert.equal(response.status, 200)
  const { id } = (await response.json()) as Json
  const message = await product.api.ok('GET', `/v1/messages/${id}`)
  assert.deepEqual(Buffer.from(String(message['body']), 'base64'), body)
})

test('an event id with a NUL spoils nobody else’s batch', async () => {
  const { url } = await newSource()
  const bodies = Array.from({ length: 20 }, (_, n) =>
    JSON.stringify(paymentEvent(n === 7 ? { id: 'evt_\u0000' } : {})),
  )
  const statuses = await Promise.all(bodies.map(async (body) => (await post(url, body)).status))
  assert.deepEqual(new Set(statuses), new Set([200]))
})

test('a dead or disabled address answers 404 and says what to do', async () => {
  const { id, url } = await newSource()
  await product.api.ok('PATCH', `/v1/sources/${id}`, { state: 'disabled' })
  const disabled = await post(url, '{}')
  assert.equal(disabled.status, 404)
  assert.match(((await disabled.json()) as Json)['detail'] as string, /disabled/)
  await product.api.ok('PATCH', `/v1/sources/${id}`, { state: 'enabled' })
  assert.equal((await post(url, JSON.stringify(paymentEvent()))).status, 200)
  const { status } = await product.api.send('DELETE', `/v1/sources/${id}`)
  assert.equal(status, 204)
  assert.equal((await post(url, JSON.stringify(paymentEvent()))).status, 404)
})

test('the short address leads to the only default source, and to nothing when there are two', async () => {
  const { id } = await newSource({ is_default: true })
  const short = `${product.url}/webhooks/stripe`
  const body = JSON.stringify(paymentEvent())
  assert.equal((await post(short, body)).status, 200)
  assert.equal((await product.api.list(`/v1/messages?source_id=${id}`)).length, 1)
  const taken = await product.api.send('POST', '/v1/sources', {
    provider: 'stripe',
    name: 'Second',
    is_default: true,
  })
  assert.equal(taken.status, 409)
  const stranger = await product.newTenant()
  await stranger.ok('POST', '/v1/sources', {
    provider: 'stripe',
    name: 'Theirs',
    secrets: [SECRET],
    is_default: true,
  })
  const ambiguous = await post(short, JSON.stringify(paymentEvent()))
  assert.equal(ambiguous.status, 404)
  assert.match(((await ambiguous.json()) as Json)['detail'] as string, /full address/)
})

test('a body over the limit is refused and nothing of it is kept', async () => {
  const { id, url } = await newSource()
  const response = await post(url, JSON.stringify(paymentEvent({ filler: 'x'.repeat(1_100_000) })))
  assert.equal(response.status, 413)
  await sleep(20)
  assert.deepEqual(await product.api.list(`/v1/messages?source_id=${id}`), [])
})

test('settings that the provider does not know are refused by name', async () => {
  const { status, body } = await product.api.send('POST', '/v1/sources', {
    provider: 'stripe',
    name: 'Stripe',
    settings: { colour: 'blue' },
  })
  assert.equal(status, 422)
  assert.match(String(body['field']), /colour/)
  const unknown = await product.api.send('POST', '/v1/sources', { provider: 'acorn', name: 'Acorn' })
  assert.equal(unknown.status, 400)
  assert.match(String(unknown.body['detail']), /stripe/)
})
