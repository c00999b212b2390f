import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { floorId, fromWire } from '../../platform/ids.ts'
import { serve } from '../../test/http_app.ts'
import { type Api, eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { type Receiver, startReceiver } from '../../test/receiver.ts'
import { deliveryReplays, insertReplay } from './replay_queries.ts'
import { handlers } from './replays.ts'

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

const subscribe = (path: string, more: Json = {}): Promise<Json> =>
  api.ok('POST', '/v1/subscriptions', {
    name: path,
    url: receiver.base + path,
    event_types: ['webhook.received'],
    retry_schedule_s: [],
    ...more,
  })
const publish = (data: Json) => api.ok('POST', '/v1/events', { type: 'webhook.received', data })
const since = () => new Date(Date.now() - 60_000).toISOString()
const ended = (replay: Json) =>
  eventually(async () => {
    const one = await api.ok('GET', `/v1/replays/${replay['id']}`)
    return one['state'] === 'completed' && one
  })
const numbersAt = (path: string) =>
  receiver.at(path).map(({ body }) => (JSON.parse(body) as { data: { n: number } }).data.n)

test('events from before a subscription was there are sent to it later: those it takes, once, in its order', async () => {
  for (let n = 1; n <= 4; n++) await publish({ n, kind: n === 3 ? 'other' : 'mine' })
  const order = { per: 'subscription' }
  const { id } = await subscribe('/late', { filter: { kind: 'mine' }, order })
  await publish({ n: 5, kind: 'mine' })
  await eventually(async () => receiver.at('/late').length === 1)
  await sleep(5)
  const wanted = { subscription_id: id, since: since(), state: 'missing' }
  assert.equal((await api.ok('POST', '/v1/replays', { ...wanted, dry_run: true }))['total'], 3)
  const done = await ended(await api.ok('POST', '/v1/replays', wanted))
  assert.equal(done['replayed'], 3)
  await eventually(async () => receiver.at('/late').length === 4)
  assert.deepEqual(numbersAt('/late'), [5, 1, 2, 4])
  assert.equal((await ended(await api.ok('POST', '/v1/replays', wanted)))['replayed'], 0)
})

test('two who send what a subscription never got at the same time send it once', async () => {
  for (let n = 0; n < 40; n++) await publish({ n })
  await sleep(5)
  const { id } = await subscribe('/twice')
  const wanted = { subscription_id: id, since: since(), state: 'missing' }
  const { pool } = product.app.db.owner
  await pool.query(
    `create function wait_a_little() returns trigger language plpgsql as 'begin perform pg_sleep(0.3); return null; end'`,
  )
  await pool.query(
    'create trigger slow before insert on delivery for each statement execute function wait_a_little()',
  )
  const all = await Promise.all([1, 2, 3].map(() => api.ok('POST', '/v1/replays', wanted)))
  const done = await Promise.all(all.map(ended))
  await pool.query('drop trigger slow on delivery')
  assert.equal(
    done.map(({ replayed }) => Number(replayed)).reduce((a, b) => a + b),
    40,
  )
})

test('events of the time a subscription was disabled are sent when it is enabled again', async () => {
  const { id } = await subscribe('/was-disabled')
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'disabled' })
  await publish({ n: 1 })
  await sleep(5)
  const wanted = { subscription_id: id, since: since(), state: 'missing' }
  assert.equal((await api.send('POST', '/v1/replays', wanted)).status, 409)
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'enabled' })
  await ended(await api.ok('POST', '/v1/replays', wanted))
  await eventually(async () => receiver.at('/was-disabled').length === 1)
})

test('only deliveries of the types and the status that were asked for are replayed', async () => {
  const { id } = await subscribe('/picked', { event_types: ['*'] })
  receiver.answer('/picked', { status: 500 }, { status: 503 }, { status: 200 })
  const failed = async (count: number) =>
    eventually(async () => (await api.list('/v1/deliveries?state=failed')).length === count)
  await publish({ n: 1 })
  await failed(1)
  await publish({ n: 2 })
  await failed(2)
  await sleep(5)
  const wanted = { subscription_id: id, since: since() }
  const total = async (more: Json) =>
    (await api.ok('POST', '/v1/replays', { ...wanted, ...more, dry_run: true }))['total']
  assert.equal(await total({}), 2)
  assert.equal(await total({ event_types: ['webhook.*'] }), 2)
  assert.equal(await total({ event_types: ['payment.*'] }), 0)
  assert.equal(await total({ status: 503 }), 1)
  const done = await ended(await api.ok('POST', '/v1/replays', { ...wanted, status: 503 }))
  assert.equal(done['replayed'], 1)
  await eventually(async () => numbersAt('/picked').at(-1) === 2)
})

