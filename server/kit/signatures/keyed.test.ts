import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { rootCertificates } from 'node:tls'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { SignJWT } from 'jose'
import { selfSigned } from '../../sandbox/hooks/certificate.ts'
import { jwt, mutualTls, paypalSignature, snsSignature, type VerifyInput, verify } from '../signatures.ts'
import { isTrusted, readCertificates } from './certificates.ts'

/** Schemes whose keys are the vendor's to publish: what was fetched is handed in, so that all here is pure. */
const now = new Date()
const seconds = Math.floor(now.getTime() / 1000)
type Scheme = Parameters<typeof verify>[0]
const judge = (scheme: Scheme, input: Partial<VerifyInput>) =>
  verify(scheme, { headers: {}, body: Buffer.alloc(0), secrets: [], now, ...input })
const reasonOf = (scheme: Scheme, input: Partial<VerifyInput>) => {
  const verdict = judge(scheme, input)
  return verdict.ok ? 'accepted' : verdict.reason
}

const plaid = jwt({
  header: 'plaid-verification',
  algorithms: ['ES256'],
  body_hash: 'request_body_sha256',
  keys: { from: 'connection', path: '/key/get', kid_field: 'key_id', unknown: 'NO_SUCH_KEY' },
})
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const published = (kid: string, more: object = {}) =>
  JSON.stringify({ key: { ...pair.publicKey.export({ format: 'jwk' }), kid, expired_at: null, ...more } })

/** Signed by jose, as Plaid's own examples verify with it. */
async function fromPlaid(body: string, { iat = seconds, kid = 'k1', alg = 'ES256' } = {}) {
  const request_body_sha256 = createHash('sha256').update(body).digest('hex')
  const token = await new SignJWT({ request_body_sha256, iat })
    .setProtectedHeader({ alg, kid, typ: 'JWT' })
    .sign(pair.privateKey)
  return { headers: { 'plaid-verification': token }, body: Buffer.from(body) }
}

test('Plaid: without the key there is no verdict, and what is missing is named', async () => {
  const given = await fromPlaid('{}')
  const verdict = judge(plaid, given)
  assert(!verdict.ok && verdict.reason === 'no_key')
  const from = { kind: 'connection', path: '/key/get', body: { key_id: 'k1' }, unknown: 'NO_SUCH_KEY' }
  assert.deepEqual(verdict.need, { name: '/key/get#k1', from })
  const fetched = new Map([[verdict.need.name, published('k1')]])
  assert.equal(reasonOf(plaid, { ...given, fetched }), 'accepted')
})

test('Plaid: five minutes is the age, the algorithm is ES256, and an ended key signs nothing', async () => {
  const fetched = new Map([['/key/get#k1', published('k1')]])
  const at = async (iat: number) => reasonOf(plaid, { ...(await fromPlaid('{}', { iat })), fetched })
  assert.equal(await at(seconds - 299), 'accepted')
  assert.equal(await at(seconds - 305), 'too_old')
  assert.equal(await at(seconds + 305), 'too_new')
  const given = await fromPlaid('{"a":1}')
  assert.equal(reasonOf(plaid, { ...given, fetched, body: Buffer.from('{"a":2}') }), 'bad_signature')
  const ended = new Map([['/key/get#k1', published('k1', { expired_at: 1 })]])
  assert.equal(reasonOf(plaid, { ...given, fetched: ended }), 'no_key')
  const none = Buffer.from('{"alg":"none","kid":"k1"}').toString('base64url')
  const [, claims] = given.headers['plaid-verification'].split('.')
  const headers = { 'plaid-verification': `${none}.${claims}.` }
  assert.equal(reasonOf(plaid, { ...given, headers, fetched }), 'malformed')
})

