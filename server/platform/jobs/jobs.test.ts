import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { quiet, testDatabase, undoAfter } from '../../test/harness.ts'
import { systemClock } from '../clock.ts'
import { type Database, inTenant } from '../database/database.ts'
import { idMaker } from '../ids.ts'
import { createTelemetry } from '../telemetry.ts'
import { enqueue, type Job, keepSchedules, nextTurn, startJobs } from './jobs.ts'

const TENANT = '01890000-0000-7000-8000-000000000001'
const newId = idMaker(systemClock)
let db: Database

before(async () => {
  db = await testDatabase()
})

function start(handlers: Record<string, (job: Job) => Promise<void>>) {
  const telemetry = createTelemetry()
  const loop = startJobs({
    db,
    clock: systemClock,
    log: quiet,
    telemetry,
    newId,
    handlers: new Map(Object.entries(handlers)),
  })
  undoAfter(() => loop.stop())
  return loop
}

const add = (kind: string, payload = {}) =>
  inTenant(db, TENANT, (tx) =>
    enqueue(tx, { tenant_id: TENANT, id: newId(), kind, payload, due: new Date() }),
  )

const countJobs = async () =>
  Number((await sql<{ n: string }>`select count(*) as n from job`.execute(db.owner)).rows[0]?.n)

test('08:00 in São Paulo is 11:00 UTC, and stays 08:00 in New York when the clocks change', () => {
  const at = (zone: string, after: string) => nextTurn('0 8 * * *', zone, new Date(after)).toISOString()
  assert.equal(at('America/Sao_Paulo', '2026-11-22T00:00:00Z'), '2026-11-22T11:00:00.000Z')
  assert.equal(at('America/New_York', '2026-03-07T00:00:00Z'), '2026-03-07T13:00:00.000Z')
  assert.equal(at('America/New_York', '2026-03-08T00:00:00Z'), '2026-03-08T12:00:00.000Z')
})

test('a job runs with what it was given, once, and is gone', async () => {
  const ran: Job[] = []
  const loop = start({
    greet: async (job) => {
      ran.push(job)
    },
  })
  await add('greet', { name: 'Ana' })
  loop.wake()
  while (ran.length === 0) await sleep(5)
  await loop.stop()
  assert.deepEqual(
    ran.map(({ tenant_id, payload }) => [tenant_id, payload]),
    [[TENANT, { name: 'Ana' }]],
  )
  assert.equal(await countJobs(), 0)
})

test('a job of a transaction that fails never was', async () => {
  const failing = inTenant(db, TENANT, async (tx) => {
    await enqueue(tx, { tenant_id: TENANT, id: newId(), kind: 'greet', payload: {}, due: new Date() })
    throw new Error('no')
  })
  await assert.rejects(failing)
  assert.equal(await countJobs(), 0)
})

test('a job that fails is kept with its error and due again later', async () => {
  let tries = 0
  const loop = start({
    stumble: async () => {
      tries += 1
      throw new Error('the vendor is away')
    },
  })
  await add('stumble')
  loop.wake()
  while (tries === 0) await sleep(5)
  await loop.stop()
  const { rows } = await sql<{ error: string; wait_s: number; claim: string | null }>`
    select error, claim, extract(epoch from due - now())::float8 as wait_s from job`.execute(db.owner)
  assert.equal(rows[0]?.error, 'the vendor is away')
  assert.equal(rows[0]?.claim, null)
  assert.ok((rows[0]?.wait_s ?? 0) > 8 && (rows[0]?.wait_s ?? 0) <= 10)
  await sql`delete from job`.execute(db.owner)
})

test('a job of a kind nobody knows waits for the version that does', async () => {
  await add('from_the_future')
  const loop = start({})
  await sleep(100)
  await loop.stop()
  assert.equal(await countJobs(), 1)
  await sql`delete from job`.execute(db.owner)
})

test('a turn of the clock runs once though three processes watch it, and the next turn is set', async () => {
  const schedule = {
    tenant_id: TENANT,
    name: 'daily',
    cron: '0 8 * * *',
    time_zone: 'America/Sao_Paulo',
    kind: 'daily',
  }
  await keepSchedules(db, systemClock, [schedule])
  await sql`update schedule set due = now() - interval '1 s'`.execute(db.owner)
  let ran = 0
  const handlers = {
    daily: async () => {
      ran += 1
    },
  }
  const loops = [start(handlers), start(handlers), start(handlers)]
  while (ran === 0) await sleep(5)
  await sleep(150)
  await Promise.all(loops.map((loop) => loop.stop()))
  assert.equal(ran, 1)
  const { rows } = await sql<{ due: Date }>`select due from schedule where name = 'daily'`.execute(db.owner)
  assert.deepEqual(rows[0]?.due, nextTurn('0 8 * * *', 'America/Sao_Paulo', new Date()))
})

test('a restart keeps the turn of a schedule, and a changed time takes effect', async () => {
  const schedule = { tenant_id: TENANT, name: 'kept', cron: '0 8 * * *', time_zone: 'UTC', kind: 'kept' }
  const due = async () =>
    (await sql<{ due: Date }>`select due from schedule where name = 'kept'`.execute(db.owner)).rows[0]?.due
  await keepSchedules(db, systemClock, [schedule])
  await sql`update schedule set due = now() - interval '1 h' where name = 'kept'`.execute(db.owner)
  const missed = await due()
  await keepSchedules(db, systemClock, [schedule])
  assert.deepEqual(await due(), missed, 'a turn missed while the server was down is still to come')
  await keepSchedules(db, systemClock, [{ ...schedule, cron: '30 9 * * *' }])
  assert.deepEqual(await due(), nextTurn('30 9 * * *', 'UTC', new Date()))
})
