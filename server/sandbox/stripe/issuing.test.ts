import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import Stripe from 'stripe'
import { undoAfter } from '../../test/harness.ts'
import { startSandbox } from '../sandbox.ts'

/** Issuing as Stripe's own library speaks it. */
let stripe: Stripe

before(async () => {
  const sandbox = await startSandbox({ port: 0 })
  undoAfter(() => sandbox.stop())
  // Stripe's SDK joins its own /v1 to the host, so the mount is put before it on the way out.
  const httpClient = Stripe.createNodeHttpClient()
  const send = httpClient.makeRequest.bind(httpClient)
  httpClient.makeRequest = (host, port, path, ...rest) => send(host, port, `/stripe${path}`, ...rest)
  const to = { host: '127.0.0.1', port: sandbox.port, protocol: 'http' } as const
  stripe = new Stripe('sk_test_abcdef123456', { ...to, httpClient, maxNetworkRetries: 0, telemetry: false })
})

const address = { line1: 'Rua A 1', city: 'Recife', postal_code: '50000', country: 'BR' }

async function issued(more: object = {}) {
  const holder = await stripe.issuing.cardholders.create({
    name: 'Joana Prado',
    type: 'individual',
    billing: { address },
  })
  const wanted = {
    cardholder: holder.id,
    currency: 'brl',
    type: 'virtual',
    status: 'active',
    ...more,
  } as const
  return stripe.issuing.cards.create(wanted)
}

test('a card is issued for a cardholder, found, limited and ended', async () => {
  const card = await issued({ metadata: { reference: 'crd_1' } })
  assert.equal((await stripe.issuing.cards.retrieve(card.id)).status, 'active')
  const { data } = await stripe.issuing.cards.list({ cardholder: card.cardholder.id })
  assert.deepEqual(
    data.map(({ id }) => id),
    [card.id],
  )
  const spending_limits = [{ amount: 500, interval: 'daily' as const }]
  const limited = await stripe.issuing.cards.update(card.id, { spending_controls: { spending_limits } })
  assert.equal(limited.spending_controls.spending_limits?.[0]?.amount, 500)
  const ended = await stripe.issuing.cards.update(card.id, {
    status: 'canceled',
    cancellation_reason: 'lost',
  })
  assert.deepEqual([ended.status, ended.cancellation_reason], ['canceled', 'lost'])
  await assert.rejects(stripe.issuing.cards.update(card.id, { status: 'active' }), /canceled/)
})

test('money is held, raised, taken and given back', async () => {
  const card = await issued()
  const { issuing } = stripe.testHelpers
  const held = await issuing.authorizations.create({ card: card.id, amount: 700 })
  assert.deepEqual([held.approved, held.status, held.amount], [true, 'pending', 700])
  assert.equal((await issuing.authorizations.increment(held.id, { increment_amount: 100 })).amount, 800)
  const taken = await issuing.authorizations.capture(held.id)
  assert.equal(taken.status, 'closed')
  const [made] = taken.transactions
  assert.equal(made?.amount, -800)
  const back = await issuing.transactions.refund(made?.id ?? '', { refund_amount: 300 })
  assert.deepEqual([back.type, back.amount], ['refund', 300])
  const reversed = await issuing.authorizations.create({ card: card.id, amount: 50 })
  assert.equal((await issuing.authorizations.reverse(reversed.id)).status, 'reversed')
})

test('spending controls decline before anybody is asked', async () => {
  const card = await issued({ spending_controls: { blocked_categories: ['bakeries'] } })
  const merchant_data = { category: 'bakeries' } as const
  const { authorizations } = stripe.testHelpers.issuing
  const declined = await authorizations.create({ card: card.id, amount: 100, merchant_data })
  assert.deepEqual([declined.approved, declined.status], [false, 'closed'])
  assert.equal(declined.request_history[0]?.reason, 'spending_controls')
})

test('a PIN that is not encrypted is refused', async () => {
  const card = await issued()
  await assert.rejects(
    stripe.issuing.cards.update(card.id, { pin: { encrypted_number: '1234' } }),
    /not encrypted/,
  )
})
