import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { inTenant } from '../../platform/database/database.ts'
import { floorId, fromWire, toWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { type Front, openFront } from '../../test/faulty_front.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { accountOf, openConnection } from '../connections/connections.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import * as queries from './queries.ts'
import * as refunds from './refund_queries.ts'
import { markOf, reserveRefund, sendRefund } from './refunds.ts'
import { sealRequest } from './request.ts'
import { settle } from './settle.ts'
import { asker } from './vendor.ts'

let served: Served
let sandbox: Sandbox
let front: Front
let tenant_id: string
let connection_id: string
before(async () => {
  sandbox = await startSandbox({ port: 0 })
  front = await openFront(sandbox.url)
  served = await serve({ mount: { rooms: [connectionRoutes] }, providers })
  const made = await tenantWithKey(served, ['*'], 'test')
  tenant_id = made.tenant_id
  const body = {
    provider: 'stripe',
    name: 'Stripe',
    environment: 'development',
    settings: { base_url: `${front.url}/stripe` },
    credentials: { secret_key: 'sk_test_abcdef123456' },
  }
  const reply = await served.send('POST', '/v1/connections', { key: made.key, body })
  connection_id = fromWire('connection', String(reply.body['id']))
})
after(() => sandbox.stop())

const HOUR_MS = 3_600_000
let serial = 0

const REQUEST = (place: queries.Place) => ({
  money: { amount: '990', currency: 'BRL' },
  reference: toWire('payment', place.id),
  method: 'card' as const,
})

/** As a process left it that died over it so long ago. */
async function leave(age_ms: number, held = false): Promise<queries.Place> {
  const account = accountOf(await openConnection(served.app, tenant_id, connection_id))
  const place = { tenant_id, id: floorId(new Date(Date.now() - age_ms - ++serial * 1000)) }
  await inTenant(served.app.db, tenant_id, async (tx) => {
    await queries.insertPayment(tx, {
      ...place,
      ...{
        connection_id,
        provider: 'stripe',
        method: 'card',
        capture: 'automatic',
        held,
        actor: 'test',
      },
      ...{
        amount: '990',
        currency: 'BRL',
        customer: null,
        description: null,
        metadata: '{}',
        due_date: null,
      },
      request: await sealRequest(served.app, tx, place, { request: REQUEST(place), account }),
    })
    await queries.link(served.app, tx, place, { wait_s: 3_600 })
  })
  return place
}

const read = async (place: queries.Place): Promise<queries.PaymentRow> => {
  const row = await inTenant(served.app.db, tenant_id, (tx) => queries.findPayment(tx, place))
  assert.ok(row)
  return row
}

/** Runs the job of now, as the worker does when it falls due. */
async function turn(place: queries.Place, denied = 0): Promise<queries.PaymentRow> {
  const { job_id } = await read(place)
  assert.ok(job_id)
  const payload = { payment_id: place.id, tries: 6, denied }
  await settle(served.app, { tenant_id, id: job_id, payload, attempts: 1 })
  return read(place)
}

async function chargeAt(place: queries.Place): Promise<void> {
  const reference = toWire('payment', place.id)
  await fetch(`${sandbox.url}/stripe/v1/payment_intents`, {
    method: 'POST',
    headers: {
      authorization: 'Bearer sk_test_abcdef123456',
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: `amount=990&currency=brl&payment_method=pm_card_visa&confirm=true&metadata[reference]=${reference}`,
  })
}

const posts = () => front.seen.filter((what) => what.startsWith('POST')).length

test('an old payment is looked for and not sent again: what the vendor has is adopted', async () => {
  const place = await leave(HOUR_MS)
  await chargeAt(place)
  const row = await turn(place)
  assert.equal(row.status, 'completed')
  assert.match(String(row.vendor_id), /^pi_/)
  assert.equal(row.job_id, null)
  assert.equal(posts(), 0)
})

test('that the vendor knows nothing of it is believed when it is said twice, and long after', async () => {
  const [young, old] = [await leave(HOUR_MS), await leave(3 * HOUR_MS)]
  assert.equal((await turn(young, 1)).status, 'processing')
  const once = await turn(old)
  assert.equal(once.status, 'processing')
  assert.ok(once.job_id)
  const twice = await turn(old, 1)
  assert.equal(twice.status, 'failed')
  assert.equal(twice.failure?.reason, 'not_found')
  assert.equal(posts(), 0)
})

test('a look that saw nothing is not the last one', async () => {
  const place = await leave(HOUR_MS)
  await chargeAt(place)
  await turn(place)
  const lookAgain = () =>
    inTenant(served.app.db, tenant_id, (tx) => queries.link(served.app, tx, place, { wait_s: 3_600 }))
  await lookAgain()
  front.fault(/GET/, 'status=400')
  assert.ok((await turn(place)).job_id)
  front.calm()
  assert.equal((await turn(place)).job_id, null)
  await lookAgain()
  front.hold(/GET/, () =>
    sql`update payment set version = version + 1 where id = ${place.id}`.execute(served.app.db.owner),
  )
  assert.ok((await turn(place)).job_id)
  assert.equal((await turn(place)).job_id, null)
})

test('one that was held for long is as young as its sending: no search that is behind makes it failed', async () => {
  const place = await leave(30 * HOUR_MS, true)
  await inTenant(served.app.db, tenant_id, async (tx) => {
    const request = await queries.findRequest(tx, place)
    assert.ok(request && (await queries.releasePayment(tx, place, request)))
  })
  assert.ok(Date.now() - Number((await read(place)).sent_at) < HOUR_MS)
  await sql`update payment set sent_at = now() - interval '1 hour' where id = ${place.id}`.execute(
    served.app.db.owner,
  )
  const row = await turn(place, 1)
  assert.equal(row.status, 'processing')
  assert.equal(posts(), 0)
})

test('a refund that may be made stays reserved while the vendor turns us away, and is known in the end', async () => {
  const place = await leave(HOUR_MS)
  await chargeAt(place)
  await turn(place)
  const { app } = served
  const connection = await openConnection(app, tenant_id, connection_id)
  const mark = await markOf(app, connection)
  const { payment, refund } = await reserveRefund(app, asker(connection), place, {}, mark)
  const now = () => inTenant(app.db, tenant_id, (tx) => refunds.findRefund(tx, { tenant_id, id: refund.id }))
  front.fault(/POST .*refunds$/, 'cut')
  await sendRefund(app, asker(connection), connection, payment, refund)
  front.calm()
  front.fault(/refunds/, 'status=401')
  const row = await turn(place)
  front.calm()
  assert.equal((await now())?.status, 'processing')
  assert.ok(row.job_id)
  await assert.rejects(reserveRefund(app, asker(connection), place, {}, mark))
  assert.equal((await turn(place)).refunded, '990')
  assert.equal((await now())?.status, 'completed')
})

test('a job that is not the one of now asks nothing', async () => {
  const place = await leave(HOUR_MS)
  const { job_id } = await read(place)
  await inTenant(served.app.db, tenant_id, (tx) => queries.link(served.app, tx, place, { wait_s: 3_600 }))
  const asked = front.seen.length
  const payload = { payment_id: place.id, tries: 0, denied: 0 }
  await settle(served.app, { tenant_id, id: String(job_id), payload, attempts: 1 })
  assert.equal(front.seen.length, asked)
})

test('a vendor that does not answer is asked again later', async () => {
  const place = await leave(HOUR_MS)
  front.fault(/GET/, 'status=400')
  const row = await turn(place)
  front.calm()
  assert.equal(row.status, 'processing')
  assert.ok(row.job_id)
})
