import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { inTenant } from '../../platform/database/database.ts'
import { floorId, fromWire, toWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { type Front, openFront } from '../../test/faulty_front.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { accountOf, openConnection } from '../connections/connections.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { createKey } from '../tenants/tenants.ts'
import * as queries from './queries.ts'
import * as refunds from './refund_queries.ts'
import { markOf, reserveRefund, sendRefund } from './refunds.ts'
import { sealRequest } from './request.ts'
import { routes } from './routes.ts'
import { settle } from './settle.ts'
import { ask, asker } from './vendor.ts'

/** Money is asked for at one account. What its connection leads to later is never asked for it, nor believed about it. */

let served: Served
let sandbox: Sandbox
let front: Front
let tenant_id: string
let key: string
before(async () => {
  sandbox = await startSandbox({ port: 0 })
  front = await openFront(sandbox.url)
  served = await serve({ mount: { rooms: [connectionRoutes, routes] }, providers })
  ;({ tenant_id, key } = await tenantWithKey(served, ['*'], 'test'))
})
after(() => sandbox.stop())
beforeEach(() => front.calm())

const OWN = { secret_key: 'sk_test_abcdef123456' }
const ANOTHER = { secret_key: 'sk_test_anothers98765' }
const HOUR_MS = 3_600_000
let serial = 0

async function connect(): Promise<string> {
  const body = {
    ...{ provider: 'stripe', name: `Stripe ${++serial}`, environment: 'development', credentials: OWN },
    settings: { base_url: `${front.url}/stripe` },
    limits: { breaker: false, retry_budget: false },
  }
  const reply = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(reply.status, 201, reply.text)
  return String(reply.body['id'])
}

async function change(connection: string, body: object): Promise<void> {
  const version = async () =>
    (await openConnection(served.app, tenant_id, fromWire('connection', connection))).version
  const was = await version()
  const reply = await served.send('PATCH', `/v1/connections/${connection}`, { key, body })
  assert.equal(reply.status, 200, reply.text)
  assert.ok((await version()) > was)
}

const opened = (connection: string) =>
  openConnection(served.app, tenant_id, fromWire('connection', connection))

const requestOf = (id: string) => ({
  money: { amount: '990', currency: 'BRL' },
  reference: toWire('payment', id),
  method: 'card' as const,
  source: 'pm_card_visa',
  confirm: true,
})

/** As a process left it that died over it so long ago, before its vendor had heard of it. */
async function leave(connection: string, age_ms: number): Promise<queries.Place> {
  const place = { tenant_id, id: floorId(new Date(Date.now() - age_ms - ++serial * 1000)) }
  const account = accountOf(await opened(connection))
  await inTenant(served.app.db, tenant_id, async (tx) => {
    await queries.insertPayment(tx, {
      ...place,
      ...{ connection_id: fromWire('connection', connection), provider: 'stripe', method: 'card' },
      ...{ capture: 'automatic', held: false, actor: 'test', amount: '990', currency: 'BRL' },
      ...{ customer: null, description: null, metadata: '{}', due_date: null },
      request: await sealRequest(served.app, tx, place, { request: requestOf(place.id), account }),
    })
    await queries.link(served.app, tx, place, { wait_s: 3_600 })
  })
  return place
}

const read = async (place: queries.Place): Promise<queries.PaymentRow> =>
  queries.must(await inTenant(served.app.db, tenant_id, (tx) => queries.findPayment(tx, place)))

/** Runs the job of now, as the worker does when it falls due. */
async function turn(place: queries.Place, denied = 0): Promise<queries.PaymentRow> {
  const { job_id } = await read(place)
  assert.ok(job_id)
  const payload = { payment_id: place.id, tries: 6, denied }
  await settle(served.app, { tenant_id, id: job_id, payload, attempts: 1 })
  return read(place)
}

const posts = () => front.seen.filter((what) => what.startsWith('POST')).length
const resolve = (place: queries.Place, body: object, by = key) =>
  served.send('POST', `/v1/payments/${toWire('payment', place.id)}/resolve`, { key: by, body })

test('a name, a limit, a mapping and a time of being disabled keep no payment from being settled', async () => {
  const connection = await connect()
  const place = await leave(connection, 60_000)
  await change(connection, { name: 'Another name', limits: { concurrency: 3, breaker: false } })
  const settings = { base_url: `${front.url}/stripe`, api_version: '2026-09-30.clover' }
  await change(connection, { state: 'disabled', settings })
  assert.equal((await turn(place)).status, 'processing')
  await change(connection, { state: 'enabled', mapping: { out: [] } })
  const row = await turn(place)
  assert.equal(row.status, 'completed')
  assert.equal(row.failure, null)
})

test('under other credentials a payment is not sent again, nor is a no believed; it says so, and what to do', async () => {
  const connection = await connect()
  const [young, old] = [await leave(connection, 60_000), await leave(connection, 3 * HOUR_MS)]
  await change(connection, { credentials: ANOTHER })
  const before = posts()
  for (const place of [young, old]) {
    const row = await turn(place, 1)
    assert.equal(row.status, 'processing')
    assert.equal(row.failure?.code, 'connection_changed')
    assert.ok(row.job_id)
  }
  assert.equal(posts(), before)

  const said = await resolve(old, { outcome: 'failed', note: 'seen on their dashboard' })
  assert.deepEqual([said.status, said.body['status']], [200, 'failed'])
  await change(connection, { credentials: OWN })
  const row = await turn(young)
  assert.deepEqual([row.status, row.failure], ['completed', null])
})

test('who opened a connection before it was changed asks nobody after it', async () => {
  const connection = await connect()
  const stale = await opened(connection)
  await change(connection, { settings: { base_url: `${front.url}/stripe`, account: 'acct_another' } })
  const before = front.seen.length
  const { app } = served
  const input = requestOf(app.newId())
  const answer = await ask(app, asker(stale), stale, { verb: 'create', input, key: input.reference })
  assert.equal(answer.kind, 'refused')
  assert.equal(answer.kind === 'refused' && answer.failure.code, 'not_sent')
  assert.equal(front.seen.length, before)
})

test('a refund is not sent again to another account, and is not said to have failed by it', async () => {
  const connection = await connect()
  const place = await leave(connection, 60_000)
  assert.equal((await turn(place)).status, 'completed')
  const { app } = served
  const own = await opened(connection)
  const mark = await markOf(app, own)
  const { payment, refund } = await reserveRefund(app, asker(own), place, {}, mark)
  const now = async () =>
    queries.must(
      await inTenant(app.db, tenant_id, (tx) => refunds.findRefund(tx, { tenant_id, id: refund.id })),
    )
  front.fault(/POST .*refunds$/, 'drop')
  await sendRefund(app, asker(own), own, payment, refund)
  front.calm()
  await change(connection, { credentials: ANOTHER })
  const before = posts()
  await turn(place)
  assert.equal(posts(), before)
  assert.deepEqual([(await now()).status, (await now()).failure?.code], ['processing', 'connection_changed'])

  await change(connection, { credentials: OWN })
  await turn(place)
  assert.deepEqual([(await now()).status, (await now()).failure], ['completed', null])
})

test('what is unknown of a deleted connection says so, and is said by hand by a key of the live world', async () => {
  const connection = await connect()
  const place = await leave(connection, HOUR_MS)
  const gone = await served.send('DELETE', `/v1/connections/${connection}`, { key })
  assert.ok(gone.status < 300, gone.text)
  const row = await turn(place)
  assert.deepEqual([row.status, row.failure?.code, row.job_id], ['processing', 'connection_deleted', null])
  const says = { outcome: 'failed', note: 'never sent, says their support' }
  assert.equal((await resolve(place, says)).status, 403)
  const actor = { ...asker({ tenant_id, environment: 'production' }), scopes: ['admin'] }
  const live = await createKey(served.app, actor, { name: 'Live', environment: 'live', scopes: ['*'] })
  const said = await resolve(place, says, live.key)
  assert.deepEqual([said.status, said.body['status']], [200, 'failed'])
})
