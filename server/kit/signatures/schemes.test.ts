import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { Webhook } from 'svix'
import {
  addressAndForm,
  addressToken,
  basicToken,
  hmac,
  jwt,
  newWebhookSecret,
  type SignatureScheme,
  signStandardWebhook,
  standardWebhooks,
  stripeSignature,
  token,
  type VerifyInput,
  verify,
} from '../signatures.ts'

const now = new Date('2026-01-02T15:00:00Z')
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const judged = (scheme: Parameters<typeof verify>[0], input: Partial<VerifyInput>) => {
  const given = { headers: {}, body: Buffer.alloc(0), secrets: ['12345'], now, ...input }
  const verified = verify(scheme, given)
  return verified.ok ? 'accepted' : verified.reason
}
const twilio = addressAndForm('x-twilio-signature', 'bodySHA256')
const mandrill = addressAndForm('x-mandrill-signature')
const HOOK = 'https://hooks.example.com/webhooks/twilio/src_1'
const form = (url: string, body: string, signature: string): Partial<VerifyInput> => ({
  url,
  body: Buffer.from(body),
  headers: { ...FORM, 'x-twilio-signature': signature },
})

// The signatures were made by getExpectedTwilioSignature of the npm package twilio 6.2.0; the first is also the
// example of twilio.com/docs/usage/security.
const EXAMPLE = form(
  'https://mycompany.com/myapp.php?foo=1&bar=2',
  'CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212',
  'RSOYDt4T1cUTdK1PDd93/VVr8B8=',
)

test("Twilio: the documentation's own example verifies, and no other address, field or key does", () => {
  assert.equal(judged(twilio, EXAMPLE), 'accepted')
  const changes: Partial<VerifyInput>[] = [
    { url: 'https://mycompany.com/myapp.php?foo=1&bar=3' },
    { url: 'http://mycompany.com/myapp.php?foo=1&bar=2' },
    { body: Buffer.from(`${EXAMPLE.body}&More=1`) },
    { secrets: ['12346'] },
  ]
  for (const change of changes) assert.equal(judged(twilio, { ...EXAMPLE, ...change }), 'bad_signature')
  assert.equal(judged(twilio, { ...EXAMPLE, secrets: ['new', '12345'] }), 'accepted')
})

test('Twilio: fields sort by code unit, values are decoded, and a repeated one counts once', () => {
  const body =
    'apple=a&MediaUrl=b&MediaUrl=a&MediaUrl=b&Empty=&Zebra=z&Body=Ol%C3%A1%2C+%C3%A9+voc%C3%AA%3F+100%25+%26+%2B1%3D2'
  assert.equal(judged(twilio, form(HOOK, body, '7etVaRpejUfDKZ0WHdOBzVCuE0E=')), 'accepted')
})

test('Twilio: a standard port may be signed and not called, or called and not signed', () => {
  const with_port = 'NnO2Iy7lMZJS7x66hEKt+PvTNso='
  assert.equal(judged(twilio, form(HOOK, 'A=1', with_port)), 'accepted')
  const plain = HOOK.replace('https', 'http')
  const without_port = 'sGeOboHHEdCIHG9wHDdwEQZgz+0='
  assert.equal(judged(twilio, form(plain.replace('.com', '.com:8080'), 'A=1', without_port)), 'accepted')
  assert.equal(judged(twilio, form(plain, 'A=1', with_port)), 'bad_signature')
})

test('Twilio: a JSON body is covered by its hash in the signed address', () => {
  const body =
    '[{"specversion":"1.0","id":"EZ1","type":"com.twilio.messaging.message.delivered","data":{"messageSid":"SM1","price":0.0750}}]'
  const given = {
    url: `${HOOK}?bodySHA256=2241e6b55897e0722fbdc7310255b3dde9f1630d60fe180296eb68e8ce1270b7`,
    headers: { 'content-type': 'application/json', 'x-twilio-signature': 'lMK2iA7He8k2XiVV6prpCVa+A60=' },
    body: Buffer.from(body),
  }
  assert.equal(judged(twilio, given), 'accepted')
  assert.equal(judged(twilio, { ...given, body: Buffer.from(`${body} `) }), 'bad_signature')
  const other = createHash('sha256').update('{}').digest('hex')
  const swapped = { ...given, url: `${HOOK}?bodySHA256=${other}`, body: Buffer.from('{}') }
  assert.equal(judged(twilio, swapped), 'bad_signature')
})

