import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { fromWire } from '../../platform/ids.ts'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { FIND_WAITING, findWaiting } from './waiting.ts'

let product: Product

before(async () => {
  product = await startProduct()
})

type Source = { id: string; url: string }

async function numberedSource(order: Json = {}, settings: Json = {}, options: Json = {}): Promise<Source> {
  const source = await product.api.ok('POST', '/v1/sources', {
    provider: 'http',
    name: 'Orders',
    settings: {
      signature: 'token',
      signature_header: 'x-token',
      event_id: 'id',
      entity_id: 'order',
      order: 'sequence',
      position: 'n',
      ...settings,
    },
    secrets: ['a-token-of-theirs'],
    options: { order, ...options },
  })
  return source as Source
}

let serial = 0
async function post({ url }: Source, order: string, n: number, more: Json = {}): Promise<string> {
  const headers = { 'content-type': 'application/json', 'x-token': 'a-token-of-theirs' }
  const body = JSON.stringify({ id: `e${++serial}`, order, n, type: 'order.changed', ...more })
  const response = await fetch(url, { method: 'POST', headers, body })
  assert.equal(response.status, 200)
  return String(((await response.json()) as Json)['id'])
}

const read = (id: string) => product.api.ok('GET', `/v1/messages/${id}`)
const ended = (id: string) =>
  eventually(async () => {
    const message = await read(id)
    return message['state'] !== 'pending' && message
  })

const foundBy = async (q: string) => (await product.api.list(`/v1/messages?q=${q}`)).map(({ id }) => id)

/** The numbers of an order in the order of their events. */
async function eventsOf(order: string): Promise<number[]> {
  const { rows } = await sql<{ n: number }>`
    select (data::jsonb ->> 'n')::int as n from event where entity_id = ${order} order by id`.execute(
    product.app.db.owner,
  )
  return rows.map(({ n }) => n)
}

test('messages of one entity become events in their order, however they arrive', async () => {
  const source = await numberedSource()
  const ids: string[] = []
  for (const n of [3, 5, 2, 1, 4]) ids.push(await post(source, 'o-shuffled', n))
  for (const id of ids) assert.equal((await ended(id))['state'], 'completed')
  assert.deepEqual(await eventsOf('o-shuffled'), [1, 2, 3, 4, 5])
})

test('a missing number keeps nobody else waiting, and its entity no longer than the source says', async () => {
  const source = await numberedSource({ gap_timeout_s: 20 })
  const [first, third] = [await post(source, 'o-gap', 1), await post(source, 'o-gap', 3)]
  const other = await post(source, 'o-other', 1)
  assert.deepEqual((await ended(first))['flags'], [])
  await ended(other)
  assert.equal((await read(third))['state'], 'pending')
  const message = await ended(third)
  assert.deepEqual([message['state'], message['flags']], ['completed', ['gap']])
  const late = await ended(await post(source, 'o-gap', 2))
  assert.deepEqual([late['state'], late['flags']], ['completed', ['late']])
  assert.deepEqual(await eventsOf('o-gap'), [1, 3, 2])
})

/** The lane in which a message stands. */
async function laneOf(message: string) {
  const { rows } = await sql<{ tenant_id: string; lane: string; gap_until: Date; used_at: Date }>`
    select q.tenant_id, q.lane, n.gap_until, n.used_at from inbox_queue q join inbox_lane n using (tenant_id, lane)
     where q.id = ${fromWire('message', message)} and n.wait = 'gap' and n.claim is null and not n.rung`.execute(
    product.app.db.owner,
  )
  return rows[0]
}

test('a gap is waited for from when it was first met, whatever comes meanwhile', async () => {
  const source = await numberedSource({ gap_timeout_s: 600 })
  const third = await post(source, 'o-met', 3)
  const met = await eventually(() => laneOf(third))
  await post(source, 'o-met', 4)
  const looked_again = await eventually(async () => {
    const lane = await laneOf(third)
    return lane && lane.used_at > met.used_at && lane
  })
  assert.deepEqual(looked_again.gap_until, met.gap_until)
})

test('a message without a number stands in no line', async () => {
  const source = await numberedSource()
  await ended(await post(source, 'o-unnumbered', 1))
  const { state, flags } = await ended(await post(source, 'o-unnumbered', 0))
  assert.deepEqual([state, flags], ['completed', []])
})

const SECRET = 'whsec_of_the_order'

