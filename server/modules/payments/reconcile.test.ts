import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import type { VendorPayment } from '../../kit/news.ts'
import { inTenant } from '../../platform/database/database.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { openFront } from '../../test/faulty_front.ts'
import { apiOf, eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { differencesOf } from './compare.ts'
import type { Standing } from './moves.ts'
import { reconcileYesterday, reconcile as runReconciliation } from './reconcile.ts'
import * as reconciliations from './reconcile_queries.ts'

let product: Product
let day: string
/** Far from midnight, whenever this runs: a day of the test does not end within it. */
const hour = new Date().getUTCHours()
const TIME_ZONE = hour >= 3 && hour < 21 ? 'UTC' : 'Asia/Tokyo'

before(async () => {
  product = await startProduct()
  const { app, api } = product
  await sql`update tenant set time_zone = ${TIME_ZONE} where id = ${fromWire('tenant', api.tenant_id)}`.execute(
    app.db.owner,
  )
  day = new Intl.DateTimeFormat('en-CA', { timeZone: TIME_ZONE }).format(new Date())
})

const stripe = async (at = product.sandbox.url) =>
  String(
    (
      await product.api.ok('POST', '/v1/connections', {
        provider: 'stripe',
        name: 'Stripe',
        environment: 'development',
        settings: { base_url: `${at}/stripe` },
        credentials: { secret_key: 'sk_test_abcdef123456' },
        limits: { breaker: false, retry_budget: false },
      })
    )['id'],
  )

type Paid = Json & { id: string; vendor_id: string; status: string }

const pay = (connection_id: string) =>
  product.api.ok('POST', '/v1/payments', {
    connection_id,
    money: { amount: '9900', currency: 'BRL' },
    source: 'pm_card_visa',
  }) as Promise<Paid>

/** Made at the vendor, past all of ours. */
async function desk(): Promise<string> {
  const reply = await fetch(`${product.sandbox.url}/stripe/v1/payment_intents`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_abcdef123456' },
    body: new URLSearchParams('amount=500&currency=brl&payment_method=pm_card_visa&confirm=true'),
  })
  return String(((await reply.json()) as Json)['id'])
}

const change = (id: string, set: string) =>
  sql`update payment set ${sql.raw(set)} where id = ${fromWire('payment', id)}`.execute(product.app.db.owner)

type Difference = Json & { id: string; kind: string; vendor_id: string; payment_id: string | null }

/** Of this connection alone: the sandbox is one account for all of them. */
async function reconcile(connection_id: string): Promise<Json & { id: string }> {
  const { id } = await product.api.ok('POST', '/v1/reconciliations', { connection_id, day })
  return eventually(async () => {
    const found = await product.api.ok('GET', `/v1/reconciliations/${id}`)
    return found['state'] !== 'running' && (found as Json & { id: string })
  })
}

const open = (connection_id: string) =>
  product.api.list(`/v1/differences?state=open&connection_id=${connection_id}`) as Promise<Difference[]>

/** But for what other tests made there. */
const ofOurs = async (connection_id: string) =>
  (await open(connection_id)).filter(({ kind }) => kind !== 'missing_here')

const resolve = (id: string, body: Json) => product.api.send('POST', `/v1/differences/${id}/resolve`, body)

/** As an administrator may. */
async function goLive(connection_id: string): Promise<void> {
  const headers = { authorization: `Bearer ${product.admin_key}`, 'trilho-tenant': product.api.tenant_id }
  const admin = apiOf(product.url, headers, '', '')
  const live = { environment: 'production', credentials: { secret_key: 'sk_live_abcdef123456' } }
  await admin.ok('PATCH', `/v1/connections/${connection_id}`, live)
}

test('a day that agrees has no difference, and is told of', async () => {
  const connection = await stripe()
  await Promise.all([pay(connection), pay(connection)])
  const done = await reconcile(connection)
  assert.deepEqual([done['state'], done['theirs'], done['differences']], ['completed', 2, 0])
  const { rows } = await sql<{ data: Buffer }>`
    select from event where type = 'reconciliation.completed' and entity_id = ${done.id}`.execute(
    product.app.db.owner,
  )
  assert.equal(rows.length, 1)
})

