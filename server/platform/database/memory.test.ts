import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { quiet, testDatabaseUrl } from '../../test/harness.ts'
import { maintain, withDatabase } from '../../test/postgres.ts'
import { type Database, forget, inTenant, openDatabase, remember } from './database.ts'

const TENANT = '01890000-0000-7000-8000-000000000001'
let url: string
let here: Database
let there: Database
const close: (() => Promise<void>)[] = []

before(async () => {
  url = await testDatabaseUrl()
  here = await openDatabase({ url, pool_size: 2, log: quiet })
  there = await openDatabase({ url, pool_size: 2, log: quiet })
  close.push(
    () => here.close(),
    () => there.close(),
  )
})
test.after(() => Promise.all(close.map((end) => end())))

/** A memory that counts how often it had to look. */
function counting(db: Database, topic: string, max?: number) {
  const looked: string[] = []
  const memory = remember(db, {
    topic,
    load: async (key) => {
      looked.push(key)
      return `${key} ${looked.length}`
    },
    ...(max !== undefined && { max }),
  })
  return { memory, looked }
}

test('what was read once is served from memory', async () => {
  const { memory, looked } = counting(here, 'a')
  await Promise.all([memory.get('k'), memory.get('k'), memory.get('k')])
  assert.equal(await memory.get('k'), 'k 1')
  assert.deepEqual(looked, ['k'])
})

test('a commit makes this process forget before it goes on, and every other within a second', async () => {
  const [mine, theirs] = [counting(here, 'b'), counting(there, 'b')]
  await Promise.all([mine.memory.get('k'), theirs.memory.get('k')])
  await inTenant(here, TENANT, async (tx) => forget(tx, 'b', 'k'))
  assert.equal(await mine.memory.get('k'), 'k 2')
  const deadline = performance.now() + 20_000
  while ((await theirs.memory.get('k')) === 'k 1' && performance.now() < deadline) await sleep(10)
  assert.equal(await theirs.memory.get('k'), 'k 2')
})

test('a transaction that fails changes nobody’s memory', async () => {
  const { memory, looked } = counting(here, 'c')
  await memory.get('k')
  const failing = inTenant(here, TENANT, async (tx) => {
    forget(tx, 'c', 'k')
    throw new Error('no')
  })
  await assert.rejects(failing)
  await sleep(50)
  await memory.get('k')
  assert.deepEqual(looked, ['k'])
})

test('what is being read while it changes is answered and not kept', async () => {
  let release = () => {}
  let value = 'old'
  const memory = remember(here, {
    topic: 'd',
    load: async () => {
      const read = value
      await new Promise<void>((resolve) => {
        release = resolve
      })
      return read
    },
  })
  const first = memory.get('k')
  value = 'new'
  await inTenant(here, TENANT, async (tx) => forget(tx, 'd', 'k'))
  release()
  assert.equal(await first, 'old')
  const second = memory.get('k')
  release()
  assert.equal(await second, 'new')
})

test('a flood of keys that nobody has pushes out what is not used, not what is', async () => {
  const { memory, looked } = counting(here, 'e', 10)
  await memory.get('mine')
  for (let n = 0; n < 100; n++) {
    await memory.get(`stranger ${n}`)
    await memory.get('mine')
  }
  assert.equal(looked.filter((key) => key === 'mine').length, 1)
})

test('nothing is served from memory while the line is down, and all is forgotten when it is back', async () => {
  const { memory, looked } = counting(here, 'f')
  await memory.get('k')
  const name = new URL(url).pathname.slice(1)
  const allow = (connections: boolean) =>
    maintain(withDatabase(url, 'postgres'), `alter database ${name} allow_connections ${connections}`)
  await allow(false) // so that it is not back before the test has looked
  try {
    await maintain(
      withDatabase(url, 'postgres'),
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'trilho_line' and datname = '${name}'`,
    )
    while (here.listening()) await sleep(5)
    await memory.get('k')
    await memory.get('k')
    assert.equal(looked.length, 3)
    await Promise.all(Array.from({ length: 50 }, () => memory.get('k')))
    assert.equal(looked.length, 4, 'those who ask in one breath share one reading')
  } finally {
    await allow(true)
  }
  while (!here.listening()) await sleep(5)
  await memory.get('k')
  await memory.get('k')
  assert.equal(looked.length, 5)
})
