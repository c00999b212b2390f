import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { CompiledQuery } from 'kysely'
import { inTenant, makePartitions, type Tx } from '../platform/database/database.ts'
import { idsFor, idsOf } from './isolation/routes.ts'
import { type Ground, judge } from './plans/judge.ts'
import { type Explained, hearPlans, tellPlans } from './plans/listen.ts'
import { makeRows, quoted } from './world/catalog.ts'
import { fillPath, type Operation, sampleOf } from './world/operations.ts'
import { fillTables, makeWorld, ok, openHouse, spendDay, type World } from './world/world.ts'

/**
 * Every statement that the product runs for a request or a piece of work, with the plan by which PostgreSQL ran it in
 * a crowded database: none reads what it then throws away. Under row-level security only leakproof operators use an
 * index, so what looks indexed may be a filter over all the rows of a tenant.
 */
const DAY_MS = 86_400_000
const ROWS_PER_TENANT = 3000
const STRANGERS = 4
/**
 * The rows of records lie in today's partition and yesterday's, by the hour: the larger one has more than this at any time
 * of the day. The other may be so small that PostgreSQL reads it through, rightly.
 */
const OF_A_DAY = ROWS_PER_TENANT * (STRANGERS + 1) * 0.45
/** Each has its secrets opened when they are read into memory. */
const FEW = 50
/** A tenant may have a thousand at most. */
const LIMITED = ['card_rule', 'mapping', 'operation', 'subscription']
/** After five uses PostgreSQL may keep a prepared plan that no longer looks at the values. */
const DAYS = 7

let plans: Explained[] = []
/** Of a day that the workers spent with plans from when every queue seemed empty. */
let blind: Explained[] = []
let queues: string[] = []
let ground: Ground
let world: World
let told = false

before(async () => {
  world = await makeWorld()
  await world.stopWorkers()
  await fillTables(world)
  const ids = await idsOf(world, world.a)
  ground = { ...(await crowd(world)), whole: WHOLE, recent: new Map() }
  queues = await keepQueues(world)
  // What goes by the clock works through so many rows at a time, and would be heard at some minutes and not at others.
  await world.app.db.owner.pool.query("update schedule set due = now() + interval '1 day'")
  told = await tellPlans(world.place.database_url)
  const house = await openHouse(world.place, ({ db }) => {
    plans = hearPlans(db)
  })
  world = { ...world, ...house }
  const began = new Date()
  for (let day = 0; day < DAYS; day++) await spendDay(world, [world.a])
  ground.recent = await countSince(world, began)
  await world.app.db.owner.pool.query('vacuum (analyze)') // as autovacuum does within a minute
  await readEverything(world, ids)
  await house.stopWorkers()
  if (told) await spendBlindDay()
})

/**
 * A queue is empty most of the time, and so it looks to the planner if autovacuum comes by then, until it comes again. What
 * the workers planned meanwhile they keep.
 */
async function spendBlindDay(): Promise<void> {
  const { pool } = world.app.db.owner
  for (const name of queues) {
    await pool.query(`delete from ${name}`)
    await pool.query(`vacuum (analyze) ${name}`)
  }
  const house = await openHouse(world.place, ({ db }) => {
    blind = hearPlans(db)
  })
  await spendDay({ ...world, ...house }, [world.a])
  for (const name of queues) await pool.query(`insert into ${name} table kept_${name} on conflict do nothing`)
  blind.length = 0
  await spendDay({ ...world, ...house }, [world.a])
  await house.stopWorkers()
}

/** What stands in the queues of a crowded house, put aside, and put off for a day so that nobody works on it. */
async function keepQueues({ app }: World): Promise<string[]> {
  const { pool } = app.db.owner
  const { rows } = await pool.query<{ name: string }>(
    "select table_name as name from information_schema.columns where table_schema = 'public' and column_name = 'due' and table_name <> 'schedule'",
  )
  for (const { name } of rows) {
    await pool.query(`create table kept_${name} as table ${name}`)
    await pool.query(`update kept_${name} set due = now() + interval '1 day'`)
  }
  return rows.map(({ name }) => name)
}

