import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Clock, systemClock } from './clock.ts'
import { Problem } from './errors.ts'
import { floorId, fromWire, idMaker, type Kind, PREFIXES, parseWire, timeOfId, toWire } from './ids.ts'

const KINDS = Object.keys(PREFIXES) as Kind[]
const kind = fc.constantFrom(...KINDS)
const V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** A clock that shows these times one after another, and the last one for ever. */
function clockOf(times: number[]): Clock {
  let i = 0
  return { now: () => new Date(times[Math.min(i++, times.length - 1)] ?? 0), monotonic: () => 0 }
}

test('the smallest id of an instant is one of it, and before 1970 the smallest of all', () => {
  const at = new Date('2026-11-22T10:00:00.123Z')
  assert.deepEqual(timeOfId(floorId(at)), at)
  for (const long_ago of ['1969-12-31T23:59:59.999Z', '0000-01-01T00:00:00Z'])
    assert.equal(floorId(new Date(long_ago)), '00000000-0000-0000-0000-000000000000')
})

test('ids are UUIDv7, rise within one millisecond, and none comes twice', () => {
  const newId = idMaker(clockOf([1_763_772_544_000]))
  const ids = Array.from({ length: 20_000 }, newId)
  for (const id of ids) assert.match(id, V7)
  assert.deepEqual([...ids].sort(), ids)
  assert.equal(new Set(ids).size, ids.length)
})

test('ids never go back, whatever the clock does', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 45 }), { minLength: 2, maxLength: 50 }), (times) => {
      const newId = idMaker(clockOf(times))
      const ids = times.map(newId)
      assert.deepEqual([...ids].sort(), ids)
      assert.equal(new Set(ids).size, ids.length)
    }),
  )
})

test('an id says when it was made, to the millisecond', () => {
  const before = Date.now()
  const made = timeOfId(idMaker(systemClock)()).getTime()
  assert.ok(made >= before && made <= Date.now())
})

test('any UUID survives the way to the wire and back, for every kind', () => {
  fc.assert(
    fc.property(fc.uuid(), kind, (id, of) => {
      const wire = toWire(of, id)
      assert.match(wire, /^[a-z]+_[0-7][0-9a-hjkmnp-tv-z]{25}$/)
      assert.equal(parseWire(of, wire), id)
    }),
  )
})

test('wire ids sort as the UUIDs do', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.uuid(), (a, b) => {
      assert.equal(toWire('event', a) < toWire('event', b), a < b)
    }),
  )
})

test('the wire form is TypeID: its published examples hold', () => {
  // from the valid.json of the TypeID specification, under a prefix of ours
  assert.equal(toWire('event', '00000000-0000-0000-0000-000000000000'), 'evt_00000000000000000000000000')
  assert.equal(toWire('event', '00000000-0000-0000-0000-00000000000a'), 'evt_0000000000000000000000000a')
  assert.equal(toWire('event', 'ffffffff-ffff-ffff-ffff-ffffffffffff'), 'evt_7zzzzzzzzzzzzzzzzzzzzzzzzz')
  assert.equal(toWire('event', '01890a5d-ac96-774b-bcce-b302099a8057'), 'evt_01h455vb4pex5vsknk084sn02q')
})

test('an id of another kind is refused with the field and the right kind named', () => {
  fc.assert(
    fc.property(fc.uuid(), kind, kind, (id, one, other) => {
      fc.pre(one !== other)
      assert.throws(
        () => fromWire(one, toWire(other, id), 'the_field'),
        (error: unknown) => {
          assert.ok(error instanceof Problem)
          assert.equal(error.code, 'invalid_id')
          assert.equal(error.occurrence.field, 'the_field')
          assert.ok(error.message.includes('the_field') && error.message.includes(`${PREFIXES[one]}_`))
          return true
        },
      )
    }),
  )
})

test('text that is no id is refused: wrong length, wrong letters, upper case, more than 128 bits', () => {
  const id = 'evt_01h455vb4pex5vsknk084sn02q'
  assert.notEqual(parseWire('event', id), null)
  const spoilt = [
    '',
    'evt_',
    id.slice(0, -1),
    `${id}0`,
    id.toUpperCase(),
    id.replace('h', 'i'),
    id.replace('h', 'u'),
    id.replace('_0', '_8'),
    ` ${id}`,
    id.replace('evt', ''),
    '01890a5d-ac96-774b-bcce-b302099a8057',
  ]
  for (const text of spoilt) assert.equal(parseWire('event', text), null, text)
  fc.assert(fc.property(fc.string(), (text) => void assert.equal(parseWire('event', text), null)))
})

test('no two kinds share a prefix', () => {
  assert.equal(new Set(Object.values(PREFIXES)).size, KINDS.length)
})