test('a difference is ended by what the vendor has now, though more happened since it was found', async () => {
  const connection = await stripe()
  const made = await pay(connection)
  await change(made.id, "refunded = 100, status = 'partially_refunded'")
  await reconcile(connection)
  const [found] = await ofOurs(connection)
  assert.equal(found?.kind, 'refund_differs')
  await fetch(`${product.sandbox.url}/stripe/v1/refunds`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_abcdef123456' },
    body: new URLSearchParams(`payment_intent=${made.vendor_id}&amount=500`),
  })
  const ended = await resolve(String(found?.id), { action: 'refresh' })
  assert.deepEqual([ended.status, ended.body['resolution']], [200, 'refreshed'], JSON.stringify(ended.body))
  const now = await product.api.ok('GET', `/v1/payments/${made.id}`)
  assert.equal((now['refunded'] as Json)['amount'], '500')
})

test('each way in which a day differs is a row, once, with a way to end it', async () => {
  const connection = await stripe()
  const [refund, amount, status, gone] = [
    await pay(connection),
    await pay(connection),
    await pay(connection),
    await pay(connection),
  ]
  const stranger = await desk()
  await change(refund.id, "refunded = 100, status = 'partially_refunded'")
  await change(amount.id, 'captured = 9901')
  await change(status.id, "status = 'failed', captured = 0, completed_at = null")
  await change(gone.id, "vendor_id = 'pi_nobody_has'")
  await reconcile(connection)
  const done = await reconcile(connection)
  const found = await open(connection)
  const of = (vendor_id: string) => found.filter((one) => one.vendor_id === vendor_id)
  const kindsOf = (vendor_id: string) => of(vendor_id).map(({ kind }) => kind)
  assert.deepEqual(kindsOf(refund.vendor_id), ['refund_differs'])
  assert.deepEqual(kindsOf(amount.vendor_id), ['amount_differs'])
  assert.deepEqual(kindsOf(status.vendor_id), ['status_differs'])
  assert.deepEqual(kindsOf('pi_nobody_has'), ['missing_there'])
  assert.deepEqual(kindsOf(stranger), ['missing_here'])
  assert.equal(done['differences'], found.length)

  const only = (vendor_id: string): Difference => of(vendor_id)[0] as Difference
  for (const { vendor_id } of [refund, status]) {
    const ended = await resolve(only(vendor_id).id, { action: 'refresh' })
    assert.deepEqual([ended.status, ended.body['resolution']], [200, 'refreshed'], JSON.stringify(ended.body))
  }
  assert.equal((await product.api.ok('GET', `/v1/payments/${status.id}`))['status'], 'completed')
  const lost = only('pi_nobody_has').id
  assert.equal((await resolve(lost, { action: 'refresh' })).status, 409)
  assert.equal((await resolve(lost, { action: 'import' })).status, 409)
  assert.equal((await resolve(lost, { action: 'accept' })).status, 400)
  const accepted = await resolve(lost, { action: 'accept', note: 'the bank says so' })
  assert.deepEqual([accepted.body['resolution'], accepted.body['note']], ['accepted', 'the bank says so'])
  assert.equal((await resolve(lost, { action: 'accept', note: 'again' })).status, 409)
  const twice = await Promise.all([1, 2].map(() => resolve(only(stranger).id, { action: 'import' })))
  assert.deepEqual(twice.map((one) => one.status).sort(), [200, 409])
  const [imported] = await product.api.list(`/v1/payments?vendor_id=${stranger}&connection_id=${connection}`)
  assert.ok(imported)
  assert.deepEqual([imported['status'], (imported['money'] as Json)['amount']], ['completed', '500'])
  assert.equal((await product.api.send('POST', `/v1/payments/${imported['id']}/refunds`, {})).status, 201)

  await change(amount.id, 'captured = 9900')
  await reconcile(connection)
  const ended = await product.api.list(`/v1/differences?state=resolved&connection_id=${connection}`)
  assert.equal(ended.find(({ vendor_id }) => vendor_id === amount.vendor_id)?.['resolution'], 'gone')
})

test('a payment whose dispute was won is as the provider has it, though that calls it disputed for ever', async () => {
  const connection = await stripe()
  const made = await product.api.ok('POST', '/v1/payments', {
    connection_id: connection,
    money: { amount: '9900', currency: 'BRL' },
    source: 'pm_card_createDispute',
  })
  const statusNow = async () => {
    await product.api.ok('POST', `/v1/payments/${made['id']}/refresh`)
    return (await product.api.ok('GET', `/v1/payments/${made['id']}`))['status']
  }
  const dispute = await eventually(async () => {
    await statusNow()
    const [found] = await product.api.list(`/v1/disputes?payment_id=${made['id']}`)
    return found
  })
  await reconcile(connection)
  assert.deepEqual(await ofOurs(connection), [])
  await product.api.ok('POST', `/v1/disputes/${dispute['id']}/evidence`, { text: 'winning_evidence' })
  await eventually(async () => (await statusNow()) === 'completed')
  await reconcile(connection)
  assert.deepEqual(await ofOurs(connection), [])
})

