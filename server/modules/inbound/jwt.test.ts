import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { fromWire } from '../../platform/ids.ts'
import { type Json, type Product, startProduct } from '../../test/product.ts'

/** Tokens prove who signed them; for whom they were given the source has to say. */
let product: Product
before(async () => {
  product = await startProduct()
})

const SECRET = 'a-secret-of-32-bytes-for-hmac-256'
const SIGNED = { signature: 'jwt', signature_header: 'x-token' }
const sourceOf = (settings: Json, secrets = [SECRET]) =>
  product.api.send('POST', '/v1/sources', { provider: 'http', name: 'Tokens', settings, secrets })

async function post(url: unknown, claims: Json): Promise<number> {
  const part = (value: Json) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const iat = Math.floor(Date.now() / 1000)
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ iat, exp: iat + 60, ...claims })}`
  const token = `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`
  const headers = { 'content-type': 'application/json', 'x-token': token }
  return (await fetch(String(url), { method: 'POST', headers, body: '{}' })).status
}

test('a source of tokens names the issuer or the audience, and takes no token given to another', async () => {
  for (const secrets of [[SECRET], undefined]) {
    const { status, body } = await sourceOf(SIGNED, secrets)
    assert.deepEqual([status, body['field']], [422, 'settings.audience'])
    assert.match(String(body['detail']), /no issuer/)
  }
  assert.equal((await sourceOf({ ...SIGNED, issuer: 'https://login.example.com' })).status, 201)
  const { body } = await sourceOf({ ...SIGNED, audience: 'us' })
  assert.equal(await post(body['url'], { aud: 'us' }), 200)
  assert.equal(await post(body['url'], { aud: 'others' }), 401)
})

test('one from before that names neither goes on, until its settings are set', async () => {
  const { body: source } = await sourceOf({ ...SIGNED, audience: 'us' })
  const { id, url } = source
  await sql`update source set settings = settings - 'audience' where id = ${fromWire('source', String(id))}`.execute(
    product.app.db.owner,
  )
  const path = `/v1/sources/${id}`
  assert.equal((await product.api.send('PATCH', path, { name: 'Older' })).status, 200)
  assert.equal(await post(url, { aud: 'anybody' }), 200)
  assert.equal((await product.api.send('PATCH', path, { settings: SIGNED })).status, 422)
  assert.equal(
    (await product.api.send('PATCH', path, { settings: { ...SIGNED, audience: 'us' } })).status,
    200,
  )
  assert.equal(await post(url, { aud: 'anybody' }), 401)
})
