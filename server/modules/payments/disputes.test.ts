import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import { fromWire } from '../../platform/ids.ts'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { type Front, openFront } from '../../test/faulty_front.ts'
import { undoAfter } from '../../test/harness.ts'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { nextOf, type Standing, toldOf } from './dispute_moves.ts'

let product: Product
/** Tells of everything by webhook, and of nothing. */
let loud: { connection: string; url: string; front: Front }
let silent: typeof loud
let source: Json & { id: string }

before(async () => {
  product = await startProduct()
  loud = await connect(product.sandbox.url)
  const other = await startSandbox({ port: 0 })
  undoAfter(() => other.stop())
  silent = await connect(other.url)
  source = (await product.api.ok('POST', '/v1/sources', {
    provider: 'stripe',
    name: 'Stripe',
    connection_id: loud.connection,
    secrets: ['none yet'],
  })) as typeof source
  const body = `url=${encodeURIComponent(String(source['url']))}&enabled_events[]=*`
  const { secret } = await stripe('POST', '/v1/webhook_endpoints', body)
  await product.api.ok('PATCH', `/v1/sources/${source.id}`, { secrets: [secret] })
})

async function connect(sandbox_url: string): Promise<typeof loud> {
  const front = await openFront(sandbox_url)
  const made = await product.api.ok('POST', '/v1/connections', {
    provider: 'stripe',
    name: 'Stripe',
    environment: 'development',
    settings: { base_url: `${front.url}/stripe` },
    credentials: { secret_key: 'sk_test_abcdef123456' },
    limits: { breaker: false, retry_budget: false },
  })
  return { connection: String(made['id']), url: `${sandbox_url}/stripe`, front }
}

/** Past all of ours. */
async function stripe(method: string, path: string, body?: string): Promise<Json> {
  const headers = {
    authorization: 'Bearer sk_test_abcdef123456',
    'content-type': 'application/x-www-form-urlencoded',
  }
  return (await (await fetch(loud.url + path, { method, headers, ...(body && { body }) })).json()) as Json
}

type Dispute = Json & { id: string; status: string; funds: string; vendor_id: string; payment_id: string }

const pay = (at: typeof loud, more: Json = {}) =>
  product.api.ok('POST', '/v1/payments', {
    connection_id: at.connection,
    money: { amount: '15050', currency: 'BRL' },
    ...more,
  })

/** Paid by its payer, who disputes it. */
async function disputed(card = 'pm_card_createDispute'): Promise<string> {
  const { id, vendor_id } = await pay(loud)
  await stripe('POST', `/v1/payment_intents/${vendor_id}/confirm`, `payment_method=${card}`)
  return String(id)
}

const disputesOf = async (payment_id: string) =>
  (await product.api.list(`/v1/disputes?payment_id=${payment_id}`)) as Dispute[]
const statusOf = async (id: string) => (await product.api.ok('GET', `/v1/payments/${id}`))['status']

const becomes = (payment_id: string, status: string, funds: string) =>
  eventually(async () => {
    const [one] = await disputesOf(payment_id)
    return one?.status === status && one.funds === funds && one
  })

const heard = () =>
  eventually(async () => (await sql`select from inbox_queue`.execute(product.app.db.owner)).rows.length === 0)

async function toldAbout(payment_id: string): Promise<string[]> {
  await heard()
  const { rows } = await sql<{ type: string }>`
    select type from event where tenant_id = ${fromWire('tenant', product.api.tenant_id)}
       and entity_id = ${payment_id} and type like 'payment.dispute.%' order by id`.execute(
    product.app.db.owner,
  )
  return rows.map(({ type }) => type.slice('payment.dispute.'.length))
}

