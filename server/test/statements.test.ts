import assert from 'node:assert/strict'
import { before, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { undoAfter } from './harness.ts'
import { eventually, type Product, startProduct } from './product.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import { signedPayment } from './stripe_payment.ts'

/**
 * How many statements the product runs, all roles together, as PostgreSQL counts them: `begin`, `set` and `commit`
 * included. Where the server of the tests counts none (an external one without pg_stat_statements), there is nothing to see.
 */
let root: pg.Pool
let product: Product
let receiver: Receiver
let counts = true

before(async () => {
  product = await startProduct()
  receiver = await startReceiver()
  root = new pg.Pool({ connectionString: product.app.config.database_url?.reveal(), max: 1 })
  root.on('error', () => {})
  undoAfter(() => root.end())
  counts = await root
    .query('create extension if not exists pg_stat_statements; select from pg_stat_statements')
    .then(
      () => true,
      () => false,
    )
})

type Counted = { total: number; each: string }

const OURS = `dbid = (select oid from pg_database where datname = current_database())
  and userid in (select oid from pg_roles where rolname like 'trilho\\_%')`

/** Of the product's roles, in its own database, while `work` went on: what other tests run is none of it. */
async function counted(work: () => Promise<unknown>): Promise<Counted> {
  const before = await read()
  await work()
  const after = await read()
  const each = [...after].flatMap(([text, calls]) => {
    const more = calls - (before.get(text) ?? 0)
    return more > 0 ? [{ text, more }] : []
  })
  return {
    total: each.reduce((sum, { more }) => sum + more, 0),
    each: each.map(({ text, more }) => `${more} ${text}`).join('\n'),
  }
}

async function read(): Promise<Map<string, number>> {
  const { rows } = await root.query<{ calls: number; text: string }>(
    `select sum(calls)::int as calls, left(regexp_replace(query, '\\s+', ' ', 'g'), 100) as text
       from pg_stat_statements where ${OURS} group by 2`,
  )
  return new Map(rows.map(({ text, calls }) => [text, calls]))
}

const queued = async (): Promise<number> => {
  const { rows } = await root.query<{ n: number }>(
    'select (select count(*) from inbox_queue)::int + (select count(*) from delivery_queue)::int as n',
  )
  return rows[0]?.n ?? 0
}

/** Twelve a minute are 0.2 a second. */
const IDLE_PER_MINUTE = 12
const WINDOW_MS = 60_000
const TALLIES_MS = 6_000

/**
 * By design five: two looks at all queues, and one turn of the clock, for which the next job is looked for and whether any
 * order has anything to do. Orders of the hour are put off, so that it is the same at any time of the day. A database that
 * does not answer for seconds makes every queue try by itself: such a minute says nothing, and another one is counted.
 */
test('an idle installation runs no more than 12 statements a minute, all roles together', async (t) => {
  if (!counts) return skip(t)
  await product.app.db.owner.pool.query(
    "update schedule set due = now() + case when cron = '* * * * *' then interval '0' else interval '1 day' end",
  )
  await sleep(TALLIES_MS)
  const seen: (Counted & { most: number })[] = []
  for (let tries = 0; tries < 3; tries++) {
    const began = performance.now()
    const one = await counted(() => sleep(WINDOW_MS))
    const minutes = (performance.now() - began) / 60_000
    seen.push({ ...one, most: IDLE_PER_MINUTE * minutes })
    if (one.total <= IDLE_PER_MINUTE * minutes) return
  }
  assert.fail(
    seen.map(({ total, most, each }) => `${total}, at most ${most.toFixed(1)}\n${each}`).join('\n\n'),
  )
})

test('a lone event costs no more than 12 statements, from the webhook to the recorded delivery', async (t) => {
  if (!counts) return skip(t)
  const { api, url } = product
  const source = await api.ok('POST', '/v1/sources', { provider: 'stripe', name: 'Stripe', secrets: ['s'] })
  await api.ok('POST', '/v1/subscriptions', { name: 'All', url: `${receiver.base}/hook`, event_types: ['*'] })
  const cross = async (number: number) => {
    const { body, headers } = signedPayment(`lone${number}`, 's')
    const reply = await fetch(`${url}/webhooks/stripe/${source['id']}`, { method: 'POST', headers, body })
    assert.equal(reply.status, 200)
    await eventually(async () => receiver.at('/hook').length > number)
    await eventually(async () => (await queued()) === 0)
    await sleep(100) // for a notification that is still held back
  }
  for (let number = 0; number < 3; number++) await cross(number) // statements are prepared, memories filled
  // A look at the queues, a turn of the clock or the counts of the last seconds may fall into one, not into each of them:
  // of those that take seconds, on a machine that does other things too, into most.
  let lone = await counted(() => cross(3))
  for (let number = 4; number < 40 && lone.total > 12; number++) lone = await counted(() => cross(number))
  assert.ok(lone.total > 0 && lone.total <= 12, `${lone.total} statements\n${lone.each}`)
})

const skip = (t: TestContext) => t.skip('this PostgreSQL counts no statements')