test('dead letters are found by type, status and words of their error, and replayed by them', async () => {
  receiver.answer('/found', { status: 503 })
  const answering = await subscribe('/found')
  const { id: gone_id } = await subscribe('/gone', { url: 'http://127.0.0.1:1/' })
  await publish({ n: 1 })
  const list = (query: string) => api.list(`/v1/deliveries?state=failed${query}`)
  await eventually(async () => (await list('')).length === 2)
  const of = async (query: string) => (await list(query)).map((one) => one['subscription_id'])
  assert.deepEqual(await of('&status=503'), [answering['id']])
  assert.deepEqual(await of('&error=REFUSED'), [gone_id])
  assert.deepEqual(await of('&error=refused&status=503'), [])
  assert.equal((await of('&event_type=webhook.*')).length, 2)
  assert.equal((await of('&event_type=webhook.received')).length, 2)
  assert.deepEqual(await of('&event_type=webhook.receive'), [])
  assert.deepEqual(await of('&error=%25'), [], 'words are no pattern')
  await sleep(5)
  const wanted = { subscription_id: gone_id, since: since() }
  const total = async (more: Json) =>
    (await api.ok('POST', '/v1/replays', { ...wanted, ...more, dry_run: true }))['total']
  assert.equal(await total({ error: 'timeout' }), 0)
  assert.equal(await total({ error: 'refused' }), 1)
  const done = await ended(await api.ok('POST', '/v1/replays', { ...wanted, error: 'refused' }))
  assert.deepEqual([done['replayed'], done['error']], [1, 'refused'])
  const unfit = await api.send('POST', '/v1/replays', { ...wanted, state: 'missing', error: 'refused' })
  assert.deepEqual([unfit.status, unfit.body['field']], [400, 'error'])
})

test('a page of deliveries looks at so many, and says where it stopped looking', async () => {
  const tenant_id = fromWire('tenant', api.tenant_id)
  const { id } = await subscribe('/many')
  const { pool } = product.app.db.owner
  const make = (count: number, status: number) =>
    pool.query(
      `insert into delivery (tenant_id, id, event_id, subscription_id, event_type, state, status, closed_at)
       select $1, one.id, one.id, $2, 'webhook.received', 'failed', $3, now()
         from unnest($4::uuid[]) one(id)`,
      [
        tenant_id,
        fromWire('subscription', String(id)),
        status,
        Array.from({ length: count }, product.app.newId),
      ],
    )
  await make(1, 503)
  await make(5_000, 500)
  const first = await api.ok('GET', '/v1/deliveries?state=failed&status=503')
  assert.deepEqual(first['data'], [])
  const next = await api.ok('GET', `/v1/deliveries?state=failed&status=503&cursor=${first['next_cursor']}`)
  assert.equal((next['data'] as Json[]).length, 1)
  assert.equal(next['next_cursor'], null)
})

test('a replay that finds more than was counted never shows more than all of it', async () => {
  const { id } = await subscribe('/uncounted')
  await sleep(5)
  const made = await api.ok('POST', '/v1/replays', { subscription_id: id, since: since(), state: 'missing' })
  await ended(made)
  const [tenant_id, replay_id] = [fromWire('tenant', api.tenant_id), fromWire('replay', String(made['id']))]
  await inTenant(product.app.db, tenant_id, (tx) =>
    tx.updateTable('replay').set({ total: 2, replayed: 3 }).where('id', '=', replay_id).execute(),
  )
  const { total, replayed } = await api.ok('GET', `/v1/replays/${made['id']}`)
  assert.deepEqual([total, replayed], [3, 3])
})

