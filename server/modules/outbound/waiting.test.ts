import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { sql } from 'kysely'
import type { Database, Statement } from '../../platform/database/database.ts'
import type { Seen, Waiting } from '../../platform/queue_statements.ts'
import { randomOf } from '../../test/faults/random.ts'
import { testDatabase } from '../../test/harness.ts'
import { listWaitingDeliveries, listWaitingDeliveriesAgain, QUEUE } from './queue_queries.ts'

const HOUR_MS = 3_600_000

type Kind = { attempts: number; claim: string | null }
/** What is claimed is no retry: its due is the end of its lease. */
const KINDS: Kind[] = [
  { attempts: 0, claim: null },
  { attempts: 2, claim: null },
  { attempts: 2, claim: randomUUID() },
]
const isRetry = ({ attempts, claim }: Kind): boolean => attempts > 0 && claim === null

/** When the first of these is due, in hours; null where there is none. */
const soonest = (rows: { hours: number }[]): number | null =>
  rows.length > 0 ? Math.min(...rows.map(({ hours }) => hours)) : null

test('each subscription that waits is told once, with when its first attempt and its retry are due, page by page', async () => {
  const db = await testDatabase()
  const random = randomOf(7)
  const below = (n: number) => Math.floor(random() * n)
  const tenant_id = randomUUID()
  const subscriptions = Array.from({ length: 40 }, () => randomUUID()).sort()
  const rows = Array.from({ length: 300 }, () => ({
    subscription_id: subscriptions[below(subscriptions.length)] ?? '',
    hours: 1 + below(90),
    ...(KINDS[below(KINDS.length)] as Kind),
  }))
  for (const { subscription_id, hours, attempts, claim } of rows) {
    await db.worker
      .insertInto('delivery_queue')
      .values({
        ...{ tenant_id, subscription_id, attempts, claim },
        ...{ id: randomUUID(), event_id: randomUUID(), due: new Date(Date.now() + hours * HOUR_MS) },
      })
      .execute()
  }
  const told: Waiting[] = []
  for (let after = START; ; ) {
    const page = await listWaitingDeliveries(db.worker, after, 7)
    told.push(...page)
    if (page.length < 7) break
    after = page.at(-1)?.subscription_id ?? ''
  }
  const inHours = (ms: number | null) => ms && Math.ceil(ms / HOUR_MS)
  const shown = (list: Waiting[]) =>
    list.map(({ subscription_id, first_ms, again_ms }) => [
      subscription_id,
      inHours(first_ms),
      inHours(again_ms),
    ])
  const expected = subscriptions.flatMap((id) => {
    const own = rows.filter(({ subscription_id }) => subscription_id === id)
    return own.length === 0
      ? []
      : [[id, soonest(own.filter((row) => !isRetry(row))), soonest(own.filter(isRetry))]]
  })
  assert.deepEqual(shown(told), expected)

  const known = told.map(({ subscription_id }) => seenOf(tenant_id, subscription_id))
  const again = await listWaitingDeliveriesAgain(db.worker, known)
  assert.deepEqual([shown(again.list), again.strangers], [expected, false])
  for (const stranger of [0, 20, known.length - 1]) {
    const others = known.filter((_, at) => at !== stranger)
    const { list, strangers } = await listWaitingDeliveriesAgain(db.worker, others)
    assert.deepEqual([shown(list), strangers], [expected.filter((_, at) => at !== stranger), true])
  }
  assert.deepEqual(await listWaitingDeliveriesAgain(db.worker, []), { list: [], strangers: true })
})

test('what is dead while a backup holds its snapshot is read by no claim', async () => {
  const db = await testDatabase()
  const tenant_id = randomUUID()
  const subscription_id = randomUUID()
  const put = (count: number, due: string) =>
    sql`insert into delivery_queue (tenant_id, id, event_id, subscription_id, due)
        select ${tenant_id}, gen_random_uuid(), gen_random_uuid(), ${subscription_id}, now() + ${due}::interval
          from generate_series(1, ${count}::int)`.execute(db.owner)
  const backup = await db.owner.pool.connect()
  try {
    await backup.query('begin isolation level repeatable read')
    await backup.query('select count(*) from delivery_queue')
    await put(20_000, '-1 hour')
    await sql`delete from delivery_queue`.execute(db.owner)
    await put(1, '-1 second')
    const taken = (since_ms: number) =>
      blocksOf(
        db,
        QUEUE.turns,
        ['uuid', 'int', 'uuid[]', 'bool[]', 'int[]', 'int8[]'],
        [`'${randomUUID()}', 64, '{${subscription_id}}', '{false}', '{64}', '{${Math.floor(since_ms)}}'`],
      )
    const blocks = {
      claim: await blocksOf(
        db,
        QUEUE.claim,
        ['uuid', 'int', 'timestamptz', 'bool'],
        [`'${randomUUID()}', 64, now() - interval '5 seconds', false`],
      ),
      turns: await taken(Date.now() - 3_000),
      again: await blocksOf(
        db,
        QUEUE.waiting_again,
        ['uuid[]', 'int8[]', 'int8[]'],
        [`'{${subscription_id}}', '{3000}', '{3000}'`],
      ),
    }
    for (const [name, count] of Object.entries(blocks))
      assert.ok(count < 100, `${name} reads ${count} blocks`)
    // What died a moment before the first that is alive is read by the look that found that one, and by nobody after it.
    await put(20_000, '-10 seconds')
    await sql`delete from delivery_queue where due < now() - interval '9 seconds'`.execute(db.owner)
    const { list } = await listWaitingDeliveriesAgain(db.worker, [seenOf(tenant_id, subscription_id)])
    const [{ at_ms, first_ms }] = list as [Waiting]
    const count = await taken(at_ms + Number(first_ms))
    assert.ok(count < 100, `turns read ${count} blocks`)

    const all = await blocksOf(db, QUEUE.waiting, ['uuid', 'int'], [`'${START}', 10`])
    assert.ok(all > 150, `a look at everybody, which reads the dead, reads ${all} blocks`)
  } finally {
    await backup.query('rollback')
    backup.release()
  }
})

