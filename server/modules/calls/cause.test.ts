import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'

/** What made a call necessary and what it belongs to, whoever makes it. */

let product: Product
let connection = ''

before(async () => {
  product = await startProduct()
  const made = await product.api.ok('POST', '/v1/connections', {
    provider: 'http',
    name: 'Echo',
    environment: 'development',
    settings: { base_url: `${product.sandbox.url}/echo` },
  })
  connection = String(made['id'])
})

const enriched = () => ({
  method: 'POST',
  path: '/anything',
  body: { a: 1 },
  mapping: {
    in: [
      {
        kind: 'enrich',
        connection_id: connection,
        at: 'more',
        call: { method: 'GET', path: '/anything/get' },
      },
    ],
  },
})

const storyOf = async (id: unknown) => {
  const { entries } = await product.api.ok('GET', `/v1/stories/${id}`)
  return (entries as Json[]).filter(({ kind }) => kind === 'call')
}

test('a call is made because a key asked, and one that enriches it belongs to it', async () => {
  const { id } = await product.api.ok('POST', `/v1/connections/${connection}/calls`, enriched())
  const call = await product.api.ok('GET', `/v1/calls/${id}`)
  assert.deepEqual([call['cause'], call['parent_id']], [{ kind: 'api_key', id: call['actor'] }, null])
  const [child, ...more] = await product.api.list(`/v1/calls?parent_id=${id}`)
  assert.deepEqual([child?.['path'], child?.['parent_id'], more], ['/anything/get', id, []])
  assert.deepEqual(child?.['cause'], call['cause'])
  for (const begin of [id, child?.['id']]) {
    const told = await storyOf(begin)
    assert.deepEqual(new Set(told.map((one) => one['id'])), new Set([id, child?.['id']]), String(begin))
    const links = told.find((one) => one['id'] === child?.['id'])?.['links'] as Json
    assert.equal(links['parent_id'], id)
  }
})

test('the calls of a batch say so, and are found by it', async () => {
  const body = { calls: [{ method: 'GET', path: '/anything/get' }, enriched()] }
  const { id } = await product.api.ok('POST', `/v1/connections/${connection}/calls/batch`, body)
  await eventually(async () => (await product.api.ok('GET', `/v1/batches/${id}`))['state'] === 'completed')
  const found = await product.api.list(`/v1/calls?parent_id=${id}`)
  // A batch makes its calls at once, so either may have begun first.
  assert.deepEqual(found.map(({ path }) => path).toSorted(), ['/anything', '/anything/get'])
  for (const { cause } of found) assert.deepEqual(cause, { kind: 'batch', id })
  const caused = await product.api.list(`/v1/calls?cause=batch&cause_id=${id}`)
  assert.equal(caused.length, 3, 'the enriching call is made because of the batch too')
  assert.deepEqual(await product.api.list(`/v1/calls?cause=schedule&cause_id=${id}`), [])
  const csv = await fetch(`${product.url}/v1/calls/export?parent_id=${id}`, {
    headers: { authorization: `Bearer ${product.api.key}` },
  })
  assert.equal((await csv.text()).split(String(id)).length, 3)
})

test('each try of a call that is made later belongs to it', async () => {
  const input = { method: 'GET', path: '/anything/get', mode: 'async' }
  const { id } = await product.api.ok('POST', `/v1/connections/${connection}/calls`, input)
  const ended = await eventually(async () => {
    const call = await product.api.ok('GET', `/v1/calls/${id}`)
    return call['state'] === 'succeeded' && call
  })
  assert.equal((ended['cause'] as Json)['kind'], 'api_key')
  const tries = await product.api.list(`/v1/calls?parent_id=${id}`)
  assert.deepEqual(
    tries.map((one) => one['id']),
    ended['call_ids'],
  )
})

test('what a message makes necessary names it, and stands in its story', async () => {
  const step = {
    kind: 'enrich',
    connection_id: connection,
    at: 'more',
    call: { method: 'GET', path: '/anything/uuid' },
  }
  const source = await product.api.ok('POST', '/v1/sources', {
    provider: 'http',
    name: 'Orders',
    settings: { signature: 'none', unsigned_because: 'a test', event_id: 'id', event_type: 'type' },
    options: { mapping: [step] },
  })
  const body = '{"id":"m1","type":"paid"}'
  const headers = { 'content-type': 'application/json' }
  const { id } = (await (
    await fetch(String(source['url']), { method: 'POST', headers, body })
  ).json()) as Json
  await eventually(async () => (await product.api.ok('GET', `/v1/messages/${id}`))['state'] === 'completed')
  const [call, ...more] = await product.api.list(`/v1/calls?cause_id=${id}`)
  assert.deepEqual([call?.['cause'], more], [{ kind: 'message', id }, []])
  assert.deepEqual(
    (await storyOf(id)).map((one) => one['id']),
    [call?.['id']],
  )
})

test('a call carries our name and version, unless its connection has another', async () => {
  const agentOf = async (on: string) => {
    const { body } = await product.api.ok('POST', `/v1/connections/${on}/calls`, {
      method: 'GET',
      path: '/anything/get',
    })
    return ((body as Json)['headers'] as Json)['user-agent']
  }
  assert.match(String(await agentOf(connection)), /^Trilho\/\d+\.\d+\.\d+/)
  const named = await product.api.ok('POST', '/v1/connections', {
    provider: 'http',
    name: 'Named',
    environment: 'development',
    settings: { base_url: `${product.sandbox.url}/echo`, default_headers: { 'user-agent': 'Loja/2' } },
  })
  assert.equal(await agentOf(String(named['id'])), 'Loja/2')
})
