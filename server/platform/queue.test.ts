import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from './clock.ts'
import { createLog } from './log.ts'
import { type Claimed, type LoopOptions, startLoop, type Work } from './queue.ts'

const log = createLog({ level: 'silent' })
const NOTHING: Claimed<Work> = { items: [], wait_ms: null, reached: null }

/** A queue in memory that keeps the contract of a claim: due rows leave it, the rest says when to come back. */
function memoryQueue() {
  const due: Work[] = []
  const claims: number[] = []
  const add = (n: number) => {
    for (let i = 0; i < n; i++)
      due.push({ tenant_id: 't', id: String(Math.random()), claim: '', attempts: 1 })
  }
  const claim = async ({ limit }: { limit: number }): Promise<Claimed<Work>> => {
    claims.push(limit)
    return { ...NOTHING, items: due.splice(0, limit) }
  }
  return { add, claim, claims, due }
}

type Options = Partial<Omit<LoopOptions<Work>, 'run'>> & {
  claim: LoopOptions<Work>['claim']
  /** A number is when some of it falls due again. */
  run: (items: Work[]) => Promise<unknown>
}

const start = ({ run, ...options }: Options) =>
  startLoop<Work>({
    run: async (items) => {
      const again_ms = await run(items)
      return typeof again_ms === 'number' ? again_ms : null
    },
    name: 'test',
    capacity: 8,
    batch: 4,
    extend: async () => {},
    look: () => () => {},
    clock: systemClock,
    log,
    ...options,
  })

test('a backlog is drained without another wake-up, never more than the capacity at once', async () => {
  const queue = memoryQueue()
  queue.add(100)
  let [now, most, done] = [0, 0, 0]
  const loop = start({
    claim: queue.claim,
    runEach: true,
    run: async () => {
      most = Math.max(most, ++now)
      await sleep(1)
      now -= 1
      done += 1
    },
  })
  while (done < 100) await sleep(2)
  await loop.stop()
  assert.equal(most, 8)
})

test('one that hangs holds only its own place', async () => {
  const queue = memoryQueue()
  queue.add(50)
  let done = 0
  let release = () => {}
  const hung = new Promise<void>((resolve) => {
    release = resolve
  })
  let first = true
  const loop = start({
    claim: queue.claim,
    runEach: true,
    run: async () => {
      if (first) {
        first = false
        await hung
      }
      done += 1
    },
  })
  while (done < 49) await sleep(2)
  release()
  await loop.stop()
  assert.equal(done, 50)
})

test('what falls due next is asked for now and then, and at last: nothing is slept through', async () => {
  const asked: { ahead: boolean; at: number }[] = []
  let due_at = Number.POSITIVE_INFINITY
  let done_at = 0
  const loop = start({
    claim: async ({ ahead }) => {
      asked.push({ ahead, at: performance.now() })
      const in_ms = due_at - performance.now()
      const items = in_ms <= 0 ? [{ tenant_id: 't', id: 'late', claim: '', attempts: 1 }] : []
      if (items.length > 0) due_at = Number.POSITIVE_INFINITY
      return { ...NOTHING, items, wait_ms: ahead && Number.isFinite(in_ms) && in_ms > 0 ? in_ms : null }
    },
    run: async () => {
      done_at = performance.now()
    },
  })
  await sleep(20)
  const due = performance.now() + 600
  due_at = due
  loop.wake() // nobody tells of it again
  const give_up = performance.now() + 10_000
  while (done_at === 0 && performance.now() < give_up) await sleep(5)
  await loop.stop()
  assert.ok(done_at >= due, 'it was done, and not before its time')
  const [first, second, ...rest] = asked
  assert.ok(first?.ahead && second)
  // A machine may stand still for longer than the pause between two such questions.
  if (second.at - first.at < 250) assert.ok(!second.ahead)
  assert.ok([second, ...rest].some(({ ahead }) => ahead))
})

test('a wake-up during a claim is not lost', async () => {
  const queue = memoryQueue()
  let done = 0
  let woken = false
  const loop = start({
    claim: async (claim) => {
      const claimed = await queue.claim(claim)
      if (!woken) {
        woken = true
        queue.add(1) // committed after our snapshot, told before we went to sleep
        loop.wake()
      }
      return claimed
    },
    run: async (items) => {
      done += items.length
    },
  })
  while (done < 1) await sleep(2)
  await loop.stop()
  assert.equal(done, 1)
})

