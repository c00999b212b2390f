import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { sql } from 'kysely'
import { fromWire } from '../../platform/ids.ts'
import { type Front, openFront } from '../../test/faulty_front.ts'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'

let product: Product
let front: Front
const connections: Record<string, string> = {}

const SETTINGS = { channel_code: 47, client_code: 3510, store_key: '11384322623341877660' }
const CARD = { number: '5111111111111118', holder: 'JOSE SILVA', expiry_month: '12', expiry_year: '2031' }

before(async () => {
  product = await startProduct()
  front = await openFront(product.sandbox.url)
  for (const dialect of ['encrypted', 'basic']) {
    const made = await product.api.ok('POST', '/v1/connections', {
      provider: 'pinbank',
      name: dialect,
      environment: 'development',
      settings: { ...SETTINGS, dialect, base_url: `${front.url}/pinbank` },
      credentials: { username: 'store', password: 'sandbox-secret16' },
      limits: { breaker: false, retry_budget: false },
    })
    connections[dialect] = String(made['id'])
  }
})
beforeEach(() => front.calm())

type Paid = Json & { id: string; status: string; vendor_id: string; refunded: { amount: string } }

const call = async (dialect: string, operation: string, input: Json) => {
  const path = `/v1/connections/${connections[dialect]}/calls`
  return product.api.send('POST', path, { operation, input })
}
const tokenize = async (dialect: string) => {
  const { body } = await call(dialect, 'tokenize_card', { ...CARD, document: '12345678909' })
  return String((body['result'] as Json)['source'])
}
const pay = async (amount: string, more: Json = {}, dialect = 'encrypted') =>
  product.api.ok('POST', '/v1/payments', {
    connection_id: connections[dialect],
    money: { amount, currency: 'BRL' },
    source: await tokenize(dialect),
    ...more,
  }) as Promise<Paid>
const read = (id: string) => product.api.ok('GET', `/v1/payments/${id}`) as Promise<Paid>
const post = (id: string, verb: string, body?: Json) =>
  product.api.send('POST', `/v1/payments/${id}/${verb}`, body)

/** What the vendor itself has on paper. */
async function statement(dialect = 'encrypted') {
  const [from, to] = [Date.now() - 600_000, Date.now() + 60_000].map((at) => new Date(at).toISOString())
  const { body } = await call(dialect, 'payments.statement', { from, to })
  return body['result'] as { vendor_id: string; status: string; money: { amount: string } }[]
}

/** As if the time to ask the vendor had come. */
async function askNow(id: string): Promise<void> {
  await sql`update job set due = now() where payload ->> 'payment_id' = ${fromWire('payment', id)}`.execute(
    product.app.db.owner,
  )
  product.app.db.notify('trilho_job', 'new')
}

for (const dialect of ['encrypted', 'basic']) {
  test(`a payment by card id is made, given back in parts, held, captured and let go: ${dialect}`, async () => {
    const paid = await pay('11050', {}, dialect)
    assert.equal(paid.status, 'completed')
    assert.match(paid.vendor_id, /^\d+$/)
    assert.equal((await post(paid.id, 'refunds', { amount: '50' })).status, 201)
    assert.equal((await read(paid.id)).status, 'partially_refunded')
    assert.equal((await post(paid.id, 'refunds', {})).status, 201)
    assert.equal((await read(paid.id)).refunded.amount, '11050')
    const [held, other] = [
      await pay('2000', { capture: 'manual' }, dialect),
      await pay('3000', { capture: 'manual' }, dialect),
    ]
    assert.deepEqual([held.status, other.status], ['authorized', 'authorized'])
    assert.equal((await post(held.id, 'capture', { amount: '1500' })).body['status'], 'completed')
    assert.equal((await post(other.id, 'cancel', {})).body['status'], 'canceled')
    const papers = new Map((await statement(dialect)).map((one) => [one.vendor_id, one]))
    assert.equal(papers.get(held.vendor_id)?.money.amount, '1500')
    assert.equal(papers.get(other.vendor_id)?.status, 'canceled')
  })

  test(`a refusal is told in the vendor's words: ${dialect}`, async () => {
    const refused = await pay('11051', {}, dialect)
    assert.equal(refused.status, 'failed')
    assert.match(String((refused['failure'] as Json)['message']), /não autorizada/)
  })

  test(`a card is on no record and is never kept for later: ${dialect}`, async () => {
    const charged = await call(dialect, 'charge_card', {
      money: { amount: '700', currency: 'BRL' },
      card: { ...CARD, security_code: '987' },
    })
    assert.equal(charged.body['state'], 'succeeded')
    const record = await product.api.ok('GET', `/v1/calls/${charged.body['id']}`)
    const { rows } = await sql<{ text: string }>`
      select a::text as text from call_attempt a where call_id = ${fromWire('call', String(charged.body['id']))}`.execute(
      product.app.db.owner,
    )
    const kept = JSON.stringify([record, rows])
    for (const secret of [CARD.number, '"987"', CARD.holder, '203112'])
      assert.ok(!kept.includes(secret), secret)
    assert.ok(kept.includes('EfetuarTransacaoEncrypted'))
    const later = await product.api.send('POST', `/v1/connections/${connections[dialect]}/calls`, {
      operation: 'charge_card',
      input: { money: { amount: '700', currency: 'BRL' }, card: CARD },
      mode: 'async',
    })
    assert.equal(later.status, 400)
    assert.match(String(later.body['detail']), /card, which is never stored/)
  })
}

