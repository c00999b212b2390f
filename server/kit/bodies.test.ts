import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { textOf, unpack } from './bodies.ts'

const PACK: Record<string, (bytes: Buffer) => Buffer>[] = [
  { gzip: gzipSync, br: brotliCompressSync, zstd: zstdCompressSync, deflate: deflateSync },
  { deflate: deflateRawSync },
]
const ways = fc.constantFrom(...PACK.flatMap((pack) => Object.entries(pack)))
const bytes = fc.uint8Array({ maxLength: 2_000 }).map((array) => Buffer.from(array))

test('what is packed is unpacked to the byte, once or twice over', () => {
  fc.assert(
    fc.property(ways, ways, bytes, ([one, pack], [other, wrap], body) => {
      assert.deepEqual(unpack({ 'content-encoding': one }, pack(body), 2_000), { ok: true, body })
      const twice = { 'content-encoding': `${one}, ${other}` }
      assert.deepEqual(unpack(twice, wrap(pack(body)), 4_000), { ok: true, body })
    }),
  )
})

test('any bytes under any encoding are unpacked within the limit or refused, never thrown', () => {
  const encoding = fc.oneof(
    ways.map(([name]) => name),
    fc.string(),
    fc.constant('gzip, br, gzip'),
  )
  fc.assert(
    fc.property(encoding, bytes, fc.integer({ min: 1, max: 3_000 }), (name, body, limit) => {
      const unpacked = unpack({ 'content-encoding': name }, body, limit)
      assert(!unpacked.ok || unpacked.body.length <= limit)
    }),
  )
})

test('whatever grows past the limit is too large, however small it came', () => {
  for (const [name, pack] of PACK.flatMap((one) => Object.entries(one))) {
    const unpacked = unpack({ 'content-encoding': name }, pack(Buffer.alloc(1_000_001)), 1_000_000)
    assert(!unpacked.ok && unpacked.reason === 'too_large', name)
  }
})

test('what fetch writes as multipart is read as it was meant', async () => {
  const names = fc.constantFrom('type', 'data', 'é', '__proto__', 'a b')
  const values = fc.string({ unit: 'binary' }).map((text) => text.toWellFormed().replace(/\r\n?|\n/g, '\r\n'))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(names, values), { maxLength: 6 }), async (fields) => {
      const form = new FormData()
      for (const [name, value] of fields) form.append(name, value)
      const sent = new Request('http://localhost/', { method: 'POST', body: form })
      const headers = { 'content-type': sent.headers.get('content-type') ?? '' }
      const read = JSON.parse(textOf(headers, Buffer.from(await sent.arrayBuffer()), null)) as object
      const wanted = new Map<string, unknown>()
      for (const name of new Set(fields.map(([one]) => one))) {
        const all = form.getAll(name)
        wanted.set(name, all.length === 1 ? all[0] : all)
      }
      assert.deepEqual(new Map(Object.entries(read)), wanted)
    }),
  )
})

test('any bytes as multipart are read or left out, never thrown', () => {
  const body = fc.array(
    fc.constantFrom('--b', '\r\n', '--', 'content-disposition: form-data; name="a"', 'x', '\r\n\r\n'),
  )
  fc.assert(
    fc.property(body, (parts) => {
      const text = textOf(
        { 'content-type': 'multipart/form-data; boundary=b' },
        Buffer.from(parts.join('')),
        null,
      )
      assert.equal(typeof JSON.parse(text), 'object')
    }),
  )
})

test('a field that holds the event as JSON stands for the whole, in a form and in multipart', () => {
  const event = '{"type":"paid","n":12.50}'
  const form = Buffer.from(new URLSearchParams({ payload: event }).toString())
  const in_form = { 'content-type': 'application/x-www-form-urlencoded' }
  assert.equal(textOf(in_form, form, { json_in: 'payload' }), event)
  const parts = `--b\r\ncontent-disposition: form-data; name="payload"\r\n\r\n${event}\r\n--b--\r\n`
  const in_parts = { 'content-type': 'multipart/form-data; boundary="b"' }
  assert.equal(textOf(in_parts, Buffer.from(parts), { json_in: 'payload' }), event)
  assert.equal(
    textOf({ 'content-type': 'application/soap+xml' }, Buffer.from('<a b="1">2</a>'), null),
    '{"a":{"#text":"2","@b":"1"}}',
  )
})
