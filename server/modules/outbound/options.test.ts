import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, beforeEach, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { undoAfter } from '../../test/harness.ts'
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
    ...more,
  })
const publish = (data: string) => api.ok('POST', '/v1/events', `{"type":"webhook.received","data":${data}}`)
const first = (path: string) => eventually(async () => receiver.at(path)[0])

/** An authorization server that counts the tokens it gave. */
async function startIssuer(): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString()
    asked.push(`${request.headers.authorization} ${body}`)
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({ access_token: `tok-${asked.length}`, token_type: 'bearer', expires_in: 3600 }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  undoAfter(async () => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`, asked }
}

test('a receiver that wants OAuth 2.0 gets a token, asked for once, and a new one when it refuses that', async () => {
  const issuer = await startIssuer()
  receiver.answer('/oauth', { status: 200 }, { status: 200 }, { status: 401 }, { status: 200 })
  const client = {
    type: 'oauth2',
    token_url: issuer.url,
    client_id: 'hub',
    client_secret: 's3cret-77',
    scope: 'hooks',
  }
  const made = await subscribe('/oauth', { auth: client, retry_schedule_s: [1] })
  assert.deepEqual(made['auth'], { type: 'oauth2', token_url: issuer.url, client_id: 'hub', scope: 'hooks' })
  assert.ok(!JSON.stringify(made).includes('s3cret-77'))
  for (let n = 1; n <= 3; n++) {
    await publish(`{"n":${n}}`)
    await eventually(async () => receiver.at('/oauth').length >= n)
  }
  await eventually(async () => receiver.at('/oauth').length === 4)
  assert.deepEqual(
    receiver.at('/oauth').map(({ headers }) => headers.authorization),
    ['Bearer tok-1', 'Bearer tok-1', 'Bearer tok-1', 'Bearer tok-2'],
  )
  assert.match(String(issuer.asked[0]), /grant_type=client_credentials/)
})

test('without a token nothing is sent, and the delivery says why', async () => {
  const token_url = `${receiver.base}/no-token`
  receiver.answer('/no-token', { status: 400 })
  await subscribe('/never', {
    auth: { type: 'oauth2', token_url, client_id: 'hub', client_secret: 'x' },
    retry_schedule_s: [],
  })
  const event = await publish('{}')
  const failed = await eventually(async () =>
    (await api.list(`/v1/deliveries?event_id=${event['id']}`)).find((one) => one['state'] === 'failed'),
  )
  assert.match(String(failed['error']), /no access token was given/)
  assert.equal(receiver.at('/never').length, 0)
})

test('a receiver of the old kind gets the HMAC of the body in its own header', async () => {
  const made = await subscribe('/hmac', {
    auth: { type: 'hmac', header: 'X-Signature', secret: 'k-77', encoding: 'base64' },
  })
  assert.deepEqual(made['auth'], { type: 'hmac', header: 'x-signature', encoding: 'base64' })
  await publish('{"a":1}')
  const { headers, body } = await first('/hmac')
  assert.equal(headers['x-signature'], createHmac('sha256', 'k-77').update(body).digest('base64'))
})

test('a form carries every digit, and the signature is that of the form', async () => {
  const { secret } = await subscribe('/form', { content_type: 'form' })
  await publish('{"total":10.10,"id":12345678901234567890,"items":[{"sku":"A&B"}]}')
  const { headers, body } = await first('/form')
  assert.equal(headers['content-type'], 'application/x-www-form-urlencoded')
  const form = new URLSearchParams(body)
  assert.equal(form.get('type'), 'webhook.received')
  assert.equal(form.get('data[total]'), '10.10')
  assert.equal(form.get('data[id]'), '12345678901234567890')
  assert.equal(form.get('data[items][0][sku]'), 'A&B')
  assert.throws(() => new Webhook(String(secret)).verify(`${body}x`, headers as Record<string, string>))
  const signature = `v1,${createHmac('sha256', Buffer.from(String(secret).slice(6), 'base64'))
    .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
    .digest('base64')}`
  assert.equal(headers['webhook-signature'], signature)
})

test('a rate of its own is kept, and nothing it delays counts as an attempt', async () => {
  for (const order of [null, { per: 'key', key: 'data.n' }]) {
    const path = order ? '/rate-in-order' : '/rate'
    await subscribe(path, { rate: { count: 4, per_s: 1 }, order, filter: { path } })
    const began = performance.now()
    await Promise.all(Array.from({ length: 8 }, (_, n) => publish(`{"path":"${path}","n":${n}}`)))
    await eventually(async () => receiver.at(path).length === 8)
    const came = receiver.at(path).map(({ at }) => Math.round(at - began))
    const [first = 0, , , , fifth = 0] = came
    assert.ok(fifth - first >= 800, `${path}: more than four within a second of ${came} ms`)
    assert.ok(receiver.at(path).every(({ headers }) => headers['trilho-attempt'] === '1'))
  }
})

test('no more requests are under way at once than a subscription allows', async () => {
  let [now, most, count] = [0, 0, 0]
  const server = createServer((_request, response) => {
    most = Math.max(most, ++now)
    setTimeout(() => {
      now -= 1
      count += 1
      response.end()
    }, 20)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  undoAfter(async () => {
    server.closeAllConnections()
    server.close()
  })
  await subscribe('/few', {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    max_concurrency: 2,
  })
  await Promise.all(Array.from({ length: 12 }, (_, n) => publish(`{"n":${n}}`)))
  await eventually(async () => count === 12)
  assert.equal(most, 2)
})

test('every attempt is counted and timed', async () => {
  receiver.answer('/counted', { status: 500 }, { status: 200 })
  const { id } = await subscribe('/counted', { retry_schedule_s: [1] })
  const event = await publish('{}')
  const delivery = await eventually(async () =>
    (await api.list(`/v1/deliveries?event_id=${event['id']}`)).find((one) => one['state'] === 'delivered'),
  )
  const { attempts, delivered, failed, last_delivered_at } = await api.ok(
    'GET',
    `/v1/subscriptions/${id}/counters`,
  )
  assert.deepEqual([attempts, delivered, failed], [2, 1, 1])
  assert.ok(Date.parse(String(last_delivered_at)) > Date.now() - 60_000)
  const { log } = (await api.ok('GET', `/v1/deliveries/${delivery['id']}`)) as { log: Json[] }
  const timing = log[0]?.['timing'] as Record<string, number>
  assert.ok(Number(timing['total_ms']) >= Number(timing['first_byte_ms']))
  await api.ok('DELETE', `/v1/subscriptions/${id}`).catch(() => {})
})

test('an attempt that nobody answers is timed too', async () => {
  receiver.answer('/silent', { status: 200, after_ms: 5_000 })
  await subscribe('/silent', { timeout_ms: 1_000, retry_schedule_s: [] })
  const event = await publish('{}')
  const delivery = await eventually(async () =>
    (await api.list(`/v1/deliveries?event_id=${event['id']}`)).find((one) => one['state'] === 'failed'),
  )
  const { log } = (await api.ok('GET', `/v1/deliveries/${delivery['id']}`)) as { log: Json[] }
  const { total_ms, ...steps } = (log[0]?.['timing'] ?? {}) as Record<string, number>
  assert.ok(Number(total_ms) >= 900, `${total_ms} ms`)
  assert.deepEqual(steps, {})
})

test('an attempt keeps both sides’ headers, and of a long answer the beginning', async () => {
  const server = createServer((_request, response) =>
    response.writeHead(500, { 'x-trace': 'abc-77' }).end('é'.repeat(20_000)),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  undoAfter(async () => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { id } = await subscribe('/wordy', { url, retry_schedule_s: [] })
  const event = await publish('{}')
  const delivery = await eventually(async () =>
    (await api.list(`/v1/deliveries?event_id=${event['id']}`)).find((one) => one['state'] === 'failed'),
  )
  const { log } = (await api.ok('GET', `/v1/deliveries/${delivery['id']}`)) as { log: Json[] }
  const [attempt] = log
  const sent = attempt?.['request_headers'] as Record<string, string>
  assert.deepEqual([sent['webhook-id'], sent['trilho-subscription-id']], [event['id'], id])
  assert.match(String(sent['webhook-signature']), /^v1,/)
  const answered = attempt?.['response_headers'] as Record<string, string>
  assert.equal(answered['x-trace'], 'abc-77')
  assert.equal(attempt?.['response_body'], 'é'.repeat(4_096))
})