test('a replay keeps to its rate, stands still while it is paused, and goes on where it stood', async () => {
  const count = 20
  const { id } = await subscribe('/paced')
  receiver.answer('/paced', { status: 500 })
  await Promise.all(Array.from({ length: count }, (_, n) => publish({ n })))
  await eventually(async () => (await api.list('/v1/deliveries?state=failed')).length === count)
  receiver.answer('/paced', { status: 200 })
  await sleep(5)
  const made = await api.ok('POST', '/v1/replays', { subscription_id: id, since: since(), per_second: 1 })
  const read = () => api.ok('GET', `/v1/replays/${made['id']}`)
  await eventually(async () => receiver.at('/paced').length > count)
  const paused = await api.ok('POST', `/v1/replays/${made['id']}/pause`)
  assert.equal(paused['state'], 'paused')
  assert.ok(Number(paused['replayed']) < count)
  assert.equal((await api.send('POST', `/v1/replays/${made['id']}/pause`)).status, 409)
  await sleep(1_200)
  assert.equal((await read())['replayed'], paused['replayed'])
  await api.ok('POST', `/v1/replays/${made['id']}/resume`)
  await eventually(async () => Number((await read())['replayed']) > Number(paused['replayed']))
  const { replayed } = await api.ok('POST', `/v1/replays/${made['id']}/cancel`)
  await eventually(async () => receiver.at('/paced').length === count + Number(replayed))
  const again = numbersAt('/paced').slice(count)
  assert.equal(new Set(again).size, again.length, 'none of them twice')
})

test('a job that is run again, since its process died before it was gone, makes a replay no faster', async () => {
  const { app } = await serve()
  const [tenant_id, id, subscription_id, turn] = [app.newId(), app.newId(), app.newId(), app.newId()]
  const [since, until] = [new Date(Date.now() - 60_000), new Date(Date.now() + 60_000)]
  const within = <T>(work: (tx: Tx) => Promise<T>) => inTenant(app.db, tenant_id, work)
  await within(async (tx) => {
    for (let n = 0; n < 5; n++) {
      const of = {
        tenant_id,
        subscription_id,
        event_id: app.newId(),
        event_type: 'x',
        state: 'failed' as const,
      }
      await tx
        .insertInto('delivery')
        .values({ ...of, id: app.newId() })
        .execute()
    }
    const of = { subscription_id, of_state: 'failed' as const, event_types: null, status: null, error: null }
    const span = { since, until, reached: floorId(since), per_second: 1, total: 5 }
    await insertReplay(tx, { tenant_id, id, turn, ...of, ...span })
  })
  const queued = () => within((tx) => tx.selectFrom('job').select('payload').execute())
  const run = new Map(handlers(app, async () => [])).get('outbound.replay')
  const job = { tenant_id, id: app.newId(), payload: { replay_id: id, turn } as unknown, attempts: 1 }
  await run?.(job)
  const [next, ...more] = await queued()
  assert.ok(next)
  assert.deepEqual(more, [])
  await run?.(job)
  assert.deepEqual(await queued(), [next])
  assert.equal((await within((tx) => deliveryReplays.find(tx, tenant_id, id)))?.replayed, 1)
  await run?.({ ...job, payload: next.payload })
  assert.equal((await queued()).length, 2)
})

test('what is too old is sent all the same to whoever asks for it by hand, and retried', async () => {
  const { id } = await subscribe('/too-old', { expire_after_s: 2, retry_schedule_s: [1, 1] })
  receiver.answer('/too-old', { status: 200 }, { status: 500 }, { status: 200 })
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'paused' })
  const events: Json[] = []
  for (let n = 1; n <= 3; n++) events.push(await publish({ n }))
  await sleep(2_100)
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'enabled' })
  const inState = async (state: string, count: number) =>
    eventually(async () => {
      const found = await api.list(`/v1/deliveries?state=${state}`)
      return found.length === count && found
    })
  const expired = await inState('expired', 3)
  assert.equal(receiver.at('/too-old').length, 0)
  const of = (event: Json | undefined) => expired.find((one) => one['event_id'] === event?.['id'])?.['id']
  await api.ok('POST', `/v1/deliveries/${of(events[0])}/replay`)
  await inState('delivered', 1)
  await api.ok('POST', `/v1/events/${events[1]?.['id']}/resend`, { subscription_id: id })
  await inState('delivered', 2)
  assert.deepEqual(numbersAt('/too-old'), [1, 2, 2])
  await ended(await api.ok('POST', '/v1/replays', { subscription_id: id, since: since(), state: 'expired' }))
  await inState('delivered', 3)
})
