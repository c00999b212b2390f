import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { quiet, testDatabase, undoAfter } from '../../test/harness.ts'
import { type Clock, systemClock } from '../clock.ts'
import { type Database, inTenant } from '../database/database.ts'
import { idMaker } from '../ids.ts'
import { createTelemetry } from '../telemetry.ts'
import { enqueue, type Job, keepSchedules, nextTurn, type Signs, startJobs } from './jobs.ts'
import { turnOrders } from './queries.ts'

const TENANT = '01890000-0000-7000-8000-000000000001'
const newId = idMaker(systemClock)
let db: Database

before(async () => {
  db = await testDatabase()
})

function start(
  handlers: Record<string, (job: Job) => Promise<void>>,
  signs?: Signs,
  clock: Clock = systemClock,
) {
  const telemetry = createTelemetry()
  const loop = startJobs({
    db,
    clock,
    log: quiet,
    telemetry,
    newId,
    handlers: new Map(Object.entries(handlers)),
    ...(signs && { signs }),
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
      throw new Error('the vendor is away: \u0000')
    },
  })
  const began = Date.now()
  await add('stumble')
  loop.wake()
  while (tries === 0) await sleep(5)
  await loop.stop()
  const { rows } = await sql<{ error: string; due: Date; claim: string | null }>`
    select error, claim, due from job`.execute(db.owner)
  assert.equal(rows[0]?.error, 'the vendor is away: \uFFFD', 'PostgreSQL keeps no NUL')
  assert.equal(rows[0]?.claim, null)
  const due = rows[0]?.due.getTime() ?? 0
  assert.ok(due > began + 1_000 && due <= Date.now() + 10_000)
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

test('what a job puts in line is taken at once, without a word of whoever put it there', async () => {
  const done: string[] = []
  const loop = start({
    first: async () => {
      await add('second')
      done.push('first')
    },
    second: async () => void done.push('second'),
  })
  const began = performance.now()
  await add('first')
  while (done.length < 2) await sleep(5)
  await loop.stop()
  assert.deepEqual(done.toSorted(), ['first', 'second'])
  assert.ok(performance.now() - began < 25_000, 'long before the queues are looked at')
})

const minutely = (kind: string) => ({
  ...{ tenant_id: TENANT, name: kind, kind },
  ...{ cron: '0 8 * * *', time_zone: 'UTC' }, // so that it falls due by our hand alone
})
const fallDue = () =>
  sql`update schedule set due = now() - interval '1 s' where cron = '0 8 * * *'`.execute(db.owner)
const countDue = async () =>
  Number(
    (await sql<{ n: string }>`select count(*) as n from schedule where due <= now()`.execute(db.owner))
      .rows[0]?.n,
  )

test('a turn makes a job only where there is a sign that there is anything to do, and moves on either way', async () => {
  await sql`delete from schedule`.execute(db.owner)
  await keepSchedules(db, systemClock, [minutely('idle'), minutely('busy'), minutely('plain')])
  await fallDue()
  const ran: string[] = []
  const handlers = Object.fromEntries(
    ['idle', 'busy', 'plain'].map((kind) => [kind, async () => void ran.push(kind)]),
  )
  const loop = start(
    handlers,
    new Map([
      ['idle', () => sql<boolean>`exists (select from job where kind = 'nothing')`],
      ['busy', () => sql<boolean>`o.due < now()`],
    ]),
  )
  while (ran.length < 2) await sleep(5)
  await loop.stop()
  assert.deepEqual(ran.toSorted(), ['busy', 'plain'])
  assert.equal(await countDue(), 0)
  assert.equal(await countJobs(), 0)
})

test('a sign that cannot be read stands for work', async () => {
  await sql`delete from schedule`.execute(db.owner)
  await keepSchedules(db, systemClock, [minutely('unsure')])
  await fallDue()
  let ran = 0
  const handlers = {
    unsure: async () => {
      ran += 1
    },
  }
  const loop = start(handlers, new Map([['unsure', () => sql<boolean>`1 / (select count(*) from job) > 0`]]))
  while (ran === 0) await sleep(5)
  await loop.stop()
  assert.equal(await countDue(), 0)
})

const dueOf = async (name: string) =>
  (await sql<{ due: Date }>`select due from schedule where name = ${name}`.execute(db.owner)).rows[0]?.due

test('by a clock that is behind the database’s a turn comes round once all the same', async () => {
  await sql`delete from schedule`.execute(db.owner)
  const hour_ms = 3_600_000
  const behind: Clock = { ...systemClock, now: () => new Date(Date.now() - 3 * hour_ms) }
  const due = new Date(Math.floor(Date.now() / hour_ms) * hour_ms)
  await keepSchedules(db, behind, [{ ...minutely('behind'), cron: '0 * * * *' }])
  await sql`update schedule set due = ${due}`.execute(db.owner)
  let ran = 0
  const handlers = {
    behind: async () => {
      ran += 1
    },
  }
  const loop = start(handlers, undefined, behind)
  while (ran === 0) await sleep(5)
  await loop.stop()
  const next = await dueOf('behind')
  assert.ok(next && next > due, `it was due at ${due.toISOString()}, and is at ${next?.toISOString()}`)
})

test('whoever comes late to a turn moves none after it', async () => {
  await sql`delete from schedule`.execute(db.owner)
  const [due, next, later] = [1, 2, 3].map((day) => new Date(`2026-01-0${day}T08:00:00Z`))
  assert.ok(due && next && later)
  const order = minutely('late')
  await keepSchedules(db, systemClock, [order])
  await sql`update schedule set due = ${due}`.execute(db.owner)
  const move = (from: Date, to: Date) =>
    turnOrders(db.worker, [{ ...order, due: from.toISOString(), next: to, job_id: newId() }], new Map())
  assert.equal(await move(due, next), 1)
  assert.equal(await move(due, next), 0, 'that turn was made')
  assert.equal(await move(next, later), 1)
  assert.deepEqual(await dueOf('late'), later)
  await sql`delete from job`.execute(db.owner)
})
