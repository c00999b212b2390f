import assert from 'node:assert/strict'
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Count, countsOf, type Rate } from '../../kit/call_limits.ts'
import { type Asked, createLimiter, type Granted } from '../../kit/limiter.ts'
import { openDatabase } from '../../platform/database/database.ts'
import { openRedis, type Redis } from '../../platform/redis/redis.ts'
import { quiet, testDatabase, testDatabaseUrl, undoAfter } from '../../test/harness.ts'
import { freePort } from '../../test/ports.ts'
import { type LimitStore, limitStoreOf } from './limit_store.ts'

/**
 * The promise of the limiter, as a vendor would check it: in no window of the period, wherever it begins, more calls
 * than the limit, with three processes that draw on the same counts in bursts, trickles and floods.
 */
type Order = { url: string; paths: Path[]; seed: number; run_ms: number } & More

/** The Redis that counts, and what each call spends at once: then calls come by ones and threes. */
type More = { redis_url?: string; bytes?: number }

/** What one kind of call has to take from. */
type Path = Count[]
type Sent = { at_ms: number; path: number }

const RUN_MS = 4000
const TENANT = '01900000-0000-7000-8000-000000000001'
const NOBODY = '00000000-0000-0000-0000-000000000000'
const id = (n: number) => `01900000-0000-7000-8000-00000000000${n}`
const place = (n: number, operation = '') => ({ tenant_id: TENANT, connection_id: id(n), operation })
const ofConnection = (n: number, rates: Rate[]) => countsOf('connection', place(n), rates)

async function openStore(redis: Redis | undefined): Promise<LimitStore> {
  const { worker } = await testDatabase()
  return limitStoreOf({ redis, worker, now: () => new Date() })
}

const command = ['redis-server', 'valkey-server'].find((name) => !spawnSync(name, ['--version']).error)

/** With a server of their own, where one is installed: `apt install redis-server` or `valkey-server`. */
function redisTests(): void {
  const port = freePort()
  const url = port.then((port) => `redis://127.0.0.1:${port}`)
  const options = {
    skip: command ? false : 'neither redis-server nor valkey-server is installed',
    timeout: 600_000,
  }

  async function startRedis(): Promise<ChildProcess> {
    const child = spawn(command ?? '', ['--port', String(await port), '--save', '', '--appendonly', 'no'], {
      stdio: 'ignore',
    })
    undoAfter(async () => void child.kill('SIGKILL'))
    return child
  }

  async function openUp(): Promise<Redis> {
    const redis = openRedis({ url: await url, log: quiet, monotonic: () => performance.now() })
    undoAfter(() => redis.close())
    while ((redis.up_ms() ?? 0) < 3100) await sleep(20)
    return redis
  }

  describe('with Redis', options, () => {
    let server: ChildProcess
    let redis: Redis
    before(async () => {
      server = await startRedis()
      redis = await openUp()
    })
    storeTests('Redis', () => openStore(redis))

    test('a limit in Redis is met by three processes, whenever calls come, in every window', async () => {
      const counts = ofConnection(7, [{ calls: 25, per_s: 1 }])
      const sent = await drawInThree([counts], RUN_MS, { redis_url: await url })
      checkAll([counts], sent)
      assert.ok(sent.length > 25 * (RUN_MS / 1000) * 0.6, String(sent.length))
    })

    test('what two servers took in Redis stays taken when it goes, and when it comes back with nothing', async () => {
      const counts = ofConnection(9, [{ calls: 10, per_s: 60 }])
      const { worker } = await testDatabase()
      const servers = [redis, await openUp()]
      const isUpFor = (ms: number) => servers.every((redis) => (redis.up_ms() ?? 0) >= ms)
      const stores = servers.map((redis) => limitStoreOf({ redis, worker, now: () => new Date() }))
      const [first, second] = stores as [LimitStore, LimitStore]
      const granted = async (store: LimitStore, want: number) => (await ask(store, counts, { want })).granted
      assert.deepEqual([await granted(first, 4), await granted(second, 3)], [4, 3])
      server.kill('SIGKILL')
      await once(server, 'exit')
      await sleep(50)
      assert.deepEqual([await granted(second, 2), await granted(first, 9)], [2, 1])
      await first.heed(place(9), { pause_ms: 60_000, remaining: null, resets_ms: null })
      server = await startRedis()
      while (!isUpFor(1)) await sleep(20)
      assert.deepEqual([await granted(first, 1), await granted(second, 1)], [0, 0])
      while (!isUpFor(3100)) await sleep(20)
      const none = await ask(first, counts)
      assert.deepEqual([none.granted, none.full], [0, counts[0]])
      const other = ofConnection(9, [{ calls: 50, per_s: 10 }])
      const paused = await ask(second, other)
      assert.deepEqual([paused.granted, paused.full], [0, null])
    })

    test('while Redis hangs, calls go on within the blink of an eye', async () => {
      const counts = ofConnection(8, [{ calls: 10, per_s: 60 }])
      const store = await openStore(redis)
      assert.equal((await ask(store, counts, { want: 4 })).granted, 4)
      server.kill('SIGSTOP')
      try {
        const began = performance.now()
        assert.equal((await ask(store, counts, { want: 10 })).granted, 6)
        assert.ok(performance.now() - began < 10_000)
      } finally {
        server.kill('SIGCONT')
      }
    })
  })
}

