import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createCacheMemory } from './cache_memory.ts'

test('however much is put in, it holds no more than its bytes, and counts them right', () => {
  const put = fc.record({
    key: fc.integer({ min: 0, max: 30 }),
    owner: fc.integer({ min: 0, max: 3 }),
    bytes: fc.integer({ min: 1, max: 200 }),
    act: fc.constantFrom('set', 'set', 'set', 'get', 'delete', 'drop'),
  })
  fc.assert(
    fc.property(fc.array(put, { maxLength: 200 }), (acts) => {
      const memory = createCacheMemory<number>(1000)
      for (const { key, owner, bytes, act } of acts) {
        if (act === 'set') memory.set(String(key), { owner: String(owner), value: bytes, bytes })
        if (act === 'get') memory.get(String(key))
        if (act === 'delete') memory.delete(String(key))
        if (act === 'drop') memory.drop(String(owner), (value) => value > 100)
        assert.ok(memory.bytes() <= 1000)
      }
      const held = Array.from({ length: 31 }, (_, key) => memory.get(String(key)) ?? 0)
      assert.equal(
        memory.bytes(),
        held.reduce((sum, bytes) => sum + bytes, 0),
      )
    }),
  )
})

test('what was used longest ago makes room, and one that is too large for all is not taken', () => {
  const memory = createCacheMemory<string>(800)
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
    memory.set(key, { owner: 'o', value: key, bytes: 100 })
  memory.get('a')
  memory.set('i', { owner: 'o', value: 'i', bytes: 100 })
  assert.deepEqual([memory.get('a'), memory.get('b'), memory.get('i')], ['a', undefined, 'i'])
  memory.set('a', { owner: 'o', value: 'huge', bytes: 101 })
  assert.deepEqual([memory.get('a'), memory.bytes()], [undefined, 700])
})

test('an owner is dropped without the others', () => {
  const memory = createCacheMemory<string>(8000)
  memory.set('1', { owner: 'a', value: 'x', bytes: 10 })
  memory.set('2', { owner: 'a', value: 'y', bytes: 10 })
  memory.set('3', { owner: 'b', value: 'x', bytes: 10 })
  memory.drop('a', (value) => value === 'x')
  assert.deepEqual([memory.get('1'), memory.get('2'), memory.get('3')], [undefined, 'y', 'x'])
  memory.clear()
  assert.deepEqual([memory.get('3'), memory.bytes(), memory.size()], [undefined, 0, 0])
})