test('a dispute is known with its money and its day, answered, and won: the payment is taken again', async () => {
  const id = await disputed()
  const opened = await becomes(id, 'needs_response', 'withdrawn')
  assert.ok(Date.parse(String(opened['evidence_due_at'])) > Date.now())
  assert.equal(await statusOf(id), 'disputed')
  const story = await product.api.ok('GET', `/v1/payments/${id}`)
  assert.deepEqual(
    (story['disputes'] as Dispute[]).map((one) => one.id),
    [opened.id],
  )
  await product.api.ok('POST', `/v1/disputes/${opened.id}/evidence`, { text: 'winning_evidence' })
  await becomes(id, 'won', 'reinstated')
  await eventually(async () => (await statusOf(id)) === 'completed')
  await product.api.ok('POST', `/v1/payments/${id}/refresh`)
  assert.equal(await statusOf(id), 'completed') // though the vendor calls the charge disputed for ever
  const told = await toldAbout(id)
  assert.deepEqual([...new Set(told)], told)
  // That it was looked at is told where its news comes before the vendor's answer, which says already that it is won.
  const others = told.filter((one) => one !== 'under_review').sort()
  assert.deepEqual(others, ['funds_reinstated', 'funds_withdrawn', 'opened', 'won'])
  const late = await product.api.send('POST', `/v1/disputes/${opened.id}/evidence`, { text: 'more' })
  assert.equal(late.status, 409)
})

test('a dispute that is given up is lost, and the payment stays disputed', async () => {
  const id = await disputed()
  const opened = await becomes(id, 'needs_response', 'withdrawn')
  const lost = await product.api.ok('POST', `/v1/disputes/${opened.id}/accept`)
  assert.equal(lost['status'], 'lost')
  assert.equal((await product.api.send('POST', `/v1/disputes/${opened.id}/accept`)).status, 409)
  assert.deepEqual((await toldAbout(id)).sort(), ['funds_withdrawn', 'lost', 'opened'])
  assert.equal(await statusOf(id), 'disputed')
  const listed = (await product.api.list('/v1/disputes?status=lost')) as Dispute[]
  assert.ok(listed.some((one) => one.id === opened.id))
})

test('evidence that is only kept leaves it open; an inquiry takes no money and may be closed', async () => {
  const id = await disputed('pm_card_createDisputeInquiry')
  const opened = await becomes(id, 'needs_response', 'none')
  assert.equal(opened['is_inquiry'], true)
  const path = `/v1/disputes/${opened.id}/evidence`
  const kept = await product.api.ok('POST', path, {
    text: 'Bread',
    details: { product_description: 'Bread' },
    submit: false,
  })
  assert.deepEqual([kept['status'], kept['has_evidence']], ['needs_response', true])
  assert.equal((await product.api.send('POST', path, {})).status, 400)
  await product.api.ok('POST', path, { text: 'winning_evidence' })
  await becomes(id, 'closed', 'none')
  await eventually(async () => (await statusOf(id)) === 'completed')
})

test('money is given back while a bank only inquires, and not once it took it itself', async () => {
  const id = await disputed('pm_card_createDisputeInquiry')
  await becomes(id, 'needs_response', 'none')
  const refund = (amount: string) => product.api.send('POST', `/v1/payments/${id}/refunds`, { amount })
  assert.equal((await refund('15051')).body['field'], 'amount')
  const made = await refund('15050')
  assert.deepEqual([made.status, made.body['status']], [201, 'completed'])
  assert.equal((await refund('1')).status, 409)
  const taken = await disputed()
  await becomes(taken, 'needs_response', 'withdrawn')
  const refused = await product.api.send('POST', `/v1/payments/${taken}/refunds`, { amount: '100' })
  assert.equal(refused.status, 409)
  assert.match(String(refused.body['detail']), /is disputed: there is nothing to refund/)
})

/** Disputed, of which no webhook tells. */
async function disputedUnheard(): Promise<{ id: string; opened: Dispute }> {
  const { id: paid } = await pay(silent, { source: 'pm_card_createDispute' })
  const id = String(paid)
  assert.equal(await statusOf(id), 'disputed')
  // As if the time to look had come.
  const payment_id = fromWire('payment', id)
  await sql`update job set due = now() where payload ->> 'payment_id' = ${payment_id}`.execute(
    product.app.db.owner,
  )
  product.app.db.notify('trilho_job', 'new')
  return { id, opened: await becomes(id, 'needs_response', 'withdrawn') }
}

