import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { before, test } from 'node:test'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { type Api, eventually, type Json, type Product, startProduct } from '../../test/product.ts'

/** What leaves, judged by the libraries that receivers use. */
let product: Product
before(async () => {
  product = await startProduct()
})

type Arrival = { headers: Record<string, string>; body: string }

async function subscribe(api: Api, bin: string, more: Json = {}): Promise<Json> {
  const url = `${product.sandbox.url}/bin/${bin}`
  return api.ok('POST', '/v1/subscriptions', { name: bin, url, event_types: ['*'], ...more })
}

const publish = (api: Api) =>
  api.ok('POST', '/v1/events', '{"type":"webhook.received","data":{"texto":"até já","n":12.50}}')

async function arrivalsAt(bin: string, count: number): Promise<Arrival[]> {
  return eventually(async () => {
    const { data } = (await (await fetch(`${product.sandbox.url}/bin/${bin}/_requests`)).json()) as {
      data: Arrival[]
    }
    return data.length >= count && data
  })
}

/** Both throw unless it verifies. */
function verifyBoth({ body, headers }: Arrival, secret: unknown): void {
  new StandardWebhook(String(secret)).verify(body, headers, { jsonParse: false })
  new SvixWebhook(String(secret)).verify(body, headers)
}

test('the libraries of Standard Webhooks and of Svix verify what leaves, and refuse it once it is changed', async () => {
  const api = await product.newTenant()
  const { id, secret } = await subscribe(api, 'plain')
  const event = await publish(api)
  const [arrival] = await arrivalsAt('plain', 1)
  assert(arrival)
  verifyBoth(arrival, secret)
  assert.throws(() => verifyBoth({ ...arrival, body: arrival.body.replace('12.50', '12.51') }, secret))
  const { headers } = arrival
  assert.deepEqual(
    [
      headers['webhook-id'],
      headers['trilho-event-type'],
      headers['trilho-subscription-id'],
      headers['trilho-attempt'],
      headers['trilho-event-version'],
    ],
    [event['id'], 'webhook.received', id, '1', '1'],
  )
})

test('while a secret is changed over, receivers with either of them verify', async () => {
  const api = await product.newTenant()
  const before_it = await subscribe(api, 'rolled')
  const path = `/v1/subscriptions/${before_it['id']}/secret/rotate`
  const after_it = await api.ok('POST', path, { overlap_hours: 1 })
  await publish(api)
  const [both] = await arrivalsAt('rolled', 1)
  assert(both)
  verifyBoth(both, before_it['secret'])
  verifyBoth(both, after_it['secret'])
  const last = await api.ok('POST', path, { overlap_hours: 0 })
  await publish(api)
  const [, only] = await arrivalsAt('rolled', 2)
  assert(only)
  verifyBoth(only, last['secret'])
  assert.throws(() => verifyBoth(only, after_it['secret']))
})

/** As the specification says: ed25519 over id, time and body. */
function verifyV1a({ body, headers }: Arrival, secret: unknown): boolean {
  const x = Buffer.from(String(secret).replace('whpk_', ''), 'base64').toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  const signed = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
  return String(headers['webhook-signature'])
    .split(' ')
    .filter((one) => one.startsWith('v1a,'))
    .some((one) => verify(null, signed, key, Buffer.from(one.slice(4), 'base64')))
}

test('with v1a a receiver holds the public key alone, and may change over from v1 in its own time', async () => {
  const api = await product.newTenant()
  const { id, secret } = await subscribe(api, 'pair', { signature: 'v1a' })
  assert.match(String(secret), /^whpk_/)
  assert.equal((await api.ok('GET', `/v1/subscriptions/${id}/secret`))['secret'], secret)
  await publish(api)
  const [arrival] = await arrivalsAt('pair', 1)
  assert(arrival && verifyV1a(arrival, secret))
  assert(!verifyV1a({ ...arrival, body: `${arrival.body} ` }, secret))
  const shared = await api.ok('POST', `/v1/subscriptions/${id}/secret/rotate`, { signature: 'v1' })
  await publish(api)
  const [, both] = await arrivalsAt('pair', 2)
  assert(both && verifyV1a(both, secret))
  verifyBoth(both, shared['secret'])
  const given = { signature: 'v1a', secret: String(shared['secret']) }
  const refused = await api.send('POST', `/v1/subscriptions/${id}/secret/rotate`, given)
  assert.deepEqual([refused.status, refused.body['field']], [400, 'secret'])
})
