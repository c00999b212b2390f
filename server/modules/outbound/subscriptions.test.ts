import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import { Webhook } from 'standardwebhooks'
import { fromWire, toWire } from '../../platform/ids.ts'
import { type Api, eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { type Receiver, startReceiver } from '../../test/receiver.ts'

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
    ...more,
  })
const publish = (data: Json = {}) => api.ok('POST', '/v1/events', { type: 'webhook.received', data })
const first = (path: string) => eventually(async () => receiver.at(path)[0])
const read = (id: unknown) => api.ok('GET', `/v1/subscriptions/${id}`)
const deliveryOf = (event: Json, fits: (delivery: Json) => boolean) =>
  eventually(async () => (await api.list(`/v1/deliveries?event_id=${event['id']}`)).find(fits))

test('only events that fit the filter are delivered, compared to the last digit', async () => {
  await subscribe('/filtered', { filter: { total: { $gt: 100.1 }, 'items.sku': { $regex: '^A' } } })
  assert.equal((await publish({ total: 100.1, items: [{ sku: 'A-1' }] }))['deliveries'], 0)
  assert.equal((await publish({ total: 200, items: [{ sku: 'B-1' }] }))['deliveries'], 0)
  const text = '{"type":"webhook.received","data":{"total":100.10000000000000000001,"items":[{"sku":"A-1"}]}}'
  assert.equal((await api.ok('POST', '/v1/events', text))['deliveries'], 1)
  await first('/filtered')
})

test('a filter that cannot be right is refused by its path, and one can be changed and taken away', async () => {
  const { id } = await subscribe('/changing', { filter: { a: 1 } })
  const { status, body } = await api.send('PATCH', `/v1/subscriptions/${id}`, { filter: { a: { $near: 1 } } })
  assert.equal(status, 400)
  assert.equal(body['field'], 'filter.a.$near')
  assert.deepEqual((await read(id))['filter'], { a: 1 })
  assert.equal((await publish({ a: 2 }))['deliveries'], 0)
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { filter: { a: 2 } })
  assert.equal((await publish({ a: 2 }))['deliveries'], 1)
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { filter: null })
  assert.equal((await publish({ a: 3 }))['deliveries'], 1)
})

test('headers and authentication of its own are sent, and shown neither in the subscription nor in the log', async () => {
  const made = await subscribe('/headers', {
    headers: { 'X-Team': 'billing-77' },
    auth: { type: 'basic', username: 'ana', password: 'pão de queijo' },
    description: 'Orders of the south',
    metadata: { team: 'billing' },
  })
  const event = await publish()
  const { headers } = await first('/headers')
  assert.equal(headers['x-team'], 'billing-77')
  assert.equal(headers.authorization, `Basic ${Buffer.from('ana:pão de queijo').toString('base64')}`)
  assert.deepEqual(made['headers'], { 'x-team': '[secret]' })
  assert.deepEqual(made['auth'], { type: 'basic', username: 'ana' })
  assert.deepEqual(made['metadata'], { team: 'billing' })
  const { id } = await deliveryOf(event, (one) => one['state'] === 'delivered')
  const log = JSON.stringify([await api.ok('GET', `/v1/deliveries/${id}`), await read(made['id'])])
  assert.ok(!log.includes('billing-77') && !log.includes(String(headers.authorization)))
})

test('metadata is texts under short names, and nothing else', async () => {
  const { id } = await subscribe('/noted', { metadata: { team: 'billing', ['x'.repeat(64)]: '' } })
  const bad: Json[] = [{ '': 'x' }, { ['x'.repeat(65)]: 'x' }, { 'a\nb': { deep: [1] } }, { team: 7 }]
  for (const metadata of bad) {
    const { status, body } = await api.send('PATCH', `/v1/subscriptions/${id}`, { metadata })
    assert.deepEqual([status, body['field']], [400, `metadata.${Object.keys(metadata)[0]}`])
  }
})

test('a bearer token and an API key are sent in their headers, and taken away when set to null', async () => {
  await subscribe('/bearer', { auth: { type: 'bearer', token: 'tok-1' } })
  const { id } = await subscribe('/key', { auth: { type: 'api_key', header: 'X-Api-Key', key: 'k-1' } })
  await publish()
  assert.equal((await first('/bearer')).headers.authorization, 'Bearer tok-1')
  assert.equal((await first('/key')).headers['x-api-key'], 'k-1')
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { auth: null })
  await publish()
  const second = await eventually(async () => receiver.at('/key')[1])
  assert.equal(second.headers['x-api-key'], undefined)
})

