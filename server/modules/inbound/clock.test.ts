import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import Stripe from 'stripe'
import { type Product, startProduct } from '../../test/product.ts'

/** What was refused because our own clock was wrong, taken in once somebody says by how much. */
let product: Product
before(async () => {
  product = await startProduct()
})

const SECRET = 'whsec_of_the_clock'
const HOUR_S = 3_600

/** As of a sender whose clock is so many seconds apart from ours. */
async function post(url: unknown, id: string, apart_s: number, secret = SECRET): Promise<number> {
  const payload = JSON.stringify({ id, object: 'event', type: 'charge.updated', data: { object: {} } })
  const timestamp = Math.floor(Date.now() / 1000) + apart_s
  const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp })
  const headers = { 'content-type': 'application/json', 'stripe-signature': signature }
  return (await fetch(String(url), { method: 'POST', headers, body: payload })).status
}

const newSource = () =>
  product.api.ok('POST', '/v1/sources', { provider: 'stripe', name: 'Late', secrets: [SECRET] })
const quarantineOf = (source: unknown) => product.api.list(`/v1/quarantine?source_id=${source}`)

test('what our clock refused is taken in by the clock that was right, on record, and a forgery by none', async () => {
  const { id, url } = await newSource()
  assert.equal(await post(url, 'evt_genuine', -HOUR_S), 401)
  assert.equal(await post(url, 'evt_forged', -HOUR_S, 'whsec_of_a_forger'), 401)
  const [forged, genuine] = await quarantineOf(id)
  assert.deepEqual([genuine?.['reason'], forged?.['reason']], ['too_old', 'bad_signature'])
  const release = (one: unknown, body?: unknown) =>
    product.api.send('POST', `/v1/quarantine/${one}/release`, body)
  const told = await release(genuine?.['id'])
  assert.equal(told.status, 409)
  assert.match(String(told.body['detail']), /clock_ahead_s/)
  assert.equal((await release(genuine?.['id'], { clock_ahead_s: -HOUR_S })).status, 409)
  assert.equal((await release(forged?.['id'], { clock_ahead_s: HOUR_S })).status, 409)
  assert.equal((await release(genuine?.['id'], { clock_ahead_s: 15 * 24 * HOUR_S })).status, 400)
  assert.equal((await release(genuine?.['id'], { clock_ahead_s: HOUR_S })).body['status'], 'received')
  const [record] = await product.api.list('/v1/audit?action=quarantine.release')
  assert.partialDeepStrictEqual(record?.['detail'], { clock_ahead_s: HOUR_S })
})

test('all of a source is taken in by the clock that was right, and what came twice once', async () => {
  const { id, url } = await newSource()
  for (const one of ['evt_a', 'evt_b', 'evt_a']) assert.equal(await post(url, one, HOUR_S), 401)
  assert.equal(await post(url, 'evt_c', HOUR_S, 'whsec_of_a_forger'), 401)
  const path = `/v1/sources/${id}/release`
  assert.deepEqual((await product.api.ok('POST', path))['released'], 0)
  const { released, refused } = await product.api.ok('POST', path, { clock_ahead_s: -HOUR_S })
  assert.deepEqual([released, refused], [3, 1])
  const keys = (await product.api.list(`/v1/messages?source_id=${id}`)).map((one) => one['event_key'])
  assert.deepEqual(keys.sort(), ['evt_a', 'evt_b'])
})
