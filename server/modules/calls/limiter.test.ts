import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Rate } from '../../kit/call_limits.ts'
import { createLimiter } from '../../kit/limiter.ts'
import { openDatabase } from '../../platform/database/database.ts'
import { quiet, testDatabase, testDatabaseUrl, undoAfter } from '../../test/harness.ts'
import { pauseCalls, takeCalls } from './guard_queries.ts'

/**
 * The promise of the limiter, as a vendor would check it: in no window of the period, wherever it begins, more calls
 * than the limit, with three processes that draw on one count in bursts, trickles and floods.
 */
type Order = {
  url: string
  tenant_id: string
  connection_id: string
  rates: Rate[]
  seed: number
  run_ms: number
}

const RUN_MS = 4000
const TENANT = '01900000-0000-7000-8000-000000000001'
const id = (n: number) => `01900000-0000-7000-8000-00000000000${n}`

if (process.argv[2] === 'draw') process.once('message', (order) => void draw(order as Order))
else tests()

function tests(): void {
  for (const [name, rates] of Object.entries({
    'a tight limit': [{ calls: 25, per_s: 1 }],
    'a wide limit': [{ calls: 900, per_s: 1 }],
    'two limits': [
      { calls: 30, per_s: 1 },
      { calls: 60, per_s: 3 },
    ],
  })) {
    test(`${name} is met by three processes, whenever calls come, in every window`, {
      timeout: 60_000,
    }, async () => {
      const sent = await drawInThree(rates, RUN_MS)
      for (const { calls, per_s } of rates) {
        const most = mostInWindow(sent, per_s * 1000)
        assert.ok(most <= calls, `${most} of ${calls} in ${per_s} s`)
      }
      // A limiter that lets nothing through keeps every limit.
      const binding = Math.min(...rates.map(({ calls, per_s }) => (calls * RUN_MS) / (per_s * 1000)))
      assert.ok(sent.length > binding * 0.6, `${sent.length} of about ${binding}`)
    })
  }

  test('calls taken and not made are given back', async () => {
    const db = await testDatabase()
    const place = { tenant_id: TENANT, connection_id: id(1) }
    const rates = [{ calls: 10, per_s: 3600 }]
    const first = await takeCalls(db.worker, place, rates, 10, { calls: 0, at_ms: 0 })
    assert.equal(first.granted, 10)
    const none = await takeCalls(db.worker, place, rates, 1, { calls: 0, at_ms: 0 })
    assert.deepEqual([none.granted, none.wait_ms > 3_600_000], [0, true])
    const again = await takeCalls(db.worker, place, rates, 10, { calls: 7, at_ms: first.at_ms })
    assert.equal(again.granted, 7)
  })

  test('a pause lets nothing through until it ends, whatever room there is', async () => {
    const db = await testDatabase()
    const place = { tenant_id: TENANT, connection_id: id(2) }
    const rates = [{ calls: 1000, per_s: 60 }]
    const take = () => takeCalls(db.worker, place, rates, 1, { calls: 0, at_ms: 0 })
    await take()
    await pauseCalls(db.worker, place, 400)
    await pauseCalls(db.worker, place, 100)
    const { granted, wait_ms } = await take()
    assert.equal(granted, 0)
    assert.ok(wait_ms > 200 && wait_ms <= 400, String(wait_ms))
    await sleep(450)
    assert.equal((await take()).granted, 1)
  })

  test('a block makes most calls free of statements', async () => {
    const db = await testDatabase()
    const place = { tenant_id: TENANT, connection_id: id(3) }
    let statements = 0
    const limiter = createLimiter({
      smallest: 100_000,
      monotonic: () => performance.now(),
      ask: (want, unused) => {
        statements += 1
        return takeCalls(db.worker, place, [{ calls: 100_000, per_s: 60 }], want, unused)
      },
    })
    for (let n = 0; n < 2000; n++) assert.ok((await limiter.take(0)).ok)
    assert.ok(statements <= 30, String(statements))
  })
}

async function drawInThree(rates: Rate[], run_ms: number): Promise<number[]> {
  const url = await testDatabaseUrl()
  const children = await Promise.all([1, 2, 3].map(() => start()))
  const order = { url, tenant_id: TENANT, connection_id: id(4), rates, run_ms }
  const drawn = children.map(async (child, seed) => {
    child.send({ ...order, seed })
    const [times] = (await once(child, 'message')) as [number[]]
    return times
  })
  return (await Promise.all(drawn)).flat().sort((a, b) => a - b)
}

async function start(): Promise<ChildProcess> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env // or the child would believe that it is to run tests
  const child = fork(fileURLToPath(import.meta.url), ['draw'], { env })
  undoAfter(async () => void child.kill())
  return child
}

function mostInWindow(times: number[], length_ms: number): number {
  let first = 0
  let most = 0
  times.forEach((time, at) => {
    while ((times[first] ?? 0) <= time - length_ms) first += 1
    most = Math.max(most, at - first + 1)
  })
  return most
}

/** One process: calls that come in waves of different sizes, some of which wait and some of which do not. */
async function draw({ url, tenant_id, connection_id, rates, seed, run_ms }: Order): Promise<void> {
  const db = await openDatabase({ url, pool_size: 4, log: quiet })
  const limiter = createLimiter({
    smallest: Math.min(...rates.map(({ calls }) => calls)),
    monotonic: () => performance.now(),
    ask: (want, unused) => takeCalls(db.worker, { tenant_id, connection_id }, rates, want, unused),
  })
  const times: number[] = []
  const one = async (wait_ms: number) => {
    const permit = await limiter.take(wait_ms)
    if (permit.ok && performance.now() < permit.until_ms)
      times.push(performance.timeOrigin + performance.now())
  }
  const end = performance.now() + run_ms
  const random = randomOf(seed)
  const under_way: Promise<void>[] = []
  while (performance.now() < end) {
    const wave = [1, 3, 40, 200][Math.floor(random() * 4)] ?? 1
    for (let n = 0; n < wave; n++) under_way.push(one(random() < 0.3 ? Math.floor(random() * 1500) : 0))
    await sleep(Math.floor(random() * random() * 300))
  }
  await Promise.all(under_way)
  await db.close()
  process.send?.(times, () => process.exit())
}

/** The same dice for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed + 1
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