const WHOLE: Ground['whole'] = {
  cache_policy: 'the policies of a tenant that name events, kept in memory',
  inbox: 'a list by type or state looks through so much a page: an index of it would slow every close',
  security_event:
    'a list by kind, source or address looks through so much a page: an index would cost most in a flood',
  limit_usage: 'a range is added up: a row for each hour of a connection',
  metric: 'a range is added up: a row for each step of a connection',
  traffic: 'a range is added up: a row for each step, type and outcome',
  oauth_state: 'those that ended are deleted, all of them',
  event_type: 'the catalog is kept in memory and listed whole',
  subscription_failing: 'at most one row for each of the 1,000 subscriptions of a tenant, kept in memory',
}

/** Other tenants with much of everything, and as much of the tenant's own, over several days. */
async function crowd({ app, a, ...world }: World): Promise<Pick<Ground, 'large' | 'partitions'>> {
  const { pool } = app.db.owner
  await makePartitions(app.db.owner, new Date(Date.now() - 2 * DAY_MS), 1)
  const tables = await fillTables({ app, a, ...world })
  const strangers = Array.from({ length: STRANGERS }, () => app.newId())
  for (const id of strangers) await pool.query("insert into tenant (id, name) values ($1, 'Stranger')", [id])
  for (const table of tables) {
    if (table.tenant_column !== 'tenant_id' || table.name === 'data_key') continue // a key cannot be made up
    const count = LIMITED.includes(table.name) ? FEW : ROWS_PER_TENANT
    for (const id of [a.tenant_id, ...strangers]) await makeRows(pool, table, id, count)
  }
  await pool.query('analyze')
  const { rows } = await pool.query<{ name: string; parent: string | null; is_large: boolean }>(`
    select c.relname as name, p.relname as parent, c.reltuples > case when p.oid is null then 1000 else ${OF_A_DAY} end as is_large
      from pg_class c left join pg_inherits i on i.inhrelid = c.oid left join pg_class p on p.oid = i.inhparent
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'`)
  const partitions = new Map<string, number>()
  for (const { parent } of rows) if (parent) partitions.set(parent, (partitions.get(parent) ?? 0) + 1)
  return { large: new Set(rows.filter((row) => row.is_large).map((row) => row.name)), partitions }
}

/** Rows of records, which have their time in their id. */
async function countSince({ app, a }: World, began: Date): Promise<Map<string, number>> {
  const { pool } = app.db.owner
  const { rows } = await pool.query<{ name: string }>(`
    select c.relname as name from pg_class c join pg_attribute i on i.attrelid = c.oid and i.attname = 'id'
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'p'`)
  const counted = new Map<string, number>()
  for (const { name } of rows) {
    const text = `select count(*)::int as n from ${quoted(name)} where tenant_id = $1 and id >= v7_floor($2)`
    counted.set(name, (await pool.query<{ n: number }>(text, [a.tenant_id, began])).rows[0]?.n ?? 0)
  }
  return counted
}

/** What asks a vendor or the world, what goes on for as long as a batch does or somebody watches, what sends the statement of a list for every page, and what only a Pix has. */
const NO_READING = [
  'proxyGet',
  'streamGet',
  'findParticipants',
  'watchBatch',
  'watchLive',
  'exportCalls',
  'exportBankTransactions',
  'drawPayment',
]

/** Of a list with many filters; of one with few, all of them. */
const MOST_TOGETHER = 2
const MANY = 6

async function readEverything(world: World, ids: Map<string, string>): Promise<void> {
  const { a, operations, send } = world
  for (const operation of operations) {
    if (operation.method !== 'GET' || !operation.access.includes(':') || NO_READING.includes(operation.id))
      continue
    const path = fillPath(operation.path, idsFor(operation, ids))
    for (const query of queriesOf(operation, ids)) {
      const { next_cursor } = await ok(send('GET', path + query, { key: a.live_key }))
      if (typeof next_cursor !== 'string') continue
      await ok(send('GET', `${path}${query || '?'}&cursor=${next_cursor}`, { key: a.live_key }))
    }
  }
}