/** Of what a limit lets through, on a machine that has more to do than this. */
const ALIVE = 0.4

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
      timeout: 600_000,
    }, async () => {
      const counts = ofConnection(4, rates)
      const sent = await drawInThree([counts], RUN_MS)
      checkAll([counts], sent)
      // A limiter that lets nothing through keeps every limit.
      const binding = Math.min(...rates.map(({ calls, per_s }) => (calls * RUN_MS) / (per_s * 1000)))
      assert.ok(sent.length > binding * ALIVE, `${sent.length} of about ${binding}`)
    })
  }

  test('limits of an operation, its connection, the tenant and the installation are all met at once', {
    timeout: 600_000,
  }, async () => {
    const above = [
      ...countsOf('tenant', { tenant_id: TENANT, connection_id: NOBODY, operation: '' }, [
        { calls: 50, per_s: 1 },
      ]),
      ...countsOf('installation', { tenant_id: NOBODY, connection_id: NOBODY, operation: '' }, [
        { calls: 90, per_s: 2 },
      ]),
    ]
    const one = ofConnection(5, [{ calls: 40, per_s: 1 }])
    const search = countsOf('operation', place(5, 'search'), [{ calls: 10, per_s: 1 }])
    const two = ofConnection(6, [{ calls: 200, per_s: 1 }])
    const paths = [
      [...one, ...above],
      [...search, ...one, ...above],
      [...two, ...above],
    ]
    const sent = await drawInThree(paths, RUN_MS)
    checkAll(paths, sent)
    assert.ok(sent.length > 90, String(sent.length))
    for (const path of [0, 1, 2])
      assert.ok(
        sent.some((call) => call.path === path),
        `path ${path}`,
      )
  })

  test('a limit in bytes is passed by no more than what three processes have not told yet', {
    timeout: 600_000,
  }, async () => {
    const [limit, each] = [20_000, 100]
    const sent = await drawInThree([ofConnection(8, [{ bytes: limit, per_s: 1 }])], RUN_MS, { bytes: each })
    const times = sent.map(({ at_ms }) => at_ms)
    const most = each * mostInWindow(times, 1000)
    const untold = 3 * (limit / 20 + 3 * each)
    assert.ok(most <= limit + untold, String(most))
    assert.ok(sent.length * each > limit * (RUN_MS / 1000) * ALIVE, String(sent.length))
  })

  test('counts that many meet at once for the first time are made in one order, and nobody waits in a circle', async () => {
    const { worker } = await testDatabase()
    const store = limitStoreOf({ redis: undefined, worker, now: () => new Date() })
    for (let round = 0; round < 200; round++) {
      const [above, ...paths] = [`${round}`, `${round}a`, `${round}b`, `${round}c`].map((operation, n) =>
        countsOf('operation', place(n, operation), [{ calls: 1000, per_s: 60 }]),
      )
      const asked = Array.from({ length: 24 }, (_, n) =>
        ask(store, [...(paths[n % 3] ?? []), ...(above ?? [])]),
      )
      for (const { granted } of await Promise.all(asked)) assert.equal(granted, 1)
    }
  })

  test('a block makes most calls free of statements', async () => {
    const { worker } = await testDatabase()
    const store = limitStoreOf({ redis: undefined, worker, now: () => new Date() })
    let statements = 0
    const counts = ofConnection(3, [{ calls: 100_000, per_s: 60 }])
    const limiter = createLimiter({
      tally: { calls: 0, bytes: 0, refused: 0 },
      monotonic: () => performance.now(),
      ask: (asked) => {
        statements += 1
        return askAs(store, counts)(asked)
      },
    })
    for (let n = 0; n < 2000; n++) assert.ok((await limiter.take(0)).ok)
    assert.ok(statements <= 30, String(statements))
  })
}

