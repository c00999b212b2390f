import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'

/** Many messages that one id leads to: all of them are found, page by page, and a search says where it stops. */
let product: Product
before(async () => {
  product = await startProduct()
})

const MANY = 120

test('of what an id leads to nothing is left out unsaid', async () => {
  const { api } = product
  const { id: source_id, url } = await api.ok('POST', '/v1/sources', {
    provider: 'http',
    name: 'Busy',
    settings: { signature: 'token', signature_header: 'x-token', event_id: 'id', entity_id: 'order' },
    secrets: ['a-token-of-ours'],
  })
  const headers = { 'content-type': 'application/json', 'x-token': 'a-token-of-ours' }
  for (let n = 0; n < MANY; n++) {
    const body = JSON.stringify({ id: `m${n}`, order: 'o-busy', n })
    assert.equal((await fetch(String(url), { method: 'POST', headers, body })).status, 200)
  }
  await eventually(async () => {
    const { types } = (await api.ok('GET', `/v1/messages/types?source_id=${source_id}`)) as { types: Json[] }
    return types.every(({ states }) => (states as Json)['pending'] === undefined)
  })
  const seen: unknown[] = []
  let cursor = ''
  do {
    const page = await api.ok('GET', `/v1/messages?q=o-busy&limit=50${cursor}`)
    seen.push(...(page['data'] as Json[]).map((one) => one['id']))
    cursor = page['next_cursor'] === null ? '' : `&cursor=${page['next_cursor']}`
  } while (cursor !== '')
  assert.deepEqual([seen.length, new Set(seen).size], [MANY, MANY])
  const many = await api.ok('GET', '/v1/search?q=o-busy')
  assert.deepEqual([(many['data'] as Json[]).length, many['is_more']], [100, true])
  const [first] = seen
  assert.equal((await api.ok('GET', `/v1/search?q=${first}`))['is_more'], false)
  assert.deepEqual(
    (await api.list(`/v1/messages?q=${first}`)).map(({ id }) => id),
    [first],
  )
})
