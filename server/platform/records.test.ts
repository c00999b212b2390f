import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { quiet, testDatabase } from '../test/harness.ts'
import { systemClock } from './clock.ts'
import {
  type Database,
  isCovered,
  makePartitions,
  partitionedTables,
  partitionsBefore,
} from './database/database.ts'
import { floorId, idMaker } from './ids.ts'
import { keepRecords } from './records.ts'

const DAY_MS = 86_400_000
const TENANT = '01890000-0000-7000-8000-000000000001'
/** Past the days that the template has: which these are hangs on whether midnight has passed since it was made. */
const AHEAD_DAYS = 30
let db: Database
let then: Date
let made_before: number

before(async () => {
  db = await testDatabase()
  then = daysFromNow(AHEAD_DAYS)
  made_before = await countPartitions()
})

const clockAt = (time: Date) => ({ ...systemClock, now: () => time })
const daysFromNow = (n: number) => new Date(Date.now() + n * DAY_MS)

async function insertInbox(time: Date): Promise<string> {
  const id = idMaker(clockAt(time))()
  await sql`insert into inbox (tenant_id, id, source_id, event_key, headers, body)
            values (${TENANT}, ${id}, ${TENANT}, ${id}, '{}', '')`.execute(db.owner)
  return id
}

const daysFromThen = (n: number) => new Date(then.getTime() + n * DAY_MS)

const countPartitions = async () =>
  (
    await sql<{ n: number }>`
      select count(*)::int as n from pg_inherits i where i.inhparent = 'inbox'::regclass`.execute(db.owner)
  ).rows[0]?.n ?? 0

const countInbox = async () =>
  (await sql<{ n: number }>`select count(*)::int as n from inbox`.execute(db.owner)).rows[0]?.n

test('the floor of a day in the database is the floor of a day in the code', async () => {
  const time = new Date('2026-11-22T13:14:15.678Z')
  const { rows } = await sql<{
    floor: string
  }>`select v7_floor(${time.toISOString()}::timestamptz)::text as floor`.execute(db.owner)
  assert.equal(rows[0]?.floor, floorId(time))
})

test('a record has a partition from the day before to the last day made, and none beyond', async () => {
  await makePartitions(db.owner, then, 3)
  for (const days of [-1, 0, 3])
    assert.ok(await isCovered(db.app, daysFromThen(days)), `${days} days from then`)
  for (const days of [-2, 4])
    assert.ok(!(await isCovered(db.app, daysFromThen(days))), `${days} days from then`)
  await assert.rejects(insertInbox(daysFromThen(4)), /no partition/)
})

test('making partitions again makes none, in two processes at once neither', async () => {
  assert.equal(await makePartitions(db.owner, then, 3), 0)
  const tables = (await partitionedTables(db.owner)).length
  const made = await Promise.all([makePartitions(db.owner, then, 5), makePartitions(db.owner, then, 5)])
  assert.ok(made[0] + made[1] >= tables * 2)
  assert.equal((await countPartitions()) - made_before, 7, 'from the day before to five days ahead')
})

test('a partition past its retention is dropped while somebody reads, and what is younger stays', async () => {
  await makePartitions(db.owner, daysFromNow(-40), 1)
  await insertInbox(daysFromNow(-40))
  await insertInbox(new Date())
  const reader = await db.owner.pool.connect()
  await reader.query('begin; select 1 from tenant')
  await keepRecords({ db, clock: systemClock, log: quiet, ahead_days: 1 }, [
    { table: 'inbox', keep_days: 30, held: async () => 0 },
  ])
  await reader.query('rollback')
  reader.release()
  assert.equal(await countInbox(), 1)
  assert.deepEqual(await partitionsBefore(db.owner, 'inbox', daysFromNow(-30)), [])
})

test('a partition that work still points into stays, however old', async () => {
  await makePartitions(db.owner, daysFromNow(-40), 1)
  const id = await insertInbox(daysFromNow(-40))
  await keepRecords({ db, clock: systemClock, log: quiet, ahead_days: 1 }, [
    { table: 'inbox', keep_days: 30, held: async (before_id) => (id < before_id ? 1 : 0) },
  ])
  assert.equal(await countInbox(), 2)
})

/** The days that are past their retention go, whatever became of the attempt before. */
const dropOld = () =>
  keepRecords({ db, clock: systemClock, log: quiet, ahead_days: 1 }, [
    { table: 'inbox', keep_days: 30, held: async () => 0 },
  ])

async function tablesOf(day: Date): Promise<string[]> {
  const name = `inbox_${day.toISOString().slice(0, 10).replaceAll('-', '')}`
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class where relname = ${name} and relkind = 'r'`.execute(db.owner)
  return rows.map((row) => row.name)
}

test('a partition whose detaching was cut off is dropped by the next run, and those after it', async () => {
  await makePartitions(db.owner, daysFromNow(-45), 1)
  const [name = ''] = await tablesOf(daysFromNow(-45))
  const reader = await db.app.pool.connect()
  await reader.query('begin; select count(*) from inbox')
  const hasty = await db.owner.pool.connect()
  await hasty.query('set statement_timeout = 300')
  await assert.rejects(hasty.query(`alter table inbox detach partition ${name} concurrently`), /timeout/)
  hasty.release(true)
  await reader.query('rollback')
  reader.release()
  await dropOld()
  for (const days of [-46, -45, -44]) assert.deepEqual(await tablesOf(daysFromNow(days)), [])
})

test('a partition that was detached and not dropped is dropped by the next run', async () => {
  await makePartitions(db.owner, daysFromNow(-45), 0)
  const [name = ''] = await tablesOf(daysFromNow(-45))
  await sql`alter table inbox detach partition ${sql.table(name)} concurrently`.execute(db.owner)
  await dropOld()
  assert.deepEqual(await tablesOf(daysFromNow(-45)), [])
})
