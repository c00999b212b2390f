import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { inTenant } from '../../platform/database/database.ts'
import { floorId, fromWire } from '../../platform/ids.ts'
import { adminKey, serve, tenantWithKey } from '../../test/http_app.ts'
import { type Api, eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { type Receiver, startReceiver } from '../../test/receiver.ts'
import { INSTALLATION } from '../app.ts'
import { watch } from './alerts.ts'
import { ALL_KINDS, type AlertKind, KINDS } from './kinds.ts'
import { anyOf, SINCE_LAST_TURN } from './sign_queries.ts'

let product: Product
let receiver: Receiver
before(async () => {
  product = await startProduct()
  receiver = await startReceiver()
})

const look = (...kinds: AlertKind[]) => watch(product.app, kinds)
const rulesOf = async (api: Api) => (await api.ok('GET', '/v1/alert-rules'))['data'] as Json[]
const set = async (api: Api, kind: AlertKind, change: Json) => {
  const rule = (await rulesOf(api)).find((one) => one['kind'] === kind)
  return api.ok('PATCH', `/v1/alert-rules/${rule?.['id']}`, change)
}
const open = (api: Api) => api.list('/v1/alerts?state=open')
const told = async (api: Api, type: string) => {
  const events = await api.list(`/v1/events?type=${type}`)
  return events.map((event) => event['data'] as Json)
}

const call = (api: Api, id: string, path: string) =>
  api.send('POST', `/v1/connections/${id}/calls`, { method: 'GET', path })

test('every tenant begins with a rule of each kind, as usual for it, but for what is the installation’s', async () => {
  const api = await product.newTenant()
  const rules = await rulesOf(api)
  assert.deepEqual(
    rules.map(({ kind }) => kind).toSorted(),
    ALL_KINDS.filter((kind) => kind !== 'disk_low').toSorted(),
  )
  for (const rule of rules) {
    const { threshold, minutes, severity } = KINDS[rule['kind'] as AlertKind]
    assert.deepEqual(
      [rule['threshold'], rule['minutes'], rule['severity']],
      [threshold?.usual ?? null, minutes?.usual ?? null, severity],
      String(rule['kind']),
    )
  }
})

/** A connection to the sandbox's Stripe, and calls through it of which the vendor fails as many as it is told to. */
async function stripe(api: Api, limits: Json = {}): Promise<string> {
  const made = await api.ok('POST', '/v1/connections', {
    provider: 'stripe',
    name: 'Stripe',
    environment: 'development',
    settings: { base_url: `${product.sandbox.url}/stripe` },
    credentials: { secret_key: 'sk_test_abcdef123456' },
    limits,
  })
  return String(made['id'])
}
const BROKEN = '/v1/payment_intents?limit=1&x-sandbox-fault=status%3D500'
const WELL = '/v1/payment_intents?limit=1'

test('a connection that breaks fires once, is told by event and to a subscription, and is resolved when it mends', async () => {
  const api = await product.newTenant()
  const url = `${receiver.base}/on-call`
  await api.ok('POST', '/v1/subscriptions', { name: 'On call', url, event_types: ['alert.*'] })
  await set(api, 'success_rate', { threshold: 60, least_calls: 3 })
  await set(api, 'breaker_open', { minutes: 0 })
  const id = await stripe(api, { breaker: { failures: 3 } })
  for (let n = 0; n < 4; n++) await call(api, id, BROKEN)
  for (let n = 0; n < 2; n++) await look('success_rate', 'breaker_open')
  const firing = await open(api)
  assert.deepEqual(
    firing
      .map((one) => [one['kind'], one['subject'], one['subject_name'], one['state']].join(' '))
      .toSorted(),
    [`breaker_open ${id} Stripe firing`, `success_rate ${id} Stripe firing`],
  )
  assert.equal(firing.find((one) => one['kind'] === 'success_rate')?.['value'], 0)
  assert.equal((await told(api, 'alert.fired')).length, 2)
  await eventually(async () => receiver.at('/on-call').length === 2)

  await api.ok('POST', `/v1/connections/${id}/breaker/close`)
  for (let n = 0; n < 8; n++) await call(api, id, WELL)
  await look('success_rate', 'breaker_open')
  assert.deepEqual(await open(api), [])
  const resolved = await told(api, 'alert.resolved')
  assert.deepEqual(resolved.map(({ kind }) => kind).toSorted(), ['breaker_open', 'success_rate'])
  assert.ok(resolved.every((one) => String(one['text']).startsWith('Resolved: Stripe')))
  assert.ok((await api.list('/v1/alerts?state=resolved')).every((one) => one['resolved_at'] !== null))
})

test('what has to last waits for its time, and what was in line again before was never told', async () => {
  const api = await product.newTenant()
  await set(api, 'breaker_open', { minutes: 10 })
  const id = await stripe(api)
  await api.ok('POST', `/v1/connections/${id}/breaker/open`)
  await look('breaker_open')
  assert.deepEqual(await open(api), [])
  await product.app.db.owner.pool.query(
    "update breaker set opened_at = now() - interval '11 min' where tenant_id = $1",
    [fromWire('tenant', api.tenant_id)],
  )
  await look('breaker_open')
  assert.equal((await open(api))[0]?.['value'], 11)

  const other = await product.newTenant()
  const second = await stripe(other)
  await other.ok('POST', `/v1/connections/${second}/breaker/open`)
  await look('breaker_open')
  await other.ok('POST', `/v1/connections/${second}/breaker/close`)
  await look('breaker_open')
  assert.deepEqual(await other.list('/v1/alerts'), [])
  assert.deepEqual(await other.list('/v1/events?type=alert.fired'), [])
})

test('two that look at the same time tell of it once', async () => {
  const api = await product.newTenant()
  await set(api, 'breaker_open', { minutes: 0 })
  const id = await stripe(api)
  await api.ok('POST', `/v1/connections/${id}/breaker/open`)
  await Promise.all([1, 2, 3, 4].map(() => look('breaker_open')))
  assert.equal((await open(api)).length, 1)
  assert.equal((await told(api, 'alert.fired')).length, 1)
})

test('a rule for one connection stands in place of the one for all, also where it is switched off', async () => {
  const api = await product.newTenant()
  await set(api, 'breaker_open', { minutes: 0 })
  const [loud, quiet] = [await stripe(api), await stripe(api)]
  const body = { kind: 'breaker_open', connection_id: quiet, enabled: false }
  await api.ok('POST', '/v1/alert-rules', body)
  for (const id of [loud, quiet]) await api.ok('POST', `/v1/connections/${id}/breaker/open`)
  await look('breaker_open')
  assert.deepEqual(
    (await open(api)).map(({ subject }) => subject),
    [loud],
  )
})

test('somebody may be on it, and a muted one is told of neither when it ends nor when it fires anew', async () => {
  const api = await product.newTenant()
  await set(api, 'breaker_open', { minutes: 0 })
  const id = await stripe(api)
  const turn = async (way: 'open' | 'close') => {
    await api.ok('POST', `/v1/connections/${id}/breaker/${way}`)
    await look('breaker_open')
  }
  await turn('open')
  const alert = (await open(api))[0]?.['id']
  const taken = await api.ok('POST', `/v1/alerts/${alert}/acknowledge`)
  assert.equal(taken['state'], 'acknowledged')
  assert.match(String(taken['acknowledged_by']), /^key_/)
  const muted = await api.ok('POST', `/v1/alerts/${alert}/mute`, { minutes: 60 })
  assert.ok(Date.parse(String(muted['muted_until'])) > Date.now() + 59 * 60_000)
  await turn('close')
  assert.equal((await api.ok('GET', `/v1/alerts/${alert}`))['state'], 'resolved')
  assert.equal((await api.send('POST', `/v1/alerts/${alert}/acknowledge`)).status, 409)
  await turn('open')
  const again = (await open(api))[0]
  assert.equal(again?.['muted_until'], muted['muted_until'])
  assert.equal((await told(api, 'alert.fired')).length, 1)
  assert.equal((await told(api, 'alert.resolved')).length, 0)
  await api.ok('POST', `/v1/alerts/${again?.['id']}/mute`, { minutes: 0 })
  await turn('close')
  assert.equal((await told(api, 'alert.resolved')).length, 1)
})

test('what fires by a rule that is switched off or deleted is resolved', async () => {
  const api = await product.newTenant()
  await set(api, 'breaker_open', { minutes: 0 })
  const id = await stripe(api)
  await api.ok('POST', `/v1/connections/${id}/breaker/open`)
  await look('breaker_open')
  assert.equal((await open(api)).length, 1)
  await set(api, 'breaker_open', { enabled: false })
  await look('breaker_open')
  assert.equal((await open(api)).length, 0)
})

test('vendors found unhealthy, subscriptions disabled, limits nearly used up and slow calls are each told of', async () => {
  const api = await product.newTenant()
  const tenant_id = fromWire('tenant', api.tenant_id)
  const { pool } = product.app.db.owner
  for (const kind of ['connection_unhealthy', 'subscription_disabled'] as const)
    await set(api, kind, { minutes: 0 })
  await set(api, 'latency', { enabled: true, threshold: 1, least_calls: 1 })
  const id = await stripe(api, { rates: [{ calls: 5, per_s: 3600 }] })
  for (let n = 0; n < 5; n++) await call(api, id, `${WELL}&x-sandbox-fault=latency%3D20`)
  const url = `${receiver.base}/gone`
  const made = await api.ok('POST', '/v1/subscriptions', { name: 'Gone', url, event_types: ['*'] })
  const of = fromWire('subscription', String(made['id']))
  const why =
    "update subscription set state = 'disabled', state_note = 'it answered 410' where tenant_id = $1 and id = $2"
  await pool.query(why, [tenant_id, of])
  await pool.query(
    "update connection set health = 'unhealthy', health_note = 'no answer' where tenant_id = $1",
    [tenant_id],
  )
  await look('connection_unhealthy', 'subscription_disabled', 'latency', 'limit_near')
  const firing = new Map((await open(api)).map((one) => [one['kind'], one]))
  assert.deepEqual(
    ['connection_unhealthy', 'subscription_disabled', 'latency', 'limit_near'].map(
      (kind) => firing.get(kind)?.['subject'],
    ),
    [id, made['id'], id, id],
  )
  assert.equal(firing.get('connection_unhealthy')?.['note'], 'no answer')
  assert.equal(firing.get('subscription_disabled')?.['subject_name'], 'Gone')
  assert.equal(firing.get('limit_near')?.['value'], 100)
  assert.match(String(firing.get('limit_near')?.['note']), /5 of 5 calls per 3600 s/)
})

test('dead letters, messages in the quarantine and unknown outcomes are each told of', async () => {
  const api = await product.newTenant()
  const tenant_id = fromWire('tenant', api.tenant_id)
  const { pool } = product.app.db.owner
  await set(api, 'quarantined', { threshold: 2 })
  const url = `${receiver.base}/dead`
  receiver.answer('/dead', { status: 500 })
  await api.ok('POST', '/v1/subscriptions', {
    name: 'Dead',
    url,
    event_types: ['order.*'],
    retry_schedule_s: [],
  })
  const schema = { type: 'object' }
  await api.ok('POST', '/v1/event-types', { name: 'order.made', description: 'x', schema, example: {} })
  await api.ok('POST', '/v1/events', { type: 'order.made', data: {} })
  await eventually(async () => (await api.list('/v1/events?type=delivery.exhausted')).length === 1)
  const source = await api.ok('POST', '/v1/sources', {
    provider: 'stripe',
    name: 'S',
    secrets: ['whsec_of_the_alerts'],
  })
  for (let n = 0; n < 2; n++) await fetch(String(source['url']), { method: 'POST', body: `{"n":${n}}` })
  const id = await stripe(api)
  await api.send('POST', `/v1/connections/${id}/calls`, {
    operation: 'payments.create',
    input: { reference: 'x', money: { amount: '100', currency: 'BRL' }, source: 'pm_card_visa' },
  })
  await pool.query(
    `insert into metric (tenant_id, subject_id, grain, at, calls, unknown)
     values ($1, $2, 'five_minutes', date_bin('5 min', now(), 'epoch'), 1, 1)
     on conflict (tenant_id, grain, at, subject_id) do update set unknown = 1`,
    [tenant_id, fromWire('connection', id)],
  )
  await look('deliveries_exhausted', 'quarantined', 'unknown_outcomes')
  const firing = new Map((await open(api)).map((one) => [one['kind'], one]))
  assert.deepEqual(
    ['deliveries_exhausted', 'quarantined', 'unknown_outcomes'].map((kind) => [
      firing.get(kind)?.['subject'],
      firing.get(kind)?.['value'],
    ]),
    [
      [null, 1],
      [null, 2],
      [id, 1],
    ],
  )
})

test('keys and certificates that expire soon are told of, but not those made for a few days', async () => {
  const api = await product.newTenant()
  const tenant_id = fromWire('tenant', api.tenant_id)
  const in_days = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
  const key = async (name: string, expires_at: string) =>
    (await api.ok('POST', '/v1/keys', { name, environment: 'test', scopes: ['calls:read'], expires_at }))[
      'id'
    ]
  const old = await key('Old', in_days(5))
  await key('For a day', in_days(1))
  await key('Far', in_days(60))
  await product.app.db.owner.pool.query(
    "update api_key set created_at = now() - interval '1 year' where tenant_id = $1 and name = 'Old'",
    [tenant_id],
  )
  await look('credential_expiring')
  const firing = await open(api)
  assert.deepEqual(
    firing.map((one) => [one['subject'], one['subject_name']]),
    [[old, 'Old']],
  )
  await api.ok('DELETE', `/v1/keys/${old}`)
  await look('credential_expiring')
  assert.deepEqual(await open(api), [])
})

test('a rule that cannot be is refused by the name of its field', async () => {
  const api = await product.newTenant()
  const id = await stripe(api)
  const cases: [Json, string][] = [
    [{ kind: 'success_rate', threshold: 101 }, 'threshold'],
    [{ kind: 'breaker_open', threshold: 1 }, 'threshold'],
    [{ kind: 'success_rate', minutes: 1 }, 'minutes'],
    [{ kind: 'backlog_age', least_calls: 5 }, 'least_calls'],
    [{ kind: 'quarantined', connection_id: id }, 'connection_id'],
    [{ kind: 'latency', connection_id: 'con_01jz8k3v9mf2tb7xq4c5n6p8rs' }, 'connection_id'],
    [{ kind: 'disk_low' }, 'kind'],
  ]
  for (const [body, field] of cases) {
    const refused = await api.send('POST', '/v1/alert-rules', body)
    assert.deepEqual([refused.status, refused.body['field']], [400, field], JSON.stringify(body))
  }
  const made = await api.ok('POST', '/v1/alert-rules', { kind: 'latency', connection_id: id, threshold: 900 })
  assert.deepEqual([made['threshold'], made['minutes'], made['least_calls']], [900, 15, 20])
  await api.ok('DELETE', `/v1/alert-rules/${made['id']}`)
  assert.equal((await api.send('GET', `/v1/alert-rules/${made['id']}`)).status, 404)
})

test('work that waits for long and a full disk are told of, to whom they concern', async () => {
  const idle = await serve({ config: { data_dir: tmpdir() } }) // nobody works here
  await adminKey(idle)
  const { tenant_id } = await tenantWithKey(idle)
  const { db, newId } = idle.app
  await inTenant(db, tenant_id, (tx) =>
    tx
      .insertInto('inbox_queue')
      .values({ tenant_id, id: newId(), due: new Date(Date.now() - 9 * 60_000) })
      .execute(),
  )
  await db.owner.pool.query("update alert_rule set threshold = 100 where kind = 'disk_low'")
  await watch(idle.app, ['backlog_age', 'disk_low'])
  const { rows } = await db.owner.pool.query<Json>(
    'select tenant_id, kind, subject, value > 0 as is_much from alert order by kind',
  )
  assert.deepEqual(rows, [
    { tenant_id, kind: 'backlog_age', subject: 'inbound', is_much: true },
    { tenant_id: INSTALLATION, kind: 'disk_low', subject: '', is_much: true },
  ])
})

test('messages of an entity that stands still are told of as well, though none of them is due', async () => {
  const idle = await serve({ config: { data_dir: tmpdir() } })
  const { tenant_id } = await tenantWithKey(idle)
  const { db, newId } = idle.app
  const nineMinutesAgo = new Date(Date.now() - 9 * 60_000)
  await inTenant(db, tenant_id, (tx) =>
    tx
      .insertInto('inbox_queue')
      .values({
        tenant_id,
        id: floorId(nineMinutesAgo),
        due: null,
        lane: newId(),
        position: '0',
        arrived: '0',
      })
      .execute(),
  )
  await watch(idle.app, ['backlog_age'])
  const { rows } = await db.owner.pool.query<Json>('select kind, subject, value > 8 as is_old from alert')
  assert.deepEqual(rows, [{ kind: 'backlog_age', subject: 'inbound', is_old: true }])
})

test('a limit that much was used of is looked at until its calls must have been counted', async () => {
  const idle = await serve({ config: { data_dir: tmpdir() } })
  await tenantWithKey(idle)
  const { db, newId } = idle.app
  await db.owner.pool.query("update alert_rule set updated_at = now() - interval '1 day'")
  await sql`
    insert into rate_window (tenant_id, connection_id, per_s, head, taken)
    values (${newId()}, ${newId()}, 60, extract(epoch from now())::bigint, array[54])`.execute(db.owner)
  const facts = { free_percent: 50, counts_elsewhere: false, least_limit: 60 }
  const isSeenAfter = async (seconds: number) => {
    const { rows } = await sql<{ is: boolean }>`
      select (${anyOf(['limit_near'], facts, SINCE_LAST_TURN)}) as is
        from (select to_timestamp(head) + ${seconds} * interval '1 s' as due from rate_window) o`.execute(
      db.owner,
    )
    return rows[0]?.is
  }
  assert.deepEqual(
    [await isSeenAfter(30), await isSeenAfter(90), await isSeenAfter(300)],
    [true, true, false],
  )
  await db.owner.pool.query('update rate_window set taken = array[1]')
  assert.equal(await isSeenAfter(30), false, 'a call or two come near no limit of a provider')
  await sql`
    with c as (insert into connection (tenant_id, id, provider, name, environment, settings)
               select id, ${newId()}, 'http', 'x', 'development', '{}' from tenant limit 1 returning tenant_id, id)
    insert into operation (tenant_id, connection_id, name, method, path, more, updated_at)
    select tenant_id, id, 'x.y', 'GET', '/', '{"rates": [{"calls": 1, "per_s": 60}]}', now() - interval '1 day' from c`.execute(
    db.owner,
  )
  await db.owner.pool.query("update connection set updated_at = now() - interval '1 day'")
  assert.equal(await isSeenAfter(30), true, 'but those of a stored operation')
})
