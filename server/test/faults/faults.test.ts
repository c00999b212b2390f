import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type FaultPostgres, startFaultPostgres } from './installation.ts'
import { type Place, walkPoints } from './points.ts'
import { drains, kills, restarts, type Storm } from './storm.ts'
import type { Tally } from './tally.ts'

/** The shorter form of `npm run faults`: where the commits and the POSTs are, and a few of everything else. */

let postgres: FaultPostgres
/** Another one, since the first is not to be restarted under the others. */
let restarted: FaultPostgres

before(async () => {
  const external = process.env['DATABASE_URL']
  ;[postgres, restarted] = await Promise.all([startFaultPostgres(external), startFaultPostgres(external)])
})
after(() => Promise.all([postgres.stop(), restarted.stop()]))

const storm = (times: number): Storm => ({
  seed: 20_260_101,
  times,
  longest_ms: 20_000,
  // no publishers: a request with an idempotency key that was cut off says so only after a minute
  load: { webhook: 5, publish: 0, call: 1 },
  tell: () => {},
})

const assertNothingBroken = (tally: Tally) => assert.deepEqual([tally.broken, tally.lost], [[], 0])

const TOLD = [
  'ingest before',
  'ingest after',
  'delivery_settle before',
  'POST /all after',
  'POST /vendor/orders after',
]
const isTold = ({ point }: Place, name: string) => TOLD.includes(`${name} ${point.side}`)

describe('nothing is lost', { concurrency: true }, () => {
  test('a process killed where a message is stored, sent or settled loses nothing', async () => {
    const tally = await walkPoints(postgres.url, {
      flows: ['webhook', 'call'],
      lanes: 3,
      only: isTold,
      tell: () => {},
    })
    assertNothingBroken(tally)
    assert.ok(tally.kills >= TOLD.length, `${tally.kills} processes were killed`)
    assert.ok(tally.duplicates > 0, 'a delivery whose end was not recorded is sent again')
    assert.equal(tally.unknown_calls, 1, 'a call whose end nobody saw is unknown')
  })

  test('processes killed at random under load lose nothing', async () => {
    const tally = await kills(postgres, storm(5))
    assertNothingBroken(tally)
    assert.ok(tally.accepted > 50, `${tally.accepted} messages were accepted`)
  })

  test('SIGTERM under load loses nothing and sends nothing twice', async () => {
    const tally = await drains(postgres, storm(3))
    assertNothingBroken(tally)
    assert.equal(tally.duplicates, 0)
    assert.equal(tally.unknown_calls, 0)
  })

  test('PostgreSQL restarted under load, fast and immediate, takes no process with it and loses nothing', async (t) => {
    if (!restarted.end) return t.skip('the PostgreSQL in DATABASE_URL is not ours to end')
    assertNothingBroken(await restarts(restarted, storm(2)))
  })
})
