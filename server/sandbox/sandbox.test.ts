import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import Stripe from 'stripe'
import { type Sandbox, startSandbox } from './sandbox.ts'

let sandbox: Sandbox
let stripe: Stripe

before(async () => {
  sandbox = await startSandbox({ port: 0 })
  stripe = client('sk_test_123')
})
after(() => sandbox.stop())

const client = (key: string) => {
  // Stripe's SDK joins its own /v1 to the host, so the mount is put before it on the way out.
  const base = Stripe.createNodeHttpClient()
  const send = base.makeRequest.bind(base)
  base.makeRequest = (host, port, path, ...rest) => send(host, port, `/stripe${path}`, ...rest)
  return new Stripe(key, {
    host: '127.0.0.1',
    port: sandbox.port,
    protocol: 'http',
    httpClient: base,
    maxNetworkRetries: 0,
    telemetry: false,
  })
}

const refusedWith = (code: string) => (error: { code?: string }) => error.code === code

type Body = Record<string, unknown> & {
  data: Record<string, unknown>[]
  summary: Record<string, unknown>
  sent: Record<string, unknown>[]
  access_token: string
  error: string
}

async function call(
  path: string,
  init?: RequestInit,
): Promise<{ status: number; headers: Headers; body: Body }> {
  const reply = await fetch(`${sandbox.url}${path}`, init)
  const text = await reply.text()
  return { status: reply.status, headers: reply.headers, body: JSON.parse(text) as Body }
}

test('the address of the sandbox itself says which vendors there are', async () => {
  const { status, body } = await call('/')
  assert.deepEqual([status, (body['vendors'] as string[]).includes('/access')], [200, true])
  assert.equal((await call('/nobody')).status, 404)
})

test("a payment is created, confirmed, captured and refunded by Stripe's own SDK", async () => {
  const made = await stripe.paymentIntents.create({
    amount: 1990,
    currency: 'brl',
    capture_method: 'manual',
    confirm: true,
    payment_method: 'pm_card_visa',
    allowed_payment_method_types: ['card'],
    metadata: { order: '7', 'with space': 'ç&=' },
  })
  assert.equal(made.status, 'requires_capture')
  assert.equal(made.amount_capturable, 1990)
  assert.deepEqual({ ...made.metadata }, { order: '7', 'with space': 'ç&=' })
  assert.match(made.lastResponse.requestId, /^req_/)
  const captured = await stripe.paymentIntents.capture(made.id, { amount_to_capture: 1500 })
  assert.equal(captured.amount_received, 1500)
  const refund = await stripe.refunds.create({ payment_intent: made.id, amount: 500 })
  assert.equal(refund.amount, 500)
  await assert.rejects(
    stripe.refunds.create({ payment_intent: made.id, amount: 1001 }),
    refusedWith('amount_too_large'),
  )
  const found = await stripe.paymentIntents.retrieve(made.id, { expand: ['latest_charge'] })
  assert.equal(typeof found.latest_charge === 'object' && found.latest_charge?.amount_refunded, 490 + 500)
})

test('a list goes from the newest to the oldest in pages', async () => {
  const made = []
  for (let n = 0; n < 5; n++)
    made.unshift((await stripe.paymentIntents.create({ amount: 100 + n, currency: 'brl' })).id)
  const listed = []
  for await (const intent of stripe.paymentIntents.list({ limit: 2 })) {
    listed.push(intent.id)
    if (listed.length === 5) break
  }
  assert.deepEqual(listed, made)
})

test('a test card is declined with the reason its name says, and the intent can be tried again', async () => {
  const intent = await stripe.paymentIntents.create({ amount: 500, currency: 'brl' })
  const confirm = (payment_method: string) => stripe.paymentIntents.confirm(intent.id, { payment_method })
  await assert.rejects(confirm('pm_card_visa_chargeDeclinedInsufficientFunds'), (error) => {
    assert.ok(error instanceof Stripe.errors.StripeCardError)
    assert.equal(error.decline_code, 'insufficient_funds')
    assert.equal(error.payment_intent?.status, 'requires_payment_method')
    return true
  })
  assert.equal((await confirm('pm_card_visa')).status, 'succeeded')
  await assert.rejects(
    stripe.paymentIntents.cancel(intent.id),
    refusedWith('payment_intent_unexpected_state'),
  )
})