test('what was not asked for one by one is counted, and is not said to be gone', async () => {
  const connection = await stripe()
  const [first, last] = [await pay(connection), await pay(connection)]
  await change(first.id, "vendor_id = 'pi_nobody_has'")
  await change(last.id, "vendor_id = 'pi_nobody_else_has', completed_at = completed_at + interval '1 minute'")
  assert.equal((await reconcile(connection))['left_out'], 0)
  const found = await ofOurs(connection)
  assert.deepEqual(
    found.map(({ kind }) => kind),
    ['missing_there', 'missing_there'],
  )

  const { app, api } = product
  const tenant_id = fromWire('tenant', api.tenant_id)
  const id = app.newId()
  await inTenant(app.db, tenant_id, async (tx) => {
    const of = { tenant_id, id, connection_id: fromWire('connection', connection), day }
    const begun = {
      ...of,
      ...(await reconciliations.boundsOf(tx, day, TIME_ZONE)),
      by_clock: false,
      actor: 'test',
    }
    await reconciliations.insertReconciliation(tx, begun)
  })
  const payload = { reconciliation_id: id }
  await runReconciliation(app, { tenant_id, id: app.newId(), payload, attempts: 1 }, 1)
  const done = await api.ok('GET', `/v1/reconciliations/${toWire('reconciliation', id)}`)
  assert.deepEqual([done['state'], done['left_out']], ['completed', 1])
  assert.deepEqual(
    (await ofOurs(connection)).map((one) => one.id),
    found.map((one) => one.id),
  )
})

test('a Pix that nobody told of is a difference until it is read anew', async () => {
  const base = `${product.sandbox.url}/pix`
  const settings = {
    base_url: `${base}/v2`,
    token_url: `${base}/oauth/token`,
    pix_key: '7d9f0335-8dcc-4054-9bf9-0dbd61d36906',
    mtls: false,
  }
  const { id: connection } = await product.api.ok('POST', '/v1/connections', {
    provider: 'pix',
    name: 'Our bank',
    environment: 'development',
    settings,
    credentials: { client_id: 'shop', client_secret: 'sandbox-secret' },
  })
  const charge = (await product.api.ok('POST', '/v1/payments', {
    connection_id: connection,
    money: { amount: '1234', currency: 'BRL' },
  })) as Paid
  const order = { txid: charge.vendor_id, silent: true }
  await fetch(`${base}/_control/pay`, { method: 'POST', body: JSON.stringify(order) })
  assert.equal((await reconcile(String(connection)))['theirs'], 1)
  const [only] = await open(String(connection))
  assert.deepEqual([only?.kind, only?.payment_id], ['status_differs', charge.id])
  assert.equal((await resolve(String(only?.id), { action: 'refresh' })).status, 200)
  assert.equal((await product.api.ok('GET', `/v1/payments/${charge.id}`))['status'], 'completed')
})

test('the clock begins each connection’s yesterday once', async () => {
  const connection = await stripe()
  await pay(connection)
  await Promise.all([reconcileYesterday(product.app), reconcileYesterday(product.app)])
  await reconcileYesterday(product.app)
  const done = await eventually(async () => {
    const found = await product.api.list(`/v1/reconciliations?connection_id=${connection}`)
    return found.every(({ state }) => state === 'completed') && found
  })
  assert.deepEqual(
    done.map(({ by_clock, day: of }) => [by_clock, of]),
    [[true, new Date(Date.parse(day) - 86_400_000).toISOString().slice(0, 10)]],
  )
})

test('what differs in the live world is not decided by a test key, also where no vendor is asked', async () => {
  const connection = await stripe()
  await desk()
  await reconcile(connection)
  const before = await open(connection)
  await goLive(connection)
  const said = { action: 'accept', note: 'made at the desk' }
  assert.equal((await resolve(String(before[0]?.id), said)).status, 403)
  assert.deepEqual(await open(connection), before)
})

test('a payment whose answer was lost is known by our id, and is not imported beside itself', async () => {
  const connection = await stripe()
  const paid = await pay(connection)
  await change(paid.id, "status = 'processing', vendor_id = null, captured = 0, completed_at = null")
  await reconcile(connection)
  const found = (await open(connection)).filter(({ vendor_id }) => vendor_id === paid.vendor_id)
  assert.deepEqual(
    found.map(({ kind, payment_id }) => [kind, payment_id]),
    [['status_differs', paid.id]],
  )
  assert.equal((await resolve(String(found[0]?.id), { action: 'refresh' })).status, 200)
  const now = await product.api.ok('GET', `/v1/payments/${paid.id}`)
  assert.deepEqual([now['status'], now['vendor_id']], ['completed', paid.vendor_id])
})