test('a body that nothing signs is refused, though the signature of the address is genuine', () => {
  const signature = createHmac('sha1', '12345').update(HOOK).digest('base64')
  assert.equal(judged(twilio, form(HOOK, '', signature)), 'accepted')
  const json = { 'content-type': 'application/json', 'x-twilio-signature': signature }
  const given = { url: HOOK, headers: json, body: Buffer.from('{"amount":1}') }
  assert.equal(judged(twilio, given), 'malformed')
  assert.equal(judged(mandrill, { ...given, headers: { 'x-mandrill-signature': signature } }), 'malformed')
  assert.equal(judged(twilio, { ...form(HOOK, '', signature), url: undefined }), 'malformed')
})

test('Mailchimp Transactional: the address, then each name and value', () => {
  const events = '[{"event":"send","_id":"e1"}]'
  const url = 'https://hooks.example.com/webhooks/mandrill/src_1'
  const signed = createHmac('sha1', 'key').update(`${url}mandrill_events${events}`).digest('base64')
  const given = {
    url,
    secrets: ['key'],
    headers: { ...FORM, 'x-mandrill-signature': signed },
    body: Buffer.from(new URLSearchParams({ mandrill_events: events }).toString()),
  }
  assert.equal(judged(mandrill, given), 'accepted')
  assert.equal(judged(mandrill, { ...given, secrets: [] }), 'no_secret')
  assert.equal(judged(mandrill, { ...given, headers: FORM }), 'missing_header')
})

test("GitHub: the documentation's own example verifies, as @octokit/webhooks-methods signs it too", () => {
  const scheme = hmac({ header: 'x-hub-signature-256', prefix: 'sha256=' })
  const given = {
    secrets: ["It's a Secret to Everybody"],
    body: Buffer.from('Hello, World!'),
    headers: {
      'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
    },
  }
  assert.equal(judged(scheme, given), 'accepted')
  assert.equal(judged(scheme, { ...given, body: Buffer.from('Hello, World') }), 'bad_signature')
})

test("Slack: the documentation's own example verifies, and is too old five minutes later", () => {
  const scheme = hmac({
    header: 'x-slack-signature',
    prefix: 'v0=',
    signs: 'v0:{timestamp}:{body}',
    timestamp_header: 'x-slack-request-timestamp',
  })
  const given = {
    secrets: ['8f742231b10e8888abcd99yyyzzz85a5'],
    body: Buffer.from(
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
    ),
    headers: {
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    },
  }
  assert.equal(judged(scheme, { ...given, now: new Date(1531420618_000) }), 'accepted')
  assert.equal(judged(scheme, { ...given, now: new Date(1531420920_000) }), 'too_old')
})

test('Svix: what its own library signs verifies under the names that it goes on using, and no mixture does', () => {
  const [key, id, today] = [newWebhookSecret(), 'msg_1', new Date()]
  const text = '{"type":"user.created","name":"Inês"}'
  const svix = new Webhook(key)
  const headers = {
    'svix-id': id,
    'svix-timestamp': String(Math.floor(today.getTime() / 1000)),
    'svix-signature': svix.sign(id, today, text),
  }
  svix.verify(text, headers)
  const given = { body: Buffer.from(text), secrets: [key], now: today }
  const under = (names: Record<string, string>) => judged(standardWebhooks(), { ...given, headers: names })
  assert.equal(under(headers), 'accepted')
  assert.equal(under({ ...headers, 'svix-id': 'msg_2' }), 'bad_signature')
  assert.equal(under({ ...headers, 'webhook-id': id }), 'missing_header')
})

