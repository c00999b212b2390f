import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import Stripe from 'stripe'
import {
  hmac,
  isWebhookSecret,
  newWebhookKeyPair,
  newWebhookSecret,
  type SignatureScheme,
  signStandardWebhook,
  standardWebhooks,
  stripeSignature,
  verify,
} from './signatures.ts'

const now = new Date('2026-01-02T15:00:00Z')
const seconds = now.getTime() / 1000
const secret = 'whsec_test_secret'
const reasonOf = (...given: Parameters<typeof verify>) => {
  const verified = verify(...given)
  return verified.ok ? 'accepted' : verified.reason
}
const stripeHeader = (payload: string, key = secret, timestamp = seconds) =>
  Stripe.webhooks.generateTestHeaderString({ payload, secret: key, timestamp })
const bodies = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes))

test("what Stripe's own library signs is accepted, whatever the text", () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (payload) => {
      const headers = { 'stripe-signature': stripeHeader(payload) }
      return verify(stripeSignature(), { headers, body: Buffer.from(payload), secrets: [secret], now }).ok
    }),
  )
})

test('Stripe: a rolled secret verifies beside the new one, on both sides', () => {
  const [, second] = stripeHeader('{}', 'whsec_new').split(',')
  const headers = { 'stripe-signature': `${stripeHeader('{}', 'whsec_old')},${second},v0=00` }
  const body = Buffer.from('{}')
  for (const secrets of [['whsec_old'], ['whsec_new'], ['whsec_other', 'whsec_new']]) {
    assert.equal(reasonOf(stripeSignature(), { headers, body, secrets, now }), 'accepted')
  }
  assert.equal(reasonOf(stripeSignature(), { headers, body, secrets: ['whsec_other'], now }), 'bad_signature')
})

test('Stripe: skew is told apart from forgery, both ways', () => {
  const at = (timestamp: number, key = secret) =>
    reasonOf(stripeSignature(), {
      headers: { 'stripe-signature': stripeHeader('{}', key, timestamp) },
      body: Buffer.from('{}'),
      secrets: [secret],
      now,
    })
  assert.equal(at(seconds - 299), 'accepted')
  assert.equal(at(seconds - 302), 'too_old')
  assert.equal(at(seconds + 302), 'too_new')
  assert.equal(at(seconds - 302, 'whsec_forged'), 'bad_signature')
})

test('Stripe: each way of being no signature has its reason', () => {
  const of = (value: string | string[] | undefined, secrets = [secret]) =>
    reasonOf(stripeSignature(), {
      headers: { 'stripe-signature': value },
      body: Buffer.from('{}'),
      secrets,
      now,
    })
  const good = stripeHeader('{}')
  assert.equal(of(undefined), 'missing_header')
  assert.equal(of(''), 'missing_header')
  assert.equal(of([good, good]), 'malformed')
  assert.equal(of(`${good},t=1`), 'malformed')
  assert.equal(of('v1=00'), 'malformed')
  assert.equal(of(`t=${seconds}`), 'malformed')
  assert.equal(of(`t=${seconds},v0=00`), 'malformed')
  assert.equal(of('x'.repeat(5000)), 'malformed')
  assert.equal(of(good, []), 'no_secret')
  assert.equal(of(good, ['', ' ']), 'no_secret')
  assert.equal(of(good.slice(0, -1)), 'bad_signature')
  assert.equal(of(good.toUpperCase().replace('T=', 't=').replace('V1=', 'v1=')), 'bad_signature')
})

test('an empty secret signs for nobody', () => {
  const v1 = createHmac('sha256', '').update(`${seconds}.{}`).digest('hex')
  const headers = { 'stripe-signature': `t=${seconds},v1=${v1}` }
  assert.equal(
    reasonOf(stripeSignature(), { headers, body: Buffer.from('{}'), secrets: [''], now }),
    'no_secret',
  )
})

test('what we sign the reference library of Standard Webhooks verifies, and the other way round', () => {
  const today = new Date()
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const key = newWebhookSecret()
      const timestamp = String(Math.floor(today.getTime() / 1000))
      const id = 'msg_2x'
      const body = Buffer.from(text)
      const ours = signStandardWebhook({ secrets: [newWebhookSecret(), key], id, timestamp: today, body })
      const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': ours }
      new Webhook(key).verify(body, headers, { jsonParse: false })
      const theirs = new Webhook(key).sign(id, today, body.toString())
      const given = { headers: { ...headers, 'webhook-signature': theirs }, body, secrets: [key], now: today }
      return verify(standardWebhooks(), given).ok
    }),
    { numRuns: 50 },
  )
})