test('a header that is ours, the connection’s, broken or given twice over is refused by name', async () => {
  const bad: [Json, string][] = [
    [{ headers: { 'Webhook-Id': 'x' } }, 'headers.Webhook-Id'],
    [{ headers: { 'trilho-attempt': '1' } }, 'headers.trilho-attempt'],
    [{ headers: { Host: 'x' } }, 'headers.Host'],
    [{ headers: { 'content-length': '1' } }, 'headers.content-length'],
    [{ headers: { 'x y': '1' } }, 'headers.x y'],
    [{ headers: { 'x-a': 'one\r\nhost: evil' } }, 'headers.x-a'],
    [{ headers: { 'x-a': '1', 'X-A': '2' } }, 'headers.X-A'],
    [{ headers: { 'x-a': '[secret]' } }, 'headers.x-a'],
    [{ headers: { Authorization: 'x' }, auth: { type: 'bearer', token: 't' } }, 'headers.authorization'],
    [{ auth: { type: 'api_key', header: 'webhook-signature', key: 'k' } }, 'auth.header'],
    [{ auth: { type: 'basic', username: 'a:b', password: 'c' } }, 'auth.username'],
  ]
  for (const [more, field] of bad) {
    const { status, body } = await api.send('POST', '/v1/subscriptions', {
      ...{ name: 'X', url: receiver.base, event_types: ['*'] },
      ...more,
    })
    assert.equal(status, 400, field)
    assert.equal(body['field'], field)
  }
})

test('a timeout and a retry schedule of its own are kept to', async () => {
  receiver.answer('/slow', { status: 200, after_ms: 1_500 })
  await subscribe('/slow', { timeout_ms: 1_000, retry_schedule_s: [] })
  const event = await publish()
  const delivery = await deliveryOf(event, (one) => one['state'] !== 'pending')
  assert.equal(delivery['state'], 'failed')
  assert.equal(delivery['attempts'], 1)
})

test('while secrets overlap both verify; afterwards the new one alone', async () => {
  const { id, secret } = await subscribe('/rotated')
  const rotated = await api.ok('POST', `/v1/subscriptions/${id}/secret/rotate`, {})
  assert.notEqual(rotated['secret'], secret)
  assert.equal((await read(id))['previous_secret_until'], rotated['previous_secret_until'])
  await publish()
  const arrival = await first('/rotated')
  for (const known of [secret, rotated['secret']])
    new Webhook(String(known)).verify(arrival.body, arrival.headers as Record<string, string>)
  const last = await api.ok('POST', `/v1/subscriptions/${id}/secret/rotate`, { overlap_hours: 0 })
  await publish()
  const later = await eventually(async () => receiver.at('/rotated')[1])
  const verify = (known: unknown) =>
    new Webhook(String(known)).verify(later.body, later.headers as Record<string, string>)
  verify(last['secret'])
  assert.throws(() => verify(rotated['secret']))
  assert.equal((await api.ok('GET', `/v1/subscriptions/${id}/secret`))['secret'], last['secret'])
})

test('Retry-After is waited for', async () => {
  receiver.answer('/later', { status: 429, headers: { 'retry-after': '600' } })
  await subscribe('/later')
  const delivery = await deliveryOf(await publish(), (one) => Number(one['attempts']) === 1)
  const wait_s = (Date.parse(String(delivery['next_at'])) - Date.now()) / 1000
  assert.ok(wait_s > 500 && wait_s <= 600, `${wait_s} s`)
  assert.match(String(delivery['error']), /fewer requests/)
})