test('whether an answer was taken is not guessed where nobody saw it, and is known by asking', async () => {
  const { id, opened } = await disputedUnheard()
  silent.front.fault(/POST .*close$/, 'cut')
  const lost = await product.api.send('POST', `/v1/disputes/${opened.id}/accept`)
  silent.front.calm()
  assert.equal(lost.body['code'], 'vendor_outcome_unknown')
  assert.equal((await disputesOf(id))[0]?.status, 'needs_response')
  await product.api.ok('POST', `/v1/payments/${id}/refresh`)
  assert.equal((await disputesOf(id))[0]?.status, 'lost')
})

const submitted = (vendor_id: string) =>
  silent.front.seen.filter((what) => what === `POST /stripe/v1/disputes/${vendor_id}`).length

test('evidence that met an error of the vendor can be sent again, though it answers that key so for a day', async () => {
  const { opened } = await disputedUnheard()
  const failing = new Set<string>()
  silent.front.say(new RegExp(`POST .*${opened.vendor_id}$`), ({ key }) => {
    if (failing.size === 0) failing.add(key)
    return failing.has(key) ? { status: 500, body: { error: { type: 'api_error' } } } : null
  })
  const path = `/v1/disputes/${opened.id}/evidence`
  const first = await product.api.send('POST', path, { text: 'Bread' })
  assert.equal(first.body['code'], 'vendor_outcome_unknown')
  assert.equal((await product.api.ok('POST', path, { text: 'Bread' }))['status'], 'under_review')
})

test('evidence that was taken while nobody saw it is not submitted again', async () => {
  const { opened } = await disputedUnheard()
  silent.front.fault(new RegExp(`POST .*${opened.vendor_id}$`), 'cut')
  const path = `/v1/disputes/${opened.id}/evidence`
  const first = await product.api.send('POST', path, { text: 'Bread' })
  silent.front.calm()
  assert.equal(first.body['code'], 'vendor_outcome_unknown')
  const before = submitted(opened.vendor_id)
  assert.ok(before > 0)
  const again = await product.api.send('POST', path, { text: 'Bread' })
  assert.deepEqual([again.status, submitted(opened.vendor_id)], [409, before])
  assert.match(String(again.body['detail']), /is under_review/)
})

test('a vendor that hangs while the dispute is read first takes a part of the time alone, and is answered yet', async () => {
  const { opened } = await disputedUnheard()
  let letGo = () => {}
  const hanging = new Promise<void>((resolve) => {
    letGo = resolve
  })
  for (let attempt = 0; attempt < 3; attempt++) silent.front.hold(/GET .*disputes\?/, () => hanging)
  const began = performance.now()
  const path = `/v1/disputes/${opened.id}/evidence`
  const said = await product.api.send('POST', path, { text: 'Bread' })
  const took_ms = performance.now() - began
  letGo()
  assert.deepEqual([said.status, said.body['status']], [200, 'under_review'])
  assert.ok(took_ms < 30_000, `${took_ms} ms`)
})

const PATH: Standing[] = [
  ['needs_response', true, 'none'],
  ['under_review', true, 'none'],
  ['needs_response', false, 'withdrawn'],
  ['under_review', false, 'withdrawn'],
  ['lost', false, 'withdrawn'],
  ['won', false, 'reinstated'],
].map(([status, is_inquiry, funds], at) => ({
  status,
  is_inquiry,
  funds,
  ...{ has_evidence: at > 0, amount: '100', reason: null, evidence_due_at: null },
})) as Standing[]

test('news in any order and any number leads to the last of it, and tells each thing once', () => {
  const order = fc.array(fc.nat(PATH.length - 1), { maxLength: 12 })
  fc.assert(
    fc.property(order, (steps) => {
      let now: Standing | null = null
      const told: string[] = []
      for (const step of [...steps, PATH.length - 1, ...steps]) {
        const heard = PATH[step] as Standing
        const after: Standing | null = now ? nextOf(now, heard, false) : heard
        if (!after) continue
        told.push(...toldOf(now, after))
        now = after
      }
      assert.deepEqual(now, PATH.at(-1))
      assert.deepEqual(
        told.filter((one) => one !== 'under_review'),
        [...new Set(told.filter((one) => one !== 'under_review'))],
      )
      assert.equal(told[0], 'opened')
    }),
  )
})
