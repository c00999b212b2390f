import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRetryBudget } from './retry_budget.ts'

const LIMITS = { percent: 20, at_least: 3 }

test('of a hundred calls that all fail twenty are tried again, and of a lone one three tries are', () => {
  const lone = createRetryBudget(LIMITS, () => 0)
  lone.called()
  assert.deepEqual([1, 2, 3, 4].map(lone.take), [true, true, true, false])
  const busy = createRetryBudget(LIMITS, () => 0)
  for (let call = 0; call < 100; call++) busy.called()
  const granted = Array.from({ length: 100 }, () => busy.take()).filter(Boolean)
  assert.equal(granted.length, 20)
})

test('in no minute are there more retries than its calls allow, whenever they come', () => {
  let now_ms = 1_000_000
  const budget = createRetryBudget(LIMITS, () => now_ms)
  const taken: number[] = []
  const called: number[] = []
  for (let step = 0; step < 4_000; step++) {
    now_ms += (step * 7919) % 400
    budget.called()
    called.push(now_ms)
    if (budget.take()) taken.push(now_ms)
  }
  const within = (list: number[], from: number, to: number) =>
    list.filter((at) => at > from && at <= to).length
  for (const at of taken) {
    const calls = within(called, at - 60_000, at)
    assert.ok(within(taken, at - 55_000, at) <= Math.max(3, calls * 0.2), `at ${at}`)
  }
  assert.ok(taken.length > 400, `${taken.length}`)
})

test('a minute later the budget is whole again, and a budget without limits has no end', () => {
  let now_ms = 0
  const budget = createRetryBudget(LIMITS, () => now_ms)
  while (budget.take());
  now_ms += 60_001
  assert.equal(budget.take(), true)
  const endless = createRetryBudget(null, () => 0)
  assert.ok(Array.from({ length: 1_000 }, endless.take).every(Boolean))
})
