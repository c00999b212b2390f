import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { undoAfter } from '../../test/harness.ts'
import { freePort } from '../../test/ports.ts'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'

/** A vendor with several addresses. */

let product: Product

before(async () => {
  product = await startProduct()
})

/** Answers with this status, and counts. */
async function newVendor(status: number) {
  const vendor = { status, hits: [] as string[], url: '' }
  const server = createServer((request, response) => {
    vendor.hits.push(String(request.method))
    request.resume()
    response.writeHead(vendor.status, { 'content-type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  undoAfter(async () => void server.close())
  vendor.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return vendor
}

/** Hears one request, answers nothing, and is gone. */
async function newDying() {
  const vendor = { hits: 0, url: '' }
  const server = createServer((request) => {
    vendor.hits += 1
    server.close()
    request.socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  vendor.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return vendor
}

async function connect(first: string, others: string[], more: Json = {}) {
  const settings = { base_url: first, fallback_urls: others, ...more }
  const limits = { backoff_ms: 10, breaker: false, retry_budget: false }
  const made = await product.api.ok('POST', '/v1/connections', {
    ...{ provider: 'http', name: 'Two', environment: 'development', settings, limits },
  })
  return (method: string, asked: Json = {}) =>
    product.api.ok('POST', `/v1/connections/${made['id']}/calls`, {
      method,
      path: '/x',
      retries: 2,
      ...asked,
    })
}

test('while the first address is away the next is asked, at once from the second call on', async () => {
  const second = await newVendor(200)
  const call = await connect(`http://127.0.0.1:${await freePort()}`, [`${second.url}/v2`])
  for (const [method, attempts] of [
    ['POST', 2],
    ['GET', 1],
    ['POST', 1],
  ] as const) {
    const { state, attempts: made } = await call(method)
    assert.deepEqual([state, made], ['succeeded', attempts], method)
  }
})

test('a read that the first address fails is asked of the next, a change that it heard of is not', async () => {
  const [first, second] = [await newVendor(503), await newVendor(200)]
  const reading = await connect(first.url, [second.url])
  assert.equal((await reading('GET'))['state'], 'succeeded')
  const changing = await connect(first.url, [second.url])
  const heard = await changing('POST')
  assert.deepEqual([heard['status'], heard['attempts']], [503, 1])
  assert.deepEqual([first.hits, second.hits], [['GET', 'POST'], ['GET']])
  assert.equal((await changing('POST'))['state'], 'succeeded', 'the next change goes to the next address')
})

test('a change with a key is repeated where it was heard, as another address need not know its key', async () => {
  const [first, second] = [await newVendor(503), await newVendor(200)]
  const call = await connect(first.url, [second.url], { idempotency_header: 'Idempotency-Key' })
  const { status, attempts } = await call('POST')
  assert.deepEqual([status, attempts], [503, 3])
  assert.deepEqual([first.hits.length, second.hits], [3, []])
})

const KEYED = { idempotency_header: 'Idempotency-Key' }

test('a change that was heard once stays where it was, also where a later attempt was not heard', async () => {
  const [first, second] = [await newDying(), await newVendor(200)]
  const call = await connect(first.url, [second.url], KEYED)
  const { state, attempts } = await call('POST')
  assert.deepEqual([state, attempts, first.hits, second.hits], ['unknown', 3, 1, []])
})

test("a change under the caller's own key is repeated where it was heard, however often it is called", async () => {
  const [first, second] = [await newVendor(503), await newVendor(200)]
  const call = await connect(first.url, [second.url], KEYED)
  for (const name of ['body', 'header'])
    for (const _ of [1, 2]) {
      const own = name === 'body' ? { idempotency_key: 'order-7' } : { headers: { 'idempotency-key': '8' } }
      assert.equal((await call('POST', { ...own, retries: 0 }))['status'], 503, name)
    }
  assert.deepEqual([first.hits.length, second.hits], [4, []])
})

test('a deferred change that failed is tried again where it was heard', async () => {
  const [first, second] = [await newVendor(503), await newVendor(200)]
  const call = await connect(first.url, [second.url], KEYED)
  const again = { mode: 'async', retries: 0, retry_later: { times: 1, after_ms: 100 } }
  const { id } = await call('POST', again)
  const ended = await eventually(async () => {
    const row = await product.api.ok('GET', `/v1/calls/${id}`)
    return row['closed_at'] !== null && row
  })
  assert.deepEqual([ended['tries'], first.hits.length, second.hits], [2, 2, []])
})

test('a no of the first address is its answer, and an address that is none is refused by name', async () => {
  const [first, second] = [await newVendor(404), await newVendor(200)]
  assert.equal((await (await connect(first.url, [second.url]))('GET'))['status'], 404)
  assert.deepEqual(second.hits, [])
  await assert.rejects(connect(first.url, ['ftp://x']), /settings\.fallback_urls/)
})
