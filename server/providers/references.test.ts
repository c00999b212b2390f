import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineProvider, type Provider } from '../kit/provider.ts'
import { referenceOf } from '../kit/vendor_reference.ts'
import { providers } from './index.ts'

const plain = defineProvider({
  id: 'plain',
  name: 'Plain',
  category: 'generic',
  docs: 'https://plain.example',
  base_url: { live: 'https://plain.example', test: 'https://plain.example' },
  auth: { kind: 'none' },
  limits: { timeout_ms: 1_000 },
  test: { method: 'GET', path: '/' },
})

type Said = { headers?: Record<string, string>; body?: string; asked?: Record<string, string> }

const referenceFrom = (provider: Provider, { headers = {}, body = '{}', asked = {} }: Said) =>
  referenceOf(
    { provider, environment: 'test', settings: {}, credentials: { key: 'sk_secret_of_ours' } },
    { url: 'https://plain.example/', method: 'GET', headers: asked, timeout_ms: 1, max_response_bytes: 1 },
    {
      kind: 'response',
      status: 200,
      headers,
      body: Buffer.from(body),
      truncated: false,
      timing: { first_byte_ms: 0, total_ms: 0 },
    },
  )

const named = (id: string): Provider => providers.get(id) ?? assert.fail(`there is no provider ${id}`)

test('a vendor is read where its manifest says that it tells its own id', () => {
  const told: [string, Said, string][] = [
    ['stripe', { headers: { 'request-id': 'req_1' } }, 'req_1'],
    ['github', { headers: { 'x-github-request-id': '0F:1' } }, '0F:1'],
    ['slack', { headers: { 'x-slack-req-id': 'a1' } }, 'a1'],
    ['twilio', { headers: { 'twilio-request-id': 'RQ1' } }, 'RQ1'],
    ['paypal', { headers: { 'paypal-debug-id': 'f1' } }, 'f1'],
    ['whatsapp', { headers: { 'x-fb-trace-id': 'A2' } }, 'A2'],
    ['aws_sns', { headers: { 'x-amzn-requestid': 'b-1' } }, 'b-1'],
    ['plaid', { body: '{"accounts":[{"request_id":"no"}],"request_id":"Wvhy"}' }, 'Wvhy'],
  ]
  for (const [id, said, expected] of told) {
    const other = { 'x-request-id': 'of-a-gateway', ...said.headers }
    assert.equal(referenceFrom(named(id), { ...said, headers: other }), expected, id)
  }
})

test('any vendor is read where vendors tell it as a rule, and what nobody told is null', () => {
  for (const name of ['request-id', 'x-request-id', 'x-correlation-id', 'x-amzn-requestid'])
    assert.equal(referenceFrom(plain, { headers: { [name]: 'r-1' } }), 'r-1', name)
  assert.equal(referenceFrom(named('plaid'), { headers: { 'x-request-id': 'r-2' }, body: 'no' }), 'r-2')
  assert.equal(referenceFrom(plain, { headers: { date: 'now' } }), null)
})

test('where the vendor tells none, it is the id that it was given to know the attempt by', () => {
  const asked = { 'x-fapi-interaction-id': 'c3d4' }
  assert.equal(referenceFrom(named('open_finance'), { asked }), 'c3d4')
  const sent = { kind: 'error', code: 'timeout', sent: true, message: 'late', total_ms: 1 } as const
  const opened = {
    provider: named('open_finance'),
    environment: 'test',
    settings: {},
    credentials: {},
  } as const
  const request = { url: 'x', method: 'GET', headers: asked, timeout_ms: 1, max_response_bytes: 1 }
  assert.equal(referenceOf(opened, request, sent), 'c3d4')
  assert.equal(referenceOf(opened, request, { ...sent, sent: false }), null)
})

test('an id that holds a secret, a CPF, or more than an id does is kept nowhere', () => {
  for (const text of ['sk_secret_of_ours', 'id 529.982.247-25', 'x'.repeat(256), 'a\tb', ' '])
    assert.equal(referenceFrom(plain, { headers: { 'x-request-id': text } }), null, text)
})
