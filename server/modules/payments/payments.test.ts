import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { sql } from 'kysely'
import { inTenant } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { type Front, openFront } from '../../test/faulty_front.ts'
import { undoAfter } from '../../test/harness.ts'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { judgePaymentsBy, reactToRefund } from './payments.ts'
import { reserveRefund } from './refunds.ts'
import { asker } from './vendor.ts'

let product: Product
/** A vendor who tells of everything by webhooks, and one who tells of nothing. */
let loud: Vendor
let silent: Vendor

type Vendor = { url: string; front: Front; connection: string }

before(async () => {
  product = await startProduct()
  const { api } = product
  loud = await connect(product.sandbox.url)
  const other = await startSandbox({ port: 0 })
  undoAfter(() => other.stop())
  silent = await connect(other.url)
  const source = await api.ok('POST', '/v1/sources', {
    provider: 'stripe',
    name: 'Stripe',
    secrets: ['none yet'],
  })
  const url = String(source['url'])
  const body = `url=${encodeURIComponent(url)}&enabled_events[]=*`
  const endpoint = (await stripe('POST', '/v1/webhook_endpoints', body)) as { secret: string }
  await api.ok('PATCH', `/v1/sources/${source['id']}`, { secrets: [endpoint.secret] })
})
beforeEach(() => {
  judgePaymentsBy(product.app, async () => 'approve')
  for (const { front } of [loud, silent]) front.calm()
})

async function connect(sandbox_url: string): Promise<Vendor> {
  const front = await openFront(sandbox_url)
  const made = await product.api.ok('POST', '/v1/connections', {
    provider: 'stripe',
    name: 'Stripe',
    environment: 'development',
    settings: { base_url: `${front.url}/stripe` },
    credentials: { secret_key: 'sk_test_abcdef123456' },
    limits: { breaker: false, retry_budget: false },
  })
  return { url: `${sandbox_url}/stripe`, front, connection: String(made['id']) }
}

/** What the vendor itself says, past all of ours. */
async function stripe(method: string, path: string, body?: string, at = loud): Promise<unknown> {
  const headers = {
    authorization: 'Bearer sk_test_abcdef123456',
    'content-type': 'application/x-www-form-urlencoded',
  }
  const reply = await fetch(at.url + path, {
    method,
    headers,
    ...(body && { body }),
  })
  return reply.json()
}

type Charged = { id: string; status: string; amount_captured: number; amount_refunded: number }

async function chargesOf(payment_id: string, at = loud): Promise<Charged[]> {
  const query = encodeURIComponent(`metadata["reference"]:"${payment_id}"`)
  const path = `/v1/payment_intents/search?query=${query}&expand[]=data.latest_charge`
  const found = (await stripe('GET', path, undefined, at)) as {
    data: { id: string; latest_charge: Charged | null }[]
  }
  return found.data.flatMap(({ latest_charge }) => (latest_charge ? [latest_charge] : []))
}

type Paid = Json & { id: string; status: string; vendor_id: string; refunded: { amount: string } }

const PAY = {
  money: { amount: '15050', currency: 'BRL' },
  source: 'pm_card_visa',
  metadata: { order: '1042' },
}

const pay = (more: Json = {}, at = loud) =>
  product.api.ok('POST', '/v1/payments', { connection_id: at.connection, ...PAY, ...more }) as Promise<Paid>
const read = (id: string) => product.api.ok('GET', `/v1/payments/${id}`) as Promise<Paid & { moves: Json[] }>
const post = (id: string, verb: string, body?: Json) =>
  product.api.send('POST', `/v1/payments/${id}/${verb}`, body)

const becomes = (id: string, status: string) =>
  eventually(async () => {
    const payment = await read(id)
    return payment.status === status && payment
  })

/** The types of the events about a payment, in the order they were published. */
async function allToldOf(id: string): Promise<string[]> {
  const { rows } = await sql<{ type: string }>`
    select type from event where tenant_id = ${fromWire('tenant', product.api.tenant_id)} and entity_id = ${id}
     order by id`.execute(product.app.db.owner)
  return rows.map(({ type }) => type)
}

