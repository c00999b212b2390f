import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import { readBrCode } from '../../kit/brazil/brcode.ts'
import { fromWire } from '../../platform/ids.ts'
import { type Front, openFront } from '../../test/faulty_front.ts'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'

/** Pix from the first request to the last refund, at a simulated PSP on real sockets. */

let product: Product
let front: Front
let connection: string
let source_url: string
const KEY = '7d9f0335-8dcc-4054-9bf9-0dbd61d36906'
const SECRET = 'a-secret-in-the-path'

before(async () => {
  product = await startProduct()
  const { api, sandbox } = product
  front = await openFront(sandbox.url)
  const made = await api.ok('POST', '/v1/connections', {
    provider: 'pix',
    name: 'Our bank',
    environment: 'development',
    settings: {
      base_url: `${front.url}/pix/v2`,
      token_url: `${front.url}/pix/oauth/token`,
      pix_key: KEY,
      mtls: false,
    },
    credentials: { client_id: 'shop', client_secret: 'sandbox-secret' },
    limits: { breaker: false, retry_budget: false },
  })
  connection = String(made['id'])
  const source = await api.ok('POST', '/v1/sources', {
    provider: 'pix',
    name: 'Our bank',
    settings: { verified_by: 'path_token' },
    secrets: [SECRET],
  })
  source_url = `${source['url']}/${SECRET}`
  const input = { url: source_url }
  await api.ok('POST', `/v1/connections/${connection}/calls`, { operation: 'webhooks.set', input })
})
beforeEach(async () => {
  front.calm()
  await control('manner', { known_txid: 'revise', refunds: 'DEVOLVIDO', refund_delay_ms: 20 })
})

/** What the PSP is told, and what it says itself, past all of ours. */
async function control(what: string, order: Json): Promise<Json> {
  const url = `${product.sandbox.url}/pix/_control/${what}`
  const reply = await fetch(url, { method: 'POST', body: JSON.stringify(order) })
  return (await reply.json()) as Json
}

type Money = { amount: string }
type Paid = Json & {
  id: string
  status: string
  vendor_id: string
  settlement_id: string
  pix_code: string
  refunded: Money
  captured: Money
}

const charge = (more: Json = {}) =>
  product.api.ok('POST', '/v1/payments', {
    connection_id: connection,
    money: { amount: '10000', currency: 'BRL' },
    ...more,
  }) as Promise<Paid & { action: { pix_code: string; expires_at: string } }>
const read = (id: string) => product.api.ok('GET', `/v1/payments/${id}`) as Promise<Paid>
const post = (id: string, verb: string, body?: Json) =>
  product.api.send('POST', `/v1/payments/${id}/${verb}`, body)
const refundsOf = (id: string) => product.api.list(`/v1/payments/${id}/refunds`)

const becomes = (id: string, ...statuses: string[]) =>
  eventually(async () => {
    const payment = await read(id)
    return statuses.includes(payment.status) && payment
  })

const pay = ({ vendor_id }: Paid, more: Json = {}) => control('pay', { txid: vendor_id, ...more })

async function paid(more: Json = {}): Promise<Paid> {
  const made = await charge(more)
  await pay(made)
  return becomes(made.id, 'completed')
}

async function toldOf(id: string): Promise<string[]> {
  const { rows } = await sql<{ type: string }>`
    select type from event where tenant_id = ${fromWire('tenant', product.api.tenant_id)} and entity_id = ${id}
     order by id`.execute(product.app.db.owner)
  return rows.map(({ type }) => type)
}

/** As if the time to ask the PSP had come. */
async function askNow(id: string): Promise<void> {
  front.calm()
  await sql`update job set due = now() where payload ->> 'payment_id' = ${fromWire('payment', id)}`.execute(
    product.app.db.owner,
  )
  product.app.db.notify('trilho_job', 'new')
}

async function jobsOf(id: string): Promise<{ looks: string }[]> {
  const { rows } = await sql<{ looks: string }>`
    select payload ->> 'looks' as looks from job
     where payload ->> 'payment_id' = ${fromWire('payment', id)}`.execute(product.app.db.owner)
  return rows
}