test('a look reads the first of each subscription, however many it has waiting', async () => {
  const db = await testDatabase()
  const tenant_id = randomUUID()
  const subscription_id = randomUUID()
  const put = (of: string | null, attempts: number, count: number) =>
    sql`insert into delivery_queue (tenant_id, id, event_id, subscription_id, due, attempts)
        select ${tenant_id}, gen_random_uuid(), gen_random_uuid(), coalesce(${of}::uuid, gen_random_uuid()),
               now() - n * interval '1 ms', ${attempts}::int
          from generate_series(1, ${count}::int) n`.execute(db.owner)
  await put(null, 0, 100)
  for (const attempts of [0, 2]) await put(subscription_id, attempts, 10_000)
  await sql`vacuum analyze delivery_queue`.execute(db.owner)
  const all = await blocksOf(db, QUEUE.waiting, ['uuid', 'int'], [`'${START}', 1000`])
  assert.ok(all < 1_000, `a look at everybody reads ${all} blocks`)
  const again = await blocksOf(
    db,
    QUEUE.waiting_again,
    ['uuid[]', 'int8[]', 'int8[]'],
    [`'{${subscription_id}}', '{20000}', '{20000}'`],
  )
  assert.ok(again < 50, `a look at those who are known reads ${again} blocks`)
})

test('whatever was known of the queue when the plan was made, one that has little reads nothing of another that has much', async () => {
  const db = await testDatabase()
  const tenant_id = randomUUID()
  const [quiet, loud] = [randomUUID(), randomUUID()]
  const put = (subscription_id: string, count: number, due: string) =>
    sql`insert into delivery_queue (tenant_id, id, event_id, subscription_id, due)
        select ${tenant_id}, gen_random_uuid(), gen_random_uuid(), ${subscription_id}, now() + ${due}::interval
          from generate_series(1, ${count}::int)`.execute(db.owner)
  for (const known of [0, 10, 200, 20_000]) {
    await sql`truncate delivery_queue`.execute(db.owner)
    await put(loud, known, '-1 second')
    await put(quiet, 1, '0')
    await sql`vacuum analyze delivery_queue`.execute(db.owner)
    await put(loud, 20_000 - known, '-1 second')
    const blocks = {
      look: await blocksOf(db, QUEUE.waiting, ['uuid', 'int'], [`'${START}', 2000`]),
      again: await blocksOf(
        db,
        QUEUE.waiting_again,
        ['uuid[]', 'int8[]', 'int8[]'],
        [`'{${[quiet, loud].sort()}}', '{3000,3000}', '{3000,3000}'`],
      ),
      turns: await blocksOf(
        db,
        QUEUE.turns,
        ['uuid', 'int', 'uuid[]', 'bool[]', 'int[]', 'int8[]'],
        [`'${randomUUID()}', 64, '{${quiet}}', '{false}', '{64}', '{${Date.now() - 60_000}}'`],
      ),
    }
    for (const [name, count] of Object.entries(blocks))
      assert.ok(count < 60, `with ${known} known, ${name} reads ${count} blocks`)
  }
})

const START = '00000000-0000-0000-0000-000000000000'

const seenOf = (tenant_id: string, subscription_id: string): Seen => ({
  ...{ tenant_id, subscription_id },
  ...{ first_age_ms: HOUR_MS, again_age_ms: HOUR_MS },
})

/** As EXPLAIN counts them, and undone. */
async function blocksOf(
  db: Database,
  { text }: Statement,
  types: string[],
  [values]: [string],
): Promise<number> {
  const client = await db.worker.pool.connect()
  try {
    await client.query('begin')
    await client.query(`prepare counted (${types.join(', ')}) as ${text}`)
    const { rows } = await client.query(
      `explain (analyze, buffers, timing off, format json) execute counted (${values})`,
    )
    const plan = rows[0]['QUERY PLAN'][0].Plan as Record<string, number>
    return (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0)
  } finally {
    await client.query('rollback')
    await client.query('deallocate all')
    client.release()
  }
}
