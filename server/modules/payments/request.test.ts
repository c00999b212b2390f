import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Problem } from '../../platform/errors.ts'
import { providers } from '../../providers/index.ts'
import type { OpenConnection } from '../connections/connections.ts'
import { check, type Request } from './request.ts'

/** Takes all methods, and parts: what no vendor of ours does as a whole. */
function connectionTo(id: string): OpenConnection {
  const provider = providers.get(id)
  assert.ok(provider?.payments)
  const all = { ...provider, payments: { ...provider.payments, methods: ['card', 'pix', 'boleto'] } }
  return {
    ...{ tenant_id: 't', id: 'c', name: id, environment: 'development', state: 'enabled', version: 1 },
    ...{ limits: {}, mapping: {}, keep_bodies_days: null, call_events: 'none' },
    opened: { provider: all, environment: 'test', settings: {}, credentials: {}, identity: undefined },
  }
}

const request = { reference: 'pay_1', money: { amount: '1000', currency: 'BRL' }, method: 'card' }

const refusedField = (at: string, more: Partial<Request>): string | null => {
  try {
    check(connectionTo(at), { ...request, ...more })
    return null
  } catch (problem) {
    assert.ok(problem instanceof Problem)
    assert.equal(problem.code, 'invalid_request')
    return problem.occurrence.field ?? ''
  }
}

test('a card pays in parts and holds money first; a Pix and a boleto are refused it by name', () => {
  const source = 'card_1'
  assert.equal(refusedField('pinbank', { source, installments: 3 }), null)
  assert.equal(refusedField('pinbank', { source, capture: 'manual' }), null)
  assert.equal(refusedField('stripe', { installments: 3 }), 'installments')
  for (const method of ['pix', 'boleto']) {
    assert.equal(refusedField('pinbank', { source, method, installments: 3 }), 'installments')
    assert.equal(refusedField('stripe', { method, capture: 'manual' }), 'capture')
    assert.equal(refusedField('stripe', { method, installments: 1 }), null)
  }
})

test('a card number is refused in a text whatever the metadata is called', () => {
  const description = '4111 1111 1111 1111'
  assert.equal(refusedField('stripe', { description, metadata: { description: 'rent' } }), 'description')
})

test('what says until when it may be paid is refused where nobody would be told of it', () => {
  for (const more of [{ due_date: '2026-12-31' }, { expires_in_s: 600 }, { pix_key: 'a@b.example' }])
    assert.equal(refusedField('stripe', more), Object.keys(more)[0])
  assert.equal(refusedField('stripe', { method: 'boleto', due_date: '2026-12-31' }), 'due_date')
  assert.equal(refusedField('stripe', { method: 'boleto', expires_in_s: 172_800 }), null)
})

test('instructions are taken where the payer is shown them, and refused by name elsewhere', () => {
  const instructions = ['Do not accept after the due date']
  assert.equal(refusedField('pix', { method: 'pix', instructions }), null)
  assert.equal(refusedField('pix', { method: 'pix', instructions: ['4111 1111 1111 1111'] }), 'instructions')
  assert.equal(refusedField('pinbank', { source: 'card_1', instructions }), 'instructions')
  assert.equal(refusedField('stripe', { method: 'boleto', instructions }), 'instructions')
})
