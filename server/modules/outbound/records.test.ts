import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { fromWire } from '../../platform/ids.ts'
import { type Api, eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { type Receiver, startReceiver } from '../../test/receiver.ts'
import { schedules } from './jobs.ts'

/** What is kept of deliveries: how it is written, found and added up. */
let product: Product
let receiver: Receiver
/** A tenant of its own for each test. */
let api: Api

before(async () => {
  receiver = await startReceiver()
  product = await startProduct()
})
beforeEach(async () => {
  api = await product.newTenant()
})

/** To a type of its own. */
async function subscribe(path: string, more: Json = {}): Promise<Json> {
  const name = `test.${path.slice(1)}`
  await api.ok('POST', '/v1/event-types', { name, description: name, schema: {} })
  const url = receiver.base + path
  return api.ok('POST', '/v1/subscriptions', { name: path, url, event_types: [name], ...more })
}
const publish = (path: string) =>
  api.ok('POST', '/v1/events', { type: `test.${path.slice(1)}`, data: { key: 'a' } })
const idsOf = (found: Json[]) => found.map(({ id }) => String(id))
const listed = async (query: string) => idsOf(await api.list(`/v1/deliveries?${query}`))
const query = async (text: string, values: unknown[] = []) =>
  (await product.app.db.owner.pool.query(text, values)).rows

const ofDeliveries = (what: string) => `
  select ${what} from pg_inherits i join pg_class c on c.oid = i.inhrelid
   where i.inhparent = 'delivery'::regclass`

test('a delivery that succeeds stays on its page, and has no new entry in any index', async () => {
  await subscribe('/plain')
  for (let n = 0; n < 20; n++) await publish('/plain')
  const [written] = await eventually(async () => {
    const rows = await query(
      ofDeliveries(
        'sum(pg_stat_get_tuples_updated(c.oid))::int as all, sum(pg_stat_get_tuples_hot_updated(c.oid))::int as in_place',
      ),
    )
    return rows[0]?.all >= 20 && rows
  })
  assert.equal(written.in_place, written.all)
  const options = await query(ofDeliveries('distinct c.reloptions::text as of'))
  assert.deepEqual(options, [{ of: '{fillfactor=50}' }])
})

test('what waits is listed whether it keeps an order or not, what failed and what was delivered beside it', async () => {
  receiver.answer('/failing', { status: 500 })
  const waits = await subscribe('/loose')
  const ordered = await subscribe('/lined', { order: { per: 'key', key: 'data.key' } })
  await subscribe('/failing', { retry_schedule_s: [] })
  await subscribe('/good')
  await publish('/good')
  await publish('/failing')
  for (const { id } of [waits, ordered]) await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'paused' })
  const made: string[] = []
  for (const path of ['/loose', '/lined', '/lined', '/loose']) {
    const event = await publish(path)
    made.unshift(...(await listed(`event_id=${event['id']}`)))
  }
  const [newest = '', second = '', third = '', oldest = ''] = made
  await eventually(
    async () => (await listed('state=failed')).length === 1 && (await listed('state=delivered')).length === 1,
  )

  assert.deepEqual(await listed('state=pending'), made)
  assert.deepEqual(await listed(`state=pending&subscription_id=${ordered['id']}`), [second, third])
  assert.deepEqual(await listed(`state=pending&subscription_id=${waits['id']}`), [newest, oldest])
  assert.deepEqual(await listed('state=pending&event_type=test.lined'), [second, third])
  const before = encodeURIComponent(String((await api.ok('GET', `/v1/deliveries/${second}`))['created_at']))
  assert.deepEqual(await listed(`state=pending&until=${before}`), [third, oldest])
  assert.deepEqual(await listed(`state=pending&since=${before}`), [newest, second])
  const page = await api.ok('GET', '/v1/deliveries?state=pending&limit=3')
  assert.deepEqual(idsOf(page['data'] as Json[]), [newest, second, third])
  const last = await api.ok('GET', `/v1/deliveries?state=pending&limit=3&cursor=${page['next_cursor']}`)
  assert.deepEqual([idsOf(last['data'] as Json[]), last['next_cursor']], [[oldest], null])
  assert.deepEqual(await listed('state=expired'), [])

  for (const { id } of [waits, ordered])
    await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'enabled' })
  await eventually(async () => (await listed('state=delivered')).length === 5)
  assert.deepEqual(await listed('state=pending'), [])
})

test('of a delivery with more attempts than are shown, the newest are', async () => {
  const { id } = await subscribe('/often')
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'paused' })
  await publish('/often')
  const [delivery = ''] = await listed('state=pending')
  const { newId } = product.app
  await query(
    `insert into attempt (tenant_id, id, delivery_id, number, outcome, duration_ms, request_headers)
     select $1, one.id, $2, one.n, 'failed', 1, '{}' from unnest($3::uuid[]) with ordinality one(id, n)`,
    [fromWire('tenant', api.tenant_id), fromWire('delivery', delivery), Array.from({ length: 203 }, newId)],
  )
  const { log } = (await api.ok('GET', `/v1/deliveries/${delivery}`)) as { log: Json[] }
  assert.deepEqual([log.length, log[0]?.['number'], log.at(-1)?.['number']], [200, 4, 203])
})

test('a page of what is pending goes on behind what was delivered while it was read', async () => {
  const { id } = await subscribe('/page')
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'paused' })
  for (let n = 0; n < 4; n++) await publish('/page')
  const [newest = ''] = await listed(`subscription_id=${id}`)
  // The record as it is once its queue was read: the two are looked at one after the other.
  await query("update delivery set state = 'delivered' where id = $1", [fromWire('delivery', newest)])
  for (const narrowed of ['', '&event_type=test.page']) {
    const seen: string[] = []
    for (let cursor = ''; ; ) {
      const path = `/v1/deliveries?state=pending&subscription_id=${id}&limit=2${narrowed}${cursor}`
      const { data, next_cursor } = await api.ok('GET', path)
      seen.push(...idsOf(data as Json[]))
      if (next_cursor === null) break
      cursor = `&cursor=${next_cursor}`
    }
    assert.deepEqual([seen.length, new Set(seen).size], [3, 3])
  }
})

test('what a subscription came to is counted by the minute, and added up hours later', async () => {
  receiver.answer('/counted', { status: 500 }, { status: 200 })
  const { id } = await subscribe('/counted', { retry_schedule_s: [1] })
  const tenant = fromWire('tenant', api.tenant_id)
  const read = () => api.ok('GET', `/v1/subscriptions/${id}/counters`)
  const until = (delivered: number) => eventually(async () => (await read())['delivered'] === delivered)
  const back = (hours: number) =>
    query(`update subscription_counter set minute = minute - $1 * interval '1 hour' where tenant_id = $2`, [
      hours,
      tenant,
    ])
  const rows = async () =>
    (await query('select count(*)::int as n from subscription_counter where tenant_id = $1', [tenant]))[0]?.n
  await publish('/counted')
  await until(1)
  await back(3)
  await publish('/counted')
  await until(2)
  await back(2)
  await publish('/counted')
  await until(3)
  const counted = await read()
  assert.deepEqual([counted['attempts'], counted['delivered'], counted['failed']], [4, 3, 1])
  const before = await rows()
  assert.ok(before >= 3, `${before} rows`)

  const adding = schedules.find(({ name }) => name === 'outbound.add_up_counters')
  await adding?.run(product.app)
  assert.deepEqual(await read(), counted)
  await publish('/counted')
  await until(4)
  await back(2)
  await adding?.run(product.app)
  assert.equal(await rows(), 1)
  assert.deepEqual((await read())['attempts'], 5)
})