const ask = (store: LimitStore, counts: Count[], asked: Partial<Asked> = {}) =>
  store.take(counts, { want: 1, unused: { calls: 0, at_ms: 0 }, bytes: 0, ...asked })

/** What every store of counts promises. */
function storeTests(name: string, open: () => Promise<LimitStore>): void {
  test(`${name}: calls taken and not made are given back`, async () => {
    const store = await open()
    const counts = ofConnection(1, [{ calls: 10, per_s: 3600 }])
    const first = await ask(store, counts, { want: 10 })
    assert.equal(first.granted, 10)
    const none = await ask(store, counts)
    assert.deepEqual([none.granted, none.wait_ms > 3_600_000, none.full], [0, true, counts[0]])
    const again = await ask(store, counts, { want: 10, unused: { calls: 7, at_ms: first.at_ms } })
    assert.equal(again.granted, 7)
  })

  test(`${name}: a call takes from all its levels or from none`, async () => {
    const store = await open()
    const wide = ofConnection(1, [{ calls: 100, per_s: 60 }])
    const tight = countsOf('operation', place(1, 'search'), [{ calls: 2, per_s: 60 }])
    const both = [...wide, ...tight]
    assert.equal((await ask(store, both, { want: 5 })).granted, 2)
    const none = await ask(store, both, { want: 5 })
    assert.deepEqual([none.granted, none.full?.level], [0, 'operation'])
    const { rings } = await store.read(both)
    const taken = rings.map((ring) => ring?.taken.reduce((a, b) => a + b))
    assert.deepEqual(taken, [2, 2])
  })

  test(`${name}: bytes fill a window after the fact: the next call waits until enough of them have left it`, async () => {
    const store = await open()
    const counts = ofConnection(1, [
      { bytes: 1000, per_s: 60 },
      { calls: 50, per_s: 60 },
    ])
    assert.deepEqual((await ask(store, counts, { bytes: 999 })).bytes_room, 1)
    const over = await ask(store, counts, { bytes: 500 })
    assert.deepEqual([over.granted, over.full?.unit, over.bytes_room], [0, 'bytes', 0])
    assert.ok(over.wait_ms > 55_000 && over.wait_ms <= 62_000, String(over.wait_ms))
  })

  test(`${name}: a pause lets nothing through until it ends, whatever room there is, and the longer one holds`, async () => {
    const store = await open()
    const counts = ofConnection(2, [{ calls: 1000, per_s: 60 }])
    await ask(store, counts)
    for (const pause_ms of [8_000, 100])
      await store.heed(place(2), { pause_ms, remaining: null, resets_ms: null })
    const { granted, wait_ms, full } = await ask(store, counts)
    assert.deepEqual([granted, full], [0, null])
    assert.ok(wait_ms > 100 && wait_ms <= 8_000, String(wait_ms))
    await sleep(8_050)
    assert.equal((await ask(store, counts)).granted, 1)
  })

  test(`${name}: the vendor's lower number is believed until its reset, and a higher one changes nothing`, async () => {
    const store = await open()
    const counts = ofConnection(3, [{ calls: 1000, per_s: 60 }])
    await store.heed(place(3), { pause_ms: null, remaining: 3, resets_ms: 8_000 })
    await store.heed(place(3), { pause_ms: null, remaining: 500, resets_ms: 60_000 })
    const some = await ask(store, counts, { want: 10 })
    assert.deepEqual([some.granted, some.room], [3, 0])
    const none = await ask(store, counts)
    assert.deepEqual([none.granted, none.full, none.wait_ms <= 8_000], [0, null, true])
    await sleep(8_050)
    assert.equal((await ask(store, counts, { want: 10 })).granted, 10)
  })
}

const askAs =
  (store: LimitStore, counts: Count[]) =>
  async (asked: Asked): Promise<Granted> => ({
    ...(await store.take(counts, asked)),
    smallest: Math.min(...counts.map(({ most }) => most)),
  })

