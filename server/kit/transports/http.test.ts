import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { USER_AGENT } from '../../platform/version.ts'
import { apiKey, bearer } from '../auth.ts'
import { defineProvider, get, type Method, type OperationRequest, post } from '../provider.ts'
import { formEncode } from './form.ts'
import { buildRequest, maskReply, maskRequest, type Opened } from './http.ts'

const provider = defineProvider({
  id: 'acorn',
  name: 'Acorn Pay',
  category: 'payments',
  docs: 'https://docs.acorn.example',
  base_url: { live: 'https://api.acorn.example/v3/', test: 'https://sandbox.acorn.example/v3' },
  fields: [{ key: 'base_url', label: 'URL', type: 'url' }],
  auth: bearer('secret_key'),
  limits: { timeout_ms: 10_000 },
  idempotency_header: 'Acorn-Request-Key',
  test: get('/me'),
})
const secret = 'sk_"live"/+7é'
const opened: Opened = { provider, environment: 'live', settings: {}, credentials: { secret_key: secret } }

test('a request carries its base, credentials, key and limits', () => {
  const built = buildRequest(opened, {
    ...post('/charges?a=1', { x: '1' }),
    query: { b: 2, c: undefined },
    idempotency_key: 'k1',
  })
  assert.deepEqual(built, {
    url: 'https://api.acorn.example/v3/charges?a=1&b=2',
    method: 'POST',
    headers: {
      accept: 'application/json',
      'user-agent': USER_AGENT,
      'content-type': 'application/json',
      'acorn-request-key': 'k1',
      authorization: `Bearer ${secret}`,
    },
    body: '{"x":"1"}',
    timeout_ms: 10_000,
    max_response_bytes: 10_000_000,
  })
})

test('the environment chooses the base, and the setting goes before it', () => {
  assert.equal(
    buildRequest({ ...opened, environment: 'test' }, get('/a')).url,
    'https://sandbox.acorn.example/v3/a',
  )
  const settings = { base_url: 'http://127.0.0.1:9/stripe/' }
  assert.equal(buildRequest({ ...opened, settings }, get('/a')).url, 'http://127.0.0.1:9/stripe/a')
})

test('bytes go out as they are, under the type the caller names', () => {
  const body = Buffer.from([0, 255, 7])
  const built = buildRequest(opened, { ...post('/files', body), headers: { 'Content-Type': 'image/png' } })
  assert.equal(built.body, body)
  assert.equal(built.headers['content-type'], 'image/png')
})

test('no path leaves the base URL', () => {
  const pieces = fc.array(
    fc.constantFrom('/', '..', '.', '%2e', '%2E', '\\', '@', 'a', ':', '#', '?', '\t', '%2f'),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(pieces, (parts) => {
      let url: URL
      try {
        url = new URL(buildRequest(opened, get(parts.join(''))).url)
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'invalid_request')
        return
      }
      assert.equal(url.origin, 'https://api.acorn.example')
      assert(url.pathname.startsWith('/v3/'), url.href)
    }),
    { numRuns: 2000 },
  )
})

test("a caller's headers can neither replace the credentials nor speak to the transport", () => {
  for (const headers of [
    { Authorization: 'x' },
    { Host: 'evil' },
    { 'Content-Length': '1' },
    { a: 'b\r\nc: d' },
    { 'a b': 'c' },
    { a: 'ł' },
  ]) {
    assert.throws(() => buildRequest(opened, { ...get('/'), headers } as OperationRequest), {
      code: 'invalid_request',
    })
  }
  const keyed = { ...opened, provider: { ...provider, auth: apiKey('header', 'X-Key', 'secret_key') } }
  assert.throws(
    () => buildRequest(keyed, { ...get('/'), headers: { 'x-key': 'y' } }),
    /headers\.x-key is set by the connection/,
  )
})

