import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { fromWire, timeOfId, toWire } from '../../platform/ids.ts'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'

/** What a replay in bulk takes up: what its filter says, and nothing beside it. */
let product: Product
before(async () => {
  product = await startProduct()
})

const newSource = async () => {
  const source = {
    provider: 'http',
    name: 'Replayed',
    settings: { signature: 'token', signature_header: 'x' },
  }
  return String((await product.api.ok('POST', '/v1/sources', source))['id'])
}

/** One that ended so, put there without its webhook. */
async function leave(source: string, state: string, type: string): Promise<string> {
  const { db, newId } = product.app
  const id = newId()
  await sql`
    insert into inbox (tenant_id, id, source_id, event_key, headers, body, state, event_type, closed_at)
    values (${fromWire('tenant', product.api.tenant_id)}, ${id}, ${fromWire('source', source)}, ${id}, '{}', '{}',
            ${state}, ${type}, now())`.execute(db.owner)
  return toWire('message', id)
}

/** A moment that nothing else shares. */
async function moment(): Promise<string> {
  await sleep(5)
  const at = new Date().toISOString()
  await sleep(5)
  return at
}

const before_it = new Set<unknown>()
async function replayed(wanted: Json): Promise<unknown[]> {
  const { id, total } = await product.api.ok('POST', '/v1/message-replays', wanted)
  const done = await eventually(async () => {
    const replay = await product.api.ok('GET', `/v1/message-replays/${id}`)
    return replay['state'] === 'completed' && replay
  })
  const taken = (await product.api.list('/v1/messages?limit=100'))
    .filter(({ id: one, flags }) => (flags as string[]).includes('replayed') && !before_it.has(one))
    .map((one) => one['id'])
  for (const one of taken) before_it.add(one)
  assert.deepEqual([total, done['replayed']], [taken.length, taken.length])
  return taken.toSorted()
}

test('a replay takes up what its source, type, states and span of time say, and failed and parked unless it says', async () => {
  const [one, two] = [await newSource(), await newSource()]
  await leave(one, 'failed', 'paid')
  const since = await moment()
  const paid = await leave(one, 'failed', 'paid')
  const parked = await leave(one, 'parked', 'paid')
  const lost = await leave(one, 'failed', 'lost')
  const ignored = await leave(one, 'ignored', 'paid')
  await leave(one, 'ignored', 'unpaid')
  const theirs = await leave(two, 'failed', 'paid')
  await leave(two, 'completed', 'paid')
  const until = await moment()
  await leave(one, 'failed', 'paid')
  const span = { since, until }
  assert.deepEqual(await replayed({ ...span, states: ['ignored'], event_type: 'paid' }), [ignored])
  assert.deepEqual(await replayed({ ...span, source_id: two }), [theirs])
  assert.deepEqual(await replayed({ ...span, event_type: 'lost' }), [lost])
  assert.deepEqual(await replayed(span), [paid, parked].toSorted())
})

test('a replay begins with the millisecond it says, and takes up nothing of the one before', async () => {
  const source = await newSource()
  const early = await leave(source, 'failed', 'paid')
  const since = new Date(timeOfId(fromWire('message', early)).getTime() + 1).toISOString()
  const until = await moment()
  assert.deepEqual(await replayed({ since, until, source_id: source }), [])
  const same = new Date(Date.parse(since) - 1).toISOString()
  assert.deepEqual(await replayed({ since: same, until, source_id: source }), [early])
})