const heard = () =>
  eventually(async () => {
    const { rows } = await sql`select from inbox_queue`.execute(product.app.db.owner)
    return rows.length === 0
  })

test('a charge is made with a code that anybody can pay by, and is paid once its webhook comes', async () => {
  const made = await charge({ description: 'Order 1042', expires_in_s: 3600 })
  assert.deepEqual([made.status, made['method']], ['pending', 'pix'])
  assert.equal(made.vendor_id, made.id.replace('_', ''))
  const code = readBrCode(made.action.pix_code)
  assert.ok(code.valid && code.type === 'dynamic', made.action.pix_code)
  assert.equal(made.pix_code, made.action.pix_code)
  assert.ok(Date.parse(made.action.expires_at) > Date.now() + 3_500_000)
  const { endToEndId } = await pay(made)
  const done = await becomes(made.id, 'completed')
  assert.equal(done.settlement_id, endToEndId)
  assert.deepEqual([done.captured.amount, done.pix_code], ['10000', null])
  await heard()
  assert.deepEqual(await toldOf(made.id), ['payment.pending', 'payment.completed'])
  const [found] = await product.api.list(`/v1/payments?settlement_id=${endToEndId}`)
  assert.equal(found?.['id'], made.id)
  const search = await product.api.list(`/v1/search?q=${endToEndId}`)
  assert.ok(search.some(({ kind }) => kind === 'event'))
})

test('what the payer pays by is drawn while it may be paid, and no longer', async () => {
  const made = await charge()
  const picture = (format: string) =>
    fetch(`${product.url}/v1/payments/${made.id}/qr${format}`, {
      headers: { authorization: `Bearer ${product.api.key}` },
    })
  const svg = await picture('')
  assert.equal(svg.headers.get('content-type'), 'image/svg+xml')
  assert.match(await svg.text(), /^<svg /)
  const png = await picture('?format=png')
  assert.equal(png.headers.get('content-type'), 'image/png')
  assert.equal(Buffer.from(await png.arrayBuffer()).toString('latin1', 1, 4), 'PNG')
  await pay(made)
  await becomes(made.id, 'completed')
  assert.equal((await picture('')).status, 409)
})

test('a charge with a due date needs its payer, and is found and given up where such charges stand', async () => {
  const due = { due_date: '2099-12-30', expires_in_s: 259_200 }
  const without = await product.api.send('POST', '/v1/payments', {
    connection_id: connection,
    money: { amount: '100', currency: 'BRL' },
    ...due,
  })
  assert.deepEqual([without.status, without.body['field']], [400, 'payer'])
  const payer = { name: 'Fulano de Tal', document: '12345678909' }
  front.fault(/PUT .*cobv/, 'cut')
  const instructions = ['Não aceitar depois do vencimento']
  const lost = await charge({ ...due, payer, instructions })
  assert.equal(lost.status, 'processing')
  await askNow(lost.id)
  const open = await becomes(lost.id, 'pending')
  assert.equal(open.vendor_id, `${lost.id.replace('_', '')}v`)
  assert.deepEqual([open['due_date'], open['expires_at']], ['2099-12-30', '2100-01-05T03:00:00.000Z'])
  assert.ok(readBrCode(open.pix_code).valid)
  assert.equal((await post(open.id, 'cancel', {})).body['status'], 'canceled')
  assert.deepEqual(await toldOf(open.id), ['payment.pending', 'payment.canceled'])
})

test('a charge that was paid cannot be given up', async () => {
  const made = await charge()
  await pay(made, { silent: true })
  assert.equal((await post(made.id, 'cancel', {})).status, 409)
  await askNow(made.id)
  await becomes(made.id, 'completed')
})

test('a charge that never reached the PSP is made by asking again, once, at PSPs of either manner', async () => {
  for (const known_txid of ['revise', 'refuse']) {
    await control('manner', { known_txid })
    front.fault(/PUT .*cob/, 'drop')
    const lost = await charge()
    assert.equal(lost.status, 'processing')
    await askNow(lost.id)
    const open = await becomes(lost.id, 'pending')
    assert.ok(readBrCode(open.pix_code).valid)
  }
})

