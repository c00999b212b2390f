import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import {
  blindIndex,
  type DataKey,
  fingerprintOf,
  keyVersionOf,
  normalise,
  open,
  type Place,
  seal,
  toIndexKey,
} from './crypto.ts'

const newKey = (version = 1): DataKey => ({ version, key: createSecretKey(randomBytes(32)) })

const places: fc.Arbitrary<Place> = fc
  .tuple(
    fc.string(),
    fc.uuid(),
    fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.nat()), { maxLength: 3 }),
  )
  .map(([kind, tenant_id, rest]) => [kind, tenant_id, ...rest])
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const versions = fc.integer({ min: 0, max: 2 ** 32 - 1 })

test('what is sealed opens to the same bytes, and says which key sealed it', () => {
  fc.assert(
    fc.property(places, bytes, versions, (place, plaintext, version) => {
      const key = newKey(version)
      const sealed = seal(key, place, plaintext)
      assert.equal(keyVersionOf(sealed, place), version)
      assert.deepEqual(open(key, place, sealed), plaintext)
    }),
  )
})

test('a value does not open in any other place', () => {
  const key = newKey()
  fc.assert(
    fc.property(places, places, bytes, (here, there, plaintext) => {
      fc.pre(JSON.stringify(here) !== JSON.stringify(there))
      const sealed = seal(key, here, plaintext)
      assert.throws(() => open(key, there, sealed), /^Error: The vault cannot open .* another place/)
    }),
  )
})

test('places that read the same when joined are different places', () => {
  const key = newKey()
  const sealed = seal(key, ['secret', 't', 'a', 'b|c', 1], Buffer.from('x'))
  for (const place of [
    ['secret', 't', 'a|b', 'c', 1],
    ['secret', 't', 'a', 'b|c', '1'],
    ['secret', 't', 'a', 'b', 'c', 1],
  ] as Place[]) {
    assert.throws(() => open(key, place, sealed), /cannot open/)
  }
})

test('a changed byte anywhere is refused', () => {
  const key = newKey(7)
  const place: Place = ['secret', 't', 'o', 'f', 1]
  fc.assert(
    fc.property(bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (plaintext, at, flip) => {
      const sealed = seal(key, place, plaintext)
      const index = at % sealed.length
      sealed.writeUInt8(sealed.readUInt8(index) ^ flip, index)
      assert.throws(() => open(key, place, sealed), /^Error: The vault cannot open/)
    }),
  )
})

test('bytes cut short or added to are refused', () => {
  const key = newKey()
  const place: Place = ['sealed', 't', 'c']
  const sealed = seal(key, place, Buffer.from('a value of some length'))
  for (let length = 0; length < sealed.length; length++) {
    assert.throws(() => open(key, place, sealed.subarray(0, length)), /^Error: The vault cannot open/)
  }
  assert.throws(
    () => open(key, place, Buffer.concat([sealed, Buffer.alloc(1)])),
    /^Error: The vault cannot open/,
  )
})

test('any bytes that were never sealed are refused with an error that shows none of them', () => {
  const key = newKey()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (array) => {
      const junk = Buffer.from(array)
      assert.throws(
        () => open(key, ['sealed', 't', 'c'], junk),
        /^Error: The vault cannot open \["sealed","t","c"\]: /,
      )
    }),
  )
})

test('another key of the same version does not open it, nor the same key under another version', () => {
  const key = newKey(3)
  const sealed = seal(key, ['sealed', 't', 'c'], Buffer.from('x'))
  assert.throws(() => open(newKey(3), ['sealed', 't', 'c'], sealed), /by another key/)
  assert.throws(
    () => open({ ...key, version: 4 }, ['sealed', 't', 'c'], sealed),
    /not sealed by key version 4/,
  )
  sealed.writeUInt32BE(4, 1)
  assert.throws(() => open({ ...key, version: 4 }, ['sealed', 't', 'c'], sealed), /another place/)
})

test('sealing one value twice gives bytes that have nothing in common', () => {
  const key = newKey()
  const [one, two] = [1, 2].map(() => seal(key, ['sealed', 't', 'c'], Buffer.alloc(64)))
  assert.notDeepEqual(one?.subarray(5, 17), two?.subarray(5, 17))
  assert.notDeepEqual(one?.subarray(33), two?.subarray(33))
})

test('a key shows nothing of itself when printed', () => {
  const raw = randomBytes(32)
  const printed = inspect({ version: 1, key: createSecretKey(raw) }, { depth: 9 }) + JSON.stringify(newKey())
  assert.ok(!printed.includes(raw.toString('hex').slice(0, 8)))
  assert.ok(!/[0-9a-f]{2} [0-9a-f]{2} [0-9a-f]{2}/.test(printed))
})

test('a fingerprint tells two master keys apart and holds none of either', () => {
  const [one, two] = [randomBytes(32), randomBytes(32)]
  assert.equal(fingerprintOf(one), fingerprintOf(Buffer.from(one)))
  assert.notEqual(fingerprintOf(one), fingerprintOf(two))
  assert.match(fingerprintOf(one), /^[0-9a-f]{16}$/)
  assert.ok(!one.toString('hex').includes(fingerprintOf(one)))
})

test('normalising twice changes nothing more', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
      assert.equal(normalise(normalise(text)), normalise(text))
    }),
    { numRuns: 1000 },
  )
})

const same: [string, string][] = [
  ['123.456.789-09', '12345678909'],
  [' 123.456.789-09\n', '123456789-09'],
  ['11.222.333/0001-81', '11222333000181'],
  ['12.ABC.345/01DE-35', '12abc34501de35'],
  ['Maria@Example.COM', ' maria@example.com'],
  ['José', 'JOSE\u0301'],
  ['İ', 'i\u0307'],
]
test('one value in its several spellings has one blind index', () => {
  const key = toIndexKey(randomBytes(32))
  for (const [a, b] of same) assert.deepEqual(blindIndex(key, a), blindIndex(key, b), `${a} and ${b}`)
})

test('punctuation is kept where the value is no CPF or CNPJ', () => {
  for (const text of [
    'pi-123.456',
    '2026-11-22',
    '123.456.789-0',
    'a.b-c',
    '192.168.000.111',
    'ab.cde/1234-56',
  ]) {
    assert.equal(normalise(text), text)
  }
})

test('different values and different tenants have different blind indexes', () => {
  const [one, two] = [toIndexKey(randomBytes(32)), toIndexKey(randomBytes(32))]
  assert.notDeepEqual(blindIndex(one, '12345678909'), blindIndex(two, '12345678909'))
  assert.notDeepEqual(blindIndex(one, '12345678909'), blindIndex(one, '12345678908'))
  assert.equal(blindIndex(one, 'x').length, 32)
})
