import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callLimits, countsOf, rateFault, slotMs, usedOf } from './call_limits.ts'
import { type Asked, createLimiter, type Granted } from './limiter.ts'

/** A count of its own, and what it was asked. */
function counted(answers: (want: number) => Partial<Granted>) {
  const asked: Asked[] = []
  const tally = { calls: 0, bytes: 0, refused: 0 }
  let now_ms = 1000
  const limiter = createLimiter({
    tally,
    monotonic: () => now_ms,
    ask: async (question) => {
      asked.push(question)
      const { want } = question
      return { ...PLENTY, granted: want, at_ms: now_ms, ...answers(want) }
    },
  })
  return { limiter, asked, tally, pass: (ms: number) => (now_ms += ms) }
}

const PLENTY: Granted = {
  granted: 0,
  at_ms: 0,
  ends_ms: 100,
  wait_ms: 0,
  full: null,
  room: 1000,
  bytes_room: Number.POSITIVE_INFINITY,
  smallest: 200,
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
  assert.deepEqual(asked.at(-1), { want: 5, unused: { calls: 5, at_ms: 1000 }, bytes: 0 })
})

test('calls of one moment are asked for together, and once refused no statement is spent on the next', async () => {
  const { limiter, asked } = counted((want) => ({ granted: Math.min(want, 3), wait_ms: 500 }))
  const { limiter: empty, asked: spent } = counted(() => ({ granted: 0, wait_ms: 500 }))
  const permits = await Promise.all(Array.from({ length: 3 }, () => limiter.take(0)))
  assert.deepEqual([permits.every(({ ok }) => ok), asked.length <= 2], [true, true])
  for (let n = 0; n < 3; n++) assert.deepEqual(await empty.take(0), { ok: false, wait_ms: 500, full: null })
  assert.equal(spent.length, 1)
})

test('many calls are taken at once, as far as there are any, and what is left goes back', async () => {
  let most = 40
  const { limiter, asked, pass } = counted((want) => ({
    granted: Math.min(want, most),
    wait_ms: most ? 0 : 500,
  }))
  assert.deepEqual(await limiter.reserve(100), { held: 40, wait_ms: 0 })
  for (let n = 0; n < 25; n++) assert.ok((await limiter.take(0)).ok)
  assert.deepEqual([asked.length, limiter.held()], [1, 15])
  await limiter.giveBack()
  assert.deepEqual(asked.at(-1), { want: 0, unused: { calls: 15, at_ms: 1000 }, bytes: 0 })
  await limiter.giveBack()
  assert.deepEqual([asked.length, limiter.held()], [2, 0])
  most = 0
  assert.deepEqual(await limiter.reserve(10), { held: 0, wait_ms: 500 })
  pass(500)
  most = 3
  const both = await Promise.all([limiter.reserve(3), limiter.take(0)])
  assert.deepEqual([both[0].held, both[1].ok], [3, true])
})

test('a call that joins the line in the moment in which another is refused is served too', {
  timeout: 60_000,
}, async () => {
  let is_full = true
  const { limiter, pass } = counted((want) => ({ granted: is_full ? 0 : want, wait_ms: is_full ? 20 : 0 }))
  const second = Promise.resolve(limiter.take(0)).then(() => limiter.take(1000))
  is_full = false
  setTimeout(() => pass(20), 5)
  assert.ok((await second).ok)
})

test('limits that were lifted let calls go at once: those refused by the old ones, those in line, and the one that was asking', async () => {
  let is_full = true
  let asking = () => {}
  const { limiter } = counted((want) => {
    asking()
    return { granted: is_full ? 0 : want, wait_ms: is_full ? 3_600_000 : 0 }
  })
  const lift = () => {
    is_full = false
    limiter.relearn()
  }
  assert.equal((await limiter.take(0)).ok, false)
  const in_line = limiter.take(7_200_000)
  lift()
  assert.ok((await in_line).ok)
  is_full = true
  limiter.relearn()
  assert.equal((await limiter.take(0)).ok, false)
  lift()
  assert.ok((await limiter.take(0)).ok)
  is_full = true
  limiter.relearn()
  asking = () => {
    asking = () => {}
    queueMicrotask(lift)
  }
  assert.ok((await limiter.take(0)).ok, 'the answer was by limits that had been lifted meanwhile')
})

