import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { systemClock } from '../../platform/clock.ts'
import { type Database, inTenant, makePartitions, type Statement } from '../../platform/database/database.ts'
import { idMaker } from '../../platform/ids.ts'
import { randomOf } from '../../test/faults/random.ts'
import { testDatabase } from '../../test/harness.ts'
import {
  claimLanes,
  type DueLane,
  insertOrdered,
  LANES,
  type LaneEnded,
  readLanes,
  settleLanes,
} from './lane_queries.ts'
import type { Ended } from './queue_queries.ts'

/**
 * Order as the database keeps it, with publishers and workers at once, on the statements alone: nothing else slows them
 * down, so that they meet in every way there is.
 */
let db: Database
const newId = idMaker(systemClock)

before(async () => {
  db = await testDatabase()
  await makePartitions(db.owner, new Date(), 2)
})

type Published = { key: string; began: number; committed: number }
type World = {
  tenant_id: string
  subscription_id: string
  random: () => number
  keys: number
  /** Lanes that a worker takes at once. */
  taken: number
  published: Map<string, Published>
  /** Delivery ids as they came in, copies too. */
  arrived: string[]
  stolen: number
  /** Workers that were gone before they put anything on record. */
  deaths: number
  going: boolean
}

const worldOf = (seed: number, { keys, taken }: Pick<World, 'keys' | 'taken'>): World => ({
  ...{ tenant_id: newId(), subscription_id: newId(), random: randomOf(seed), keys, taken },
  ...{ published: new Map(), arrived: [], stolen: 0, deaths: 0, going: true },
})

const delivery = ({ tenant_id, subscription_id }: World, key: string) => ({
  ...{ tenant_id, subscription_id, key, id: newId(), event_id: newId(), event_type: 'order.placed' },
})

async function publish(world: World, keys: string[]): Promise<void> {
  const rows = keys.map((key) => delivery(world, key))
  const began = performance.now()
  await inTenant(db, world.tenant_id, (tx) => insertOrdered(tx, rows))
  const committed = performance.now()
  for (const { id, key } of rows) world.published.set(id, { key, began, committed })
}

async function publisher(world: World, transactions: number, most: number): Promise<void> {
  for (let n = 0; n < transactions; n++) {
    const count = 1 + Math.floor(world.random() * most)
    await publish(
      world,
      Array.from({ length: count }, () => `k${Math.floor(world.random() * world.keys)}`),
    )
  }
}

const ending = (lane: DueLane, at: number, state: 'delivered' | 'pending'): Ended => ({
  item: {
    ...{
      tenant_id: lane.tenant_id,
      subscription_id: lane.subscription_id,
      claim: lane.claim,
      attempts: 1,
      cuts: 0,
      renewed_at: null,
      told: false,
    },
    id: lane.heads[at]?.delivery_id ?? '',
    event_id: lane.heads[at]?.event_id ?? '',
  },
  attempt_id: newId(),
  state,
  again_ms: state === 'pending' ? 1 : null,
  outcome: state === 'pending' ? 'refused' : 'delivered',
  ...{
    status: 200,
    duration_ms: 1,
    timing: null,
    request_headers: '{}',
    request_body: null,
    response_headers: null,
  },
  ...{ response_body: null, error: null, exhausted: false, disable: null, event_type: 'order.placed' },
})

/** Sends the heads of lanes one after another; now and then one fails, or the worker dies or is held still. */
async function worker(world: World): Promise<void> {
  while (world.going) {
    const { items } = await claimLanes(db.worker, {
      ...{ id: newId(), limit: world.taken, from: null, ahead: true },
    })
    const results: LaneEnded[] = []
    for (const lane of items) {
      const ended: Ended[] = []
      const died = world.random() < 0.1
      if (died) world.deaths += 1
      for (const [at, head] of lane.heads.entries()) {
        if (world.random() < 0.15) {
          ended.push(ending(lane, at, 'pending'))
          break
        }
        world.arrived.push(head.delivery_id)
        if (world.random() < 0.05) await sleep(world.random() * 4)
        ended.push(ending(lane, at, 'delivered'))
        if (died) break
      }
      const done = ended.filter(({ state }) => state === 'delivered').length
      const waits = done < ended.length
      const through = lane.heads[done - 1]?.seq ?? null
      if (!died) {
        const [again_ms, attempts] = [waits ? 1 : 0, waits ? 1 : 0]
        results.push({ lane, ended, through, done, again_ms, attempts, parked: false, cuts: 0 })
      }
    }
    if (results.length > 0) await settleLanes(db.worker, results)
    if (items.length === 0) await sleep(1)
  }
}

/** Leases end by and by, also under a worker that still believes in its own. */
async function thief(world: World): Promise<void> {
  while (world.going) {
    await sleep(3)
    const { numAffectedRows } = await sql`
      with taken as materialized (select tenant_id, subscription_id, key from delivery_lane where claim is not null order by key limit 3 for update skip locked)
      update delivery_lane l set due = now() from taken s
       where (l.tenant_id, l.subscription_id, l.key) = (s.tenant_id, s.subscription_id, s.key)`.execute(
      db.owner,
    )
    world.stolen += Number(numAffectedRows ?? 0)
  }
}

