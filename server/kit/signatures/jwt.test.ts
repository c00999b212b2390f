import assert from 'node:assert/strict'
import { createHash, createHmac, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { SignJWT } from 'jose'
import { selfSigned } from '../../sandbox/hooks/certificate.ts'
import { jwt, type VerifyInput, verify } from '../signatures.ts'

const now = new Date('2026-01-02T15:00:00Z')
const seconds = now.getTime() / 1000
const scheme = jwt({ header: 'x-token' })
const judged = (token: string, secrets: readonly string[], more: Partial<VerifyInput> = {}, by = scheme) => {
  const headers = { 'x-token': token }
  const verified = verify(by, { headers, body: Buffer.from('{"a":1}'), secrets, now, ...more })
  return verified.ok ? 'accepted' : verified.reason
}
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const hs256 = (claims: unknown, key: string, head: object = { alg: 'HS256', typ: 'JWT' }) => {
  const signed = `${part(head)}.${part(claims)}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}

// RFC 7515, appendices A.1 and A.3: the same claims, with exp 1300819380.
const CLAIMS =
  'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
const RFC_HS256 = {
  token: `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${CLAIMS}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`,
  key: '{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}',
}
const RFC_ES256 = {
  token: `eyJhbGciOiJFUzI1NiJ9.${CLAIMS}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`,
  key: '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}',
}

test("the RFC's own tokens verify in their time, and are too old now", () => {
  const then = { now: new Date(1300819380_000) }
  for (const { token, key } of [RFC_HS256, RFC_ES256]) {
    assert.equal(judged(token, [key], then), 'accepted')
    assert.equal(judged(token, [`{"keys":[{"kty":"unknown"},${key}]}`], then), 'accepted')
    assert.equal(judged(token, [key]), 'too_old')
    assert.equal(judged(`${token.slice(0, -6)}AAAAAA`, [key], then), 'bad_signature')
  }
  assert.equal(judged(RFC_ES256.token, [RFC_HS256.key], then), 'bad_signature')
})

test('what jose signs verifies with keys of its own kind, given as PEM or by the kid of a JWK Set', async () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pairs = [
    ['RS256', rsa],
    ['PS256', rsa],
    ['PS384', rsa],
    ['PS512', rsa],
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['ES384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['ES512', generateKeyPairSync('ec', { namedCurve: 'P-521' })],
    ['EdDSA', generateKeyPairSync('ed25519')],
  ] as const
  const set = pairs.map(([kid, { publicKey }]) => ({ ...publicKey.export({ format: 'jwk' }), kid }))
  for (const [alg, { privateKey, publicKey }] of pairs) {
    const made = (head: object) =>
      new SignJWT({ iat: seconds }).setProtectedHeader({ alg, ...head }).sign(privateKey)
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    assert.equal(judged(await made({ kid: alg }), [JSON.stringify({ keys: set })]), 'accepted', alg)
    assert.equal(
      judged(await made({ kid: 'another' }), [JSON.stringify({ keys: set })]),
      'bad_signature',
      alg,
    )
    const bare = pem.replace(/-----[A-Z ]+-----/g, '').trim()
    const in_one_line = bare.replaceAll('\n', '')
    for (const key of [pem, bare, in_one_line]) {
      assert.equal(judged(await made({}), [key]), 'accepted', alg)
      assert.equal(judged(hs256({ iat: seconds }, key), [key]), 'bad_signature', `${alg} as a shared secret`)
    }
  }
})

test('a certificate alone is a public key too, and a shared secret that looks like one is still itself', async () => {
  const { pem, key } = selfSigned('signer.example')
  const bare = pem.replace(/-----[A-Z ]+-----/g, '')
  const token = await new SignJWT({ iat: seconds }).setProtectedHeader({ alg: 'RS256' }).sign(key)
  assert.equal(judged(token, [bare]), 'accepted')
  assert.equal(judged(hs256({ iat: seconds }, bare.trim()), [bare]), 'bad_signature')
  const secret = `MII${'x'.repeat(40)}`
  assert.equal(judged(hs256({ iat: seconds }, secret), [secret]), 'accepted')
})

test('a token that says it is not signed, or what nobody here understands, is refused', () => {
  const claims = part({ iat: seconds })
  assert.equal(judged(`${part({ alg: 'none' })}.${claims}.`, ['key']), 'bad_signature')
  assert.equal(judged(`${part({ alg: 'constructor' })}.${claims}.AAAA`, ['key']), 'bad_signature')
  assert.equal(judged(hs256({ iat: seconds }, 'key', { alg: 'HS256', crit: ['x'] }), ['key']), 'malformed')
  assert.equal(judged(`${part({ alg: 'HS256' })}.${claims}`, ['key']), 'malformed')
  assert.equal(judged('x.y.z', ['key']), 'malformed')
  assert.equal(judged(hs256({ iat: seconds }, 'key'), ['-----BEGIN PUBLIC KEY-----', '{', ' ']), 'no_secret')
  assert.equal(judged(hs256({ iat: seconds }, ''), ['']), 'no_secret')
})

test('time is told apart from forgery: iat, nbf and exp', () => {
  const at = (claims: object, key = 'key') => judged(hs256(claims, key), ['key'])
  assert.equal(at({ iat: seconds - 299 }), 'accepted')
  assert.equal(at({ iat: seconds - 302 }), 'too_old')
  assert.equal(at({ iat: seconds - 3000, exp: seconds + 600 }), 'accepted')
  assert.equal(at({ iat: seconds - 10, exp: seconds - 61 }), 'too_old')
  assert.equal(at({ iat: seconds + 90 }), 'too_new')
  assert.equal(at({ exp: seconds + 900, nbf: seconds + 90 }), 'too_new')
  assert.equal(at({ sub: 'timeless' }), 'malformed')
  assert.equal(at({ iat: seconds - 302 }, 'forged'), 'bad_signature')
})

test('issuer, audience and the hash of the body must be as set', () => {
  const by = jwt({
    header: 'x-token',
    prefix: 'Bearer ',
    issuer: 'acorn',
    audience: 'us',
    body_hash: 'request_body_sha256',
  })
  const hash = createHash('sha256').update('{"a":1}').digest('hex')
  const whole = { iat: seconds, iss: 'acorn', aud: ['them', 'us'], request_body_sha256: hash }
  const at = (claims: object, more: Partial<VerifyInput> = {}) =>
    judged(`bearer ${hs256(claims, 'key')}`, ['other', 'key'], more, by)
  assert.equal(at(whole), 'accepted')
  assert.equal(at({ ...whole, aud: 'us' }), 'accepted')
  assert.equal(at({ ...whole, aud: 'them' }), 'bad_signature')
  assert.equal(at({ ...whole, aud: undefined }), 'bad_signature')
  assert.equal(at({ ...whole, iss: 'oak' }), 'bad_signature')
  assert.equal(at({ ...whole, request_body_sha256: undefined }), 'malformed')
  assert.equal(at(whole, { body: Buffer.from('{"a":2}') }), 'bad_signature')
  assert.equal(judged(hs256(whole, 'key'), ['key'], {}, by), 'malformed')
})

test('any text in the header is refused without throwing', () => {
  const text = fc.string({ unit: 'binary', maxLength: 60 })
  const token = fc.oneof(
    text,
    fc
      .tuple(text, text, text)
      .map((three) => three.map((one) => Buffer.from(one).toString('base64url')).join('.')),
    fc.tuple(fc.jsonValue(), fc.jsonValue()).map(([head, claims]) => `${part(head)}.${part(claims)}.AAAA`),
    fc.jsonValue().map((claims) => `${part({ alg: 'HS256' })}.${part(claims)}.AAAA`),
  )
  fc.assert(
    fc.property(token, (given) => assert.notEqual(judged(given, ['a secret', RFC_ES256.key]), 'accepted')),
    { numRuns: 300 },
  )
})
