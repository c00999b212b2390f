import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFailover } from './failover.ts'

test('an address that failed rests for a minute, and the first is asked again after its own', () => {
  let now = 0
  const { at, failed } = createFailover(3, () => now)
  assert.equal(at(), 0)
  failed(0)
  assert.equal(at(), 1)
  now = 30_000
  failed(1)
  assert.equal(at(), 2)
  failed(2)
  assert.equal(at(), 0, 'where all rest, the one that has rested longest')
  now = 60_000
  assert.equal(at(), 0)
})
