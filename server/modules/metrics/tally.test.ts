import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quiet } from '../../test/harness.ts'
import type { App } from '../app.ts'
import { createTally } from './tally.ts'

type Row = { key: string; n: number }
const gone = () => Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' })

/** Counts through a database that is `away` or not, and what came to it. */
function tallyAt(away: () => Error | null) {
  const saved: Row[] = []
  const tally = createTally<Row>({ log: quiet } as App, async (rows) => {
    const error = away()
    if (error) throw error
    saved.push(...rows)
  })
  const count = (key: string) => {
    tally.of(key, () => ({ key, n: 0 })).n += 1
  }
  return { tally, count, saved }
}

test('what is counted while PostgreSQL is away is written when it is back, each once', async () => {
  let error: Error | null = gone()
  const { tally, count, saved } = tallyAt(() => error)
  count('a')
  await tally.drain()
  count('a')
  count('b')
  await tally.drain()
  assert.deepEqual(saved, [])
  error = null
  await tally.drain()
  assert.deepEqual(saved, [
    { key: 'a', n: 1 },
    { key: 'a', n: 1 },
    { key: 'b', n: 1 },
  ])
  await tally.drain()
  assert.equal(saved.length, 3)
})

test('what may be written already is not written again', async () => {
  let error: Error | null = new Error('Connection terminated unexpectedly')
  const { tally, count, saved } = tallyAt(() => error)
  count('a')
  await tally.drain()
  error = null
  await tally.drain()
  assert.deepEqual(saved, [])
})

test('of an outage no more is held than five minutes of counts', async () => {
  let error: Error | null = gone()
  const { tally, count, saved } = tallyAt(() => error)
  for (let turn = 0; turn < 100; turn++) {
    count(`a${turn}`)
    await tally.drain()
  }
  error = null
  await tally.drain()
  assert.equal(saved.length, 60)
})
