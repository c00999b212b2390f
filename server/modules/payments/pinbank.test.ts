import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { sql } from 'kysely'
import { floorId, fromWire, toWire } from '../../platform/ids.ts'
import { type Front, openFront } from '../../test/faulty_front.ts'
import { apiOf, eventually, type Json, type Product, startProduct } from '../../test/product.ts'

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

/** As if it had been sent so long ago that the statement had time to list it. */
const sentBefore = (id: string, minutes = 3) =>
  sql`update payment set sent_at = now() - ${minutes} * interval '1 minute' where id = ${fromWire('payment', id)}`.execute(
    product.app.db.owner,
  )

/** As if a refund had been asked for ten minutes ago, which its id says. */
async function longAgo(wire_id: unknown, minutes = 10): Promise<string> {
  const id = fromWire('refund', String(wire_id))
  const before = floorId(new Date(Date.now() - minutes * 60_000)).slice(0, 13) + id.slice(13)
  await sql`update refund set id = ${before} where id = ${id}`.execute(product.app.db.owner)
  return toWire('refund', before)
}

/** As if the time to ask the vendor had come. */
async function askNow(id: string): Promise<void> {
  await sql`update job set due = now() where payload ->> 'payment_id' = ${fromWire('payment', id)}`.execute(
    product.app.db.owner,
  )
  product.app.db.notify('trilho_job', 'new')
}

/** One turn of its chain is over when another job asks next. */
async function turned(id: string): Promise<void> {
  const jobOf = async () => {
    const { rows } = await sql<{ job_id: string }>`
      select job_id from payment where id = ${fromWire('payment', id)}`.execute(product.app.db.owner)
    return rows[0]?.job_id
  }
  const was = await jobOf()
  await askNow(id)
  await eventually(async () => (await jobOf()) !== was)
}

