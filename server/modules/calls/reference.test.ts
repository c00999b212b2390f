import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type Json, type Product, startProduct } from '../../test/product.ts'

/** The vendor's own id of a call: what its support asks for, and what leads back to the call. */

let product: Product
let stripe = ''
let plain = ''

before(async () => {
  product = await startProduct()
  const connect = async (body: object) =>
    String(
      (await product.api.ok('POST', '/v1/connections', { name: 'x', environment: 'development', ...body }))[
        'id'
      ],
    )
  stripe = await connect({
    provider: 'stripe',
    settings: { base_url: `${product.sandbox.url}/stripe` },
    credentials: { secret_key: 'sk_test_abcdef123456' },
  })
  plain = await connect({ provider: 'http', settings: { base_url: `${product.sandbox.url}/echo` } })
})

const call = (connection: string, body: object) =>
  product.api.ok('POST', `/v1/connections/${connection}/calls`, body)
const tagged = (id: string, more: object = {}) => ({
  method: 'GET',
  path: '/anything',
  headers: { 'x-request-id': id },
  ...more,
})
const idsOf = (rows: Json[]) => rows.map(({ id }) => id)

test('the Request-Id of Stripe stands in the report, the record and the list, and leads to the call', async () => {
  const report = await call(stripe, { method: 'GET', path: '/v1/balance' })
  const reference = String(report['external_reference'])
  assert.match(reference, /^req_/)
  assert.equal(reference, (report['headers'] as Json)['request-id'])
  assert.equal((await product.api.ok('GET', `/v1/calls/${report['id']}`))['external_reference'], reference)
  const listed = await product.api.list(`/v1/calls?external_reference=${reference}`)
  assert.deepEqual(
    listed.map((one) => [one['id'], one['external_reference']]),
    [[report['id'], reference]],
  )
  assert.deepEqual(idsOf(await product.api.list(`/v1/calls?q=${reference}`)), [report['id']])
  const { data } = await product.api.ok('GET', `/v1/search?q=${reference}`)
  assert.deepEqual(idsOf(data as Json[]), [report['id']])
})

test('calls of one reference are narrowed by the other filters, and those it only names are left out', async () => {
  const first = await call(plain, tagged('gw-1042'))
  const second = await call(plain, tagged('gw-1042', { method: 'POST' }))
  await call(plain, tagged('gw-1043'))
  const named = await call(plain, { method: 'POST', path: '/anything', idempotency_key: 'gw-1042' })
  assert.equal(named['external_reference'], null)
  const of = (query: string) => product.api.list(`/v1/calls?external_reference=gw-1042${query}`)
  assert.deepEqual(idsOf(await of('')), [second['id'], first['id']])
  assert.deepEqual(idsOf(await of('&method=POST')), [second['id']])
  assert.deepEqual(idsOf(await of('&q=gw-1043')), [])
  assert.deepEqual(idsOf(await product.api.list('/v1/calls?q=gw-1042')), [
    named['id'],
    second['id'],
    first['id'],
  ])
})

test('another tenant finds no call by a reference that is not its own', async () => {
  const { external_reference } = await call(plain, tagged('gw-private'))
  assert.equal(external_reference, 'gw-private')
  const other = await product.newTenant()
  assert.deepEqual(await other.list('/v1/calls?external_reference=gw-private'), [])
})
