import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type Json, type Product, startProduct } from '../../test/product.ts'

/** Which version of its API a vendor is asked for: pinned with the connection, sent with every call, shown. */

let product: Product
before(async () => {
  product = await startProduct()
})

const connecting = (provider: string, settings: object, credentials?: object) => ({
  provider,
  name: 'x',
  environment: 'development',
  settings,
  ...(credentials && { credentials }),
})
const stripeWith = (more: object = {}) =>
  connecting(
    'stripe',
    { base_url: `${product.sandbox.url}/stripe`, ...more },
    { secret_key: 'sk_test_abcdef123456' },
  )
const made = (body: object) => product.api.ok('POST', '/v1/connections', body)
const call = (id: unknown, path: string, more: object = {}) =>
  product.api.ok('POST', `/v1/connections/${id}/calls`, { method: 'GET', path, ...more })
const faultOf = async (body: object) => {
  const refused = await product.api.send('POST', '/v1/connections', body)
  return [refused.status, refused.body['field']]
}

/** What its manifest has for a connection that names none. */
const usualOf = async (provider: string) => {
  const { fields } = await product.api.ok('GET', `/v1/providers/${provider}`)
  return (fields as Json[]).find(({ key }) => key === 'api_version')?.['default']
}

test('a connection that names no version is pinned to the default of its provider, and says so', async () => {
  const usual = await usualOf('stripe')
  const { id, api_version, settings } = await made(stripeWith())
  assert.deepEqual([api_version, (settings as Json)['api_version']], [usual, usual])
  const listed = (await product.api.list('/v1/connections')).find((one) => one['id'] === id)
  assert.equal(listed?.['api_version'], usual)
  assert.equal(((await call(id, '/v1/balance'))['headers'] as Json)['stripe-version'], usual)
  for (const provider of ['github', 'plaid', 'whatsapp']) assert.notEqual(await usualOf(provider), undefined)
})

test('another version is sent, and stays when other settings are changed without it', async () => {
  const { id, api_version } = await made(stripeWith({ api_version: '2024-06-20' }))
  assert.equal(api_version, '2024-06-20')
  assert.equal(((await call(id, '/v1/balance'))['headers'] as Json)['stripe-version'], '2024-06-20')
  const { settings } = stripeWith({ account: 'acct_1042' })
  const changed = await product.api.ok('PATCH', `/v1/connections/${id}`, { settings })
  assert.deepEqual(
    [changed['api_version'], (changed['settings'] as Json)['account']],
    ['2024-06-20', 'acct_1042'],
  )
  const later = { settings: { ...settings, api_version: '2026-10-28.endive' } }
  const moved = await product.api.ok('PATCH', `/v1/connections/${id}`, later)
  assert.equal(moved['api_version'], '2026-10-28.endive')
  assert.deepEqual(await faultOf(stripeWith({ api_version: 'latest' })), [422, 'settings.api_version'])
})

test('of any service it stands in the path or in a header, as the connection says', async () => {
  const base_url = `${product.sandbox.url}/echo/anything/{api_version}`
  const in_path = await made(connecting('http', { base_url, api_version: 'v57.0' }))
  const asked = (await call(in_path['id'], '/sobjects'))['body'] as Json
  assert.equal(asked['path'], '/anything/v57.0/sobjects')
  const [listed] = await product.api.list(`/v1/calls?connection_id=${in_path['id']}`)
  assert.equal(listed?.['path'], '/sobjects')
  const echo = `${product.sandbox.url}/echo`
  const in_header = { base_url: echo, api_version: '3', api_version_header: 'X-Api-Version' }
  const { id } = await made(connecting('http', in_header))
  const { headers } = (await call(id, '/anything'))['body'] as { headers: Json }
  assert.equal(headers['x-api-version'], '3')
  const none = await made(connecting('http', { base_url: echo }))
  assert.equal(none['api_version'], null)
})

test('a version that would go nowhere is refused, and so is a place that none is given for', async () => {
  const echo = `${product.sandbox.url}/echo`
  for (const settings of [
    { base_url: echo, api_version: 'v1' },
    { base_url: `${echo}/{api_version}` },
    { base_url: echo, api_version_header: 'X-Api-Version' },
    { base_url: echo, fallback_urls: [`${echo}/{api_version}`] },
    { base_url: `${echo}/{api_version}`, api_version: '../v1' },
  ])
    assert.deepEqual(
      await faultOf(connecting('http', settings)),
      [422, 'settings.api_version'],
      JSON.stringify(settings),
    )
})
