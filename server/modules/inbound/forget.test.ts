import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { schedules } from './jobs.ts'

/** What is forgotten with the messages it is about, and not before. */
let product: Product
let url: string
before(async () => {
  product = await startProduct()
  const source = await product.api.ok('POST', '/v1/sources', {
    provider: 'http',
    name: 'Forgetting',
    settings: {
      signature: 'token',
      signature_header: 'x-token',
      event_id: 'id',
      entity_id: 'order',
      order: 'sequence',
      position: 'n',
    },
    secrets: ['a-token-of-theirs'],
    options: { order: { gap_timeout_s: 600 } },
  })
  url = String(source['url'])
})

async function post(id: string, order: string, n: number): Promise<unknown> {
  const headers = { 'content-type': 'application/json', 'x-token': 'a-token-of-theirs' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ id, order, n }) })
  return ((await response.json()) as Json)['status']
}

/** As it runs so many days from now. */
async function run(name: string, days: number): Promise<void> {
  const now = () => new Date(Date.now() + days * 86_400_000)
  const schedule = schedules.find((one) => one.name === name)
  await schedule?.run({ ...product.app, clock: { ...product.app.clock, now } })
}

test('a copy is known for as long as messages are kept', async () => {
  assert.equal(await post('e1', 'o-seen', 1), 'received')
  await run('inbound.forget_seen', 29)
  assert.equal(await post('e1', 'o-seen', 1), 'duplicate')
  await run('inbound.forget_seen', 31)
  assert.equal(await post('e1', 'o-seen', 1), 'received')
})

test('an entity that nothing came to for as long is forgotten, but for one that waits', async () => {
  const lanes = async () => {
    const { rows } = await sql<{ wait: string | null }>`
      select wait from inbox_lane order by wait nulls last`.execute(product.app.db.owner)
    return rows.map(({ wait }) => wait)
  }
  await post('e2', 'o-waits', 2)
  await eventually(async () => {
    const { rows } =
      await sql`select from inbox_lane where due > now() + interval '1 minute' or due is null`.execute(
        product.app.db.owner,
      )
    return rows.length === 2
  })
  assert.deepEqual(await lanes(), ['gap', null])
  await run('inbound.forget_lanes', 29)
  assert.deepEqual(await lanes(), ['gap', null])
  await run('inbound.forget_lanes', 31)
  assert.deepEqual(await lanes(), ['gap'])
})