test('an idempotency key gives the first answer again, and refuses other parameters', async () => {
  const input = { amount: 700, currency: 'brl' }
  const first = await stripe.paymentIntents.create(input, { idempotencyKey: 'order-700' })
  const again = await stripe.paymentIntents.create(input, { idempotencyKey: 'order-700' })
  assert.equal(again.id, first.id)
  const other = stripe.paymentIntents.create({ ...input, amount: 701 }, { idempotencyKey: 'order-700' })
  await assert.rejects(other, Stripe.errors.StripeIdempotencyError)
})

test('wrong keys, fields and ids are refused as Stripe refuses them', async () => {
  await assert.rejects(client('sk_live_123').balance.retrieve(), Stripe.errors.StripeAuthenticationError)
  await assert.rejects(stripe.paymentIntents.retrieve('pi_none'), refusedWith('resource_missing'))
  const misspelt = { amount: 1, currency: 'brl', ammount: 2 } as Stripe.PaymentIntentCreateParams
  await assert.rejects(stripe.paymentIntents.create(misspelt), refusedWith('parameter_unknown'))
  await assert.rejects(
    stripe.paymentIntents.create({ amount: 0, currency: 'brl' }),
    refusedWith('parameter_invalid_integer'),
  )
})

test("what a registered endpoint receives verifies with Stripe's own SDK", async () => {
  const receiver = await startReceiver()
  const endpoint = await stripe.webhookEndpoints.create({
    url: receiver.url,
    enabled_events: ['payment_intent.succeeded'],
  })
  const intent = await stripe.paymentIntents.create({
    amount: 900,
    currency: 'brl',
    confirm: true,
    payment_method: 'pm_card_visa',
  })
  const { body, signature } = await receiver.next()
  const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret ?? '')
  assert.equal(event.type, 'payment_intent.succeeded')
  assert.equal((event.data.object as Stripe.PaymentIntent).id, intent.id)
  await stripe.webhookEndpoints.del(endpoint.id)
  await receiver.stop()
})

test('a run of webhooks tells the truth about copies, losses and bad signatures', async () => {
  const receiver = await startReceiver()
  const faults = { duplicate: 3, reorder: 2, drop: 4, bad_signature: 2, old_timestamp: 1 }
  const orders = { url: receiver.url, secret: 'whsec_x', count: 20, run: 'r1', concurrency: 1, faults }
  const { body } = await call('/stripe/_control/webhooks', { method: 'POST', body: JSON.stringify(orders) })
  assert.deepEqual(body.summary, {
    originals: 20,
    copies: 3,
    bad_signature: 2,
    old_timestamp: 1,
    dropped: 4,
    posts: 26,
    accepted: 26,
    by_status: { 200: 26 },
  })
  const verdicts = receiver.received.map((one) => {
    try {
      return stripe.webhooks.constructEvent(one.body, one.signature, 'whsec_x').id
    } catch {
      return null
    }
  })
  const good = verdicts.filter((id) => id !== null)
  assert.equal(good.length, 23)
  assert.equal(new Set(good).size, 20)
  assert.deepEqual(good.slice(0, 2), ['evt_r1_1', 'evt_r1_0'], 'the first two were swapped')
  await receiver.stop()
})

test('a refused webhook is sent again as often as it was told', async () => {
  const orders = { url: `${sandbox.url}/bin/flaky?status=503`, secret: 'x', attempts: 3, retry_delay_ms: 0 }
  const { body } = await call('/stripe/_control/webhooks', { method: 'POST', body: JSON.stringify(orders) })
  assert.deepEqual(body.summary.by_status, { 503: 3 })
  assert.equal(body.sent[0]?.accepted, false)
})

test('orders that are not understood name the field', async () => {
  const { status, body } = await call('/stripe/_control/webhooks', {
    method: 'POST',
    body: '{"url":"http://x","secret":"s","count":"2"}',
  })
  assert.equal(status, 400)
  assert.match(body.error, /count/)
})

test('a fault is met as often as it says and no more', async () => {
  const headers = { 'x-sandbox-fault': 'status=429;retry_after=1;times=2;key=a' }
  const replies = [await call('/echo/anything', { headers }), await call('/echo/anything', { headers })]
  assert.deepEqual(
    replies.map((reply) => [reply.status, reply.headers.get('retry-after')]),
    [
      [429, '1'],
      [429, '1'],
    ],
  )
  assert.equal((await call('/echo/anything', { headers })).status, 200)
})