test('a key that is published as a shared secret is no key: everybody knows it', async () => {
  const secret = { kty: 'oct', k: Buffer.from('public').toString('base64url') }
  const scheme = jwt({ header: 'x', keys: { from: 'set', url: 'https://keys.example/jwks' } })
  const token = await new SignJWT({ iat: seconds })
    .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
    .sign(Buffer.from('public'))
  const fetched = new Map([
    ['https://keys.example/jwks', JSON.stringify({ keys: [{ ...secret, kid: 'k1' }] })],
  ])
  assert.equal(reasonOf(scheme, { headers: { x: token }, fetched }), 'no_key')
})

const issued = selfSigned('messageverificationcerts.paypal.com')
const LIVE = 'https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270'

/** developer.paypal.com/api/rest/webhooks/rest: id, time, webhook and the CRC-32 in decimal. */
function fromPayPal(body: string, cert_url: string, webhook_id = 'WH1') {
  const signed = `b-1|2026-01-02T15:00:00Z|${webhook_id}|${crc32(body)}`
  const headers = {
    'paypal-transmission-id': 'b-1',
    'paypal-transmission-time': '2026-01-02T15:00:00Z',
    'paypal-transmission-sig': sign('sha256', Buffer.from(signed), issued.key).toString('base64'),
    'paypal-auth-algo': 'SHA256withRSA',
    'paypal-cert-url': cert_url,
  }
  return { headers, body: Buffer.from(body) }
}

test('PayPal: a certificate is taken from an address of PayPal alone', () => {
  const other = 'https://api.paypal.com.example.com/v1/notifications/certs/CERT-1'
  const scheme = paypalSignature('WH1')
  for (const url of [
    other,
    LIVE.replace('https', 'http'),
    LIVE.replace('api.', 'api@evil.'),
    LIVE.replace('/v1/notifications/certs', '/other'),
    LIVE.replace('certs/', 'certs/../../'),
    `${LIVE}?x=1`,
    LIVE.replace('.com/', '.com:444/'),
    'http://169.254.169.254/latest',
    'no address',
  ]) {
    const fetched = new Map([[url, issued.pem]])
    assert.equal(reasonOf(scheme, { ...fromPayPal('{}', url), fetched }), 'bad_signature', url)
  }
  assert.equal(reasonOf(scheme, fromPayPal('{}', LIVE)), 'no_key')
})

test('PayPal: a certificate in its name that no root stands behind is refused', () => {
  const fetched = new Map([[LIVE, issued.pem]])
  const verdict = judge(paypalSignature('WH1'), { ...fromPayPal('{}', LIVE), fetched })
  assert(!verdict.ok && verdict.reason === 'bad_signature' && /not one that PayPal/.test(verdict.detail))
})

test('PayPal: the message of another webhook, and one by another certificate, are refused', () => {
  const base = 'https://sandbox.example.com/'
  const url = `${base}cert`
  const scheme = paypalSignature('WH1', base)
  const fetched = new Map([[url, issued.pem]])
  assert.equal(reasonOf(scheme, { ...fromPayPal('{}', url), fetched }), 'accepted')
  assert.equal(reasonOf(scheme, { ...fromPayPal('{}', url, 'WH2'), fetched }), 'bad_signature')
  const others = new Map([[url, selfSigned('messageverificationcerts.paypal.com').pem]])
  assert.equal(reasonOf(scheme, { ...fromPayPal('{}', url), fetched: others }), 'bad_signature')
  assert.equal(
    reasonOf(scheme, { ...fromPayPal('{}', url), fetched, now: new Date(now.getTime() + 40 * 86_400_000) }),
    'bad_signature',
  )
})

test('a chain leads to a root by authorities that are of this time, or it is not trusted', () => {
  const [root] = readCertificates(rootCertificates[0] ?? '')
  const [stranger] = readCertificates(issued.pem)
  assert(root && stranger)
  const then = new Date(root.validFromDate.getTime() + 1000)
  assert(isTrusted([root], then, [root]))
  assert(!isTrusted([root], new Date(root.validFromDate.getTime() - 1000), [root]))
  assert(!isTrusted([root], then, []))
  assert(!isTrusted([stranger], now, [stranger]), 'what is no authority issues nothing, not even itself')
  assert(!isTrusted([stranger, root], now, [root]))
  assert(!isTrusted([], now, [root]))
})