test('Standard Webhooks: v1a is verified by the public half alone', () => {
  const pair = newWebhookKeyPair()
  const other = newWebhookKeyPair()
  const body = Buffer.from('{"type":"order.paid"}')
  const headers = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(seconds),
    'webhook-signature': signStandardWebhook({ secrets: [pair.secret], id: 'msg_1', timestamp: now, body }),
  }
  const scheme = standardWebhooks()
  assert.equal(reasonOf(scheme, { headers, body, secrets: [pair.public], now }), 'accepted')
  assert.equal(reasonOf(scheme, { headers, body, secrets: [other.public, pair.public], now }), 'accepted')
  assert.equal(reasonOf(scheme, { headers, body, secrets: [other.public], now }), 'bad_signature')
  assert.equal(
    reasonOf(scheme, { headers, body: Buffer.from('{}'), secrets: [pair.public], now }),
    'bad_signature',
  )
  assert.equal(reasonOf(scheme, { headers, body, secrets: ['whpk_short'], now }), 'no_secret')
})

test("Standard Webhooks: the specification's own example verifies", () => {
  const body = Buffer.from('{"test": 2432232314}')
  const headers = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  }
  const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']
  assert.equal(
    reasonOf(standardWebhooks(), { headers, body, secrets, now: new Date(1614265330_000) }),
    'accepted',
  )
  assert.equal(reasonOf(standardWebhooks(), { headers, body, secrets, now }), 'too_old')
})

test('Standard Webhooks: secrets are 24 to 64 bytes of base64, an id holds no dot', () => {
  assert(isWebhookSecret(newWebhookSecret()))
  assert(isWebhookSecret(newWebhookKeyPair().secret))
  for (const bad of [
    '',
    'whsec_',
    'whsec_!!!',
    'whsec_c2hvcnQ=',
    'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    'whpk_AAAA',
  ]) {
    assert(!isWebhookSecret(bad), bad)
    assert.throws(() => signStandardWebhook({ secrets: [bad], id: 'msg_1', timestamp: now, body: '' }))
  }
  assert.throws(() => signStandardWebhook({ secrets: [], id: 'msg.1', timestamp: now, body: '' }), /dot/)
})

test('HMAC: every algorithm, encoding, prefix and timestamp verifies', () => {
  const signs = fc.constantFrom(
    '{body}',
    '{timestamp}.{body}',
    'v0:{timestamp}:{body}',
    '{id}.{timestamp}.{body}',
  )
  const algorithm = fc.constantFrom('sha1' as const, 'sha256' as const, 'sha512' as const)
  const encoding = fc.constantFrom('hex' as const, 'base64' as const)
  fc.assert(
    fc.property(signs, algorithm, encoding, bodies, (text, algorithm, encoding, body) => {
      const timed = text.includes('{timestamp}')
      const named = text.includes('{id}')
      const scheme = hmac({
        header: 'x-signature',
        algorithm,
        encoding,
        prefix: 'sig=',
        signs: text,
        timestamp_header: timed ? 'x-time' : null,
        id_header: named ? 'x-id' : null,
      })
      const [head = ''] = text.replace('{timestamp}', String(seconds)).replace('{id}', 'a1').split('{body}')
      const signature = createHmac(algorithm, 'key').update(head).update(body).digest(encoding)
      const headers = { 'x-signature': `sig=${signature}`, 'x-time': String(seconds), 'x-id': 'a1' }
      const given = { headers, body, secrets: ['key'], now }
      assert.equal(reasonOf(scheme, given), 'accepted')
      assert.equal(reasonOf(scheme, { ...given, secrets: ['other'] }), 'bad_signature')
      assert.equal(
        reasonOf(scheme, { ...given, headers: { ...headers, 'x-signature': signature } }),
        'malformed',
      )
      if (!timed) return
      assert.equal(reasonOf(scheme, { ...given, now: new Date(now.getTime() + 400_000) }), 'too_old')
      assert.equal(
        reasonOf(scheme, { ...given, headers: { ...headers, 'x-time': undefined } }),
        'missing_header',
      )
    }),
  )
})