/** Without what the vendor may or may not say first: that it has the payment. */
const toldOf = async (id: string) => (await allToldOf(id)).filter((type) => type !== 'payment.pending')

/** The vendor is well again, and it is as if the time to ask it had come. */
async function askNow(id: string): Promise<void> {
  silent.front.calm()
  await sql`
    update job set due = now() where payload ->> 'payment_id' = ${fromWire('payment', id)}`.execute(
    product.app.db.owner,
  )
  product.app.db.notify('trilho_job', 'new')
}

/** All messages that the vendor sent so far are worked on. */
const heard = () =>
  eventually(async () => {
    const { rows } = await sql`select from inbox_queue`.execute(product.app.db.owner)
    return rows.length === 0
  })

test('a payment is made, told once, and found by any id', async () => {
  const paid = await pay()
  assert.equal(paid.status, 'completed')
  assert.match(paid.id, /^pay_/)
  assert.match(paid.vendor_id, /^pi_/)
  assert.deepEqual(paid['captured'], { amount: '15050', currency: 'BRL' })
  await heard()
  assert.deepEqual(await toldOf(paid.id), ['payment.completed'])
  const { moves } = await read(paid.id)
  assert.deepEqual([moves[0]?.['status'], moves.at(-1)?.['status']], ['processing', 'completed'])
  const [listed] = await product.api.list(`/v1/payments?vendor_id=${paid.vendor_id}`)
  assert.equal(listed?.['id'], paid.id)
  const found = await product.api.list(`/v1/search?q=${paid.vendor_id}`)
  assert.ok(found.some(({ kind }) => kind === 'event'))
})

test('a payment whose answer was cut off is settled by asking: charged once, told once', async () => {
  silent.front.fault(/POST .*payment_intents$/, 'cut')
  const lost = await pay({}, silent)
  assert.equal(lost.status, 'processing')
  await askNow(lost.id)
  await becomes(lost.id, 'completed')
  assert.equal((await chargesOf(lost.id, silent)).length, 1)
  await heard()
  assert.deepEqual(await toldOf(lost.id), ['payment.completed'])
})

test('a vendor that fails with 500 is asked again, and the payment is made once', async () => {
  silent.front.fault(/POST .*payment_intents$/, 'status=500')
  const lost = await pay({}, silent)
  assert.equal(lost.status, 'processing')
  await askNow(lost.id)
  await becomes(lost.id, 'completed')
  assert.equal((await chargesOf(lost.id, silent)).length, 1)
})

test('a payment that was cut off before the vendor had it is made by asking again, once', async () => {
  silent.front.fault(/POST .*payment_intents$/, 'drop')
  const lost = await pay({}, silent)
  assert.equal(lost.status, 'processing')
  assert.equal((await chargesOf(lost.id, silent)).length, 0)
  await askNow(lost.id)
  await becomes(lost.id, 'completed')
  assert.equal((await chargesOf(lost.id, silent)).length, 1)
})

test('a vendor that cannot be reached was not asked: the payment failed, and nothing was charged', async () => {
  const made = await product.api.ok('POST', '/v1/connections', {
    provider: 'stripe',
    name: 'Gone',
    environment: 'development',
    settings: { base_url: 'http://127.0.0.1:9' },
    credentials: { secret_key: 'sk_test_abcdef123456' },
  })
  const failed = await pay({ connection_id: made['id'] })
  // Several attempts, each of which may have been heard: only asking says that none was.
  assert.ok(['failed', 'processing'].includes(failed.status))
  assert.equal((await chargesOf(failed.id)).length, 0)
})

test('news that overtakes the reply moves the payment once and is told once', async () => {
  let id = ''
  loud.front.hold(/POST .*payment_intents$/, async () => {
    id = await eventually(async () => {
      const [newest] = (await product.api.list('/v1/payments?limit=1')) as Paid[]
      return newest?.status === 'completed' && newest.id
    })
  })
  const paid = await pay()
  assert.equal(paid.id, id)
  assert.equal(paid.status, 'completed')
  await heard()
  assert.deepEqual(await toldOf(id), ['payment.completed'])
  const { moves } = await read(id)
  assert.equal(moves.at(-1)?.['cause'], 'news')
})