/** Every count of every path, by what went through any path that takes from it. */
function checkAll(paths: Path[], sent: Sent[]): void {
  const keyOf = ({ tenant_id, connection_id, operation, per_s }: Count) =>
    [tenant_id, connection_id, operation, per_s].join()
  for (const count of paths.flat()) {
    const through = paths.map((path) => path.some((other) => keyOf(other) === keyOf(count)))
    const times = sent.filter(({ path }) => through[path]).map(({ at_ms }) => at_ms)
    const most = mostInWindow(times, count.per_s * 1000)
    assert.ok(most <= count.most, `${most} of ${count.most} in ${count.per_s} s (${count.level})`)
  }
}

async function drawInThree(paths: Path[], run_ms: number, more: More = {}): Promise<Sent[]> {
  const url = await testDatabaseUrl()
  const children = await Promise.all([1, 2, 3].map(() => start()))
  const order = { url, paths, run_ms, ...more }
  const drawn = children.map(async (child, seed) => {
    child.send({ ...order, seed })
    const early = once(child, 'exit').then(([code]) => assert.fail(`a process ended with ${code}`))
    const [sent] = (await Promise.race([once(child, 'message'), early])) as [Sent[]]
    child.kill() // it stays until its word is heard: an end of its own may be noticed before that
    return sent
  })
  return (await Promise.all(drawn)).flat().sort((a, b) => a.at_ms - b.at_ms)
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
async function draw({ url, redis_url, paths, seed, run_ms, bytes = 0 }: Order): Promise<void> {
  const db = await openDatabase({ url, pool_size: 4, log: quiet })
  const monotonic = () => performance.now()
  const redis = redis_url ? openRedis({ url: redis_url, log: quiet, monotonic }) : undefined
  while (redis && (redis.up_ms() ?? 0) < 3100) await sleep(20)
  const store = limitStoreOf({ redis, worker: db.worker, now: () => new Date() })
  const limiters = paths.map((counts) =>
    createLimiter({
      tally: { calls: 0, bytes: 0, refused: 0 },
      monotonic,
      ask: askAs(store, counts),
    }),
  )
  const sent: Sent[] = []
  const random = randomOf(seed)
  const one = async (wait_ms: number) => {
    const path = Math.floor(random() * limiters.length)
    const permit = await limiters[path]?.take(wait_ms)
    if (!permit?.ok) return
    // As where a token is waited for: at once or much later some are not sent.
    if (random() < 0.2) {
      await sleep(Math.floor(random() * random() * 1500))
      return limiters[path]?.letGo(permit)
    }
    if (performance.now() >= permit.until_ms) return limiters[path]?.letGo(permit)
    sent.push({ at_ms: performance.timeOrigin + performance.now(), path })
    limiters[path]?.spend(bytes)
  }
  // As a batch does: all at once, some of them never made.
  const many = async (calls: number) => {
    const path = Math.floor(random() * limiters.length)
    const limiter = limiters[path]
    const { held = 0 } = (await limiter?.reserve(calls)) ?? {}
    for (let n = 0; n < Math.min(held, calls) * random(); n++) {
      const permit = await limiter?.take(0)
      if (!permit?.ok || performance.now() >= permit.until_ms) break
      sent.push({ at_ms: performance.timeOrigin + performance.now(), path })
      limiter?.spend(bytes)
    }
    await limiter?.giveBack()
  }
  const end = performance.now() + run_ms
  const under_way: Promise<void>[] = []
  while (performance.now() < end) {
    const wave = (bytes > 0 ? [1, 3] : [1, 3, 40, 200])[Math.floor(random() * 4)] ?? 1
    if (wave >= 40 && random() < 0.3) under_way.push(many(wave))
    else for (let n = 0; n < wave; n++) under_way.push(one(random() < 0.3 ? Math.floor(random() * 1500) : 0))
    await sleep(Math.floor(random() * random() * (bytes > 0 ? 10 : 300)))
  }
  await Promise.all(under_way)
  await redis?.close()
  await db.close()
  process.send?.(sent)
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

if (process.argv[2] === 'draw') process.on('message', (order) => void draw(order as Order))
else {
  tests()
  storeTests('PostgreSQL', async () => openStore(undefined))
  redisTests()
}