test('a token is the secret itself; Basic is user and password in base64', () => {
  const plain = token('x-gitlab-token')
  assert.equal(judged(plain, { headers: { 'x-gitlab-token': '12345' } }), 'accepted')
  assert.equal(judged(plain, { headers: { 'x-gitlab-token': '1234' } }), 'bad_signature')
  assert.equal(judged(plain, { headers: { 'x-gitlab-token': ['12345', '12345'] } }), 'malformed')
  assert.equal(judged(plain, { headers: { 'x-gitlab-token': ' ' }, secrets: ['', ' '] }), 'no_secret')
  const bearer = token('authorization', 'Bearer ')
  assert.equal(judged(bearer, { headers: { authorization: 'bearer 12345' } }), 'accepted')
  assert.equal(judged(bearer, { headers: { authorization: 'Basic 12345' } }), 'malformed')
  const authorization = `Basic ${Buffer.from('user:pass').toString('base64')}`
  assert.equal(judged(basicToken(), { headers: { authorization }, secrets: ['user:pass'] }), 'accepted')
  assert.equal(judged(basicToken(), { headers: { authorization }, secrets: ['user:past'] }), 'bad_signature')
  assert.equal(judged(basicToken(), {}), 'missing_header')
})

test('any bytes in headers, body and address are refused without throwing', () => {
  const text = fc.string({ unit: 'binary', maxLength: 60 })
  const schemes = fc.constantFrom(twilio, mandrill, token('x-token'), basicToken())
  const headers = fc.record({
    'content-type': fc.constantFrom('application/json', ...Object.values(FORM)),
    'x-twilio-signature': text,
    'x-mandrill-signature': text,
    'x-token': text,
    authorization: fc.oneof(
      text,
      text.map((one) => `Basic ${one}`),
    ),
  })
  const url = fc.oneof(
    text,
    text.map((one) => `${HOOK}?bodySHA256=${one}`),
    fc.constant(undefined),
  )
  fc.assert(
    fc.property(schemes, headers, fc.uint8Array(), url, (scheme, headers, body, url) => {
      const secrets = ['a secret that nobody guesses']
      assert.notEqual(judged(scheme, { headers, body: Buffer.from(body), url, secrets }), 'accepted')
    }),
    { numRuns: 500 },
  )
})

test('a genuine message says by which secret it is, those of no use counted too', () => {
  const key = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const body = Buffer.from('A=1')
  const url = `${HOOK}?token=${key}`
  const iat = now.getTime() / 1000
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const token_head = `${part({ alg: 'HS256' })}.${part({ iat })}`
  const mac = (text: string | Buffer, by: string | Buffer = key, hash = 'sha256') =>
    createHmac(hash, by).update(text)
  const headers = {
    ...FORM,
    'stripe-signature': `t=${iat},v1=${mac(`${iat}.A=1`).digest('hex')}`,
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(iat),
    'webhook-signature': signStandardWebhook({ secrets: [key], id: 'msg_1', timestamp: now, body }),
    'x-utf8': mac(body).digest('hex'),
    'x-base64': mac(body, Buffer.from(key, 'base64')).digest('hex'),
    'x-form': mac(`${url}A1`, key, 'sha1').digest('base64'),
    'x-token': key,
    'x-jwt': `${token_head}.${mac(token_head).digest('base64url')}`,
  }
  const schemes: SignatureScheme[] = [
    stripeSignature(),
    standardWebhooks(),
    hmac({ header: 'x-utf8' }),
    hmac({ header: 'x-base64', secret_encoding: 'base64' }),
    addressAndForm('x-form'),
    addressToken('query'),
    token('x-token'),
    jwt({ header: 'x-jwt' }),
  ]
  for (const scheme of schemes) {
    const given = { headers, body, url, secrets: ['', 'the one before', key, 'another'], now }
    assert.deepEqual(verify(scheme, given), { ok: true, secret: 2 }, scheme.kind)
  }
  const unsigned = { kind: 'none', because: 'it signs nothing' } as const
  assert.deepEqual(verify(unsigned, { headers, body, secrets: [], now }), { ok: true })
})