test('whatever comes first, the news of what was asked or the answer, a payment ends the same and the same is told of it', async () => {
  const newest = async () => ((await product.api.list('/v1/payments?limit=1')) as Paid[])[0]
  const refundsOf = (id: string) => product.api.list(`/v1/payments/${id}/refunds`)
  const live = async (vendor: Vendor) => {
    const before = (match: RegExp, hasCome: () => Promise<boolean>) => {
      if (vendor === loud) vendor.front.hold(match, () => eventually(hasCome))
    }
    const made = async (status: string, more: Json) => {
      before(/POST .*payment_intents$/, async () => (await newest())?.status === status)
      return pay(more, vendor)
    }
    const held = await made('authorized', { capture: 'manual' })
    before(/POST .*capture$/, async () => (await read(held.id)).status === 'completed')
    await post(held.id, 'capture', { amount: '10000' })
    for (const [amount, given] of Object.entries({ 4000: '4000', 6000: '10000' })) {
      before(/POST .*refunds$/, async () => {
        const { refunded } = await read(held.id)
        const refunds = await refundsOf(held.id)
        return refunded.amount === given && refunds.every(({ status }) => status === 'completed')
      })
      await post(held.id, 'refunds', { amount })
    }
    const released = await made('authorized', { capture: 'manual' })
    before(/POST .*cancel$/, async () => (await read(released.id)).status === 'canceled')
    await post(released.id, 'cancel', {})
    const declined = await made('failed', { source: 'pm_card_chargeDeclinedInsufficientFunds' })
    return Promise.all([held, released, declined].map(({ id }) => endOf(id)))
  }
  const endOf = async (id: string) => {
    const { status, captured, refunded, failure } = (await read(id)) as Json
    const refunds = (await refundsOf(id)).map((one) => [one['status'], one['money'], one['failure']])
    return { status, captured, refunded, failure, refunds, told: (await toldOf(id)).sort() }
  }
  const [overtaken, alone] = [await live(loud), await live(silent)]
  assert.deepEqual(overtaken, alone)
  assert.deepEqual(
    alone.map(({ status }) => status),
    ['refunded', 'canceled', 'failed'],
  )
})

test('a refund begun before the reply of its payment is there keeps the job that settles it', async () => {
  const { app, api } = product
  const tenant_id = fromWire('tenant', api.tenant_id)
  loud.front.hold(/POST .*payment_intents$/, async () => {
    const place = await eventually(async () => {
      const [newest] = (await api.list('/v1/payments?limit=1')) as Paid[]
      return newest?.status === 'completed' && { tenant_id, id: fromWire('payment', newest.id) }
    })
    await reserveRefund(app, asker({ tenant_id, environment: 'development' }), place, {}, null)
  })
  const { id } = await pay()
  const { rows } = await sql<{ job_id: string | null }>`
    select job_id from payment where id = ${fromWire('payment', id)}`.execute(app.db.owner)
  assert.ok(rows[0]?.job_id)
})

test('a refused card fails the payment with the reason, and its news tells nothing twice', async () => {
  const failed = await pay({ source: 'pm_card_chargeDeclinedInsufficientFunds' })
  assert.equal(failed.status, 'failed')
  assert.equal((failed['failure'] as Json)['reason'], 'insufficient_funds')
  await heard()
  assert.deepEqual(await toldOf(failed.id), ['payment.failed'])
})