test('a charge whose answer was lost, at a PSP that refuses the same txid twice, is found', async () => {
  await control('manner', { known_txid: 'refuse' })
  front.fault(/PUT .*cob/, 'cut')
  const lost = await charge()
  await askNow(lost.id)
  await becomes(lost.id, 'pending')
})

test('refunds in part are given back once each, told once each, and end refunded', async () => {
  const made = await paid()
  for (const amount of ['3000', '2500']) {
    const refund = await post(made.id, 'refunds', { amount, reason: 'Item faltou' })
    assert.equal(refund.status, 201, JSON.stringify(refund.body))
    assert.match(String(refund.body['vendor_id']), /^D/)
  }
  assert.equal((await post(made.id, 'refunds', { amount: '4501' })).status, 409)
  await eventually(async () => (await read(made.id)).refunded.amount === '5500')
  await post(made.id, 'refunds', {})
  assert.equal((await becomes(made.id, 'refunded')).refunded.amount, '10000')
  await eventually(async () => (await refundsOf(made.id)).every(({ status }) => status === 'completed'))
  await heard()
  const told = await toldOf(made.id)
  assert.equal(told.filter((type) => type === 'refund.completed').length, 3)
  assert.equal(told.filter((type) => type === 'payment.refunded').length, 1)
})

test('a refund whose answer was lost is given back once, whether the PSP had it or not', async () => {
  for (const fault of ['cut', 'drop', 'status=500']) {
    const made = await paid()
    front.fault(/PUT .*devolucao/, fault)
    const lost = await post(made.id, 'refunds', { amount: '4000' })
    // Of one that it had, the webhook may come while it is asked again.
    const known = fault === 'cut' ? ['processing', 'completed'] : ['processing']
    assert.ok(known.includes(String(lost.body['status'])), `${fault}: ${lost.body['status']}`)
    assert.equal((await post(made.id, 'refunds', { amount: '6001' })).status, 409)
    await eventually(async () => {
      await askNow(made.id)
      const [refund] = await refundsOf(made.id)
      return refund?.['status'] === 'completed'
    })
    assert.equal((await becomes(made.id, 'partially_refunded')).refunded.amount, '4000')
  }
})

test('a refund that the PSP could not make failed, and its money may be asked back again', async () => {
  await control('manner', { refunds: 'NAO_REALIZADO' })
  const made = await paid()
  await post(made.id, 'refunds', { amount: '4000' })
  await eventually(async () => (await refundsOf(made.id))[0]?.['status'] === 'failed')
  await control('manner', { refunds: 'DEVOLVIDO' })
  assert.equal((await post(made.id, 'refunds', {})).status, 201)
  assert.equal((await becomes(made.id, 'refunded')).refunded.amount, '10000')
})

test('what the PSP gives back by itself, for fraud, counts and is told', async () => {
  const made = await paid()
  await control('med', { end_to_end_id: made.settlement_id, valor: '60.00', natureza: 'MED_FRAUDE' })
  assert.equal((await becomes(made.id, 'partially_refunded')).refunded.amount, '6000')
  assert.equal((await post(made.id, 'refunds', { amount: '4001' })).status, 409)
})

test('a webhook with several Pix tells of each, and one that comes again tells nothing twice', async () => {
  const several = await Promise.all([charge(), charge(), charge()])
  const ids: unknown[] = []
  for (const one of several) ids.push((await pay(one, { silent: true }))['endToEndId'])
  assert.deepEqual(await control('tell', { end_to_end_ids: ids }), { accepted: 3 })
  for (const { id } of several) await becomes(id, 'completed')
  for (const id of ids) await control('tell', { end_to_end_ids: [id] })
  await control('tell', { end_to_end_ids: ids })
  await heard()
  for (const { id } of several) assert.deepEqual(await toldOf(id), ['payment.pending', 'payment.completed'])
})

