import assert from 'node:assert/strict'
import { test } from 'node:test'
import Type from 'typebox'
import { apiKey, bearer } from './auth.ts'
import { checkSettings, type Field } from './fields.ts'
import type { VendorPayment } from './news.ts'
import { defineProvider, get, operation, path } from './provider.ts'

const base = {
  id: 'acorn',
  name: 'Acorn Pay',
  category: 'payments' as const,
  docs: 'https://docs.acorn.example/v3',
  base_url: { live: 'https://api.acorn.example', test: 'https://sandbox.acorn.example' },
  auth: bearer('secret_key'),
  limits: { timeout_ms: 10_000 },
  test: get('/me'),
}
const payment: VendorPayment = { vendor_id: 'a', status: 'pending', money: { amount: '1', currency: 'BRL' } }
const find = operation({ request: () => get('/'), reads: Type.Unknown(), translate: () => payment })

test('a payments provider that cannot settle an unknown outcome is refused at start', () => {
  const define = (payments: object, more = {}) => defineProvider({ ...base, ...more, payments } as never)
  assert.throws(() => define({ find }), /do not say how an unknown outcome is settled/)
  assert.throws(() => define({ find, settles: 'idempotency_key' }), /names no idempotency_header/)
  assert.throws(() => define({ find, settles: 'lookup' }), /no payments.find_by_reference/)
  assert.throws(() => define({ find, settles: 'statement' }), /no payments.statement/)
  assert(
    define({ find, settles: 'idempotency_key' }, { idempotency_header: 'Key' }).operations['payments.find'],
  )
  assert(define({ settles: 'lookup', find_by_reference: find }).operations['payments.find_by_reference'])
})

test('webhooks without a signature must say why', () => {
  const define = (signature: unknown) =>
    defineProvider({
      ...base,
      webhooks: {
        signature,
        reads: Type.Unknown(),
        event_id: () => '',
        event_type: () => '',
        translate: () => [],
      },
    } as never)
  assert.throws(() => define(undefined), /declare no signature/)
  assert.throws(() => define({ kind: 'none', because: '' }), /needs its because/)
  assert(define({ kind: 'none', because: 'the vendor signs nothing' }))
})

test('a definition that would only fail later is refused with its reason', () => {
  assert.throws(() => defineProvider({ ...base, id: 'Acorn Pay' }), /the id is/)
  const { base_url: _, ...homeless } = base
  assert.throws(() => defineProvider(homeless), /neither base_url/)
  const twice: Field[] = [
    { key: 'a', label: 'A' },
    { key: 'a', label: 'A' },
  ]
  assert.throws(() => defineProvider({ ...base, fields: twice }), /two fields share a key/)
})

test('what is put into a path can neither leave its place nor begin a query', () => {
  assert.equal(path`/charges/${'a/../b?c#d'}/refunds/${7}`, '/charges/a%2F..%2Fb%3Fc%23d/refunds/7')
  for (const id of ['.', '..', '\ud800', '%2e%2e', '\\..', '']) {
    const url = new URL(`https://api.example${path`/v1/charges/${id}`}`)
    assert.match(url.pathname, /^\/v1\/charges\//, id)
    assert.equal(url.search + url.hash, '')
  }
})

const fields: Field[] = [
  { key: 'region', label: 'Region', enum: ['br', 'us'], default: 'br' },
  {
    key: 'store',
    label: 'Store',
    required: true,
    hint: 'the number of the store',
    pattern: '[0-9]+',
    example: '42',
  },
  { key: 'limit', label: 'Limit', type: 'integer', minimum: 1, maximum: 5 },
  { key: 'base_url', label: 'URL', type: 'url' },
  { key: 'headers', label: 'Headers', type: 'headers' },
  { key: 'state', label: 'State', required: true, when: { region: 'us' } },
]
const acorn = defineProvider({ ...base, fields })
const good = { store: '42' }
const keys = { secret_key: 'sk_1' }
const errorsOf = (settings: unknown, credentials: unknown = keys) =>
  checkSettings(acorn, settings, credentials).map(({ field, reason }) => `${field} ${reason}`)

test('fit settings pass, with every field and with only what is required', () => {
  assert.deepEqual(errorsOf(good), [])
  const all = {
    store: '1',
    region: 'us',
    state: 'NY',
    limit: 5,
    base_url: 'http://127.0.0.1:80/x',
    headers: { 'x-a': 'b' },
  }
  assert.deepEqual(errorsOf(all), [])
})

test('an error names the field, the reason and the remedy', () => {
  assert.deepEqual(errorsOf({}, {}), [
    'settings.store is required: the number of the store (for example 42)',
    'credentials.secret_key is required',
  ])
  assert.deepEqual(errorsOf({ ...good, stor: 1 }), [
    'settings.stor is not known; the known ones are region, store, limit, base_url, headers, state',
  ])
  assert.deepEqual(errorsOf({ ...good, region: 'us' }), ['settings.state is required'])
  assert.deepEqual(errorsOf({ ...good, state: 'NY' }), [
    'settings.state is not used unless region is us; leave it out',
  ])
})

test('a value of the wrong kind is refused, whatever it is', () => {
  for (const value of [null, 1, true, [], {}, '', 'x', '42 ', '42\n', '\ud800']) {
    assert.equal(errorsOf({ store: value }).length, 1, JSON.stringify(value))
  }
  for (const limit of [0, 6, 1.5, '1', null, 1e300]) assert.equal(errorsOf({ ...good, limit }).length, 1)
  for (const base_url of ['x', 'ftp://a', 'https://u:p@a', 'https://a?b', 'https://a#b', 'javascript:1', 1]) {
    assert.equal(errorsOf({ ...good, base_url }).length, 1, String(base_url))
  }
  for (const headers of [
    1,
    [],
    { 'a b': 'c' },
    { a: 1 },
    { a: 'x\r\ny: z' },
    { Host: 'a' },
    { authorization: 'a' },
  ]) {
    assert.equal(errorsOf({ ...good, headers }).length, 1, JSON.stringify(headers))
  }
  for (const bad of [null, 'x', [], 7]) {
    assert.match(errorsOf(bad)[0] ?? '', /^settings must be an object/)
    assert.deepEqual(errorsOf(good, bad), ['credentials must be an object'])
  }
  assert.equal(errorsOf(good, { secret_key: 'a\nb' }).length, 1)
  assert.deepEqual(errorsOf(JSON.parse('{"store":"1","__proto__":"x"}')).length, 1)
})

test('an API key gets a field of its own where none is declared', () => {
  const keyed = defineProvider({ ...base, auth: apiKey('header', 'X-Key', 'api_key') })
  assert.deepEqual(keyed.fields, [{ key: 'api_key', label: 'Api key', secret: true, required: true }])
})
