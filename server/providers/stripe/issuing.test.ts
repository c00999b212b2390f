import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { TSchema } from 'typebox'
import type { News } from '../../kit/news.ts'
import { read } from '../../kit/reads.ts'
import { issuing } from './issuing.ts'
import { questionIn, toAnswer, toAuthorization, toCard } from './issuing_translate.ts'
import { Cardholder, IssuingAuthorization, IssuingCard, IssuingTransaction } from './issuing_wire.ts'
import { toEntityId, toNews } from './translate.ts'
import { StripeEvent } from './wire.ts'

const file = new URL('../../../../shared/reference/stripe/fixtures3.json', import.meta.url)
const skip = existsSync(file) ? false : 'the reference folder is not here'
const resources = (): Record<string, Record<string, unknown>> =>
  JSON.parse(readFileSync(file, 'utf8')).resources
const must = <T extends TSchema>(schema: T, value: unknown) => {
  const result = read(schema, value)
  assert(result.ok, JSON.stringify(result))
  return result.value
}
const event = (type: string, object: unknown) =>
  must(StripeEvent, { id: 'evt_1', type, created: 1_767_366_000, data: { object } })

test("every shape of Issuing that we read fits Stripe's own example of it", { skip }, () => {
  const all = resources()
  assert.equal(toCard(must(IssuingCard, all['issuing.card'])).last_four, '4242')
  must(Cardholder, all['issuing.cardholder'])
  must(IssuingAuthorization, all['issuing.authorization'])
  must(IssuingTransaction, all['issuing.transaction'])
})

test("what Stripe's example of an authorization asks is asked once under one key, on top of what is held", {
  skip,
}, () => {
  const asked = event('issuing_authorization.request', resources()['issuing.authorization'])
  const question = questionIn(asked)
  assert.equal(question?.key, 'iauth_1Pgc77B7WZ01zgkWn0SmtHBY#0')
  assert.deepEqual(question?.asked, { amount: '700', currency: 'USD' })
  assert.equal(question?.authorization.verification.three_d_secure, 'authenticated')
  const raised = {
    ...resources()['issuing.authorization'],
    request_history: [{ approved: true, reason: 'x' }],
  }
  assert.equal(
    questionIn(event('issuing_authorization.request', raised))?.key,
    'iauth_1Pgc77B7WZ01zgkWn0SmtHBY#1',
  )
})

test('money that leaves is told without a sign, and its authorization is what it belongs to', {
  skip,
}, () => {
  const made = event('issuing_transaction.created', resources()['issuing.transaction'])
  const [news] = toNews(made) as (News & { type: 'card.transaction_made' })[]
  assert.deepEqual(news && 'transaction' in news && news.transaction.money, {
    amount: '100',
    currency: 'USD',
  })
  assert.equal(toEntityId(made), 'iauth_1Pgc78B7WZ01zgkW9IPKCfII')
})

test('a word that nobody knows opens no card and ends no authorization', { skip }, () => {
  const all = resources()
  for (const status of ['brand_new', 'constructor', '']) {
    assert.equal(toCard(must(IssuingCard, { ...all['issuing.card'], status })).status, 'pending')
    const told = must(IssuingAuthorization, { ...all['issuing.authorization'], status })
    assert.equal(toAuthorization(told, '2026-01-02T15:00:00.000Z').status, 'pending')
  }
})

test('a card that is not among some of those listed is looked for on the next page', () => {
  const { translate, request } = issuing.find_by_reference
  const card = { id: 'ic_1', status: 'active', type: 'virtual', currency: 'brl' }
  const listed = { data: [{ ...card, metadata: { reference: 'crd_01' } }], has_more: true }
  const of = (reference: string) => ({ reference, cardholder: 'ich_1', from: '2026-01-02T15:00:00.000Z' })
  assert.equal(translate(listed, of('crd_01')).card?.vendor_id, 'ic_1')
  assert.deepEqual(translate(listed, of('crd_02')), { card: null, next: 'ic_1' })
  assert.equal(request({ ...of('crd_02'), after: 'ic_1' }, {}).query?.['starting_after'], 'ic_1')
  assert.deepEqual(translate({ ...listed, has_more: false }, of('crd_02')), { card: null, next: null })
  assert.throws(() => translate({ data: [], has_more: true }, of('crd_02')), /empty page/)
})

test('a decision is told as Stripe wants it: its version, JSON, and nothing but a yes or a no', () => {
  const reply = toAnswer({ approved: false, reason: 'limit_daily', decision_id: null })
  assert.equal(reply.headers?.['stripe-version'], '2026-10-28.endive')
  assert.equal(reply.content_type, 'application/json')
  assert.deepEqual(JSON.parse(reply.body), { approved: false, metadata: { trilho_reason: 'limit_daily' } })
})