type Fixture = { headers: Record<string, string>; body: string; fetched: Record<string, string>; now: string }
const fixtures = JSON.parse(
  readFileSync(new URL('../../providers/aws_sns/fixtures/webhooks.json', import.meta.url), 'utf8'),
) as Fixture[]

// The fixtures were also accepted by Amazon's own library, the npm package sns-validator 0.3.5.
test('Amazon SNS: both versions verify, and no other topic, version, certificate or text does', () => {
  const topic = 'arn:aws:sns:sa-east-1:123456789012:orders'
  for (const { body, fetched, now: signed } of fixtures) {
    const given = {
      body: Buffer.from(body),
      fetched: new Map(Object.entries(fetched)),
      now: new Date(signed),
    }
    const changed = (from: string, to: string) => ({ ...given, body: Buffer.from(body.replace(from, to)) })
    const of = (input: typeof given, topics = [topic]) => reasonOf(snsSignature(topics), input)
    assert.equal(of(given), 'accepted')
    assert.equal(of(given, [`${topic}2`]), 'bad_signature')
    assert.equal(of(given, []), 'bad_signature')
    assert.equal(of({ ...given, fetched: new Map() }), 'no_key')
    assert.equal(of(changed('123456789012:orders', '123456789012:others'), [topic]), 'bad_signature')
    assert.equal(of(changed('"SignatureVersion":"', '"SignatureVersion":"3')), 'malformed')
    assert.equal(
      of(changed('https://sns.sa-east-1.amazonaws.com/Simple', 'https://evil.com/Simple')),
      'bad_signature',
    )
    assert.equal(
      of(changed('sns.sa-east-1.amazonaws.com/Simple', 'sns.evil.amazonaws.com.evil.com/Simple')),
      'bad_signature',
    )
    assert.equal(of({ ...given, body: Buffer.from('{"raw":"delivery"}') }), 'malformed')
  }
})

test('Amazon SNS: what somebody publishes to a topic of theirs is not read as of another topic', () => {
  const topic = 'arn:aws:sns:sa-east-1:123456789012:orders'
  const { pem, key } = selfSigned('sns.amazonaws.com')
  const SigningCertURL = 'https://sns.sa-east-1.amazonaws.com/cert.pem'
  const signedAs = (members: Record<string, string>, envelope: Record<string, string>) => {
    const lines = Object.entries(members).map(([name, value]) => `${name}\n${value}\n`)
    const Signature = sign('sha256', Buffer.from(lines.join('')), key).toString('base64')
    const body = Buffer.from(
      JSON.stringify({ ...envelope, SignatureVersion: '2', SigningCertURL, Signature }),
    )
    return reasonOf(snsSignature([topic]), { body, fetched: new Map([[SigningCertURL, pem]]) })
  }
  const wanted = { Message: 'pay', MessageId: 'm1', Timestamp: '2026-01-02T15:00:00Z', TopicArn: topic }
  const genuine = { ...wanted, Type: 'Notification' }
  assert.equal(signedAs(genuine, genuine), 'accepted')
  const their_text = [
    'pay',
    ...Object.entries({ ...wanted, Type: 'x' })
      .slice(1)
      .flat(),
  ].join('\n')
  const theirs = {
    ...{ Message: their_text, MessageId: 'm2', Timestamp: '2026-01-02T15:00:00Z' },
    ...{ TopicArn: 'arn:aws:sns:sa-east-1:999999999999:theirs', Type: 'Notification' },
  }
  const rest = Object.entries(theirs).slice(1).flat()
  assert.equal(signedAs(theirs, { ...wanted, Type: ['x', ...rest].join('\n') }), 'malformed')
})

