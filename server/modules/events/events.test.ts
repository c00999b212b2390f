import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { isUndone } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { eventually, type Json, type Product, type Reply, startProduct } from '../../test/product.ts'
import { CATALOG } from './catalog.ts'
import { publish } from './publish.ts'
import { faultsOf } from './types.ts'

let product: Product

before(async () => {
  product = await startProduct()
})

test('every type of the catalog has an example that fits its schema', () => {
  for (const { name, schema, example } of CATALOG)
    assert.deepEqual(faultsOf(schema, example, 'example'), [], name)
})

test('an event is stored to the byte and read back as the JSON it was', async () => {
  const { id } = await product.api.ok(
    'POST',
    '/v1/events',
    '{"type":"webhook.received","data":{"b":1,"a":[1.50]},"entity_id":"order-9"}',
  )
  const event = await product.api.ok('GET', `/v1/events/${id}`)
  assert.deepEqual(event['data'], { b: 1, a: [1.5] })
  const [found, ...more] = await product.api.list('/v1/search?q=ORDER-9')
  assert.deepEqual([found?.['kind'], found?.['id'], more], ['event', id, []])
})

/** Begins work while no event can be written, and lets it go on when the first of it has waited for a while. */
async function whileHeld<T>(begin: () => T): Promise<T> {
  const { pool } = product.app.db.owner
  const holder = await pool.connect()
  try {
    await holder.query('begin; lock table event in access exclusive mode')
    const begun = begin()
    await eventually(async () => {
      const { rows } = await holder.query(
        "select from pg_locks where not granted and relation = 'event'::regclass",
      )
      return rows.length > 0
    })
    await sleep(300)
    return begun
  } finally {
    await holder.query('rollback')
    holder.release()
  }
}

test('events published in the same moment share commits, and each publisher is answered for its own', async () => {
  const other = await product.newTenant()
  const publish = (api: typeof other, entity_id: string) =>
    api.send('POST', '/v1/events', { type: 'webhook.received', data: { entity_id }, entity_id })
  const answers = await whileHeld(() => [
    Promise.all(Array.from({ length: 40 }, (_, n) => publish(product.api, `one-${n}`))),
    Promise.all(Array.from({ length: 20 }, (_, n) => publish(other, `other-${n}`))),
  ])
  const [of_one = [], of_other = []] = await Promise.all(answers)
  assert.deepEqual([...new Set([...of_one, ...of_other].map(({ status }) => status))], [201])
  const ids = of_one.map(({ body }) => fromWire('event', String(body['id'])))
  const { rows } = await sql<{ commits: number }>`
    select count(distinct xmin::text)::int as commits from event where id = any(${ids}::uuid[])`.execute(
    product.app.db.owner,
  )
  assert.ok((rows[0]?.commits ?? 99) < 40, `40 events in ${rows[0]?.commits} commits`)
  assert.deepEqual(
    (await other.list('/v1/events?limit=100')).map((event) => (event['data'] as Json)['entity_id']).sort(),
    Array.from({ length: 20 }, (_, n) => `other-${n}`).sort(),
  )
})

test('a tenant whose ordered events wait for a lane keeps no other tenant waiting, and then loses none', async () => {
  const { app } = product
  const blocked = await product.newTenant()
  const tenant_id = fromWire('tenant', blocked.tenant_id)
  const actor = { kind: 'system' as const, id: 'test', tenant_id, environment: 'test' as const }
  const event = { type: 'webhook.received', data: {} }
  // Not over HTTP, where two that are sent at once may come in either order.
  const inOrder = (n: number) =>
    publish(app, { ...actor, scopes: [], ip: null, request_id: null }, event, JSON.stringify({ n }))
  const subscription = await blocked.ok('POST', '/v1/subscriptions', {
    ...{ name: 'Ledger', url: 'http://127.0.0.1:9/hook', event_types: ['webhook.received'] },
    order: { per: 'subscription' },
  })
  const id = fromWire('subscription', String(subscription['id']))
  await blocked.ok('PATCH', `/v1/subscriptions/${subscription['id']}`, { state: 'paused' })
  await inOrder(0)
  const holder = await app.db.owner.pool.connect()
  await holder.query('begin')
  await holder.query('select from delivery_lane where subscription_id = $1 for update', [id])
  const waiting: Promise<unknown>[] = []
  try {
    for (let n = 1; n <= 200; n++) {
      waiting.push(inOrder(n))
      await sleep(1)
    }
    const other = () => product.api.send('POST', '/v1/events', event)
    const others = Promise.all(Array.from({ length: 40 }, other))
    const told = (await Promise.race([others, sleep(10_000, [])])).map(({ status }) => status)
    assert.deepEqual(
      told,
      Array.from({ length: 40 }, () => 201),
    )
  } finally {
    await holder.query('rollback')
    holder.release()
  }
  await Promise.all(waiting)
  const { rows } = await sql<{ n: number }>`
    select (e.data::jsonb -> 'n')::int as n from delivery_line l join event e on e.id = l.event_id
     where l.subscription_id = ${id} order by l.seq`.execute(app.db.owner)
  // In order is what was answered before the next was sent; these were all under way at once.
  assert.deepEqual(
    rows.map(({ n }) => n).sort((a, b) => a - b),
    Array.from({ length: 201 }, (_, n) => n),
  )
})

