import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createBatch } from './batch.ts'

test('what arrives together goes out together, and each gets its own answer', async () => {
  const sizes: number[] = []
  const batch = createBatch<number, number>({
    size: 64,
    parallel: 1,
    flush: async (inputs) => {
      sizes.push(inputs.length)
      await sleep(5)
      return inputs.map((n) => n * 2)
    },
  })
  const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => batch.add(n)))
  assert.deepEqual(
    answers,
    Array.from({ length: 200 }, (_, n) => n * 2),
  )
  assert.deepEqual(sizes, [64, 64, 64, 8])
})

test('only the row at fault gets the error', async () => {
  const batch = createBatch<number, number>({
    size: 64,
    parallel: 2,
    flush: async (inputs) => {
      if (inputs.includes(13)) throw new Error('13 is refused')
      return inputs
    },
  })
  const results = await Promise.allSettled(Array.from({ length: 64 }, (_, n) => batch.add(n)))
  assert.deepEqual(
    results.flatMap((result, n) => (result.status === 'rejected' ? [n] : [])),
    [13],
  )
})

test('what is stored is answered at once, though another half is still tried', async () => {
  let refuse = () => {}
  const held = new Promise<void>((resolve) => {
    refuse = resolve
  })
  const batch = createBatch<number, number>({
    size: 4,
    parallel: 1,
    flush: async (inputs) => {
      if (!inputs.includes(4)) return inputs
      if (inputs.length < 4) await held
      throw new Error('4 is refused')
    },
  })
  const [one, two, ...others] = [1, 2, 3, 4].map((n) => batch.add(n))
  assert.deepEqual(await Promise.all([one, two]), [1, 2])
  refuse()
  assert.deepEqual(
    (await Promise.allSettled(others)).map(({ status }) => status),
    ['fulfilled', 'rejected'],
  )
})

test('a statement takes no more than it should hold, and one that is more than that goes alone', async () => {
  const sizes: number[] = []
  const batch = createBatch<number, void>({
    size: 64,
    fills: (n) => n / 10,
    parallel: 1,
    flush: async (inputs) => {
      sizes.push(inputs.length)
      return inputs.map(() => undefined)
    },
  })
  await Promise.all([5, 4, 3, 30, 1, 1, 8, 1].map((n) => batch.add(n)))
  assert.deepEqual(sizes, [2, 1, 1, 3, 1])
})

test('a lost connection is not tried again in halves', async () => {
  let flushes = 0
  const batch = createBatch<number, number>({
    size: 8,
    parallel: 1,
    flush: async () => {
      flushes += 1
      throw new Error('gone')
    },
    isFinal: () => true,
  })
  const results = await Promise.allSettled([1, 2, 3, 4].map((n) => batch.add(n)))
  assert.ok(results.every(({ status }) => status === 'rejected'))
  assert.equal(flushes, 1)
})

test('draining waits for everything that was added', async () => {
  let done = 0
  const batch = createBatch<number, void>({
    size: 2,
    parallel: 1,
    flush: async (inputs) => {
      await sleep(5)
      done += inputs.length
      return inputs.map(() => undefined)
    },
  })
  for (let n = 0; n < 7; n++) void batch.add(n)
  await batch.drain()
  assert.equal(done, 7)
  await batch.drain()
})