test('a receiver ends one delivery with abort-message, and all of them with disable', async () => {
  receiver.answer('/directive', { status: 500, headers: { 'webhook-delivery': 'abort-message' } })
  const { id } = await subscribe('/directive')
  const aborted = await deliveryOf(await publish(), (one) => one['state'] === 'failed')
  assert.match(String(aborted['error']), /abort-message/)
  assert.equal((await read(id))['state'], 'enabled')
  receiver.answer('/directive', { status: 500, headers: { 'webhook-delivery': 'disable' } })
  await deliveryOf(await publish(), (one) => one['state'] === 'failed')
  await eventually(async () => (await read(id))['state'] === 'disabled')

  receiver.answer('/directive', { status: 204, headers: { 'webhook-delivery': 'abort-message' } })
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'enabled' })
  await deliveryOf(await publish(), (one) => one['state'] === 'delivered')
  assert.equal((await read(id))['state'], 'enabled')
  receiver.answer('/directive', { status: 204, headers: { 'webhook-delivery': 'Disable' } })
  await deliveryOf(await publish(), (one) => one['state'] === 'delivered')
  await eventually(async () => (await read(id))['state'] === 'disabled')
})

test('deliveries to a paused subscription wait, use up no attempt, and arrive when it is resumed', async () => {
  const { id } = await subscribe('/paused')
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'paused' })
  const events = await Promise.all([publish({ n: 1 }), publish({ n: 2 })])
  const held = (event: Json) =>
    deliveryOf(event, (one) => one['state'] === 'pending' && one['next_at'] === null)
  await Promise.all(events.map(held))
  assert.equal(receiver.at('/paused').length, 0)
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'enabled' })
  for (const event of events) {
    const delivery = await deliveryOf(event, (one) => one['state'] === 'delivered')
    assert.equal(delivery['attempts'], 1)
  }
})

test('however often a subscription is paused and resumed under load, everything arrives', async () => {
  const { id } = await subscribe('/flicker')
  const events: Json[] = []
  for (let n = 0; n < 8; n++) {
    const state = n % 2 === 0 ? 'paused' : 'enabled'
    const [, ...made] = await Promise.all([
      api.ok('PATCH', `/v1/subscriptions/${id}`, { state }),
      ...Array.from({ length: 10 }, () => publish({ n })),
    ])
    events.push(...made)
  }
  await eventually(
    async () =>
      new Set(receiver.at('/flicker').map((one) => one.headers['webhook-id'])).size === events.length,
  )
})

test('a test event reaches its subscription alone, whatever it subscribed to', async () => {
  const { id } = await subscribe('/tested', { filter: { never: true } })
  await subscribe('/bystander', { event_types: ['*'] })
  const sent = await api.ok('POST', `/v1/subscriptions/${id}/test`)
  const arrival = await first('/tested')
  assert.equal(arrival.headers['trilho-event-type'], 'webhook.test')
  assert.equal(arrival.headers['webhook-id'], sent['event_id'])
  await eventually(
    async () => (await api.ok('GET', `/v1/deliveries/${sent['delivery_id']}`))['state'] === 'delivered',
  )
  assert.equal(receiver.at('/bystander').length, 0)
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'disabled' })
  assert.equal((await api.send('POST', `/v1/subscriptions/${id}/test`)).status, 409)
  const stranger = await product.newTenant()
  assert.equal((await stranger.send('POST', `/v1/subscriptions/${id}/test`)).status, 404)
})

const failingRow = async (id: unknown) =>
  (
    await sql<{ failures: number }>`
      select failures from subscription_failing where subscription_id = ${fromWire('subscription', String(id))}`.execute(
      product.app.db.owner,
    )
  ).rows[0]

/** As if it had been failing for that long. */
const failingSince = (id: unknown, hours: number, failures: number) =>
  sql`update subscription_failing set since = now() - ${hours} * interval '1 hour', failures = ${failures}
       where subscription_id = ${fromWire('subscription', String(id))}`.execute(product.app.db.owner)

const noticesAt = (path: string) =>
  receiver.at(path).map(({ body }) => JSON.parse(body) as { type: string; data: Json })