test('a charge that is paid a second time is told of as a stranger is, and shows where the days are compared', async () => {
  const made = await paid()
  const again = { ...pixOf(made), endToEndId: `E00000000${'2'.repeat(23)}` }
  await fetch(source_url, { method: 'POST', body: JSON.stringify({ pix: [again] }) })
  const event = await eventually(async () =>
    (await product.api.list('/v1/events?type=payment.completed')).find((one) =>
      JSON.stringify(one).includes(again.endToEndId),
    ),
  )
  const { payment } = event['data'] as { payment: Json }
  assert.deepEqual([payment['vendor_id'], payment['settlement_id']], [made.vendor_id, again.endToEndId])
  assert.equal((await read(made.id)).settlement_id, made.settlement_id)
  const paginacao = { paginaAtual: 0, itensPorPagina: 100, quantidadeDePaginas: 1, quantidadeTotalDeItens: 2 }
  const parametros = { inicio: again.horario, fim: again.horario, paginacao }
  const body = { parametros, pix: [pixOf(made), again] }
  front.say(/GET .*\/v2\/pix\?/, () => ({ status: 200, body }))
  const day = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Sao_Paulo' }).format(new Date())
  await product.api.ok('POST', '/v1/reconciliations', { connection_id: connection, day })
  const found = await eventually(async () => {
    const open = await product.api.list(`/v1/differences?connection_id=${connection}&state=open`)
    const ours = open.filter(({ vendor_id }) => vendor_id === made.vendor_id)
    return ours.length > 0 && ours
  })
  assert.deepEqual(
    found.map(({ kind, payment_id }) => [kind, payment_id]),
    [['amount_differs', made.id]],
  )
})

test('of two Pix of one charge that are told at once one pays it, and the other is told of as a stranger', async () => {
  const made = await charge()
  const pix = ['3', '4'].map((digit) => ({
    ...pixOf({ ...made, settlement_id: `E00000000${digit.repeat(23)}` }),
  }))
  await fetch(source_url, { method: 'POST', body: JSON.stringify({ pix }) })
  const { settlement_id } = await becomes(made.id, 'completed')
  await heard()
  const told = JSON.stringify(await product.api.list('/v1/events?type=payment.completed&limit=200'))
  for (const { endToEndId } of pix) assert.ok(told.includes(endToEndId), `${endToEndId} of ${settlement_id}`)
})

/** As the PSP lists and tells it. */
const pixOf = ({ vendor_id: txid, settlement_id: endToEndId }: Paid) => ({
  ...{ endToEndId, txid, valor: '100.00', chave: KEY, horario: new Date().toISOString() },
})

test('a payment whose webhook never came is looked at and completed', async () => {
  const made = await charge()
  await pay(made, { silent: true })
  assert.equal((await read(made.id)).status, 'pending')
  await askNow(made.id)
  await becomes(made.id, 'completed')
  await eventually(async () => (await jobsOf(made.id)).length === 0)
})

test('a charge that was not paid in time ends expired, and a Pix that comes after all is believed', async () => {
  const made = await charge({ expires_in_s: 3600 })
  await askNow(made.id)
  await eventually(async () => (await jobsOf(made.id))[0]?.looks === '1')
  assert.equal((await read(made.id)).status, 'pending')
  await control('age', { txid: made.vendor_id, seconds: 4000 })
  await askNow(made.id)
  assert.equal((await becomes(made.id, 'expired')).pix_code, null)
  await pay(made, { late: true })
  await becomes(made.id, 'completed')
  assert.deepEqual(await toldOf(made.id), ['payment.pending', 'payment.expired', 'payment.completed'])
})

type Devolucao = { id: string; valor: string; status: string }
type Truth = { devolucoes?: Devolucao[]; valor: string }

/** The Pix as the PSP has it, by way of the connection. */
async function truthOf({ settlement_id }: Paid): Promise<Truth> {
  const list = (await product.api.ok('POST', `/v1/connections/${connection}/calls`, {
    operation: 'pix.read',
    input: { end_to_end_id: settlement_id },
  })) as { result: { refunds: { vendor_id: string; status: string; money: Money }[]; money: Money } }
  const devolucoes = list.result.refunds.map(({ vendor_id, status, money }) => ({
    id: vendor_id,
    status,
    valor: money.amount,
  }))
  return { devolucoes, valor: list.result.money.amount }
}

