import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { before, test } from 'node:test'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { fromWire } from '../../platform/ids.ts'
import { type Api, eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { forgetPreviousSecrets } from './secrets.ts'

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

test('of secrets changed one after another each verifies until its own overlap ends, five at most, and 0 ends them all', async () => {
  const api = await product.newTenant()
  const first = await subscribe(api, 'rolled-often')
  const path = `/v1/subscriptions/${first['id']}/secret/rotate`
  const known = [first['secret']]
  for (const overlap_hours of [48, 1, 24, 1, 1]) {
    known.push((await api.ok('POST', path, { overlap_hours }))['secret'])
  }
  await publish(api)
  const [all] = await arrivalsAt('rolled-often', 1)
  assert(all)
  for (const secret of known) verifyBoth(all, secret)
  const { previous_secret_until: until } = await api.ok('GET', `/v1/subscriptions/${first['id']}`)
  const hours_left = (Date.parse(String(until)) - Date.now()) / 3_600_000
  assert(hours_left > 47 && hours_left <= 48, `${hours_left}`)

  const sixth = await api.send('POST', path, {})
  assert.equal(sixth.status, 409)
  assert.match(String(sixth.body['detail']), /five.*overlap_hours 0/s)

  const last = await api.ok('POST', path, { overlap_hours: 0 })
  assert.equal(last['previous_secret_until'], null)
  await publish(api)
  const [, only] = await arrivalsAt('rolled-often', 2)
  assert(only)
  verifyBoth(only, last['secret'])
  for (const secret of known) assert.throws(() => verifyBoth(only, secret))
})

test('an old secret stops at the end of its own overlap, whatever the others have left, and is forgotten', async () => {
  const api = await product.newTenant()
  const { id, secret: first } = await subscribe(api, 'rolled-apart')
  const path = `/v1/subscriptions/${id}/secret/rotate`
  const second = await api.ok('POST', path, { overlap_hours: 1 })
  const third = await api.ok('POST', path, { overlap_hours: 48 })
  const { pool } = product.app.db.owner
  await pool.query(
    `update subscription set previous_secrets = jsonb_set(previous_secrets, '{0,until}', to_jsonb(now() - interval '1 s'))
      where tenant_id = $1`,
    [fromWire('tenant', api.tenant_id)],
  )
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { description: 'read anew' })
  await publish(api)
  const [arrival] = await arrivalsAt('rolled-apart', 1)
  assert(arrival)
  verifyBoth(arrival, second['secret'])
  verifyBoth(arrival, third['secret'])
  assert.throws(() => verifyBoth(arrival, first))
  await forgetPreviousSecrets(product.app)
  const { rows } = await pool.query(
    'select jsonb_array_length(previous_secrets) as kept, previous_secret_until from subscription where tenant_id = $1',
    [fromWire('tenant', api.tenant_id)],
  )
  assert.equal(rows[0].kept, 1)
  assert(rows[0].previous_secret_until > new Date())
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
  const anew = await api.ok('POST', `/v1/subscriptions/${id}/secret/rotate`, { overlap_hours: 1 })
  assert.match(String(anew['secret']), /^whpk_/, 'a secret of the kind of the one before it')
  assert.notEqual(anew['secret'], secret)
  const shared = await api.ok('POST', `/v1/subscriptions/${id}/secret/rotate`, { signature: 'v1' })
  await publish(api)
  const [, both] = await arrivalsAt('pair', 2)
  assert(both && verifyV1a(both, secret))
  verifyBoth(both, shared['secret'])
  const given = { signature: 'v1a', secret: String(shared['secret']) }
  const refused = await api.send('POST', `/v1/subscriptions/${id}/secret/rotate`, given)
  assert.deepEqual([refused.status, refused.body['field']], [400, 'secret'])
})
