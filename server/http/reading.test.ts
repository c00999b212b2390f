import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, before, test } from 'node:test'
import { eventually, type Product, startProduct } from '../test/product.ts'
import { readingApi, readingWebhooks } from './reading.ts'

const TOKEN = 'a-token-of-theirs'
const NOBODY = '/webhooks/http/src_01jz8k3v9mf2tb7xq4c5n6p8rs'
const WAYS = { 'the short way': '', 'the long way': '?long' }

let product: Product
let path: string
before(async () => {
  product = await startProduct({ webhook_body_limit: 400_000 })
  const settings = { signature: 'token', signature_header: 'x-token' }
  const source = { provider: 'http', name: 'Read', settings, secrets: [TOKEN] }
  const { url } = await product.api.ok('POST', '/v1/sources', source)
  path = new URL(String(url)).pathname
})

const held = () => readingWebhooks(product.app).bytes
const noneHeld = () => eventually(async () => held() === 0)

/** A connection that sends no more than it is told to, and hangs up when it is told to. */
type Sender = { socket: Socket; heard(): string }
const open: Socket[] = []
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy()
})

async function sends(text: string): Promise<Sender> {
  const socket = connect({ port: Number(new URL(product.url).port), host: '127.0.0.1', allowHalfOpen: true })
  open.push(socket)
  let heard = ''
  socket.on('data', (piece) => {
    heard += piece
  })
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(text)
  return { socket, heard: () => heard }
}

const head = (at: string, ...more: string[]) =>
  [`POST ${at} HTTP/1.1`, 'host: trilho', 'content-type: application/json', ...more, '', ''].join('\r\n')
const allButOne = (at: string, length: number) =>
  head(at, `content-length: ${length}`) + 'x'.repeat(length - 1)

async function post(at: string, bytes: number, headers: Record<string, string> = { 'x-token': TOKEN }) {
  const body = JSON.stringify({ type: 'big', n: Math.random(), text: 'x'.repeat(bytes) })
  const response = await fetch(product.url + at, { method: 'POST', headers, body })
  await response.arrayBuffer()
  return [response.status, response.headers.get('retry-after')]
}

for (const [way, query] of Object.entries(WAYS)) {
  test(`strangers who hold back the last byte hold no more than the bound, by ${way}, and small senders are served`, async () => {
    const all = readingWebhooks(product.app)
    const { most_bytes } = all
    all.most_bytes = 1_000_000
    const strangers = await Promise.all(
      Array.from({ length: 30 }, () => sends(allButOne(NOBODY + query, 100_000))),
    )
    const refused = () =>
      strangers.filter(({ heard }) => /^HTTP\/1\.1 503 .*retry-after: 2\r/is.test(heard()))
    await eventually(async () => refused().length >= 23)
    assert.ok(held() > 500_000 && held() <= 750_000, `${held()} bytes are held`)
    assert.deepEqual(await post(path + query, 300_000), [503, '2'])
    if (query === '') assert.deepEqual(await post(path, 10), [200, null])
    assert.deepEqual(await post(`${path}?long`, 10), [200, null])
    const [first] = refused()
    first?.socket.write(`x${head(NOBODY, 'content-length: 2')}{}`)
    await eventually(async () => /503 .*HTTP\/1\.1 404 /s.test(first?.heard() ?? ''))
    for (const { socket } of strangers) socket.destroy()
    await noneHeld()
    assert.deepEqual(await post(path + query, 300_000), [200, null])
    all.most_bytes = most_bytes
  })

  test(`nothing is held any more once a webhook is answered or broken off, by ${way}`, async () => {
    const at = path + query
    assert.deepEqual(await post(at, 300_000), [200, null])
    assert.equal(held(), 0)
    assert.equal((await post(at, 100, {}))[0], 401)
    assert.equal((await post(NOBODY + query, 100_000))[0], 404)
    assert.equal((await post(at, 500_000))[0], 413)
    assert.equal(held(), 0)
    const { socket } = await sends(allButOne(at, 300_000))
    await eventually(async () => held() > 200_000)
    socket.destroy()
    await noneHeld()
  })
}

test('of requests in one row whose sender hangs up, nothing is held', async () => {
  const one = `${head(NOBODY, 'content-length: 1000')}${'x'.repeat(1000)}`
  const { socket } = await sends(one.repeat(20) + allButOne(NOBODY, 5000))
  await eventually(async () => held() > 4000)
  socket.destroy()
  await noneHeld()
})

test('of a body without a length, no more is held than the limit, each piece counted for what it costs', async () => {
  const chunked = head(NOBODY, 'transfer-encoding: chunked')
  const { heard } = await sends(`${chunked}${'1\r\nx\r\n'.repeat(100)}`)
  await eventually(async () => held() > 100 * 500)
  assert.equal(heard(), '')
  const large = await sends(`${chunked}7a120\r\n${'x'.repeat(0x7a120)}\r\n`)
  await eventually(async () => large.heard().startsWith('HTTP/1.1 413 '))
  assert.ok(held() < 100_000)
  for (const socket of open) socket.destroy()
  await noneHeld()
})

test('of a request that cannot be read to its end nothing is held, though its sender stays', async () => {
  const { heard } = await sends(
    `${head(NOBODY, 'transfer-encoding: chunked')}4\r\nxxxx\r\nno length at all\r\n`,
  )
  await eventually(async () => heard().startsWith('HTTP/1.1 400 '))
  await noneHeld()
})

test('bodies of the API, JSON and bytes for a vendor, hold no more than their own bound, and take no room from webhooks', async () => {
  const { api, app } = product
  const all = readingApi(app)
  const { most_bytes } = all
  all.most_bytes = 1_000_000
  const onward = '/v1/proxy/con_01jz8k3v9mf2tb7xq4c5n6p8rs/files'
  const asks = (at: string, length: number) => {
    const known = [`authorization: Bearer ${api.key}`, `content-length: ${length}`]
    return sends(head(at, ...known) + 'x'.repeat(length - 1))
  }
  const slow = await Promise.all(
    Array.from({ length: 12 }, (_, at) => asks(at % 2 ? '/v1/events' : onward, 100_000)),
  )
  const refused = () => slow.filter(({ heard }) => /^HTTP\/1\.1 503 .*retry-after: 2\r/is.test(heard()))
  await eventually(async () => refused().length >= 5)
  assert.ok(all.bytes > 500_000 && all.bytes <= 750_000, `${all.bytes} bytes are held`)
  const event = (bytes: number) =>
    api.send('POST', '/v1/events', { type: 'webhook.received', data: { text: 'x'.repeat(bytes) } })
  const passOn = async (bytes: number) => {
    const headers = { authorization: `Bearer ${api.key}`, 'content-type': 'image/png' }
    const body = 'x'.repeat(bytes)
    const response = await fetch(product.url + onward, { method: 'POST', headers, body })
    await response.arrayBuffer()
    return response.status
  }
  assert.deepEqual([(await event(300_000)).status, await passOn(300_000)], [503, 503])
  assert.deepEqual([(await event(10)).status, await passOn(10)], [201, 404])
  assert.deepEqual(await post(path, 300_000), [200, null])
  for (const { socket } of slow) socket.destroy()
  await eventually(async () => all.bytes === 0)
  assert.deepEqual([(await event(300_000)).status, await passOn(300_000)], [201, 404])
  assert.equal((await api.send('POST', '/v1/events', '{"type":')).status, 400)
  assert.equal(await passOn(product.app.config.api_body_limit + 1), 413)
  assert.equal(all.bytes, 0)
  all.most_bytes = most_bytes
})