/** Each is looked for in a statement that had the time to list it. */
async function lookedFor(...ids: string[]): Promise<void> {
  const asked = () => front.seen.filter((what) => what.includes('ExtratoPos')).length
  const before = asked()
  for (const id of ids) await sentBefore(id)
  // One that was under way already asked too early; others that are unknown are asked for meanwhile.
  await eventually(async () => {
    for (const id of ids) await turned(id)
    return asked() >= before + ids.length
  })
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
    const by_id = await call(dialect, 'charge_card_id', {
      money: { amount: '701', currency: 'BRL' },
      source: await tokenize(dialect),
      security_code: '986',
    })
    assert.equal(by_id.body['state'], 'succeeded', JSON.stringify(by_id.body))
    const told = await product.api.ok('GET', `/v1/calls/${by_id.body['id']}`)
    assert.ok(!/["\\]986["\\]/.test(JSON.stringify(told)))
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
  await sentBefore(paid.id)
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
  const early = await post(one.id, 'resolve', { outcome: 'failed', note: 'not in the papers of the day' })
  assert.equal(early.status, 409)
  await lookedFor(one.id, other.id)
  assert.deepEqual([(await read(one.id)).status, (await read(other.id)).status], ['processing', 'processing'])
  const [found] = (await statement()).filter(({ money }) => money.amount === '54320')
  assert.ok(found)
  const bare = await post(one.id, 'resolve', { outcome: 'completed', note: 'NSU on paper' })
  assert.deepEqual([bare.status, bare.body['field']], [400, 'vendor_id'])
  const others = (await statement()).find(({ money }) => money.amount === '43210')?.vendor_id
  const claimed = await post(one.id, 'resolve', {
    outcome: 'completed',
    vendor_id: others,
    note: 'NSU on paper',
  })
  assert.deepEqual([claimed.status, claimed.body['field']], [409, 'vendor_id'])
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

test('a refund whose answer was lost stays reserved until somebody says what became of it', async () => {
  const paid = await pay('9900')
  front.fault(/CancelarTransacao/, 'cut')
  const [done, undone] = [
    await post(paid.id, 'refunds', { amount: '100' }),
    await post(paid.id, 'refunds', { amount: '9800' }),
  ]
  front.calm()
  assert.deepEqual([done.body['status'], undone.body['status']], ['processing', 'processing'])
  const say = (id: unknown, body: Json) => product.api.send('POST', `/v1/refunds/${id}/resolve`, body)
  const note = 'told by phone'
  assert.equal((await say(done.body['id'], { outcome: 'completed', note })).status, 409)
  const [one, other] = [await longAgo(done.body['id']), await longAgo(undone.body['id'])]
  assert.equal((await post(paid.id, 'refunds', { amount: '9800' })).status, 409)
  const said = await say(one, { outcome: 'completed', vendor_id: '778899', note })
  assert.deepEqual([said.body['status'], said.body['vendor_id']], ['completed', '778899'])
  assert.equal((await read(paid.id)).refunded.amount, '100')
  const twin = await say(other, { outcome: 'completed', vendor_id: '778899', note })
  assert.deepEqual([twin.status, twin.body['field']], [409, 'vendor_id'])
  const failed = await say(other, { outcome: 'failed', note })
  assert.deepEqual([failed.status, (failed.body['failure'] as Json)['code']], [200, 'resolved_by_hand'])
  assert.equal((await say(other, { outcome: 'failed', note })).status, 409)
  const { rows } = await sql`select from audit where action = 'refund.resolve'`.execute(product.app.db.owner)
  assert.equal(rows.length, 2)
})

test('a refund that its vendor has at work for more than a day can be ended by hand, and no sooner', async () => {
  const paid = await pay('9911')
  front.fault(/CancelarTransacao/, 'cut')
  const { body } = await post(paid.id, 'refunds', {})
  front.calm()
  const young = await longAgo(body['id'], 23 * 60)
  // As it stands where the vendor said that it is at it: this one tells at once.
  await sql`update refund set status = 'pending' where id = ${fromWire('refund', young)}`.execute(
    product.app.db.owner,
  )
  const say = (id: string) =>
    product.api.send('POST', `/v1/refunds/${id}/resolve`, { outcome: 'failed', note: 'told by phone' })
  assert.match(String((await say(young)).body['detail']), /is under way; it can be resolved 86400 seconds/)
  const old = await longAgo(young, 25 * 60)
  assert.deepEqual([(await say(old)).body['status'], (await say(old)).status], ['failed', 409])
})

test('an NSU that another payment has says nothing of this one: it stays open, and says why', async () => {
  const first = await pay('20471', {}, 'basic')
  let is_doubled = true
  const body = { Status: true, NSU: first.vendor_id, CodigoAutorizacao: '1', Mensagem: '' }
  front.say(/EfetuarTransacaoCartaoId/, () => (is_doubled ? { status: 200, body } : null))
  const second = await pay('20472', {}, 'basic')
  is_doubled = false
  const failure = second['failure'] as Json
  assert.deepEqual(
    [second.status, second.vendor_id, failure['code']],
    ['processing', null, 'vendor_id_taken'],
  )
  await lookedFor(second.id)
  const still = await read(second.id)
  assert.deepEqual([still.status, (still['failure'] as Json)['code']], ['processing', 'vendor_id_taken'])
  const said = await post(second.id, 'resolve', { outcome: 'failed', note: 'not on the papers of Pinbank' })
  assert.deepEqual([said.status, said.body['status']], [200, 'failed'])
  assert.equal((await read(first.id)).status, 'completed')
})

test('refunds of one payment that bear no code are told apart, and a code that another one has says nothing of this one', async () => {
  const paid = await pay('30471', {}, 'basic')
  const codes = ['', '', '661', '661']
  front.say(/CancelarTransacao/, () => {
    const code = codes.shift()
    const body = { Status: true, ResultCode: 0, Data: { CodigoAutorizacaoCancelamento: code } }
    return code === undefined ? null : { status: 200, body }
  })
  const made = []
  for (const amount of ['1', '2', '3', '4']) made.push(await post(paid.id, 'refunds', { amount }))
  assert.deepEqual(
    made.map(({ status, body }) => [status, body['status'], (body['failure'] as Json | null)?.['code']]),
    [...[1, 2, 3].map(() => [201, 'completed', undefined]), [201, 'processing', 'vendor_id_taken']],
  )
  assert.equal((await read(paid.id)).refunded.amount, '6')
  await turned(paid.id)
  const { data } = await product.api.ok('GET', `/v1/payments/${paid.id}/refunds`)
  const [still] = data as { failure: Json }[]
  assert.equal(still?.failure['code'], 'vendor_id_taken')
})

test('what never reached the vendor stays unknown: an empty statement proves nothing', async () => {
  front.fault(/CartaoId/, 'drop')
  const paid = await pay('65430')
  front.calm()
  await lookedFor(paid.id)
  assert.equal((await read(paid.id)).status, 'processing')
})

test('a declined operation is never the answer: it may be the try before, and ours not listed yet', async () => {
  front.fault(/CartaoId/, 'cut')
  const paid = await pay('22251') // the vendor declines it, which nobody hears
  front.calm()
  await lookedFor(paid.id)
  assert.equal((await read(paid.id)).status, 'processing')
})

test('an operation that a declined payment of the same amount may be is not credited to another', async () => {
  const declined = await pay('33351')
  assert.deepEqual([declined.status, declined.vendor_id], ['failed', null])
  front.fault(/CartaoId/, 'cut')
  const paid = await pay('33300')
  front.calm()
  await sql`update payment set amount = 33300 where id = ${fromWire('payment', declined.id)}`.execute(
    product.app.db.owner,
  )
  await lookedFor(paid.id)
  assert.equal((await read(paid.id)).status, 'processing')
})

test('a statement that had no time to list the charge is not believed', async () => {
  front.fault(/CartaoId/, 'cut')
  const paid = await pay('44400')
  front.calm()
  await turned(paid.id)
  assert.equal((await read(paid.id)).status, 'processing')
})

test('a charge is not looked for in the statement of another account, to which its connection may lead by now', async () => {
  front.fault(/CartaoId/, 'cut')
  const paid = await pay('54300')
  front.calm()
  const path = `/v1/connections/${connections['encrypted']}`
  const settings = { ...SETTINGS, dialect: 'encrypted', base_url: `${front.url}/pinbank` }
  await product.api.ok('PATCH', path, { settings: { ...settings, channel_code: 48 } })
  await sentBefore(paid.id)
  await turned(paid.id)
  await eventually(async () => (await read(paid.id))['failure'] !== null)
  const waiting = await read(paid.id)
  assert.deepEqual(
    [waiting.status, (waiting['failure'] as Json)['code']],
    ['processing', 'connection_changed'],
  )
  await product.api.ok('PATCH', path, { settings })
  await lookedFor(paid.id)
  assert.equal(
    (
      await eventually(async () => {
        const now = await read(paid.id)
        return now.status !== 'processing' && now
      })
    ).status,
    'completed',
  )
})

test('an operation of another connection of the same account is not credited to this one', async () => {
  const theirs = await pay('66600', {}, 'basic')
  assert.equal(theirs.status, 'completed')
  front.fault(/CartaoId/, 'drop')
  const paid = await pay('66600')
  front.calm()
  await lookedFor(paid.id)
  assert.deepEqual([(await read(paid.id)).status, (await read(paid.id)).vendor_id], ['processing', null])
})

test('of two alike at two connections of one account nobody can say which is which', async () => {
  front.fault(/CartaoId/, 'cut')
  const one = await pay('77700')
  front.calm()
  front.fault(/PinPagSeguroController\/EfetuarTransacaoCartaoId/, 'drop')
  const other = await pay('77700', {}, 'basic')
  front.calm()
  assert.deepEqual([one.status, other.status], ['processing', 'processing'])
  await lookedFor(one.id, other.id)
  assert.deepEqual([(await read(one.id)).status, (await read(other.id)).status], ['processing', 'processing'])
})

test('an outcome in the live world is not said by a test key', async () => {
  front.fault(/CartaoId/, 'drop')
  const paid = await pay('88800', {}, 'basic')
  front.calm()
  await sentBefore(paid.id)
  const headers = { authorization: `Bearer ${product.admin_key}`, 'trilho-tenant': product.api.tenant_id }
  const admin = apiOf(product.url, headers, '', '')
  const path = `/v1/connections/${connections['basic']}`
  await admin.ok('PATCH', path, { environment: 'production' })
  const said = await post(paid.id, 'resolve', { outcome: 'failed', note: 'not on paper' })
  assert.deepEqual([said.status, (await read(paid.id)).status], [403, 'processing'])
  await admin.ok('PATCH', path, { environment: 'development' })
  assert.equal((await post(paid.id, 'resolve', { outcome: 'failed', note: 'not on paper' })).status, 200)
})

test('a payment of another connection of the account is not missing here, and what the account has not is missing there', async () => {
  const [mine, theirs] = [await pay('12300'), await pay('12400', {}, 'basic')]
  const lost = await pay('12500')
  await sql`update payment set vendor_id = '1' where id = ${fromWire('payment', lost.id)}`.execute(
    product.app.db.owner,
  )
  const date = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Sao_Paulo' })
  const day = date.format(new Date(String(lost['created_at'])))
  const { id } = await product.api.ok('POST', '/v1/reconciliations', {
    connection_id: connections['encrypted'],
    day,
  })
  const done = await eventually(async () => {
    const now = await product.api.ok('GET', `/v1/reconciliations/${id}`)
    return now['state'] !== 'running' && now
  })
  assert.equal(done['state'], 'completed', String(done['error']))
  const found = await product.api.list(`/v1/differences?limit=200&reconciliation_id=${id}`)
  assert.equal(found.find(({ payment_id }) => payment_id === lost.id)?.['kind'], 'missing_there')
  const about = found.map(({ vendor_id }) => vendor_id)
  assert.ok(!about.includes(mine.vendor_id) && !about.includes(theirs.vendor_id), JSON.stringify(found))
})

test('an operation that was imported is read at its vendor by the day it was made, not by that of the import', async () => {
  const money = { amount: '13100', currency: 'BRL' }
  const charged = await call('basic', 'charge_card', { money, card: CARD })
  const { vendor_id } = charged.body['result'] as { vendor_id: string }
  const made = (await statement('basic')).find((one) => one.vendor_id === vendor_id)
  const { created_at } = made as unknown as { created_at: string }
  const date = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Sao_Paulo' })
  const connection_id = String(connections['basic'])
  const day = date.format(new Date(created_at))
  await product.api.ok('POST', '/v1/reconciliations', { connection_id, day })
  const found = await eventually(async () => {
    const list = await product.api.list(`/v1/differences?state=open&limit=200&connection_id=${connection_id}`)
    return list.find((one) => one['vendor_id'] === vendor_id)
  })
  await product.api.ok('POST', `/v1/differences/${found['id']}/resolve`, { action: 'import' })
  const { rows } = await sql<{ sent_at: Date | null }>`
    select sent_at from payment where vendor_id = ${vendor_id}`.execute(product.app.db.owner)
  assert.deepEqual(rows, [{ sent_at: new Date(created_at) }])
})

test('what was taken and is called canceled there was given back; what was only held was not', async () => {
  const [ours, desk] = [await pay('14100'), await pay('14200')]
  const held = await pay('14300', { capture: 'manual' })
  assert.equal((await post(ours.id, 'refunds', {})).body['status'], 'completed')
  for (const { vendor_id, amount } of [
    { ...desk, amount: '14200' },
    { ...held, amount: '14300' },
  ])
    await call('encrypted', 'payments.refund', { vendor_id, money: { amount, currency: 'BRL' } })
  const at_desk = (await post(desk.id, 'refresh')).body
  assert.deepEqual(
    [at_desk['status'], at_desk['refunded']],
    ['refunded', { amount: '14200', currency: 'BRL' }],
  )
  const let_go = (await post(held.id, 'refresh')).body
  assert.deepEqual([let_go['status'], (let_go['refunded'] as Json)['amount']], ['canceled', '0'])
  const date = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Sao_Paulo' })
  const { id } = await product.api.ok('POST', '/v1/reconciliations', {
    connection_id: connections['encrypted'],
    day: date.format(new Date(String(ours['created_at']))),
  })
  await eventually(
    async () => (await product.api.ok('GET', `/v1/reconciliations/${id}`))['state'] === 'completed',
  )
  const found = await product.api.list(`/v1/differences?limit=200&reconciliation_id=${id}`)
  const mine = new Set([ours, desk, held].map((one) => one.id))
  assert.deepEqual(
    found.filter(({ payment_id }) => mine.has(String(payment_id))),
    [],
  )
})
