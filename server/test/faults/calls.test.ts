import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { calls } from './calls.ts'
import { stormOfVendor } from './inbound_vendor.ts'
import { type FaultPostgres, startFaultPostgres } from './installation.ts'
import { type Place, tryPoints } from './points.ts'

/** The shorter form of what `npm run faults` does to calls, and of the storm of the sandbox's vendor. */
let postgres: FaultPostgres
before(async () => {
  postgres = await startFaultPostgres(process.env['DATABASE_URL'])
})
after(() => postgres.stop())

const killAfter = (flow: string, step: string): Place => ({
  flow,
  how: 'kill',
  point: { step, side: 'after' },
})

test('a call made later, in a batch or with a fresh token, and messages in order, outlive a kill where it hurts', async () => {
  const places = [
    killAfter('deferred', 'POST /vendor/orders'),
    killAfter('batch', 'POST /keyed/orders'),
    killAfter('oauth', 'POST /oauth/token'),
    killAfter('ordered', 'inbox_claim_lanes'),
  ]
  const outcomes = await tryPoints(postgres.url, places, 2)
  for (const { place, reached, tally } of outcomes) {
    assert.deepEqual([reached, tally.broken, tally.sent_twice], [true, [], 0], place.flow)
    if (place.flow === 'deferred') assert.equal(tally.unknown_calls, 1, 'one whose end nobody saw is unknown')
  }
  assert.equal(outcomes.length, places.length)
})

test('calls of every kind, to a vendor that misbehaves, all end, and none is made twice, while processes are killed', async () => {
  const storm = { seed: 20_260_104, times: 4, longest_ms: 20_000, load: {}, tell: () => {} }
  const tally = await calls(postgres, storm)
  assert.deepEqual([tally.broken, tally.sent_twice], [[], 0])
  assert.ok(tally.calls > 0 && tally.accepted > 0, `${tally.calls} calls, ${tally.accepted} for later`)
})

test("the storm of the sandbox's vendor, with copies and in disorder, becomes one event each while processes are killed", async () => {
  const trial = { seed: 20_260_103, entities: 40, messages: 6, workers: 1, kills: 2, tell: () => {} }
  const { broken, lost, duplicates, reordered, accepted, copies, refused } = await stormOfVendor(
    postgres,
    trial,
  )
  assert.deepEqual([broken, lost, duplicates, reordered], [[], 0, 0, 0])
  assert.deepEqual([accepted, copies, refused], [40 * 6, 40 * 3, 40])
})