test('a charge whose answer was lost is found in the statement, and not made twice', async () => {
  front.fault(/CartaoId/, 'cut')
  const paid = await pay('43210')
  assert.equal(paid.status, 'processing')
  front.calm()
  await askNow(paid.id)
  const settled = await eventually(async () => {
    const now = await read(paid.id)
    return now.status !== 'processing' && now
  })
  assert.equal(settled.status, 'completed')
  const made = (await statement()).filter(({ money }) => money.amount === '43210')
  assert.deepEqual(
    made.map(({ vendor_id }) => vendor_id),
    [settled.vendor_id],
  )
})

test('of two alike nobody can say which is which: they stay unknown until somebody says it', async () => {
  front.fault(/CartaoId/, 'cut')
  const [one, other] = [await pay('54320'), await pay('54320')]
  front.calm()
  const asked = () => front.seen.filter((what) => what.includes('ExtratoPos')).length
  const before = asked()
  await Promise.all([askNow(one.id), askNow(other.id)])
  await eventually(async () => asked() >= before + 2)
  assert.deepEqual([(await read(one.id)).status, (await read(other.id)).status], ['processing', 'processing'])
  const early = await post(one.id, 'resolve', { outcome: 'failed', note: 'not in the papers of the day' })
  assert.equal(early.status, 409)
  await sql`update payment set sent_at = now() - interval '10 minutes' where amount = 54320`.execute(
    product.app.db.owner,
  )
  const [found] = (await statement()).filter(({ money }) => money.amount === '54320')
  assert.ok(found)
  const bare = await post(one.id, 'resolve', { outcome: 'completed', note: 'NSU on paper' })
  assert.deepEqual([bare.status, bare.body['field']], [400, 'vendor_id'])
  const said = await post(one.id, 'resolve', {
    outcome: 'completed',
    vendor_id: found.vendor_id,
    note: 'NSU on paper',
  })
  assert.deepEqual([said.body['status'], said.body['vendor_id']], ['completed', found.vendor_id])
  const ended = await post(other.id, 'resolve', { outcome: 'failed', note: 'canceled by phone' })
  assert.deepEqual(
    [ended.body['status'], (ended.body['failure'] as Json)['code']],
    ['failed', 'resolved_by_hand'],
  )
  assert.equal((await post(other.id, 'resolve', { outcome: 'failed', note: 'again' })).status, 409)
})

test('what never reached the vendor stays unknown: an empty statement proves nothing', async () => {
  front.fault(/CartaoId/, 'drop')
  const paid = await pay('65430')
  front.calm()
  const before = front.seen.length
  await askNow(paid.id)
  await eventually(async () => front.seen.slice(before).some((what) => what.includes('ExtratoPos')))
  assert.equal((await read(paid.id)).status, 'processing')
})