/** Stripe's, which fails where it has no amount. */
async function postPayment(
  { url }: Source,
  payment: string,
  second: number,
  amount?: number,
): Promise<string> {
  const object = {
    id: payment,
    object: 'payment_intent',
    amount,
    currency: 'brl',
    status: 'succeeded',
    created: 1,
  }
  const event = { id: `evt_${++serial}`, type: 'payment_intent.succeeded', created: second, data: { object } }
  const body = JSON.stringify(event)
  const t = Math.floor(Date.now() / 1000)
  const v1 = createHmac('sha256', SECRET).update(`${t}.${body}`).digest('hex')
  const headers = { 'stripe-signature': `t=${t},v1=${v1}` }
  const response = await fetch(url, { method: 'POST', headers, body })
  assert.equal(response.status, 200)
  return String(((await response.json()) as Json)['id'])
}

async function stripeSource(options: Json): Promise<Source> {
  const stripe = { provider: 'stripe', name: 'Stripe', secrets: [SECRET], options }
  return (await product.api.ok('POST', '/v1/sources', stripe)) as Source
}

test('what came late by the vendor’s own time is handled and says so', async () => {
  const source = await stripeSource({ order: { by: 'provider' } })
  await ended(await postPayment(source, 'pi_late', 200, 990))
  const late = await ended(await postPayment(source, 'pi_late', 100, 990))
  assert.deepEqual([late['state'], late['flags']], ['completed', ['late']])
  const same_second = await ended(await postPayment(source, 'pi_late', 200, 990))
  assert.deepEqual(same_second['flags'], [])
})

test('a message that fails for good is passed by or set aside, and its entity goes on', async () => {
  for (const [on_failure, state] of [
    ['skip', 'failed'],
    ['park', 'parked'],
  ] as const) {
    const source = await stripeSource({ order: { by: 'provider', on_failure } })
    const payment = `pi_${on_failure}`
    const [poison, next] = [await postPayment(source, payment, 1), await postPayment(source, payment, 2, 990)]
    assert.equal((await ended(poison))['state'], state)
    assert.equal((await ended(next))['state'], 'completed')
  }
})

test('where a failing message blocks, its entity alone stands still until somebody skips or mends it', async () => {
  const source = await stripeSource({ order: { by: 'provider', on_failure: 'block' } })
  const [poison, next] = [
    await postPayment(source, 'pi_block', 1),
    await postPayment(source, 'pi_block', 2, 990),
  ]
  assert.equal((await ended(await postPayment(source, 'pi_free', 1, 990)))['state'], 'completed')
  const [lane] = await eventually(async () => {
    const lanes = await product.api.list(`/v1/sources/${source.id}/waiting`)
    return lanes.length > 0 && lanes
  })
  assert.deepEqual([lane?.['wait'], lane?.['message_id']], ['blocked', poison])
  assert.equal((await read(next))['state'], 'pending')
  assert.match(String((await read(poison))['error']), /amount/)
  await eventually(async () => (await foundBy('pi_block')).join() === [next, poison].join())
  await product.api.ok('POST', `/v1/messages/${poison}/replay`) // it fails again, and stands still again
  await eventually(async () => (await read(poison))['order'] && true)
  const early = await product.api.send('POST', `/v1/messages/${next}/skip`)
  assert.equal(early.status, 409)
  await eventually(async () => (await product.api.send('POST', `/v1/messages/${poison}/skip`)).status === 202)
  assert.equal((await ended(next))['state'], 'completed')
  const skipped = await read(poison)
  assert.deepEqual([skipped['state'], skipped['flags']], ['failed', ['skipped']])
  assert.deepEqual(await foundBy('pi_block'), [next, poison])
  assert.deepEqual(await product.api.list(`/v1/sources/${source.id}/waiting`), [])
})

test('an attempt that fails on our side is made again as the source says, and what follows waits for it', async () => {
  const { owner } = product.app.db
  await sql`alter table event add constraint no_poison check (data not like '%poison%')`.execute(owner)
  const source = await numberedSource({ skip_after: 2 }, {}, { retry_schedule_s: [4, 1] })
  const [poison, next] = [
    await post(source, 'o-retry', 1, { as: 'poison' }),
    await post(source, 'o-retry', 2),
  ]
  await eventually(async () => (await read(poison))['attempts'] === 1)
  assert.equal((await read(next))['state'], 'pending')
  const given_up = await ended(poison)
  assert.deepEqual([given_up['state'], given_up['attempts']], ['failed', 2])
  assert.equal((await ended(next))['state'], 'completed')
  await sql`alter table event drop constraint no_poison`.execute(owner)
  await product.api.ok('POST', `/v1/messages/${poison}/replay`)
  const replayed = await ended(poison)
  assert.deepEqual([replayed['state'], replayed['flags']], ['completed', ['replayed', 'late']])
})