test('money that is held is captured in part, and what was captured is all that can be refunded', async () => {
  const held = await pay({ capture: 'manual' })
  assert.equal(held.status, 'authorized')
  const captured = await post(held.id, 'capture', { amount: '10000' })
  assert.equal(captured.status, 200, JSON.stringify(captured.body))
  assert.equal(captured.body['status'], 'completed')
  const looked = await post(held.id, 'refresh')
  assert.deepEqual([looked.body['status'], (looked.body['refunded'] as Json)['amount']], ['completed', '0'])
  assert.equal((await post(held.id, 'capture', {})).status, 409)
  assert.equal((await post(held.id, 'refunds', { amount: '10001' })).status, 409)
  assert.equal((await post(held.id, 'refunds', { amount: '10000' })).status, 201)
  assert.equal((await becomes(held.id, 'refunded')).refunded.amount, '10000')
  await heard()
  const told = await toldOf(held.id)
  assert.deepEqual(told.slice(0, 2), ['payment.authorized', 'payment.completed'])
  assert.deepEqual(told.slice(2).sort(), ['payment.refunded', 'refund.completed'])
})

test('a capture whose answer was cut off is found out by looking at the payment', async () => {
  const held = await pay({ capture: 'manual' }, silent)
  silent.front.fault(/POST .*capture/, 'cut')
  const lost = await post(held.id, 'capture', {})
  assert.equal(lost.body['code'], 'vendor_outcome_unknown')
  await askNow(held.id)
  await becomes(held.id, 'completed')
  const [charge] = await chargesOf(held.id, silent)
  assert.equal(charge?.amount_captured, 15050)
})

test('a capture of another amount is another question, answered by what the payment is', async () => {
  const held = await pay({ capture: 'manual' }, silent)
  silent.front.fault(/POST .*capture/, 'cut')
  assert.equal((await post(held.id, 'capture', { amount: '5000' })).body['code'], 'vendor_outcome_unknown')
  silent.front.calm()
  assert.equal((await post(held.id, 'capture', { amount: '6000' })).body['code'], 'conflict')
  await askNow(held.id)
  await becomes(held.id, 'completed')
  const [charge] = await chargesOf(held.id, silent)
  assert.equal(charge?.amount_captured, 5000)
})

test('what the vendor answered with an error or a no can be asked for again: it says the same for a day to the same key', async () => {
  const [held, other] = [await pay({ capture: 'manual' }, silent), await pay({ capture: 'manual' }, silent)]
  const answers = [
    { status: 500, body: { error: { type: 'api_error', message: 'for a day' } } },
    {
      status: 400,
      body: { error: { type: 'invalid_request_error', code: 'payment_intent_unexpected_state' } },
    },
  ]
  const kept = new Map<string, (typeof answers)[number]>()
  silent.front.say(/POST .*(capture|cancel)/, ({ key }) => {
    const first = kept.get(key) ?? answers.shift()
    if (first) kept.set(key, first)
    return first ?? null
  })
  assert.equal((await post(held.id, 'capture', {})).body['code'], 'vendor_outcome_unknown')
  assert.equal((await post(other.id, 'cancel', {})).status, 409)
  assert.equal((await post(held.id, 'capture', {})).body['status'], 'completed')
  assert.equal((await post(other.id, 'cancel', {})).body['status'], 'canceled')
})

test('a hold is released by canceling it, and what was taken cannot be canceled', async () => {
  const held = await pay({ capture: 'manual' })
  assert.equal((await post(held.id, 'cancel', {})).body['status'], 'canceled')
  const paid = await pay()
  const refused = await post(paid.id, 'cancel', {})
  assert.equal(refused.status, 409)
})

test('refunds that race never exceed the payment', async () => {
  const paid = await pay({}, silent)
  const replies = await Promise.all(
    Array.from({ length: 6 }, () => post(paid.id, 'refunds', { amount: '5000' })),
  )
  assert.deepEqual(replies.map(({ status }) => status).sort(), [201, 201, 201, 409, 409, 409])
  const [charge] = await chargesOf(paid.id, silent)
  assert.equal(charge?.amount_refunded, 15000)
  assert.equal((await becomes(paid.id, 'partially_refunded')).refunded.amount, '15000')
  await post(paid.id, 'refunds', {})
  assert.equal((await becomes(paid.id, 'refunded')).refunded.amount, '15050')
  await heard()
  const told = await toldOf(paid.id)
  assert.equal(told.filter((type) => type === 'refund.completed').length, 4)
  assert.equal(told.filter((type) => type === 'payment.refunded').length, 1)
})

