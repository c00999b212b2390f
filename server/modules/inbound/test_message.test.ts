import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type Api, eventually, type Product, startProduct } from '../../test/product.ts'

let product: Product
before(async () => {
  product = await startProduct({ sandbox: true })
})

const SECRET = 'whsec_of_the_test_message'
const source = async (api: Api, provider: string, more: object = { secrets: [SECRET] }): Promise<string> =>
  String((await api.ok('POST', '/v1/sources', { provider, name: provider, ...more }))['id'])
/** What some are asked for beside the secret. */
const SETTINGS: Record<string, object> = { whatsapp: { verify_token: 'chosen_by_the_test_0123456789' } }

test('each simulated vendor sends a message that its source takes, as it would take the vendor’s own', async () => {
  const { api } = product
  const sandbox = await api.ok('GET', '/v1/sandbox')
  assert.equal(sandbox['url'], `${product.url}/sandbox`)
  for (const provider of sandbox['providers'] as string[]) {
    const id = await source(api, provider, { secrets: [SECRET], settings: SETTINGS[provider] ?? {} })
    assert.deepEqual(
      await api.ok('POST', `/v1/sources/${id}/test`),
      { status: 200, accepted: true },
      provider,
    )
    const messages = await api.list(`/v1/messages?source_id=${id}`)
    assert.equal(messages.length, 1, provider)
    await eventually(async () => (await api.list(`/v1/messages?source_id=${id}`))[0]?.['state'] !== 'pending')
  }
})

test('a source that cannot be tested says why, and no other tenant’s is', async () => {
  const { api } = product
  const stranger = await product.newTenant()
  const theirs = await source(stranger, 'stripe')
  assert.equal((await api.send('POST', `/v1/sources/${theirs}/test`)).status, 404)
  const bare = await source(api, 'stripe', {})
  const refused = await api.send('POST', `/v1/sources/${bare}/test`)
  assert.deepEqual([refused.status, refused.body['code']], [409, 'conflict'])
})

test('where no simulated vendors run, nobody sends a test message', async () => {
  const other = await startProduct()
  assert.deepEqual(await other.api.ok('GET', '/v1/sandbox'), { url: null, providers: [] })
  const id = await source(other.api, 'stripe')
  assert.equal((await other.api.send('POST', `/v1/sources/${id}/test`)).status, 409)
})