test('HMAC: a timestamp that is not signed is refused as a scheme', () => {
  assert.throws(() => hmac({ header: 'x', timestamp_header: 'x-time' }), /signs must hold {timestamp}/)
  assert.throws(() => hmac({ header: 'x', signs: '{timestamp}.{body}' }), /signs must hold {timestamp}/)
  assert.throws(() => hmac({ header: 'x', signs: '{id}{body}' }), /signs must hold {id}/)
  assert.throws(() => hmac({ header: 'x', signs: 'nothing' }), /{body}/)
})

test('HMAC: a secret that is only in part what it is said to be is none, and no key of its first byte', () => {
  const body = Buffer.from('{}')
  for (const [secret_encoding, secret, half] of [
    ['hex', 'ab:cd:ef', 'ab'],
    ['hex', 'abc', 'ab'],
    ['base64', 'q80=q80=', 'q80='],
  ] as const) {
    const by = createHmac('sha256', Buffer.from(half, secret_encoding)).update(body).digest('hex')
    const given = { headers: { 'x-signature': by }, body, now, secrets: [secret] }
    const verdict = verify(hmac({ header: 'x-signature', secret_encoding }), given)
    assert(!verdict.ok && verdict.reason === 'no_secret', secret)
  }
})

const SCHEMES: SignatureScheme[] = [
  stripeSignature(),
  standardWebhooks(),
  hmac({ header: 'stripe-signature', signs: '{timestamp}.{body}', timestamp_header: 'webhook-timestamp' }),
  hmac({ header: 'webhook-signature', encoding: 'base64', secret_encoding: 'base64' }),
]

test('any bytes in any header are refused without throwing', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.string()),
    fc.constant(undefined),
    fc.string().map((text) => `t=${seconds},v1=${text}`),
    fc.string().map((text) => `v1,${text} v1a,${text}`),
    fc.base64String({ minLength: 88, maxLength: 88 }).map((text) => `v1a,${text}`),
  )
  const headers = fc.record({
    'stripe-signature': value,
    'webhook-id': value,
    'webhook-timestamp': fc.oneof(value, fc.constant(String(seconds))),
    'webhook-signature': value,
  })
  const secrets = fc.array(
    fc.oneof(fc.string(), fc.constant(newWebhookSecret()), fc.constant(newWebhookKeyPair().public)),
  )
  fc.assert(
    fc.property(fc.constantFrom(...SCHEMES), headers, bodies, secrets, (scheme, headers, body, secrets) => {
      assert.notEqual(reasonOf(scheme, { headers, body, secrets, now }), 'accepted')
    }),
    { numRuns: 500 },
  )
})

test('any changed byte of the body is refused', () => {
  const key = newWebhookSecret()
  const pair = newWebhookKeyPair()
  fc.assert(
    fc.property(bodies, fc.nat(), fc.integer({ min: 1, max: 255 }), (body, place, change) => {
      const changed = Buffer.from(body)
      const at = place % body.length
      changed[at] = (changed[at] ?? 0) ^ change
      const v1 = createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex')
      const headers = {
        'stripe-signature': `t=${seconds},v1=${v1}`,
        'webhook-id': 'msg_1',
        'webhook-timestamp': String(seconds),
        'webhook-signature': signStandardWebhook({
          secrets: [key, pair.secret],
          id: 'msg_1',
          timestamp: now,
          body,
        }),
      }
      for (const [scheme, secrets] of [
        [stripeSignature(), [secret]],
        [standardWebhooks(), [key]],
        [standardWebhooks(), [pair.public]],
      ] as const) {
        assert.equal(reasonOf(scheme, { headers, body, secrets, now }), 'accepted')
        assert.equal(reasonOf(scheme, { headers, body: changed, secrets, now }), 'bad_signature')
      }
    }),
  )
})

test('a source that is not signed says so and is taken as it is', () => {
  const scheme = { kind: 'none' as const, because: 'the vendor signs nothing' }
  assert.equal(reasonOf(scheme, { headers: {}, body: Buffer.alloc(0), secrets: [], now }), 'accepted')
})