test('a message that cannot be processed is found by its ids, while it is tried again and once it is given up', async () => {
  const { owner } = product.app.db
  await sql`alter table event add constraint no_venom check (data not like '%venom%')`.execute(owner)
  for (const [order, on_failure, state] of [
    ['o-plain', null, 'failed'],
    ['o-skip', 'skip', 'failed'],
    ['o-park', 'park', 'parked'],
  ] as const) {
    const rules = on_failure === null ? { by: 'none' } : { on_failure }
    const source = await numberedSource(rules, {}, { retry_schedule_s: [3] })
    const venom = await post(source, order, 1, { as: 'venom' })
    if (on_failure !== 'park') {
      await eventually(async () => (await read(venom))['error'] !== null)
      assert.equal((await read(venom))['state'], 'pending')
      assert.deepEqual(await foundBy(order), [venom])
    }
    assert.equal((await ended(venom))['state'], state)
    assert.deepEqual(await foundBy(order), [venom])
    assert.deepEqual(await foundBy(`e${serial}`), [venom])
  }
  await sql`alter table event drop constraint no_venom`.execute(owner)
})

test('what waits behind a gap or a blocked first is found by the ids in its body before its turn', async () => {
  const gap = await numberedSource({ gap_timeout_s: 600 })
  const order = 'o-found-gap'
  const numbers = [9, 8, 7, 6, 5, 4] // more than one turn looks at
  const ids = []
  for (const n of numbers) ids.push(await post(gap, order, n))
  await eventually(async () => (await foundBy(order)).length === numbers.length)
  ids.push(await post(gap, order, 3)) // while it waits already
  await eventually(async () => (await foundBy(order)).length === numbers.length + 1)
  assert.deepEqual((await foundBy(order)).sort(), ids.sort())
  for (const id of ids) assert.equal((await read(id))['state'], 'pending')

  const blocked = await numberedSource({ on_failure: 'block' }, {}, { mapping: NEEDS_TOTAL })
  const behind = []
  for (let n = 1; n < 7; n++) behind.push(await post(blocked, 'o-found-blocked', n))
  await eventually(async () => (await foundBy('o-found-blocked')).length === behind.length)
  assert.equal((await read(behind[5] ?? ''))['state'], 'pending')
  assert.deepEqual(await foundBy(`e${serial}`), [behind[5]], 'also by the id of the event')
})

test('however many wait in one line, all are found by their ids', async () => {
  const source = await numberedSource({ gap_timeout_s: 600 })
  const ids: string[] = []
  for (let n = 41; n > 1; n--) ids.push(await post(source, 'o-many', n))
  const count = async () => (await foundBy('o-many&limit=100')).length
  await eventually(async () => (await count()) === ids.length)
  const { owner } = product.app.db
  await eventually(
    async () => (await sql`select from job where kind = ${FIND_WAITING}`.execute(owner)).rows.length === 0,
  )
  await sql`delete from external_id`.execute(owner)
  const { tenant_id, lane } = await eventually(() => laneOf(ids[0] ?? ''))
  await findWaiting(product.app, { tenant_id, id: '', payload: { lane }, attempts: 1 })
  assert.equal(await count(), ids.length)
})

const NEEDS_TOTAL = [{ kind: 'validate', schema: { type: 'object', required: ['total'] } }]

test('only the types that are wanted become events; the rest is recorded as ignored', async () => {
  const source = await numberedSource({ by: 'none' }, {}, { event_types: ['order.*'] })
  assert.equal((await ended(await post(source, 'o-a', 7)))['state'], 'completed')
  assert.equal((await ended(await post(source, 'o-a', 9, { type: 'cart.changed' })))['state'], 'ignored')
  const { options } = (await product.api.ok('PATCH', `/v1/sources/${source.id}`, {
    options: { event_types: null },
  })) as { options: { event_types: unknown; order: { by: string } } }
  assert.deepEqual([options.event_types, options.order.by], [null, 'none'])
})