test('a refund whose answer was cut off is given back once', async () => {
  const paid = await pay({}, silent)
  silent.front.fault(/POST .*refunds$/, 'cut')
  const lost = await post(paid.id, 'refunds', { amount: '5000' })
  silent.front.calm()
  assert.equal(lost.body['status'], 'processing')
  // What nobody knows of yet is not left to be refunded again.
  assert.equal((await post(paid.id, 'refunds', { amount: '10051' })).status, 409)
  await askNow(paid.id)
  await eventually(async () => {
    const [refund] = await product.api.list(`/v1/payments/${paid.id}/refunds`)
    return refund?.['status'] === 'completed'
  })
  const [charge] = await chargesOf(paid.id, silent)
  assert.equal(charge?.amount_refunded, 5000)
  assert.equal((await read(paid.id)).refunded.amount, '5000')
})

test('a refund of ours beside one that was made past us counts beside it, though no news comes', async () => {
  const paid = await pay({}, silent)
  await stripe('POST', '/v1/refunds', `payment_intent=${paid.vendor_id}&amount=5000`, silent)
  await post(paid.id, 'refresh')
  assert.equal((await read(paid.id)).refunded.amount, '5000')
  assert.equal((await post(paid.id, 'refunds', { amount: '3000' })).status, 201)
  await eventually(async () => (await read(paid.id)).refunded.amount === '8000')
  assert.equal((await post(paid.id, 'refunds', { amount: '7051' })).status, 409)
})

test('a card number is refused in every reason and note, and stands nowhere after', async () => {
  const paid = await pay({}, silent)
  const reason = 'card 4242 4242 4242 4242'
  for (const verb of ['cancel', 'refunds']) {
    const reply = await post(paid.id, verb, { reason })
    assert.deepEqual([reply.status, reply.body['field']], [400, 'reason'], verb)
  }
  const said = await post(paid.id, 'resolve', { outcome: 'failed', note: reason })
  assert.deepEqual([said.status, said.body['field']], [400, 'note'])
})

test("a refund made at the vendor's own desk is known by its news, and counts", async () => {
  const paid = await pay()
  await stripe('POST', '/v1/refunds', `payment_intent=${paid.vendor_id}&amount=15000`)
  assert.equal((await becomes(paid.id, 'partially_refunded')).refunded.amount, '15000')
  assert.equal((await post(paid.id, 'refunds', { amount: '51' })).status, 409)
})

test("a refund of the vendor's own desk that comes back is given back no longer", async () => {
  const paid = await pay({}, silent)
  const { app, api } = product
  const tenant_id = fromWire('tenant', api.tenant_id)
  await sql`
    update payment set status = 'partially_refunded', refunded = 50 where id = ${fromWire('payment', paid.id)}`.execute(
    app.db.owner,
  )
  const deed = await reactToRefund(
    app,
    {
      vendor_id: 're_desk',
      payment_id: paid.vendor_id,
      status: 'failed',
      money: { amount: '50', currency: 'BRL' },
    },
    { tenant_id, provider: 'stripe', connection_id: null, message_id: 'msg' },
  )
  assert.ok(deed)
  assert.deepEqual(await inTenant(app.db, tenant_id, deed.run), [])
  await askNow(paid.id)
  assert.equal((await becomes(paid.id, 'completed')).refunded.amount, '0')
})

test('a payment that the payer has to finish is pending until its news comes', async () => {
  const { source: _source, ...open } = PAY
  const begun = (await product.api.ok('POST', '/v1/payments', {
    connection_id: loud.connection,
    ...open,
  })) as Paid
  assert.equal(begun.status, 'pending')
  assert.match(String((begun['action'] as Json)['client_secret']), /^pi_.*_secret_/)
  assert.equal('action' in (await read(begun.id)), false)
  await stripe('POST', `/v1/payment_intents/${begun.vendor_id}/confirm`, 'payment_method=pm_card_visa')
  await becomes(begun.id, 'completed')
  await heard()
  assert.deepEqual(await allToldOf(begun.id), ['payment.pending', 'payment.completed'])
})

