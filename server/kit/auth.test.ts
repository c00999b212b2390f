import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import type { EgressRequest, EgressResult } from '../platform/egress/egress.ts'
import { cookiesOf } from './auth/cookies.ts'
import { signHmac } from './auth/hmac.ts'
import { signV4 } from './auth/sigv4.ts'
import {
  type Auth,
  apiKey,
  authorize,
  basic,
  bearer,
  clientCredentials,
  needsToken,
  noAuth,
  obtain,
} from './auth.ts'

test('each kind puts its secret where it belongs', () => {
  assert.deepEqual(authorize(noAuth, {}), { headers: {}, query: {} })
  assert.deepEqual(authorize(bearer('key'), { key: 'abc' }).headers, { authorization: 'Bearer abc' })
  const user = authorize(basic('user', 'password'), { user: 'ana', password: 'çé:x' }).headers[
    'authorization'
  ]
  assert.equal(Buffer.from((user ?? '').slice(6), 'base64').toString(), 'ana:çé:x')
  assert.deepEqual(authorize(apiKey('header', 'X-Key', 'k', 'Token '), { k: '1' }).headers, {
    'x-key': 'Token 1',
  })
  assert.deepEqual(authorize(apiKey('query', 'appKey', 'k'), { k: '1' }).query, { appKey: '1' })
  assert.deepEqual(authorize(clientCredentials('/t'), {}, { token: 'at' }).headers, {
    authorization: 'Bearer at',
  })
})

test('a credential that is not there is named', () => {
  assert.throws(() => authorize(bearer('key'), {}), {
    code: 'invalid_settings',
    message: /credentials\.key is not set/,
  })
})

const NOW = new Date('2026-03-01T12:00:00Z')

/** Asks a token endpoint that answers so; `asked` is what it was sent. */
async function asked(auth: Auth, credentials: Record<string, string>, status: number, body: unknown) {
  const requests: EgressRequest[] = []
  const send = async (request: EgressRequest): Promise<EgressResult> => {
    requests.push(request)
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const timing = { first_byte_ms: 1, total_ms: 1 }
    return { kind: 'response', status, headers: {}, body: Buffer.from(text), truncated: false, timing }
  }
  assert.ok(needsToken(auth))
  const found = await obtain(auth, { credentials, base_url: 'https://a.example/', now: NOW, send }, null)
  return { found, request: requests[0] }
}

const CLIENT = { client_id: 'a b', client_secret: 'p:w&d' }

test('a token is asked for by the client in the way the server wants', async () => {
  const reply = { access_token: 'a', token_type: 'Bearer', expires_in: 60 }
  const header = await asked(clientCredentials('/oauth/token', { scope: 'read write' }), CLIENT, 200, reply)
  assert.equal(header.request?.url, 'https://a.example/oauth/token')
  assert.deepEqual(Object.fromEntries(new URLSearchParams(String(header.request?.body))), {
    grant_type: 'client_credentials',
    scope: 'read write',
  })
  const shown = (header.request?.headers['authorization'] ?? '').slice(6)
  assert.equal(Buffer.from(shown, 'base64').toString(), 'a+b:p%3Aw%26d')
  const in_body = await asked(
    clientCredentials('https://b.example/t', { client_auth: 'body' }),
    CLIENT,
    200,
    reply,
  )
  assert.equal(in_body.request?.url, 'https://b.example/t')
  assert.equal(in_body.request?.headers['authorization'], undefined)
  assert.equal(new URLSearchParams(String(in_body.request?.body)).get('client_secret'), 'p:w&d')
})

test('an answer of the token endpoint is a token with its life, or words', async () => {
  const of = async (status: number, body: unknown) =>
    (await asked(clientCredentials('/t'), CLIENT, status, body)).found
  const token = { ok: true, token: 'a', refresh_token: null, scope: null, base_url: null }
  const good: [unknown, number][] = [
    [{ access_token: 'a', token_type: 'Bearer', expires_in: 60 }, 60],
    [{ access_token: 'a', expires_in: '3599' }, 3599],
    [{ access_token: 'a', expires_in: -1 }, 300],
    [{ access_token: 'a', token_type: 'bearer', id_token: 'not ours to read' }, 300],
  ]
  for (const [body, expires_in_s] of good) assert.deepEqual(await of(200, body), { ...token, expires_in_s })
  const bad = [
    '',
    'null',
    '<html>',
    {},
    { access_token: 7 },
    { access_token: 'a\nb' },
    { access_token: 'a', token_type: 'mac' },
  ]
  for (const body of bad) assert.equal((await of(200, body)).ok, false, JSON.stringify(body))
  assert.deepEqual(await of(401, { error: 'invalid_client', error_description: 'no such client' }), {
    ok: false,
    because: 'the token endpoint answered 401 (invalid_client: no such client)',
    final: false,
  })
})

test('a reply says where the vendor is asked from now on, and no reply says where to send a password', async () => {
  const auth = clientCredentials('/t', { base_url_in: 'instance_url' })
  const of = async (instance_url: unknown) => {
    const { found } = await asked(auth, CLIENT, 200, { access_token: 'a', instance_url })
    return found.ok ? found.base_url : 'refused'
  }
  assert.equal(await of('https://na1.salesforce.com/'), 'https://na1.salesforce.com')
  for (const bad of [
    'javascript:alert(1)',
    'https://ana:1@a.example',
    '/here',
    7,
    undefined,
    'https://a.example/?x',
  ])
    assert.equal(await of(bad), null, String(bad))
})