test('a vendor that asked to wait is not asked sooner because limits of ours were lifted', async () => {
  const { limiter, asked, pass } = counted(() => ({}))
  limiter.drop(1000)
  limiter.relearn()
  assert.deepEqual(await limiter.take(0), { ok: false, wait_ms: 1000, full: null })
  assert.equal(asked.length, 0)
  pass(1000)
  assert.ok((await limiter.take(0)).ok)
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

test('bytes are told with the next question, and a share of what is left ends the block', async () => {
  const { limiter, asked, tally } = counted(() => ({ bytes_room: 2000 }))
  for (let n = 0; n < 4; n++) await limiter.take(0)
  assert.equal(asked.length, 3)
  for (const bytes of [30, 30, 30, 30]) limiter.spend(bytes)
  await limiter.take(0)
  assert.deepEqual([asked.length, asked.at(-1)?.bytes, asked.at(-1)?.unused.calls], [4, 120, 3])
  assert.deepEqual(tally, { calls: 5, bytes: 120, refused: 0 })
  await limiter.flush()
  assert.equal(asked.at(-1)?.bytes, 30, 'what the call under way is going to need')
  limiter.spend(10)
  await limiter.flush()
  assert.deepEqual(asked.at(-1), { want: 0, unused: { calls: 0, at_ms: 0 }, bytes: -20 })
})

test('calls that were let through and never sent take none of the bytes they were counted for', async () => {
  const { limiter, asked, tally } = counted(() => ({ bytes_room: 100_000 }))
  await limiter.take(0)
  limiter.spend(30)
  await limiter.flush()
  for (let n = 0; n < 50; n++) {
    await limiter.take(0)
    limiter.unsent()
  }
  await limiter.flush()
  assert.equal(
    asked.reduce((sum, { bytes }) => sum + bytes, 0),
    30,
  )
  assert.equal(tally.bytes, 30)
  await limiter.take(0)
  await limiter.flush()
  assert.equal(asked.at(-1)?.bytes, 30, 'the usual size of a call is what it was')
})

test('a call that was let through and not tried leaves its place to another, or gives it back in its own slot', async () => {
  let most = 2
  const { limiter, asked, tally, pass } = counted((want) => {
    const granted = Math.min(want, most)
    most -= granted
    return { granted, wait_ms: granted === 0 ? 60_000 : 0 }
  })
  const first = await limiter.take(0)
  assert.ok(first.ok)
  limiter.letGo(first)
  assert.ok((await limiter.take(0)).ok)
  assert.equal(asked.length, 1, 'of a slot that is not over: no question')
  pass(100)
  const second = await limiter.take(0)
  assert.ok(second.ok)
  assert.equal((await limiter.take(0)).ok, false)
  most = 1 // as the counts have it once it is given back
  const waiting = limiter.take(60_000)
  limiter.letGo(first)
  assert.ok((await waiting).ok, 'who waits has it')
  assert.deepEqual(
    asked.slice(-2).map(({ want, unused }) => [want, unused]),
    [
      [0, { calls: 1, at_ms: 1000 }],
      [1, { calls: 0, at_ms: 1100 }],
    ],
  )
  assert.equal(tally.calls, 2)
  pass(100)
  limiter.letGo(second)
  await limiter.giveBack()
  assert.deepEqual(asked.at(-1)?.unused, { calls: 1, at_ms: 1100 })
})

test('a call that may go is let go in its time, also where it is the one that fills a limit in bytes', async () => {
  const { limiter } = counted(() => ({ bytes_room: 20 }))
  await limiter.take(0)
  limiter.spend(10)
  const last = await limiter.take(0)
  assert.equal(last.ok && last.until_ms, 1100)
})

test('calls that wait for bytes are let go by as many as there is room for, by the size of those before', async () => {
  let bytes_room = 2000
  const { limiter, asked, pass } = counted(() => ({
    bytes_room,
    ...(bytes_room === 0 && { granted: 0, wait_ms: 500 }),
  }))
  await limiter.take(0)
  limiter.spend(90)
  bytes_room = 0
  pass(101)
  const waiting = Array.from({ length: 50 }, () => limiter.take(600))
  await new Promise((resolve) => setImmediate(resolve))
  const before = asked.length
  bytes_room = 2000
  pass(500)
  assert.ok((await Promise.all(waiting)).every(({ ok }) => ok))
  const told = asked.slice(before).reduce((sum, { bytes }) => sum + bytes, 0)
  assert.ok(asked.length - before > 10 && told > 40 * 90, `${asked.length - before} questions, ${told} bytes`)
})

test('bytes that could not be told are told later', async () => {
  let broken = false
  const { limiter, asked } = counted(() => {
    if (broken) throw new Error('the line is down')
    return { bytes_room: 1000 }
  })
  await limiter.take(0)
  limiter.spend(60)
  broken = true
  await assert.rejects(async () => limiter.take(0))
  broken = false
  await limiter.take(0)
  assert.equal(asked.at(-1)?.bytes, 60)
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
  assert.deepEqual(breaker, { failures: 9, open_s: 60, successes: 3, probes: 1 })
  assert.equal(callLimits({ limits: { timeout_ms: 1 } }, { breaker: false }).breaker, null)
})

test('a manifest may limit in any period, in bytes and by operation, and a connection each operation anew', () => {
  const day = { calls: 9000, bytes: 1e9, per_s: 86_400 }
  const limits = {
    timeout_ms: 1,
    requests_per_minute: 5,
    rates: [day],
    operations: { search: [{ calls: 30, per_s: 60 }] },
  }
  assert.deepEqual(callLimits({ limits }, {}).rates, [{ calls: 5, per_s: 60 }, day])
  const own = { search: [{ calls: 3, per_s: 60 }], upload: [{ bytes: 100, per_s: 1 }] }
  assert.deepEqual(callLimits({ limits }, { operations: own }).operations, own)
  const place = { tenant_id: 't', connection_id: 'c', operation: '' }
  const counts = countsOf('connection', place, [day, { calls: 10, per_s: 86_400 }])
  assert.deepEqual(
    counts.map(({ unit, most }) => [unit, most]),
    [
      ['calls', 10],
      ['bytes', 1e9],
    ],
  )
})

test('a period without a limit and one that stands twice are faults', () => {
  assert.equal(
    rateFault([
      { calls: 1, per_s: 1 },
      { bytes: 1, per_s: 1 },
    ]),
    null,
  )
  assert.match(rateFault([{ per_s: 1 }]) ?? '', /without a limit/)
  assert.match(
    rateFault([
      { calls: 1, per_s: 1 },
      { calls: 2, bytes: 1, per_s: 1 },
    ]) ?? '',
    /twice/,
  )
})

test('a call counts until its slot has left the ring', () => {
  const taken = new Array<number>(62).fill(0)
  taken[100 % 62] = 7
  const used = (now_s: number) => usedOf({ per_s: 60, head: 100, taken }, now_s * 1000)
  assert.deepEqual([slotMs(60), slotMs(1), slotMs(3600)], [1000, 50, 60_000])
  assert.deepEqual(used(100), { used: 7, resets_ms: 162_000 })
  assert.equal(used(161).used, 7)
  assert.deepEqual(used(162), { used: 0, resets_ms: null })
})

test('who is gone leaves the line at once and spends nothing', async () => {
  let granted = 0
  const { limiter, tally, pass } = counted(() => ({ granted, wait_ms: granted === 0 ? 50 : 0 }))
  const caller = new AbortController()
  const gone = limiter.take(60_000, caller.signal)
  const behind = limiter.take(60_000)
  await new Promise((resolve) => setImmediate(resolve))
  caller.abort()
  assert.equal((await gone).ok, false)
  granted = 1
  pass(100)
  assert.equal((await behind).ok, true)
  assert.deepEqual([tally.calls, tally.refused], [1, 0])
})