test('a publication that PostgreSQL undid for another transaction is stored all the same, once', async () => {
  const api = await product.newTenant()
  const publish = () => api.send('POST', '/v1/events', { type: 'webhook.received', data: {} })
  const ids: string[] = []
  for (const name of ['First', 'Second']) {
    const made = await api.ok('POST', '/v1/subscriptions', {
      ...{ name, url: 'http://127.0.0.1:9/hook', event_types: ['webhook.received'] },
      order: { per: 'subscription' },
    })
    await api.ok('PATCH', `/v1/subscriptions/${made['id']}`, { state: 'paused' })
    ids.push(fromWire('subscription', String(made['id'])))
  }
  await publish()
  let [made, undone] = [1, false]
  while (!undone) {
    assert.ok(made < 10, 'PostgreSQL undid the other one each time')
    const met = await meetInRing(publish, ids as [string, string])
    assert.equal((await met.published).status, 201)
    made += 1
    undone = met.undone
  }
  assert.equal((await api.list('/v1/events')).length, made)
})

/**
 * Has a publication and somebody else wait for each other's lanes. Whoever waited first looks for the ring a second after it
 * began to, and is undone; on a busy machine that second may be over before there is a ring, and the other is the one.
 */
async function meetInRing(publish: () => Promise<Reply>, [first, second]: [string, string]) {
  const holder = await product.app.db.owner.pool.connect()
  try {
    await holder.query('begin')
    await holder.query('select from delivery_lane where subscription_id = $1 for update', [second])
    const published = publish()
    await eventually(async () => {
      const { rows } = await holder.query(
        'select from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()',
      )
      return rows.length > 0
    })
    const undone = await holder
      .query('update delivery_lane set pending = pending where subscription_id = $1', [first])
      .then(
        () => true,
        (error) => (isUndone(error) ? false : Promise.reject(error)),
      )
    return { published, undone }
  } finally {
    await holder.query('rollback')
    holder.release()
  }
}

test('a type that nobody declared is refused, with the way to declare it', async () => {
  const { status, body } = await product.api.send('POST', '/v1/events', { type: 'order.shipped', data: {} })
  assert.equal(status, 400)
  assert.equal(body['field'], 'type')
  assert.match(String(body['detail']), /event-types/)
})

test('data that does not fit the schema of its type is refused by name', async () => {
  const { status, body } = await product.api.send('POST', '/v1/events', {
    type: 'payment.completed',
    data: {},
  })
  assert.equal(status, 400)
  assert.equal(body['field'], 'data.provider')
  assert.match(String(body['detail']), /data\.provider is missing; .*data\.payment is missing/)
})

test('a tenant’s own type is in its catalog alone, and its events are checked by it', async () => {
  const schema = { type: 'object', required: ['order_id'], properties: { order_id: { type: 'string' } } }
  const own = {
    name: 'order.shipped',
    description: 'An order left the warehouse',
    schema,
    example: { order_id: '1042' },
  }
  await product.api.ok('POST', '/v1/event-types', own)
  const names = (await product.api.list('/v1/event-types')).map(({ name }) => name)
  assert.ok(names.includes('order.shipped') && names.includes('payment.completed'))
  assert.equal(
    (await product.api.send('POST', '/v1/events', { type: 'order.shipped', data: {} })).status,
    400,
  )
  await product.api.ok('POST', '/v1/events', { type: 'order.shipped', data: { order_id: '1042' } })
  const stranger = await product.newTenant()
  assert.ok(!(await stranger.list('/v1/event-types')).some(({ name }) => name === 'order.shipped'))
  assert.equal((await product.api.send('POST', '/v1/event-types', own)).status, 409)
  assert.equal((await product.api.send('DELETE', '/v1/event-types/order.shipped')).status, 204)
  assert.equal((await product.api.send('DELETE', '/v1/event-types/order.shipped')).status, 404)
})

test('an example that does not fit its own schema is refused', async () => {
  const { status, body } = await product.api.send('POST', '/v1/event-types', {
    name: 'order.lost',
    description: 'An order was lost',
    schema: { type: 'object', required: ['order_id'] },
    example: {},
  })
  assert.deepEqual([status, body['field']], [400, 'example.order_id'])
})

test('pages of events follow each other without a gap or a repeat', async () => {
  const api = await product.newTenant()
  const published: unknown[] = []
  for (let n = 0; n < 7; n++)
    published.push((await api.ok('POST', '/v1/events', { type: 'webhook.received', data: { n } }))['id'])
  const seen: unknown[] = []
  let cursor: unknown = ''
  while (cursor !== null) {
    const page: Json = await api.ok('GET', `/v1/events?limit=3${cursor ? `&cursor=${cursor}` : ''}`)
    seen.push(...(page['data'] as Json[]).map(({ id }) => id))
    cursor = page['next_cursor']
  }
  assert.deepEqual(seen, published.reverse())
})

test('more publishers at once than there are connections all end, with nothing remembered', {
  timeout: 300_000,
}, async () => {
  const count = product.app.config.db_pool_size + 4
  const tenants = await Promise.all(Array.from({ length: count }, () => product.newTenant()))
  const event = { type: 'webhook.received', data: {} }
  const published = await Promise.all(tenants.map((tenant) => tenant.ok('POST', '/v1/events', event)))
  assert.equal(published.length, count)
})