test('a refusal is read out of a 200 too, and invalid_grant is final', async () => {
  const plain = await asked(clientCredentials('/t'), CLIENT, 200, { error: 'invalid_grant' })
  assert.deepEqual(plain.found, {
    ok: false,
    because: 'the token endpoint answered 200 (invalid_grant)',
    final: true,
  })
  const declared = clientCredentials('/t', {
    refuses: (reply) => (reply['ok'] === false ? String(reply['reason']) : null),
  })
  const { found } = await asked(declared, CLIENT, 200, {
    ok: false,
    reason: 'token_revoked',
    access_token: 'x',
  })
  assert.deepEqual(found, {
    ok: false,
    because: 'the token endpoint answered 200 (token_revoked)',
    final: false,
  })
})

const request = (
  url: string,
  headers: Record<string, string> = {},
  body?: string,
  method = 'GET',
): EgressRequest => ({
  url,
  method,
  headers,
  ...(body !== undefined && { body }),
  timeout_ms: 1,
  max_response_bytes: 1,
})

// Published by AWS: the "aws-sig-v4-test-suite", and "Signature Calculations for the Authorization Header" of S3.
test('AWS Signature V4 signs as the published vectors do', async () => {
  const credentials = { id: 'AKIDEXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
  const auth = {
    kind: 'aws_sigv4',
    access_key_id: 'id',
    secret_access_key: 'secret',
    session_token: null,
  } as const
  const at = new Date('2015-08-30T12:36:00Z')
  const place = { region: 'us-east-1', service: 'service' }
  const signature = async (asked: EgressRequest) => {
    const { headers } = await signV4({ ...auth, ...place }, credentials, asked, at)
    return headers['authorization']?.match(/Signature=(\w+)/)?.[1]
  }
  const base = 'https://example.amazonaws.com/'
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const vectors: [EgressRequest, string][] = [
    [request(base), '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    [
      request(base, {}, undefined, 'POST'),
      '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    ],
    [
      request(`${base}?Param2=value2&Param1=value1`),
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      request(base, form, 'Param1=value1', 'POST'),
      'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    ],
  ]
  for (const [asked, expected] of vectors) assert.equal(await signature(asked), expected, asked.url)
  const s3 = { id: 'AKIAIOSFODNN7EXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }
  const get = request('https://examplebucket.s3.amazonaws.com/test.txt', { range: 'bytes=0-9' })
  const signed = await signV4(
    { ...auth, region: 'us-east-1', service: 's3' },
    s3,
    get,
    new Date('2013-05-24T00:00:00Z'),
  )
  assert.match(
    signed.headers['authorization'] ?? '',
    /Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41$/,
  )
})

test('AWS S3 is told that a body which is streamed is not part of the signature', async () => {
  const auth = {
    kind: 'aws_sigv4',
    access_key_id: 'id',
    secret_access_key: 'secret',
    session_token: null,
  } as const
  const source = (async function* () {})()
  const stream = { source, length: 5, keep_bytes: 1, open: () => process.stdout }
  const put = { ...request('https://examplebucket.s3.amazonaws.com/a', {}, undefined, 'PUT'), stream }
  const credentials = { id: 'AKIAIOSFODNN7EXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }
  const at = new Date('2013-05-24T00:00:00Z')
  const signed = await signV4({ ...auth, region: 'us-east-1', service: 's3' }, credentials, put, at)
  assert.equal(signed.headers['x-amz-content-sha256'], 'UNSIGNED-PAYLOAD')
  assert.match(signed.headers['authorization'] ?? '', /SignedHeaders=[^,]*x-amz-content-sha256/)
  assert.equal(signed.stream, stream)
})

test("a signature of the vendor's own form is over the bytes, in the order of its template", () => {
  const body = Buffer.from([0xff, 0x00, 0x7b])
  const asked = { ...request('https://a.example/v1/pay?b=2&a=1', {}, undefined, 'POST'), body }
  const auth = {
    kind: 'hmac',
    secret: 's',
    key_id: 'k',
    secret_encoding: 'hex',
    algorithm: 'sha512',
    encoding: 'base64',
    signs: '{method}\\n{path_and_query}\\n{timestamp}.{nonce}\\n{body}',
    header: 'Authorization',
    header_value: 'HMAC {key_id}:{signature}',
    timestamp_header: 'X-Time',
    timestamp_format: 'milliseconds',
    nonce_header: 'X-Nonce',
    key_id_header: null,
  } as const
  const { headers } = signHmac(auth, { s: '00ff', k: 'key-1' }, asked, NOW, 'n-1')
  const text = Buffer.from(`POST\n/v1/pay?b=2&a=1\n${NOW.getTime()}.n-1\n`)
  const expected = createHmac('sha512', Buffer.from('00ff', 'hex')).update(text).update(body).digest('base64')
  assert.deepEqual(headers, {
    'x-time': String(NOW.getTime()),
    'x-nonce': 'n-1',
    authorization: `HMAC key-1:${expected}`,
  })
})

test('cookies are kept by name, and those taken back are not', () => {
  assert.equal(cookiesOf(undefined, NOW), '')
  const set = 'a=1; Path=/; HttpOnly\nb=x=y; Secure\na=2\ngone=1\ngone=; Max-Age=0\nbad name=1\n=x'
  assert.equal(cookiesOf(set, NOW), 'a=2; b=x=y')
  const spent = [
    'a=1; Expires=Thu, 01-Jan-1970 00:00:10 GMT',
    'b=""; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT',
    'c=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT',
    'd=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60',
    'e=1; Expires=soon',
  ]
  assert.equal(cookiesOf(spent.join('\n'), NOW), 'c=1; d=1; e=1')
})
