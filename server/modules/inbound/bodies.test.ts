import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { before, test } from 'node:test'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'

const SECRET = 'a-secret'
const HMAC = { signature: 'hmac', signature_header: 'x-signature' }
let product: Product
before(async () => {
  product = await startProduct()
})

async function newSource(settings: Json = HMAC, options: Json = {}) {
  const source = { provider: 'http', name: 'Bodies', secrets: [SECRET], settings, options }
  return (await product.api.ok('POST', '/v1/sources', source)) as { id: string; url: string }
}

/** Signs `signed`, which is what is sent unless said otherwise. */
async function post(url: string, body: Buffer, headers: Record<string, string> = {}, signed = body) {
  const signature = createHmac('sha256', SECRET).update(signed).digest('hex')
  const given = { 'content-type': 'application/json', 'x-signature': signature, ...headers }
  const response = await fetch(url, { method: 'POST', headers: given, body: new Uint8Array(body) })
  return { status: response.status, body: (await response.json()) as Json }
}

async function eventOf(message: unknown): Promise<Json> {
  return eventually(async () =>
    (await product.api.list('/v1/events?limit=100')).find(({ message_id }) => message_id === message),
  )
}

const JSON_BODY = Buffer.from('{"type":"paid","id":"e1","amount":12.50}')
const PACKED: [string, Buffer][] = [
  ['gzip', gzipSync(JSON_BODY)],
  ['deflate', deflateSync(JSON_BODY)],
  ['deflate', deflateRawSync(JSON_BODY)],
  ['br', brotliCompressSync(JSON_BODY)],
  ['zstd', zstdCompressSync(JSON_BODY)],
  ['gzip, br', brotliCompressSync(gzipSync(JSON_BODY))],
]

test('a compressed body is verified by what it unpacks to, kept as it came, and read', async () => {
  for (const [encoding, packed] of PACKED) {
    const { url } = await newSource()
    const taken = await post(url, packed, { 'content-encoding': encoding }, JSON_BODY)
    assert.equal(taken.status, 200, encoding)
    const { id } = taken.body
    const kept = await product.api.ok('GET', `/v1/messages/${id}`)
    assert.equal(kept['body'], packed.toString('base64'), encoding)
    assert.equal(kept['event_key'], 'e1', encoding)
    const event = await eventOf(id)
    assert.deepEqual(
      [event['type'], event['data']],
      ['http.paid', JSON.parse(JSON_BODY.toString())],
      encoding,
    )
  }
})

test('a sender that signs the compressed bytes is understood too; one that signs neither is not', async () => {
  const { url } = await newSource()
  const packed = gzipSync(JSON_BODY)
  const encoding = { 'content-encoding': 'gzip' }
  assert.equal((await post(url, packed, encoding, packed)).status, 200)
  assert.equal((await post(url, packed, encoding, Buffer.from('other'))).status, 401)
})

test('a copy that is packed anew is known as one, by its id and by its body', async () => {
  const encoding = { 'content-encoding': 'gzip' }
  for (const body of [JSON_BODY, Buffer.from('{"type":"paid"}')]) {
    const { url } = await newSource({ ...HMAC, event_id: 'id' })
    const [packed, again] = [gzipSync(body), gzipSync(body)]
    again.writeUInt32LE(1_767_366_000, 4) // when it was packed
    const first = await post(url, packed, encoding, body)
    const second = await post(url, again, encoding, body)
    assert.deepEqual([first.body['status'], second.body['status']], ['received', 'duplicate'])
    assert.equal(second.body['id'], first.body['id'])
  }
})

