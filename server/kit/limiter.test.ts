import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callLimits, slotMs, usedCalls } from './call_limits.ts'
import { createLimiter, type Granted, type Unused } from './limiter.ts'

/** A count of its own, and what it was asked. */
function counted(answers: (want: number) => Partial<Granted>) {
  const asked: { want: number; unused: Unused }[] = []
  let now_ms = 1000
  const limiter = createLimiter({
    smallest: 200,
    monotonic: () => now_ms,
    ask: async (want, unused) => {
      asked.push({ want, unused })
      return { granted: want, at_ms: now_ms, ends_ms: 100, wait_ms: 0, ...answers(want) }
    },
  })
  return { limiter, asked, pass: (ms: number) => (now_ms += ms) }
}

test('a block grows while it runs out early, to a part of the limit, and what is left of it is given back', async () => {
  const { limiter, asked, pass } = counted(() => ({}))
  for (let n = 0; n < 20; n++) assert.ok((await limiter.take(0)).ok)
  assert.deepEqual(
    asked.map(({ want }) => want),
    [1, 2, 4, 8, 10],
  )
  pass(100)
  assert.ok((await limiter.take(0)).ok)
  assert.deepEqual(asked.at(-1), { want: 5, unused: { calls: 5, at_ms: 1000 } })
})

test('calls of one moment are asked for together, and once refused no statement is spent on the next', async () => {
  const { limiter, asked } = counted((want) => ({ granted: Math.min(want, 3), wait_ms: 500 }))
  const { limiter: empty, asked: spent } = counted(() => ({ granted: 0, wait_ms: 500 }))
  const permits = await Promise.all(Array.from({ length: 3 }, () => limiter.take(0)))
  assert.deepEqual([permits.every(({ ok }) => ok), asked.length <= 2], [true, true])
  for (let n = 0; n < 3; n++) assert.deepEqual(await empty.take(0), { ok: false, wait_ms: 500 })
  assert.equal(spent.length, 1)
})

test('a count that cannot be asked fails the calls that wait for it, and the next asks again', async () => {
  let broken = true
  const { limiter } = counted(() => {
    if (broken) throw new Error('the line is down')
    return {}
  })
  await assert.rejects(async () => limiter.take(0), /the line is down/)
  broken = false
  assert.ok((await limiter.take(0)).ok)
})

test('a connection wins over the manifest, the manifest over the defaults', () => {
  const rates = (limits: object, own = {}) => callLimits({ limits: { timeout_ms: 1, ...limits } }, own).rates
  assert.deepEqual(rates({}), [
    { calls: 60, per_s: 60 },
    { calls: 1000, per_s: 3600 },
  ])
  assert.deepEqual(rates({ requests_per_minute: 500 }), [{ calls: 500, per_s: 60 }])
  const own = [
    { calls: 9, per_s: 3600 },
    { calls: 2, per_s: 1 },
  ]
  assert.deepEqual(rates({ requests_per_minute: 500 }, { rates: own }), [own[1], own[0]])
  const { breaker } = callLimits({ limits: { timeout_ms: 1 } }, { breaker: { failures: 9 } })
  assert.deepEqual(breaker, { failures: 9, open_s: 60, successes: 3 })
  assert.equal(callLimits({ limits: { timeout_ms: 1 } }, { breaker: false }).breaker, null)
})

test('a call counts until its slot has left the ring', () => {
  const taken = new Array<number>(62).fill(0)
  taken[100 % 62] = 7
  const used = (now_s: number) => usedCalls({ per_s: 60, head: 100, taken }, now_s * 1000)
  assert.deepEqual([slotMs(60), slotMs(1), slotMs(3600)], [1000, 50, 60_000])
  assert.deepEqual([used(100), used(161), used(162)], [7, 7, 0])
})