test('mutual TLS: a subject is believed from the proxy alone, in any of its spellings', () => {
  const subject = 'CN=pix.banco.example,O=Banco Exemplo,C=BR'
  const scheme = mutualTls('x-client-subject', [subject, 'CN=other.example'], 'x-client-verify')
  const of = (value: string, more: Partial<VerifyInput> = {}, verified = 'SUCCESS') =>
    reasonOf(scheme, {
      headers: { 'x-client-subject': value, 'x-client-verify': verified },
      behind_proxy: true,
      ...more,
    })
  assert.equal(of(subject), 'accepted')
  assert.equal(of('CN = pix.banco.example, O = Banco Exemplo, C = BR'), 'accepted')
  assert.equal(of('C=BR,O=Somebody,CN=other.example'), 'accepted')
  assert.equal(of(subject, { behind_proxy: false }), 'bad_signature')
  assert.equal(of(subject, {}, 'FAILED:self-signed certificate'), 'bad_signature')
  assert.equal(of('CN=pix.banco.example,O=Somebody Else,C=BR'), 'bad_signature')
  assert.equal(of('CN=other.example,CN=evil.example'), 'bad_signature')
  assert.equal(of('/C=BR/O=Somebody/CN=other.example'), 'accepted')
  assert.equal(of('O=Evil/CN=other.example,C=BR'), 'bad_signature')
  assert.equal(of('/C=BR/O=Evil,CN=other.example'), 'bad_signature')
  assert.equal(of('O="x,CN=other.example,y"'), 'bad_signature')
  assert.equal(of('O=x\\,CN=other.example'), 'bad_signature')
  assert.equal(of('nonsense'), 'malformed')
})

test('mutual TLS: the whole certificate may be handed over, and its fingerprint listed', () => {
  const client = selfSigned('pix.banco.example')
  const [certificate] = readCertificates(client.pem)
  const fingerprint = certificate?.fingerprint256.replaceAll(':', '').toLowerCase()
  for (const who of [`sha256:${fingerprint}`, 'CN=pix.banco.example']) {
    const scheme = mutualTls('x-client-cert', [who])
    const of = (value: string, at = now) =>
      reasonOf(scheme, { headers: { 'x-client-cert': value }, behind_proxy: true, now: at })
    assert.equal(of(encodeURIComponent(client.pem)), 'accepted')
    assert.equal(of(client.pem.replaceAll('\n', ' ')), 'accepted')
    assert.equal(of(encodeURIComponent(selfSigned('evil.example').pem)), 'bad_signature')
    assert.equal(of(encodeURIComponent(client.pem), new Date(now.getTime() + 40 * 86_400_000)), 'malformed')
    assert.equal(of('-----BEGIN CERTIFICATE-----nonsense'), 'malformed')
  }
})

test('any bytes in any header, body or published key are refused without throwing', () => {
  const text = fc.string({ unit: 'binary' })
  const url = 'https://keys.example/jwks'
  const schemes = fc.constantFrom(
    plaid,
    jwt({ header: 'x', keys: { from: 'set', url } }),
    paypalSignature('WH1', 'https://keys.example/'),
    snsSignature(['arn:aws:sns:x'], 'https://keys.example/'),
    mutualTls('x', ['CN=a']),
  )
  const token = fc.record({
    alg: fc.constantFrom('ES256', 'none', 'HS256'),
    kid: fc.constantFrom('k1', '__proto__'),
  })
  const jws = fc
    .tuple(token, text)
    .map(([head, rest]) => `${Buffer.from(JSON.stringify(head)).toString('base64url')}.${rest}`)
  const value = fc.oneof(text, jws, fc.constant(url), fc.constant('SHA256withRSA'))
  const headers = fc.record({
    x: value,
    'plaid-verification': value,
    ...Object.fromEntries(Object.keys(fromPayPal('', '').headers).map((name) => [name, value])),
  })
  fc.assert(
    fc.property(schemes, headers, text, text, (scheme, headers, body, key) => {
      const fetched = new Map([url, '/key/get#k1', '/key/get#__proto__'].map((name) => [name, key]))
      const given = { headers, body: Buffer.from(body), fetched, behind_proxy: true, secrets: ['s'] }
      assert.notEqual(reasonOf(scheme, given), 'accepted')
    }),
    { numRuns: 300 },
  )
})