test('no secret, token or card number is recorded, in any spelling', () => {
  const query = {
    ...opened,
    token: 'tok_4711',
    provider: { ...provider, auth: apiKey('query', 'k', 'secret_key') },
  }
  const leaky = {
    note: `${secret} ${Buffer.from(secret).toString('base64')} tok_4711`,
    card: { number: '4242 4242 4242 4242', cvc: '123', exp: 2030 },
    password: 'hunter "2"',
    access_token: 'short',
    id: '1234567890123456',
  }
  for (const [method, encoding] of [
    ['POST', 'json'],
    ['PUT', 'form'],
  ] as const) {
    const built = buildRequest(query, { method: method as Method, path: '/x', body: leaky, encoding })
    const { url, headers, body } = maskRequest(query, built)
    const shown = [url, JSON.stringify(headers), body].join(' ')
    for (const part of [
      'live',
      'tok_4711',
      '4242',
      '123"',
      'cvc]=123',
      'cvc=123',
      'hunter',
      'short',
      Buffer.from(secret).toString('base64'),
    ]) {
      assert(!shown.includes(part), `${part} in ${shown}`)
    }
    assert(shown.includes('2030') && shown.includes('1234567890123456'), shown)
  }
  const encoded = encodeURIComponent(secret)
  const body = Buffer.from(`<a><password>x1</password><n>5555-5555-5555-4444</n></a> ${secret} ${encoded}`)
  const headers = { 'set-cookie': 'sid=1', 'x-echo': secret }
  const timing = { first_byte_ms: 1, total_ms: 1 }
  const shown = maskReply(opened, { kind: 'response', status: 200, headers, body, truncated: false, timing })
  assert.deepEqual(shown, {
    status: 200,
    headers: { 'set-cookie': '[masked]', 'x-echo': '[masked]' },
    body: '<a><password>[masked]</password><n>[masked]</n></a> [masked] [masked]',
    found: [],
  })
})

test('a name says secret however its vendor writes it, in bodies, addresses and headers', () => {
  const timing = { first_byte_ms: 1, total_ms: 1 }
  const reply = { kind: 'response' as const, status: 200, truncated: false, timing }
  const told = {
    accessToken: 'hid1',
    ClientSecret: 'hid2',
    'api-key': 'hid3',
    token: 'hid4',
    SecurityCode: 987,
  }
  const kept = { tokenized: true, token_type: 'bearer', nextToken: 'page2', pinned: 1 }
  const shown = maskReply(opened, {
    ...reply,
    headers: { 'x-session-token': 'hid5', 'x-api-key': 'hid6', 'x-token-type': 'jwt', access_token: 'hid7' },
    body: Buffer.from(JSON.stringify({ ...told, ...kept })),
  })
  assert.deepEqual(JSON.parse(shown.body), {
    ...Object.fromEntries(Object.keys(told).map((name) => [name, '[masked]'])),
    ...kept,
  })
  assert.deepEqual(shown.headers, {
    ...{ 'x-session-token': '[masked]', 'x-api-key': '[masked]', access_token: '[masked]' },
    'x-token-type': 'jwt',
  })
  const nested = JSON.stringify({ payload: JSON.stringify({ password: 'a "b" \\ c', pin: 1234, n: 1 }) })
  const seen = maskReply(opened, { ...reply, headers: {}, body: Buffer.from(nested) })
  assert.deepEqual(JSON.parse(JSON.parse(seen.body).payload), { password: '[masked]', pin: '[masked]', n: 1 })
  for (const cut of ['{"password":"half of a se', '{"password":"half of a \\', nested.slice(0, 40)])
    assert.doesNotMatch(
      maskReply(opened, { ...reply, headers: {}, body: Buffer.from(cut) }).body,
      /half|a \\/,
    )
  const asked = buildRequest(opened, { method: 'GET', path: '/x?token=hid8&accessToken=hid9&page=2' })
  const { url } = maskRequest(opened, asked)
  assert.match(url, /\?token=\[masked\]&accessToken=\[masked\]&page=2$/)
})

test('forms are written with brackets, and read back as they were', () => {
  assert.equal(
    formEncode({ a: { b: 1, c: [true, 'x y'] }, d: undefined, e: null, f: 'ã&=' }),
    'a[b]=1&a[c][0]=true&a[c][1]=x+y&f=%C3%A3%26%3D',
  )
  fc.assert(
    fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.string()), (body) => {
      assert.deepEqual([...new URLSearchParams(formEncode(body))], Object.entries(body))
    }),
  )
})