test('a subscription that fails for five days is disabled and the others are told; one success forgives', async () => {
  const { id } = await subscribe('/dead-host', { retry_schedule_s: [] })
  await subscribe('/told', { event_types: ['subscription.*', 'delivery.*'] })
  receiver.answer('/dead-host', { status: 500 })
  await deliveryOf(await publish(), (one) => one['state'] === 'failed')
  await eventually(() => failingRow(id))
  receiver.answer('/dead-host', { status: 200 })
  await publish()
  await eventually(async () => !(await failingRow(id)))

  receiver.answer('/dead-host', { status: 500 })
  await publish()
  await eventually(() => failingRow(id))
  await failingSince(id, 121, 1)
  await publish()
  await eventually(async () => (await failingRow(id))?.failures === 2)
  assert.equal((await read(id))['state'], 'enabled') // long enough, too few
  await failingSince(id, 119, 50)
  await publish()
  await eventually(async () => (await failingRow(id))?.failures === 51)
  assert.equal((await read(id))['state'], 'enabled') // enough, too soon
  await failingSince(id, 121, 50)
  await publish()
  const disabled = await eventually(async () => {
    const one = await read(id)
    return one['state'] === 'disabled' && one
  })
  assert.match(String(disabled['state_note']), /nothing was delivered since/)
  const notice = await eventually(async () =>
    noticesAt('/told').find(({ type }) => type === 'subscription.disabled'),
  )
  assert.equal(notice.data['subscription_id'], id)
})

test('the others are warned at half and at four fifths of its own time, once each; one whose time is null never ends', async () => {
  const { id } = await subscribe('/warned', { retry_schedule_s: [], disable_after_hours: 10 })
  const immortal = await subscribe('/immortal', { retry_schedule_s: [], disable_after_hours: null })
  await subscribe('/warnings', { event_types: ['subscription.*'] })
  for (const path of ['/warned', '/immortal']) receiver.answer(path, { status: 500 })
  await publish()
  await eventually(async () => (await failingRow(id)) && (await failingRow(immortal['id'])))
  await failingSince(immortal['id'], 9_000, 5_000)
  const told = async () =>
    (await api.list('/v1/events?type=subscription.failing')).map(({ data }) => data as Json)
  const failsFor = async (hours: number) => {
    await failingSince(id, hours, 50)
    await publish()
    await eventually(async () => (await failingRow(id))?.failures === 51)
    await sleep(100)
  }
  const counts: number[] = []
  for (const hours of [4.9, 5.1, 7.9, 8.1, 9.9]) {
    await failsFor(hours)
    counts.push((await told()).length)
  }
  assert.deepEqual(counts, [0, 1, 1, 2, 2])
  const [second] = await told()
  assert.equal(second?.['subscription_id'], id)
  assert.match(String(second?.['reason']), /^nothing was delivered since .*, and 51 attempts failed$/)
  const left_h = (Date.parse(String(second?.['disabled_at'])) - Date.now()) / 3_600_000
  assert.ok(left_h > 1.8 && left_h < 2, `${left_h} h`)
  await failingSince(id, 10.1, 50)
  await publish()
  await eventually(async () => (await read(id))['state'] === 'disabled')
  assert.equal((await read(immortal['id']))['state'], 'enabled')
  await eventually(async () => noticesAt('/warnings').length === 3)
})

test('a delivery that fails is told of at the fourth failure and at the last, and when it succeeds after all', async () => {
  const { id } = await subscribe('/struggling', { event_types: ['*'], retry_schedule_s: [1, 1, 1, 1] })
  await subscribe('/watcher', { event_types: ['delivery.*'] })
  receiver.answer('/struggling', { status: 500 })
  const event = await publish()
  const told = (type: string) =>
    eventually(async () => noticesAt('/watcher').find((notice) => notice.type === type))
  assert.equal((await told('delivery.failing')).data['attempts'], 4)
  const { data } = await told('delivery.exhausted')
  assert.equal(data['event_id'], event['id'])
  assert.equal(data['subscription_id'], id)
  receiver.answer('/struggling', { status: 200 })
  await api.ok('POST', `/v1/deliveries/${data['delivery_id']}/replay`)
  assert.equal((await told('delivery.recovered')).data['attempts'], 6)
  assert.ok(
    receiver.at('/struggling').every((one) => one.headers['trilho-event-type'] === 'webhook.received'),
  )
})

test('one that is disabled by hand is told of, once, by whom', async () => {
  const { id } = await subscribe('/by-hand')
  await subscribe('/watching-hand', { event_types: ['subscription.*'] })
  const disable = () => api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'disabled' })
  await disable()
  await disable()
  const [notice] = await eventually(async () => {
    const told = noticesAt('/watching-hand')
    return told.length > 0 && told
  })
  assert.equal(notice?.type, 'subscription.disabled')
  assert.equal(notice?.data['subscription_id'], id)
  assert.match(String(notice?.data['reason']), /^it was disabled by key_/)
  await sleep(100)
  assert.equal(noticesAt('/watching-hand').length, 1)
})

