import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import type { TSchema } from 'typebox'
import { REFUSAL_REASONS } from '../../kit/news.ts'
import { read } from '../../kit/reads.ts'
import { fromUnits, toUnits } from './amounts.ts'
import { toRefusal } from './refusals.ts'
import { toEntityId, toNews, toPayment, toRefund } from './translate.ts'
import { Charge, Dispute, PaymentIntent, Refund, StripeEvent } from './wire.ts'

const file = new URL('../../../../shared/reference/stripe/fixtures3.json', import.meta.url)
const skip = existsSync(file) ? false : 'the reference folder is not here'
const resources = (): Record<string, unknown> => JSON.parse(readFileSync(file, 'utf8')).resources
const must = <T extends TSchema>(schema: T, value: unknown) => {
  const result = read(schema, value)
  assert(result.ok, JSON.stringify(result))
  return result.value
}

test("every shape we read fits Stripe's own example of it", { skip }, () => {
  const { payment_intent, charge, refund, dispute, event } = resources()
  assert.equal(toPayment(must(PaymentIntent, payment_intent)).vendor_id, 'pi_1PgafyB7WZ01zgkWSjxsAJo3')
  assert.equal(toRefund(must(Refund, refund)).status, 'completed')
  must(Charge, charge)
  must(Dispute, dispute)
  assert.deepEqual(toNews(must(StripeEvent, event)), [])
})

test('an event about any of its resources is read, and none but payments and refunds is news', {
  skip,
}, () => {
  for (const [name, object] of Object.entries(resources())) {
    const event = must(StripeEvent, { id: 'evt_1', type: `${name}.updated`, data: { object } })
    const news = toNews(event)
    assert.equal(news.length > 0, name === 'payment_intent' || name === 'refund', name)
  }
})

const WHOLE = { amount: 100, amount_captured: 100, amount_refunded: 100 }

test('a charge without an intent is a payment of its own', { skip }, () => {
  const { charge } = resources()
  const event = must(StripeEvent, {
    id: 'e',
    type: 'charge.refunded',
    data: { object: { ...(charge as object), captured: true, refunded: true, ...WHOLE } },
  })
  const [news] = toNews(event)
  assert.equal(news?.payment?.vendor_id, toEntityId(event))
  assert.equal(news?.payment?.status, 'refunded')
})

test('a hold that is let go is canceled, though Stripe calls it a refund', { skip }, () => {
  const { charge } = resources()
  const held = { ...(charge as object), captured: false, refunded: true, amount_refunded: 100 }
  const event = must(StripeEvent, { id: 'e', type: 'charge.refunded', data: { object: held } })
  const [news] = toNews(event)
  assert.equal(news?.payment?.status, 'canceled')
  assert.equal(news?.payment?.refunded, undefined)
})

test('what a capture in part lets go is not given back', () => {
  const taken = (amount_refunded: number, refunded = false) => {
    const charge = {
      id: 'ch_1',
      amount: 100,
      amount_captured: 60,
      amount_refunded,
      currency: 'brl',
      created: 1,
    }
    const object = { ...charge, captured: true, refunded, disputed: false, payment_intent: 'pi_1' }
    const [news] = toNews(must(StripeEvent, { id: 'e', type: 'charge.refunded', data: { object } }))
    const { status, captured, refunded: given } = news?.payment ?? {}
    return [status, captured?.amount, given?.amount]
  }
  assert.deepEqual(taken(40), ['completed', '60', '0'])
  assert.deepEqual(taken(65), ['partially_refunded', '60', '25'])
  assert.deepEqual(taken(100, true), ['refunded', '60', '60'])
})

test('amounts survive the way to Stripe and back in every currency', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 10n ** 12n }),
      fc.constantFrom('BRL', 'USD', 'JPY', 'KWD', 'ISK', 'UGX'),
      (amount, currency) => {
        const money = { amount: String(amount), currency }
        const sent = toUnits(money)
        assert.deepEqual(fromUnits(sent.amount, sent.currency), money)
      },
    ),
  )
})

test('the three currencies Stripe counts otherwise are converted, and what does not divide is refused', () => {
  assert.deepEqual(toUnits({ amount: '500', currency: 'ISK' }), { amount: 50_000, currency: 'isk' })
  assert.deepEqual(toUnits({ amount: '0', currency: 'ISK' }), { amount: 0, currency: 'isk' })
  assert.deepEqual(toUnits({ amount: '1500', currency: 'MGA' }), { amount: 15, currency: 'mga' })
  assert.deepEqual(fromUnits(15, 'mga'), { amount: '1500', currency: 'MGA' })
  assert.deepEqual(fromUnits(0, 'isk'), { amount: '0', currency: 'ISK' })
  for (const bad of ['1550', '50', '5']) assert.throws(() => toUnits({ amount: bad, currency: 'MGA' }), bad)
  assert.throws(() => fromUnits(150, 'isk'))
  assert.throws(() => fromUnits(7, 'isk'))
})

test('any refusal is one of our reasons, and one we do not know is unknown', () => {
  const of = (status: number, error: object) => toRefusal(status, { error }).reason
  assert.equal(
    of(402, { type: 'card_error', code: 'card_declined', decline_code: 'lost_card' }),
    'card_lost_or_stolen',
  )
  assert.equal(
    of(402, { type: 'card_error', code: 'card_declined', decline_code: 'brand_new_code' }),
    'card_declined',
  )
  assert.equal(of(409, { type: 'idempotency_error' }), 'duplicate')
  assert.equal(of(401, { type: 'invalid_request_error' }), 'credentials_refused')
  assert.equal(of(400, { type: 'brand_new_error' }), 'unknown')
  assert.equal(of(400, { type: 'constructor', code: 'toString', decline_code: '__proto__' }), 'unknown')
  for (const body of [null, '', [], { error: 'x' }, { error: {} }])
    assert.equal(toRefusal(418, body).reason, 'unknown')
  fc.assert(
    fc.property(fc.nat(599), fc.jsonValue(), (status, body) =>
      REFUSAL_REASONS.includes(toRefusal(status, body).reason),
    ),
  )
})