test('a bomb is stopped at the limit of its source, and what is packed otherwise is refused as such', async () => {
  const { id, url } = await newSource(HMAC, { body_limit_bytes: 10_000 })
  const bomb = gzipSync(Buffer.alloc(100_000_000))
  assert(bomb.length > 10_000)
  assert.equal((await post(url, bomb, { 'content-encoding': 'gzip' })).status, 413)
  const small_bomb = gzipSync(Buffer.alloc(1_000_000))
  assert(small_bomb.length < 10_000)
  assert.equal((await post(url, small_bomb, { 'content-encoding': 'gzip' })).status, 413)
  const twice = gzipSync(small_bomb)
  assert.equal((await post(url, twice, { 'content-encoding': 'gzip, gzip' })).status, 413)
  assert.equal((await post(url, JSON_BODY, { 'content-encoding': 'gzip' })).status, 400)
  assert.equal((await post(url, JSON_BODY, { 'content-encoding': 'compress' })).status, 415)
  assert.equal((await post(url, JSON_BODY, { 'content-encoding': 'gzip, gzip, gzip' })).status, 415)
  assert.equal((await post(url, JSON_BODY, { 'content-encoding': 'identity' })).status, 200)
  assert.deepEqual(await product.api.list(`/v1/quarantine?source_id=${id}`), [])
})

test('a source takes 1 MiB, or as much as it says', async () => {
  const body = (bytes: number) => Buffer.from(JSON.stringify({ type: 'big', text: 'x'.repeat(bytes) }))
  const usual = await newSource()
  assert.equal((await post(usual.url, body(1_000_000))).status, 200)
  const refused = await post(usual.url, body(1_100_000))
  assert.deepEqual([refused.status, refused.body['code']], [413, 'body_too_large'])
  const wide = await newSource(HMAC, { body_limit_bytes: 3_000_000 })
  assert.equal((await post(wide.url, body(2_500_000))).status, 200)
  const narrow = await newSource(HMAC, { body_limit_bytes: 2_000 })
  assert.equal((await post(narrow.url, body(1_900))).status, 200)
  assert.equal((await post(narrow.url, body(2_100))).status, 413)
  await product.api.ok('PATCH', `/v1/sources/${narrow.id}`, { options: { body_limit_bytes: null } })
  assert.equal((await post(narrow.url, body(2_100))).status, 200)
})

test('XML becomes an object, its bytes kept as they came', async () => {
  const { url } = await newSource({ ...HMAC, event_type: 'order.@kind', event_id: 'order.id' })
  const xml =
    '<?xml version="1.0"?><order kind="paid"><id>77</id><total>12.50</total><item>a</item><item>b</item></order>'
  const { body } = await post(url, Buffer.from(xml), { 'content-type': 'application/xml; charset=utf-8' })
  const event = await eventOf(body['id'])
  assert.equal(event['type'], 'http.paid')
  assert.deepEqual(event['data'], { order: { '@kind': 'paid', id: '77', total: '12.50', item: ['a', 'b'] } })
  const kept = await product.api.ok('GET', `/v1/messages/${body['id']}`)
  assert.deepEqual([kept['event_key'], kept['body']], ['77', Buffer.from(xml).toString('base64')])
})

test('XML that would grow by entities of its own is stored and not read', async () => {
  const { url } = await newSource()
  const bomb = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb">]><a>&b;</a>'
  const { status, body } = await post(url, Buffer.from(bomb), { 'content-type': 'text/xml' })
  assert.equal(status, 200)
  const failed = await eventually(async () => {
    const message = await product.api.ok('GET', `/v1/messages/${body['id']}`)
    return message['state'] === 'failed' && message
  })
  assert.match(String(failed['error']), /document type/)
})

test('multipart becomes an object of its fields, a file with its name and size', async () => {
  const { url } = await newSource()
  const form = new FormData()
  form.set('type', 'upload')
  form.append('tag', 'a')
  form.append('tag', 'b')
  form.set('report', new File(['linha é\r\n--x'], 'r.csv', { type: 'text/csv' }))
  form.set('image', new File([new Uint8Array([255, 0, 13, 10])], 'i.png', { type: 'image/png' }))
  const request = new Request(url, { method: 'POST', body: form })
  const type = String(request.headers.get('content-type'))
  const { body } = await post(url, Buffer.from(await request.arrayBuffer()), { 'content-type': type })
  const event = await eventOf(body['id'])
  assert.deepEqual(event['data'], {
    type: 'upload',
    tag: ['a', 'b'],
    report: { filename: 'r.csv', content_type: 'text/csv', size: 13, text: 'linha é\r\n--x' },
    image: { filename: 'i.png', content_type: 'image/png', size: 4 },
  })
})