test('many who disable one at once tell of it once', async () => {
  const { id } = await subscribe('/by-many')
  const disable = () => api.ok('PATCH', `/v1/subscriptions/${id}`, { state: 'disabled' })
  const holder = await product.app.db.owner.pool.connect()
  const waiting =
    'select pid from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()'
  let disabled: Promise<unknown>
  try {
    await holder.query('begin')
    const mine = fromWire('subscription', String(id))
    await holder.query('select from subscription where id = $1 for update', [mine])
    disabled = Promise.all([disable(), disable(), disable()])
    await eventually(async () => (await holder.query(waiting)).rows.length === 3)
  } finally {
    await holder.query('rollback')
    holder.release()
  }
  await disabled
  assert.equal((await api.list('/v1/events?type=subscription.disabled')).length, 1)
})

test('what was exhausted on a short schedule and then replayed well is told of once; what never failed is not', async () => {
  await subscribe('/short', { retry_schedule_s: [] })
  await subscribe('/watching-short', { event_types: ['delivery.*'] })
  receiver.answer('/short', { status: 500 }, { status: 200 })
  await publish()
  const told = () => noticesAt('/watching-short')
  const [exhausted] = await eventually(async () => told().length === 1 && told())
  assert.equal(exhausted?.type, 'delivery.exhausted')
  const id = exhausted.data['delivery_id']
  for (let attempts = 2; attempts <= 6; attempts++) {
    await api.ok('POST', `/v1/deliveries/${id}/replay`)
    await eventually(async () => {
      const one = await api.ok('GET', `/v1/deliveries/${id}`)
      return one['state'] === 'delivered' && one['attempts'] === attempts
    })
  }
  await eventually(async () => told().length === 2)
  await sleep(100)
  assert.deepEqual(
    told().map(({ type, data }) => [type, data['attempts']]),
    [
      ['delivery.exhausted', 1],
      ['delivery.recovered', 2],
    ],
  )
})

test('failing receivers do not write to each other about each other', async () => {
  for (const path of ['/ring-a', '/ring-b']) {
    receiver.answer(path, { status: 500 })
    await subscribe(path, { event_types: ['*'], retry_schedule_s: [] })
  }
  await publish()
  const notices = async () => (await api.list('/v1/events?type=delivery.exhausted')).length
  await eventually(async () => (await notices()) === 2)
  await eventually(async () => (await api.list('/v1/deliveries?state=failed')).length === 4)
  await sleep(100)
  assert.equal(await notices(), 2)
})

test('an attempt whose record PostgreSQL undid for another transaction is recorded again, not made again', async () => {
  const order = { per: 'subscription', on_failure: 'skip', after_attempts: 1 }
  const type = { name: 'order.tangled', description: 'Tangled', schema: {}, example: {} }
  await api.ok('POST', '/v1/event-types', type)
  const watcher = await subscribe('/watching', { event_types: ['delivery.*', type.name], order })
  await api.ok('PATCH', `/v1/subscriptions/${watcher['id']}`, { state: 'paused' })
  await api.ok('POST', '/v1/events', { type: type.name, data: {} })
  const failing = await subscribe('/tangled', { order })
  receiver.answer('/tangled', { status: 500 })
  const [mine, theirs] = [watcher, failing].map(({ id }) => fromWire('subscription', String(id)))
  const holder = new pg.Client({ connectionString: product.app.config.database_url?.reveal() })
  await holder.connect()
  let event: Json
  try {
    // Whoever looks for a ring first is undone, and looks just once: the product is to, a second after it began to wait.
    await holder.query("begin; set local deadlock_timeout = '1min'")
    await holder.query('select from delivery_lane where subscription_id = $1 for update', [mine])
    event = await publish()
    // The ring is closed by then, since PostgreSQL itself waits for it to begin.
    await holder.query(`do $$ begin
      while not exists (select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))) loop
        perform pg_sleep(0.005);
      end loop;
      update delivery_lane set pending = pending where subscription_id = '${theirs}';
    end $$`)
  } finally {
    await holder.end()
  }
  await deliveryOf(event, (one) => one['state'] === 'failed')
  assert.equal((await api.list('/v1/events?type=delivery.exhausted')).length, 1)
  assert.equal(receiver.at('/tangled').length, 1)
})