test('a cut connection has done the work, a dropped one has not', async () => {
  const create = (fault: string) => {
    const headers = {
      authorization: 'Bearer sk_test_1',
      'x-sandbox-fault': `${fault};times=1`,
      'idempotency-key': fault,
    }
    return call('/stripe/v1/payment_intents', { method: 'POST', headers, body: 'amount=100&currency=brl' })
  }
  await assert.rejects(create('drop'))
  await assert.rejects(create('cut'))
  assert.equal((await create('drop')).headers.get('idempotent-replayed'), null)
  assert.equal((await create('cut')).headers.get('idempotent-replayed'), 'true')
})

test('a bin keeps what it was sent to the byte and fails the first arrivals of each message', async () => {
  const send = (id: string, body: string | Uint8Array<ArrayBuffer>) =>
    call('/bin/inbox?fail_first=1&fail_every=2', { method: 'POST', headers: { 'webhook-id': id }, body })
  const statuses = []
  for (const id of ['a', 'a', 'b', 'c', 'c']) statuses.push((await send(id, `{"id":"${id}"}`)).status)
  assert.deepEqual(statuses, [500, 200, 200, 500, 200])
  await send('b', new Uint8Array([0xff, 0x00]))
  const { body } = await call('/bin/inbox/_requests')
  assert.equal(body.total, 6)
  assert.equal(body.data[0]?.body, '{"id":"a"}')
  assert.equal(body.data[5]?.body_base64, '/wA=')
  assert.deepEqual((await call('/bin/inbox/_summary')).body, {
    requests: 6,
    messages: 3,
    accepted: 4,
    by_status: { 200: 4, 500: 2 },
  })
})

test('a bin can be told to be gone', async () => {
  await call('/bin/closed/_settings', { method: 'PUT', body: '{"status":410}' })
  assert.equal((await call('/bin/closed', { method: 'POST', body: 'x' })).status, 410)
})

test('a token lives until it expires or is revoked', async () => {
  const body = 'grant_type=client_credentials&client_id=me&client_secret=sandbox-secret'
  const issue = (query = '') => call(`/oauth/token${query}`, { method: 'POST', body })
  const visit = (token: string) => call('/echo/oauth', { headers: { authorization: `Bearer ${token}` } })
  const { access_token } = (await issue()).body
  assert.equal((await visit(access_token)).status, 200)
  assert.equal((await visit((await issue('?expires_in=0')).body.access_token)).status, 401)
  await call('/oauth/_revoke', { method: 'POST' })
  assert.equal((await visit(access_token)).status, 401)
  const wrong = await call('/oauth/token', { method: 'POST', body: body.replace('sandbox-secret', 'no') })
  assert.equal(wrong.status, 401)
})

test('the echo vendor checks who asks', async () => {
  const headers = { authorization: `Basic ${btoa('ana:s3nha')}`, 'x-api-key': 'k1' }
  assert.equal((await call('/echo/basic/ana/s3nha', { headers })).status, 200)
  assert.equal((await call('/echo/basic/ana/other', { headers })).status, 401)
  assert.equal((await call('/echo/key/k1', { headers })).status, 200)
  assert.equal((await call('/echo/key/k1?api_key=k2')).status, 401)
  assert.equal((await call('/echo/bearer/t1', { headers: { authorization: 'Bearer t1' } })).status, 200)
})

test('the truth says what crossed the socket', async () => {
  await call('/echo/status/418?mark=truth')
  const { body } = await call('/_truth?prefix=/echo/status/418')
  assert.equal(body.data.length, 1)
  assert.equal(body.data[0]?.status, 418)
})

type Arrival = { body: string; signature: string }

async function startReceiver() {
  const received: Arrival[] = []
  const arrived = Promise.withResolvers<Arrival>()
  const server = createServer(async (request, response) => {
    const body = (await request.toArray()).join('')
    received.push({ body, signature: String(request.headers['stripe-signature']) })
    response.end('ok')
    arrived.resolve({ body, signature: String(request.headers['stripe-signature']) })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = async () => {
    server.close()
    server.closeAllConnections()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    received,
    next: () => arrived.promise,
    stop,
  }
}
