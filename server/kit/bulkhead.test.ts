import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBulkhead } from './bulkhead.ts'

test('places are given out up to the bound, then in the order of the line, and a full line turns away', async () => {
  const bulkhead = createBulkhead({ most: 1, queue: 2 })
  assert.equal(bulkhead.enter(1000), true)
  const order: number[] = []
  const waits = [1, 2].map(async (n) => {
    const entered = await bulkhead.enter(1000)
    order.push(n)
    return entered
  })
  assert.equal(bulkhead.enter(1000), false)
  assert.deepEqual([bulkhead.under_way(), bulkhead.in_line()], [1, 2])
  bulkhead.leave()
  await waits[0]
  assert.deepEqual([bulkhead.under_way(), bulkhead.in_line()], [1, 1])
  bulkhead.leave()
  assert.deepEqual(await Promise.all(waits), [true, true])
  assert.deepEqual(order, [1, 2])
  bulkhead.leave()
  assert.deepEqual([bulkhead.under_way(), bulkhead.in_line()], [0, 0])
})

test('who has waited long enough leaves the line without a place', async () => {
  const bulkhead = createBulkhead({ most: 1, queue: 1 })
  bulkhead.enter(0)
  assert.equal(await bulkhead.enter(10), false)
  assert.equal(bulkhead.in_line(), 0)
  bulkhead.leave()
  assert.equal(bulkhead.enter(0), true)
})

test('who is gone leaves the line at once, and the place goes to the one behind', async () => {
  const bulkhead = createBulkhead({ most: 1, queue: 2 })
  bulkhead.enter(0)
  const caller = new AbortController()
  const gone = bulkhead.enter(60_000, caller.signal)
  const behind = bulkhead.enter(60_000)
  caller.abort()
  assert.equal(await gone, false)
  assert.equal(bulkhead.enter(60_000, caller.signal), false)
  bulkhead.leave()
  assert.equal(await behind, true)
  bulkhead.leave()
  assert.deepEqual([bulkhead.under_way(), bulkhead.in_line()], [0, 0])
})
