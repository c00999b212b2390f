import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { fromWire } from '../../platform/ids.ts'
import { type Product, startProduct } from '../../test/product.ts'

/** What waits for a paused subscription, where nothing works on it: what a release does stays to be seen. */
let product: Product

before(async () => {
  product = await startProduct({ roles: ['api'] })
})

/** Deliveries and lanes that are held, and keep their state until somebody releases them. */
async function hold(tenant_id: string, subscription_id: string, count: number): Promise<void> {
  await sql`
    with d as (insert into delivery (tenant_id, id, event_id, subscription_id, event_type)
               select ${tenant_id}, overlay(v7_floor(now())::text placing lpad(to_hex(n), 12, '0') from 25)::uuid,
                      v7_floor(now()), ${subscription_id}, 'order.placed' from generate_series(1, ${count}::int) n
               on conflict do nothing returning *),
     q as (insert into delivery_queue (tenant_id, id, event_id, subscription_id, due, held)
           select tenant_id, id, event_id, subscription_id, now() + interval '30 min', true from d),
     l as (insert into delivery_line (tenant_id, subscription_id, key, seq, delivery_id, event_id)
           select ${tenant_id}, ${subscription_id}, 'k' || n, 1, gen_random_uuid(), v7_floor(now())
             from generate_series(1, ${count}::int) n on conflict do nothing returning *)
    insert into delivery_lane (tenant_id, subscription_id, key, pending, next_seq, due, held)
    select tenant_id, subscription_id, key, 1, 1, now() + interval '30 min', true from l`.execute(
    product.app.db.owner,
  )
}

test('a resumed subscription lets go of all that waits for it, a part at a time; what was left is let go of by the next', async () => {
  const { api, app } = product
  const made = await api.ok('POST', '/v1/subscriptions', {
    ...{ name: 'Much', url: 'http://127.0.0.1:9/', event_types: ['*'] },
  })
  const tenant_id = fromWire('tenant', api.tenant_id)
  const subscription_id = fromWire('subscription', String(made['id']))
  const turnTo = (state: string) => api.ok('PATCH', `/v1/subscriptions/${made['id']}`, { state })
  const left = async (table: 'delivery_queue' | 'delivery_lane') => {
    const { rows } = await sql<{ held: number; released: number; parts: number }>`
      select count(*) filter (where held)::int as held, count(*) filter (where not held)::int as released,
             count(distinct due) filter (where not held)::int as parts
        from ${sql.table(table)} where subscription_id = ${subscription_id}`.execute(app.db.owner)
    return rows[0]
  }
  await turnTo('paused')
  await hold(tenant_id, subscription_id, 12_000)
  await turnTo('enabled')
  for (const table of ['delivery_queue', 'delivery_lane'] as const)
    assert.deepEqual(await left(table), { held: 0, released: 12_000, parts: 3 })
  const { rows } = await sql`
    select from delivery where subscription_id = ${subscription_id} and next_at is null`.execute(app.db.owner)
  assert.equal(rows.length, 0)

  for (const table of ['delivery_queue', 'delivery_lane'] as const)
    await sql`
      update ${sql.table(table)} set held = true where ctid in (
        select ctid from ${sql.table(table)} where subscription_id = ${subscription_id} limit 7000)`.execute(
      app.db.owner,
    )
  await turnTo('enabled')
  for (const table of ['delivery_queue', 'delivery_lane'] as const) assert.equal((await left(table))?.held, 0)
})