test('however publishers, workers, failures, deaths and stolen leases meet, nothing is lost and no key is reordered', async () => {
  for (const seed of [1, 2, 3]) {
    const world = worldOf(seed, { keys: 5, taken: 4 })
    await meet(world, 200_000, () => Promise.all([1, 2, 3].map(() => publisher(world, 60, 4))))
    assertOrdered(world, `seed ${seed}`)
  }
})

/** Three workers and a thief, until all that `publishing` published has arrived. */
async function meet(world: World, longest_ms: number, publishing: () => Promise<unknown>): Promise<void> {
  const running = [worker(world), worker(world), worker(world), thief(world)]
  await publishing()
  const deadline = performance.now() + longest_ms
  while ((await readLanes(db.worker)).depth > 0 && performance.now() < deadline) await sleep(20)
  world.going = false
  await Promise.all(running)
  assert.ok(world.stolen > 0 && world.deaths > 0)
}

/** All active at once; `KEYS=100000 npm test -- lanes` is the whole of it. */
const KEYS = Number(process.env['KEYS'] ?? 1_000)

test('however many keys are active at once, none is reordered', { timeout: 1_800_000 }, async (t) => {
  const world = worldOf(4, { keys: KEYS, taken: 64 })
  const keys = Array.from({ length: KEYS }, (_, n) => `k${n}`)
  for (let from = 0; from < KEYS; from += 1_000) await publish(world, keys.slice(from, from + 1_000))
  assert.equal((await readLanes(db.worker)).depth, KEYS)
  const began = performance.now()
  const more = Math.ceil(KEYS / 3 / 50)
  await meet(world, 1_700_000, () => Promise.all([1, 2, 3].map(() => publisher(world, more, 100))))
  assertOrdered(world, `${KEYS} keys`)
  const took_s = Math.round((performance.now() - began) / 1000)
  const { published, arrived, deaths, stolen } = world
  t.diagnostic(
    `${published.size} deliveries, ${arrived.length} arrivals, ${deaths} deaths, ${stolen} leases taken, ${took_s} s`,
  )
})

function assertOrdered({ published, arrived }: World, where: string): void {
  const first = new Map<string, number>()
  for (const [at, id] of arrived.entries()) if (!first.has(id)) first.set(id, at)
  assert.equal(first.size, published.size, `${where}: every delivery arrived`)
  assert.ok(arrived.length > first.size, `${where}: leases that ended made copies`)
  const by_key = Map.groupBy(published, ([, { key }]) => key)
  const reordered = [...by_key.values()].flatMap((of_key) =>
    of_key.filter(([id, one]) =>
      of_key.some(
        ([later_id, later]) =>
          one.committed < later.began && Number(first.get(later_id)) < Number(first.get(id)),
      ),
    ),
  )
  assert.deepEqual(reordered, [], `${where}: what was committed first arrived first`)
}

test('what claims and looks read does not grow with the keys that wait', async () => {
  const world = { tenant_id: newId(), subscription_id: newId() }
  const grow = (from: number, to: number) =>
    sql`
    with l as (insert into delivery_lane (tenant_id, subscription_id, key, pending, next_seq, due)
               select ${world.tenant_id}, ${world.subscription_id}, 'k' || n, 1, 1, now() + (n % 10 - 1) * interval '1 hour'
                 from generate_series(${from}::int, ${to}::int) n returning key)
    insert into delivery_line (tenant_id, subscription_id, key, seq, delivery_id, event_id)
    select ${world.tenant_id}, ${world.subscription_id}, key, 1, gen_random_uuid(), gen_random_uuid() from l`.execute(
      db.owner,
    )
  const [id, START] = [newId(), '00000000-0000-0000-0000-000000000000']
  const two_hours = 7_200_000
  const asked: Record<string, { statement: Statement; values: string }> = {
    'the claim': { statement: LANES.claim, values: `'${id}', 64, null, true` },
    'the claim in turns': {
      statement: LANES.turns,
      values: `'${id}', 64, '{${world.subscription_id}}', '{false}', '{64}', '{${two_hours}}'`,
    },
    'the look at who waits': { statement: LANES.waiting, values: `'${START}', 2000` },
    'the look again': {
      statement: LANES.waiting_again,
      values: `'{${world.subscription_id}}', '{${two_hours}}', '{${two_hours}}'`,
    },
  }
  /** Blocks read by each. */
  async function read(): Promise<Record<string, number>> {
    await sql`vacuum analyze delivery_lane, delivery_line`.execute(db.owner)
    const client = await db.worker.pool.connect()
    const blocks: Record<string, number> = {}
    try {
      for (const [name, { statement, values }] of Object.entries(asked)) {
        await client.query('begin')
        await client.query(`prepare asked as ${statement.text}`)
        const { rows } = await client.query(
          `explain (analyze, buffers, timing off, format json) execute asked (${values})`,
        )
        const plan = rows[0]['QUERY PLAN'][0].Plan as Record<string, number>
        blocks[name] = (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0)
        await client.query('rollback')
        await client.query('deallocate all')
      }
      return blocks
    } finally {
      client.release()
    }
  }
  await grow(1, 1_000)
  const few = await read()
  await grow(1_001, 100_000)
  const many = await read()
  for (const [name, blocks] of Object.entries(few)) {
    const now = many[name] ?? Number.NaN
    // A level more of each index it goes down, for each of the lanes it takes.
    assert.ok(now <= blocks * 1.5 + 10, `${name}: ${blocks} blocks with 1,000 keys, ${now} with 100,000`)
  }
})
