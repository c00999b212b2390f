import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { fromWire } from '../../platform/ids.ts'
import { type Json, type Product, startProduct } from '../../test/product.ts'
import type { React } from './interpret.ts'
import { processLanes } from './lanes.ts'
import { processMessages } from './process.ts'

/** A worker that stalled past its lease comes back: what it has in hand is somebody else's by now. */
let product: Product
let source_id: string
let tenant_id: string
before(async () => {
  product = await startProduct()
  tenant_id = fromWire('tenant', product.api.tenant_id)
  const source = await product.api.ok('POST', '/v1/sources', {
    provider: 'http',
    name: 'Fenced',
    settings: { signature: 'token', signature_header: 'x-token', event_id: 'id' },
    secrets: ['a-token-of-theirs'],
  })
  source_id = fromWire('source', String(source['id']))
})

const tellAll: React = async (_app, { type, data }) => ({ facts: [{ type, data: data ?? '' }], deeds: [] })

/** One that is claimed, and that nobody else looks at for an hour; in a lane of its own where it stands in one. */
async function taken(lane: string | null) {
  const { newId, db } = product.app
  const [id, claim] = [newId(), newId()]
  const message = {
    tenant_id,
    id,
    source_id,
    event_key: id,
    headers: '{}',
    body: Buffer.from(`{"type":"t"}`),
  }
  const place = { lane, position: lane === null ? null : 0 }
  await db.owner
    .insertInto('inbox')
    .values({ ...message, ...place })
    .execute()
  await sql`
    insert into inbox_queue (tenant_id, id, claim, attempts, due, lane, position, arrived)
    values (${tenant_id}, ${id}, ${claim}, 1, ${lane ? null : sql`now() + interval '1 hour'`}, ${lane}, ${place.position}, ${place.position})`.execute(
    db.owner,
  )
  return { ...message, claim, attempts: 1, flags: [] }
}

async function cameOf(id: string): Promise<[unknown, number]> {
  const { owner } = product.app.db
  const { rows } = await sql<{ state: string }>`select state from inbox where id = ${id}`.execute(owner)
  const events = await sql`select from event where message_id = ${id}`.execute(owner)
  return [rows[0]?.state, events.rows.length]
}

test('a message whose claim is another’s now is left as it is, and whoever has it makes its event once', async () => {
  const { app } = product
  const item = await taken(null)
  await processMessages(app, tellAll, [{ ...item, claim: app.newId() }])
  assert.deepEqual(await cameOf(item.id), ['pending', 0])
  await processMessages(app, tellAll, [item])
  assert.deepEqual(await cameOf(item.id), ['completed', 1])
  await processMessages(app, tellAll, [item])
  assert.deepEqual(await cameOf(item.id), ['completed', 1])
  const { subjects } = await product.api.ok('GET', '/v1/metrics/webhooks')
  const [{ outcomes }] = (subjects as Json[]).filter(({ subject }) => subject === 'http') as [Json]
  assert.deepEqual(outcomes, { completed: 1 }, 'it is counted by whoever had it')
})

test('nor has a turn of a lane any effect once the lane is another’s, though its message is not yet', async () => {
  const { app } = product
  const [lane, claim] = [app.newId(), app.newId()]
  const item = await taken(lane)
  await sql`
    insert into inbox_lane (tenant_id, lane, source_id, due, claim)
    values (${tenant_id}, ${lane}, ${source_id}, now() + interval '1 hour', ${claim})`.execute(app.db.owner)
  const turn = {
    tenant_id,
    id: lane,
    claim,
    attempts: 1,
    source_id,
    reached: null,
    waited: false,
    wait: null,
  }
  const held = { ...turn, heads: [{ ...item, position: 0, noted: 0 }], more: false }
  await processLanes(app, tellAll, [{ ...held, claim: app.newId() }])
  assert.deepEqual(await cameOf(item.id), ['pending', 0])
  await processLanes(app, tellAll, [held])
  assert.deepEqual(await cameOf(item.id), ['completed', 1])
})