test('what failed in a span of time is replayed in bulk, and nothing else', async () => {
  const { id } = await subscribe('/bulk', { retry_schedule_s: [] })
  const before_all = new Date().toISOString()
  receiver.answer('/bulk', { status: 500 })
  const events = await Promise.all(Array.from({ length: 12 }, (_, n) => publish({ n })))
  for (const event of events) await deliveryOf(event, (one) => one['state'] === 'failed')
  await sleep(5)
  const until = new Date().toISOString()
  await deliveryOf(await publish({ late: true }), (one) => one['state'] === 'failed')
  receiver.answer('/bulk', { status: 200 })
  const wanted = { subscription_id: id, since: before_all, until }
  assert.deepEqual(await api.ok('POST', '/v1/replays', { ...wanted, dry_run: true }), {
    dry_run: true,
    total: 12,
  })
  const made = await api.ok('POST', '/v1/replays', wanted)
  const done = await eventually(async () => {
    const one = await api.ok('GET', `/v1/replays/${made['id']}`)
    return one['state'] === 'completed' && one
  })
  assert.equal(done['replayed'], 12)
  for (const event of events) await deliveryOf(event, (one) => one['state'] === 'delivered')
  assert.equal((await api.list('/v1/deliveries?state=failed')).length, 1)
  assert.equal((await api.send('POST', `/v1/replays/${made['id']}/cancel`)).status, 409)
})

test('a replay that was cut off goes on where it stood, and a canceled one stops', async () => {
  const { id } = await subscribe('/cut-off', { retry_schedule_s: [] })
  receiver.answer('/cut-off', { status: 500 })
  const events = await Promise.all([publish({ n: 1 }), publish({ n: 2 }), publish({ n: 3 })])
  const dead = await Promise.all(events.map((event) => deliveryOf(event, (one) => one['state'] === 'failed')))
  const [reached] = dead.map((one) => fromWire('delivery', String(one['id']))).sort()
  receiver.answer('/cut-off', { status: 200 })
  await sleep(5)
  const span = { since: new Date(Date.now() - 60_000), until: new Date(), of_state: 'failed' as const }
  const subscription_id = fromWire('subscription', String(id))
  const tenant_id = fromWire('tenant', api.tenant_id)
  const { app } = product
  const put = async (state: 'running' | 'canceled') => {
    const replay_id = app.newId()
    await app.db.owner
      .insertInto('replay')
      .values({
        ...span,
        tenant_id,
        subscription_id,
        id: replay_id,
        state,
        reached: String(reached),
        total: 3,
      })
      .execute()
    const payload = JSON.stringify({ replay_id })
    await app.db.owner
      .insertInto('job')
      .values({ tenant_id, id: app.newId(), kind: 'outbound.replay', payload, due: new Date() })
      .execute()
    app.db.notify('trilho_job', 'new')
    return toWire('replay', replay_id)
  }
  const canceled = await put('canceled')
  const cut_off = await put('running')
  const read_replay = (wire_id: string) => api.ok('GET', `/v1/replays/${wire_id}`)
  await eventually(async () => (await read_replay(cut_off))['state'] === 'completed')
  assert.equal((await read_replay(cut_off))['replayed'], 2)
  assert.equal((await read_replay(canceled))['replayed'], 0)
  assert.equal((await api.list('/v1/deliveries?state=failed')).length, 1)
})

test('a tenant has a thousand subscriptions at most, however many are made at once', async () => {
  const tenant_id = fromWire('tenant', api.tenant_id)
  await sql`insert into subscription (tenant_id, id, name, url, event_types, state)
            select ${tenant_id}, gen_random_uuid(), 'x', 'https://example.com', '{x.y}', 'disabled'
              from generate_series(1, 998)`.execute(product.app.db.owner)
  const wanted = { name: 'X', url: receiver.base, event_types: ['*'] }
  const made = await Promise.all(
    Array.from({ length: 10 }, () => api.send('POST', '/v1/subscriptions', wanted)),
  )
  assert.equal(made.filter(({ status }) => status === 201).length, 2)
  const refused = made.filter(({ status }) => status === 409)
  assert.equal(refused.length, 8)
  for (const { body } of refused) assert.match(String(body['detail']), /1000/)
})