test('what nobody was told of is learnt by asking', async () => {
  const paid = await pay()
  await heard()
  await sql`update payment set status = 'pending', captured = 0 where id = ${fromWire('payment', paid.id)}`.execute(
    product.app.db.owner,
  )
  const asked = await post(paid.id, 'refresh')
  assert.equal(asked.body['status'], 'completed')
})

test('a payment that is declined before it is sent never reaches the vendor', async () => {
  judgePaymentsBy(product.app, async () => 'decline')
  const declined = await pay()
  assert.equal(declined.status, 'failed')
  assert.equal((declined['failure'] as Json)['code'], 'not_sent')
  assert.deepEqual(await allToldOf(declined.id), ['payment.failed'])
  // In one commit: no process can die in between and leave it to be confirmed.
  const { rows } = await sql<{ transactions: number }>`
    select count(distinct at)::int as transactions from payment_move
     where payment_id = ${fromWire('payment', declined.id)}`.execute(product.app.db.owner)
  assert.equal(rows[0]?.transactions, 1)
  assert.equal((await chargesOf(declined.id)).length, 0)
})

test('a payment that is held waits for a person, who sends it once or gives it up', async () => {
  judgePaymentsBy(product.app, async () => 'review')
  const [one, other] = [await pay(), await pay()]
  assert.equal(one['held'], true)
  assert.equal((await chargesOf(one.id)).length, 0)
  const confirmed = await Promise.all([post(one.id, 'confirm'), post(one.id, 'confirm')])
  assert.deepEqual(confirmed.map(({ status }) => status).sort(), [200, 409])
  await becomes(one.id, 'completed')
  assert.equal((await chargesOf(one.id)).length, 1)
  assert.equal((await post(other.id, 'cancel', {})).body['status'], 'canceled')
})

test('a judge that fails punishes nobody', async () => {
  judgePaymentsBy(product.app, async () => {
    throw new Error('down')
  })
  assert.equal((await pay()).status, 'completed')
})

test('a card number is refused wherever it stands, and not kept', async () => {
  for (const more of [{ source: '4242424242424242' }, { description: 'card 4242 4242 4242 4242' }]) {
    const reply = await product.api.send('POST', '/v1/payments', {
      connection_id: loud.connection,
      ...PAY,
      ...more,
    })
    assert.equal(reply.status, 400)
  }
})

test('news of a payment that was not made through us is told as its vendor tells it', async () => {
  const body = 'amount=700&currency=brl&payment_method=pm_card_visa&confirm=true'
  const stranger = (await stripe('POST', '/v1/payment_intents', body)) as { id: string }
  // Each message is of itself alone, and they come in any order.
  await eventually(async () => {
    const types = await allToldOf(stranger.id)
    return types.includes('payment.completed') && types.includes('payment.pending')
  })
})

test('requests that fit no payment are refused by name', async () => {
  const { send } = product.api
  const refused = async (more: Json) => {
    const reply = await send('POST', '/v1/payments', { connection_id: loud.connection, ...PAY, ...more })
    return [reply.status, reply.body['field']]
  }
  assert.deepEqual(await refused({ money: { amount: '1', currency: 'ZZZ' } }), [400, 'money'])
  assert.deepEqual(await refused({ money: { amount: '0', currency: 'BRL' } }), [400, 'money.amount'])
  assert.deepEqual(await refused({ connection_id: 'con_x' }), [400, 'connection_id'])
  assert.equal((await refused({ description: 'a\u0000b' }))[0], 400)
  assert.equal((await refused({ metadata: { order: 'a\u0000b' } }))[0], 400)
  const fifty = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`k${n}`, 'v']))
  assert.equal((await refused({ metadata: fifty }))[0], 400)
  assert.equal((await send('GET', '/v1/payments?customer=a%00b')).status, 400)
  const { id } = await pay()
  assert.equal((await post(id, 'refunds', { amount: '1', reason: 'a\u0000b' })).status, 400)
})
