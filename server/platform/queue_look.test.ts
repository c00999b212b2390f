import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { testDatabase, undoAfter } from '../test/harness.ts'
import type { Database } from './database/database.ts'
import { createLooks } from './queue_look.ts'

let db: Database

before(async () => {
  db = await testDatabase()
})

/** What a look told each of these, and how often it asked PostgreSQL. */
function looking(selects: string[], pool: Pick<Database['worker']['pool'], 'query'> = db.worker.pool) {
  const told: number[][] = selects.map(() => [])
  let asked = 0
  const query = (text: string) => {
    asked += 1
    return pool.query(text)
  }
  const watch = createLooks({ pool: { query } } as unknown as Database['worker'], 20)
  const stops = selects.map((soonest, at) => watch({ soonest, tell: (in_ms) => void told[at]?.push(in_ms) }))
  const stop = () => {
    for (const one of stops) one()
  }
  undoAfter(async () => stop())
  return { told, asked: () => asked, stop }
}

const until = async (is: () => boolean) => {
  while (!is()) await sleep(5)
}

test('one statement tells every queue when its first work is due, and an empty one nothing', async () => {
  const { told, asked, stop } = looking([
    "select now() - interval '1 s'",
    "select now() + interval '1 h'",
    'select min(due) from job',
  ])
  await until(() => told[0]?.[0] !== undefined)
  stop()
  assert.deepEqual([told[0]?.[0], told[1]?.[0], told[2]], [-1000, 3_600_000, []])
  const looks = told[0]?.length ?? 0
  assert.ok(asked() === looks || asked() === looks + 1, `${asked()} statements for ${looks} looks`) // one may be under way
})

test('it is asked again and again, until nobody watches any more', async () => {
  const { told, asked, stop } = looking(['select now()'])
  await until(() => (told[0]?.length ?? 0) >= 3)
  stop()
  const then = asked()
  await sleep(200)
  assert.equal(asked(), then)
})

test('where PostgreSQL does not answer, every queue is woken to try by itself', async () => {
  const away = {
    query: () => Promise.reject(new Error('the database is away')),
  } as unknown as Database['worker']['pool']
  const { told } = looking(['select now()', 'select now()'], away)
  await until(() => (told[1]?.length ?? 0) >= 2)
  assert.deepEqual(told[0]?.slice(0, 2), [0, 0])
})