/** Every choice of filters, or every two where there are many, with each of the words that a filter takes. */
function queriesOf({ parameters }: Operation, ids: Map<string, string>): string[] {
  let queries = ['']
  const filters = parameters.filter(
    ({ name, in: place }) => place === 'query' && name !== 'cursor' && name !== 'limit',
  )
  const most = filters.length > MANY ? MOST_TOGETHER : filters.length
  for (const { name, schema, required, example } of filters) {
    const words = (schema.anyOf ?? []).map((branch) => String(sampleOf(branch)))
    const id =
      ids.get(`/v1/${listOf(name)}`) ?? [...ids].find(([list]) => list.endsWith(`/${listOf(name)}`))?.[1]
    const made_up = schema.format === 'date-time' ? moment(name) : String(example ?? 'made.up')
    const values = id !== undefined ? [id] : words.length > 0 ? words : [made_up]
    const longer = queries
      .filter((query) => query.split('&').length <= most)
      .flatMap((query) => values.map((value) => `${query || '?'}&${name}=${value}`))
    queries = required ? longer : [...queries, ...longer]
  }
  return queries
}

/** `connections` for `connection_id`. */
const listOf = (name: string): string => name.replace(/_id$/, 's')

/** A range begins before it ends, and most rows lie in it: of few, PostgreSQL reads all and sorts them. */
const moment = (name: string): string =>
  new Date(Date.now() - (name === 'from' ? 72_000_000 : 0)).toISOString()

const UNTOLD = 'this login may not have PostgreSQL tell its plans'

test('no statement reads rows only to throw them away, and an id leads to its partition', (t) => {
  if (!told) return t.skip(UNTOLD)
  const found = plans.flatMap((plan) => judge(plan, ground))
  const once = new Map(found.map((sentence) => [sentence.replace(/\d+/g, 'n'), sentence]))
  assert.equal([...once.values()].join('\n\n'), '')
})

test('nor does a worker that made its plans while its queues were empty', (t) => {
  if (!told) return t.skip(UNTOLD)
  const found = blind.filter(({ role }) => role === 'worker').flatMap((plan) => judge(plan, ground))
  assert.equal([...new Set(found)].join('\n\n'), '')
  assert.ok(blind.some(({ text }) => text.includes('update delivery_queue')))
})

test('the statements of every list, of the door and of the workers are among those', (t) => {
  if (!told) return t.skip(UNTOLD)
  const heard = (role: string, words: string) =>
    plans.some(({ role: of, text }) => of === role && new RegExp(words).test(text.replaceAll('"', '')))
  const paged = ['api_key', 'audit', 'call', 'connection', 'delivery', 'event', 'inbox', 'oauth_client']
  for (const table of [...paged, 'quarantine', 'source', 'subscription'])
    assert.ok(heard('app', `from ${table} where tenant_id = .* order by id desc limit`), table)
  assert.ok(heard('app', 'from external_id where tenant_id = .* and value_hmac in '), 'search')
  assert.ok(heard('app', 'from public.api_key where hash = h'), 'what runs inside of a function')
  assert.ok(heard('ingest', 'insert into inbox_seen'), 'ingest')
  for (const words of [
    'update inbox_queue',
    'update delivery_queue',
    'update delivery d',
    'from event where',
    'update call c',
  ])
    assert.ok(heard('worker', words), words)
})

test('a statement that only looks indexed is found', async (t) => {
  if (!told) return t.skip(UNTOLD)
  const { app, a } = world
  const cases = {
    'select id from delivery where tenant_id = $1 and event_type like $2 order by id desc limit 51': [
      'made%',
    ],
    'select id from connection where tenant_id = $1 and name = $2': ['nobody'],
    'select id from call_attempt where tenant_id = $1 and call_id = $2': [app.newId()],
  }
  for (const [text, values] of Object.entries(cases)) {
    const from = plans.length
    await inTenant(app.db, a.tenant_id, (tx) => asked(tx, text, [a.tenant_id, ...values]))
    const found = plans.slice(from).flatMap((plan) => judge(plan, ground))
    assert.notDeepEqual(found, [], text)
  }
})

/** A statement as text within a tenant's transaction. */
const asked = (tx: Tx, text: string, values: string[]): Promise<unknown> =>
  tx.executeQuery(CompiledQuery.raw(text, values))
