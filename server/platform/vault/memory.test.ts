import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemory } from './memory.ts'

test('what was used last is kept, and no more than the limit', () => {
  const memory = createMemory<number>(3)
  for (const key of ['a', 'b', 'c']) memory.set(key, 1)
  memory.get('a')
  memory.set('b', 2)
  memory.set('d', 1)
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => memory.get(key)),
    [1, 2, undefined, 1],
  )
  for (let i = 0; i < 100; i++) memory.set(`${i}`, i)
  assert.equal(
    Array.from({ length: 100 }, (_, i) => memory.get(`${i}`)).filter((kept) => kept !== undefined).length,
    3,
  )
})

test('what was deleted is forgotten', () => {
  const memory = createMemory<number>(3)
  memory.set('a', 1)
  memory.delete('a')
  assert.equal(memory.get('a'), undefined)
})