const FAULTS = ['none', 'cut', 'drop', 'status=500', 'none']
const STEPS: Record<string, (payment: Paid, n: number) => Promise<unknown>> = {
  pay: (payment, n) => pay(payment, { silent: n % 2 === 0 }),
  refund: async ({ id }, n) => {
    const fault = FAULTS[n % FAULTS.length] ?? 'none'
    if (fault !== 'none') front.fault(/PUT .*devolucao/, fault)
    await post(id, 'refunds', { amount: String((n % 6000) + 1) })
    front.calm()
  },
  race: ({ id }, n) =>
    Promise.all([1, 2, 3].map((at) => post(id, 'refunds', { amount: String((n % 3000) + 1000 * at) }))),
  med: async ({ id }, n) => {
    const { settlement_id, refunded } = await read(id)
    const left = 10_000 - Number(refunded.amount)
    const amount = Math.min(left, n % 500)
    const open = (await refundsOf(id)).some(({ status }) => status !== 'completed' && status !== 'failed')
    if (!settlement_id || amount === 0 || open) return
    await control('med', { end_to_end_id: settlement_id, valor: (amount / 100).toFixed(2) })
  },
  hear_again: async ({ id }) => {
    const { settlement_id } = await read(id)
    if (settlement_id) await control('tell', { end_to_end_ids: [settlement_id] })
  },
  cancel: ({ id }) => post(id, 'cancel', {}),
  ask: ({ id }) => askNow(id),
  refresh: ({ id }) => post(id, 'refresh'),
  bounce: (_payment, n) => control('manner', { refunds: n % 2 ? 'NAO_REALIZADO' : 'DEVOLVIDO' }),
}

test('no order of Pix, refunds, lost answers, copies and races gives back twice or ends otherwise than the PSP', async () => {
  const step = fc.tuple(fc.constantFrom('refund', 'refund', ...Object.keys(STEPS)), fc.nat(10_000))
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('none', 'cut', 'drop'),
      fc.array(step, { minLength: 3, maxLength: 9 }),
      async (fault, steps) => {
        if (fault !== 'none') front.fault(/PUT .*cob/, fault)
        const made = await charge()
        front.calm()
        const txid = made.id.replace('_', '')
        const open = { ...made, vendor_id: txid }
        for (const [name, n] of steps) await STEPS[name]?.(open, n)
        await settled(open)
      },
    ),
    { numRuns: 12, seed: 2_026 },
  )
})

/** Whatever was late or lost is asked for in the end, and then both sides say the same. */
async function settled(payment: Paid): Promise<void> {
  const { id } = payment
  await heard()
  const ours = await eventually(async () => {
    await askNow(id)
    const refunds = await refundsOf(id)
    const { status } = await read(id)
    const is_open = refunds.some((one) => ['processing', 'pending'].includes(String(one['status'])))
    return status !== 'processing' && !is_open && refunds
  })
  await post(id, 'refresh')
  const now = await read(id)
  if (now.settlement_id === null) {
    assert.ok(['pending', 'canceled'].includes(now.status), now.status)
    assert.equal(ours.length, 0)
    return
  }
  const { devolucoes = [], valor } = await truthOf(now)
  const done = devolucoes.filter(({ status }) => status === 'completed')
  const given = done.reduce((sum, one) => sum + Number(one.valor), 0)
  assert.equal(now.captured.amount, valor)
  assert.equal(now.refunded.amount, String(given))
  assert.ok(given <= Number(valor))
  const wanted = given === 0 ? 'completed' : given === Number(valor) ? 'refunded' : 'partially_refunded'
  assert.equal(now.status, wanted)
  for (const one of ours) {
    const theirs = devolucoes.filter(({ id: rtr }) => rtr === one['vendor_id'])
    assert.equal(theirs.length, one['vendor_id'] === null ? 0 : 1)
    assert.equal(one['status'] === 'completed', theirs[0]?.status === 'completed')
  }
  const told = await toldOf(id)
  const count = (wanted: string) => told.filter((type) => type === wanted).length
  assert.ok(count('payment.completed') <= 1, told.join())
  assert.equal(count('refund.completed'), ours.filter(({ status }) => status === 'completed').length)
}
