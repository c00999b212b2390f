import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { holdSockets } from './inbound_loris.ts'
import { type FaultPostgres, startFaultPostgres } from './installation.ts'
import { proveOrder } from './order.ts'
import { type Place, tryPoints } from './points.ts'
import { drains, kills, restarts, type Storm } from './storm.ts'
import { addTallies, type Tally } from './tally.ts'

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
  load: { webhook: 5, call: 1, deferred: 1 },
  tell: () => {},
})

const assertNothingBroken = (tally: Tally) => assert.deepEqual([tally.broken, tally.lost], [[], 0])

/** `<flow> <step> <side>` */
const toPlaces = (how: Place['how'], places: string[]): Place[] =>
  places.map((place) => {
    const [, flow = '', step = '', side] = /^(\w+) (.+) (before|after)$/.exec(place) ?? []
    return { flow, how, point: { step, side: side === 'before' ? 'before' : 'after' } }
  })

const PLACES = [
  ...toPlaces('kill', [
    'webhook ingest after',
    'webhook delivery_settle before',
    'call POST /vendor/orders after',
  ]),
  ...toPlaces('cut', [
    'webhook ingest after',
    'webhook delivery_settle before',
    'webhook delivery_settle after',
  ]),
]

describe('nothing is lost', { concurrency: true }, () => {
  test('a process killed, or only its connection cut, at a commit or a POST loses nothing', async () => {
    const outcomes = await tryPoints(postgres.url, PLACES, 3)
    const sum = (how: Place['how']) =>
      addTallies(outcomes.filter(({ place }) => place.how === how).map(({ tally }) => tally))
    const [killed, cut] = [sum('kill'), sum('cut')]
    assertNothingBroken(addTallies([killed, cut]))
    assert.deepEqual([killed.kills, cut.cuts], [3, 3])
    assert.ok(killed.duplicates > 0, 'a delivery whose end was not recorded is sent again')
    assert.equal(cut.duplicates, 0, 'one whose end can still be recorded is not')
    assert.equal(killed.unknown_calls, 1, 'a call whose end nobody saw is unknown')
  })

  test('processes killed at random under load lose nothing', async () => {
    const tally = await kills(postgres, storm(5))
    assertNothingBroken(tally)
    assert.ok(tally.accepted > 0, `${tally.accepted} messages were accepted`)
  })

  test('messages of one entity keep their order while processes are killed and all clocks jump by up to an hour', async () => {
    const trial = { seed: 20_260_102, entities: 120, messages: 6, workers: 3, kills: 6, tell: () => {} }
    const judged = await proveOrder(postgres, { ...trial, clocks_jump: true })
    const { broken, reordered, lost, duplicates, accepted, copies } = judged
    assert.deepEqual([broken, reordered, lost, duplicates], [[], 0, 0, 0])
    assert.deepEqual([accepted, copies > 0], [120 * 6, true])
  })

  test('senders are answered while hundreds of sockets hold their requests back', async () => {
    const trial = { sockets: 200, held_ms: 2_000, tell: () => {} }
    const { broken, sockets, accepted } = await holdSockets(postgres, trial)
    assert.deepEqual([broken, sockets], [[], 200])
    assert.ok(accepted > 0)
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