test('what may be a payment of ours whose outcome is unknown is not imported', async () => {
  const connection = await stripe()
  const paid = await pay(connection)
  const stranger = await desk()
  await change(paid.id, "status = 'processing', vendor_id = null, captured = 0, amount = 500")
  await reconcile(connection)
  const found = (await open(connection)).find(({ vendor_id }) => vendor_id === stranger)
  const refused = await resolve(String(found?.id), { action: 'import' })
  assert.equal(refused.status, 409)
  assert.match(String(refused.body['detail']), new RegExp(`it may be ${paid.id}`))
  await change(paid.id, 'amount = 9900')
  assert.equal((await resolve(String(found?.id), { action: 'import' })).status, 200)
})

test('what cannot be reconciled is refused by name', async () => {
  const connection_id = await stripe()
  const ask = (body: Json) => product.api.send('POST', '/v1/reconciliations', { connection_id, ...body })
  for (const wrong of ['2026-02-30', '2099-01-01'])
    assert.deepEqual(
      [(await ask({ day: wrong })).status, (await ask({ day: wrong })).body['field']],
      [400, 'day'],
    )
  const { id } = await product.api.ok('POST', '/v1/connections', {
    provider: 'http',
    name: 'Plain',
    environment: 'development',
    settings: { base_url: product.sandbox.url },
  })
  assert.equal((await ask({ connection_id: id, day })).body['field'], 'connection_id')
})

test('a vendor that does not list is asked again by the job, and nothing is found meanwhile', async () => {
  const front = await openFront(product.sandbox.url)
  const connection = await stripe(front.url)
  await pay(connection)
  front.fault(/GET .*payment_intents\?/, 'status=403')
  const { id } = await product.api.ok('POST', '/v1/reconciliations', { connection_id: connection, day })
  await eventually(async () => front.seen.some((what) => /GET .*payment_intents\?/.test(what)))
  assert.equal((await product.api.ok('GET', `/v1/reconciliations/${id}`))['state'], 'running')
  assert.deepEqual(await open(connection), [])
  // As its last attempt, hours later.
  const payload = { reconciliation_id: fromWire('reconciliation', String(id)) }
  const job = { tenant_id: fromWire('tenant', product.api.tenant_id), id: product.app.newId(), payload }
  await runReconciliation(product.app, { ...job, attempts: 14 })
  const ended = await product.api.ok('GET', `/v1/reconciliations/${id}`)
  assert.equal(ended['state'], 'failed')
  assert.match(String(ended['error']), /did not list/)
  const told =
    await sql`select from event where type = 'reconciliation.failed' and entity_id = ${id}`.execute(
      product.app.db.owner,
    )
  assert.equal(told.rows.length, 1)
})

const ours = (more: Partial<Standing>): Standing => ({
  ...{ status: 'completed', vendor_id: 'v', amount: 100n, captured: 100n, refunded: 0n, failure: null },
  ...{ settlement_id: null, expires_at: null, pix_code: null },
  ...more,
})
const BRL = (amount: string) => ({ amount, currency: 'BRL' })
const theirs = (more: Partial<VendorPayment>): VendorPayment => ({
  ...{ vendor_id: 'v', status: 'completed', money: BRL('100'), captured: BRL('100'), refunded: BRL('0') },
  ...more,
})

test('what was never paid is alike however it ended, and other money is another amount', () => {
  const kinds = (one: Partial<Standing>, other: Partial<VendorPayment>) =>
    differencesOf(ours(one), 'BRL', theirs(other))
  assert.deepEqual(kinds({}, {}), [])
  assert.deepEqual(kinds({ status: 'expired', captured: 0n }, { status: 'pending' }), [])
  assert.deepEqual(kinds({ status: 'processing', captured: 0n }, {}), ['status_differs'])
  assert.deepEqual(kinds({}, { captured: BRL('99') }), ['amount_differs'])
  assert.deepEqual(kinds({}, { money: { amount: '100', currency: 'USD' } }), ['amount_differs'])
  assert.deepEqual(kinds({ settlement_id: 'E1' }, { settlement_id: 'E2' }), ['amount_differs'])
  assert.deepEqual(kinds({ status: 'refunded', refunded: 100n }, {}), ['refund_differs'])
  assert.deepEqual(kinds({ refunded: 1n }, { captured: BRL('99') }), ['amount_differs', 'refund_differs'])
})