test('it looks again when the next row falls due, and not before', async () => {
  const queue = memoryQueue()
  const started = performance.now()
  let first = true
  let at = 0
  const loop = start({
    claim: async (claim) => {
      const claimed = await queue.claim(claim)
      if (!first) return claimed
      first = false
      queue.add(1)
      return { ...NOTHING, wait_ms: 60 }
    },
    run: async () => {
      at = performance.now() - started
    },
  })
  while (at === 0) await sleep(5)
  await loop.stop()
  assert.ok(at >= 55, `taken after ${at} ms`)
  assert.equal(queue.claims.length, 2)
})

test('what a run puts off is looked for when it falls due, without a wake-up', async () => {
  const queue = memoryQueue()
  queue.add(1)
  const at: number[] = []
  const loop = start({
    claim: queue.claim,
    run: async () => {
      at.push(performance.now())
      if (at.length > 1) return
      queue.add(1)
      return 50
    },
  })
  while (at.length < 2) await sleep(5)
  await loop.stop()
  const waited = (at[1] ?? 0) - (at[0] ?? 0)
  assert.ok(waited >= 48 && waited < 15_000, `looked after ${waited} ms`)
})

test('work that nobody told of is taken when the shared look has seen it, at once or when it falls due', async () => {
  const queue = memoryQueue()
  let tell = (_in_ms: number) => {}
  let stopped = false
  let done = 0
  const loop = start({
    claim: queue.claim,
    look: (told) => {
      tell = told
      return () => {
        stopped = true
      }
    },
    run: async (items) => {
      done += items.length
    },
  })
  while (queue.claims.length < 1) await sleep(2)
  queue.add(1)
  tell(0)
  while (done < 1) await sleep(2)
  queue.add(1)
  tell(3_600_000) // the look comes again long before
  tell(60)
  while (done < 2) await sleep(2)
  assert.equal(queue.claims.length, 3)
  await loop.stop()
  assert.ok(stopped)
})

test('work that a long transaction put below the last claim is taken within seconds, though nobody tells of it again', async () => {
  const queue = memoryQueue()
  queue.add(1)
  const below = memoryQueue()
  const froms: (Date | null)[] = []
  let done = 0
  const loop = start({
    claim: async (claim) => {
      froms.push(claim.from)
      if (claim.from === null) queue.due.push(...below.due.splice(0))
      return { ...(await queue.claim(claim)), reached: new Date() }
    },
    run: async (items) => {
      done += items.length
    },
  })
  while (done < 1) await sleep(2)
  below.add(1)
  loop.wake()
  const began = performance.now()
  while (done < 2 && performance.now() - began < 20_000) await sleep(20)
  await sleep(300)
  await loop.stop()
  assert.equal(done, 2)
  const sweeps = froms.map((from) => from === null)
  assert.deepEqual([sweeps[0], sweeps.at(-1), sweeps.filter(Boolean).length], [true, true, 2])
})

test('a claim that fails is tried again', async () => {
  const queue = memoryQueue()
  queue.add(1)
  let failures = 1
  let done = 0
  const loop = start({
    claim: async (claim) => {
      if (failures-- > 0) throw new Error('the database is away')
      return queue.claim(claim)
    },
    run: async (items) => {
      done += items.length
    },
  })
  while (done < 1) await sleep(20)
  await loop.stop()
  assert.equal(done, 1)
})

test('stopping takes nothing more and waits for what is held, even for a claim under way', async () => {
  const queue = memoryQueue()
  queue.add(4)
  let done = 0
  const loop = start({
    claim: async (claim) => {
      await sleep(30)
      return queue.claim(claim)
    },
    run: async (items) => {
      await sleep(30)
      done += items.length
    },
  })
  await sleep(5)
  await loop.stop()
  assert.equal(done, 4)
  queue.add(4)
  loop.wake()
  await sleep(50)
  assert.equal(queue.due.length, 4)
})

test('the leases of what is held are extended while it runs', async () => {
  const queue = memoryQueue()
  queue.add(1)
  let extended = 0
  const loop = start({
    claim: queue.claim,
    extend: async (items) => {
      extended += items.length
    },
    run: () => sleep(3_300),
  })
  await sleep(10)
  await loop.stop()
  assert.ok(extended >= 1, String(extended))
})
