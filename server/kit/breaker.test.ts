import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EgressResult } from '../platform/egress/egress.ts'
import { type BreakerState, passage, vendorSeen } from './breaker.ts'
import type { Refusal } from './news.ts'

const now = new Date('2026-01-01T12:00:00Z')
const later = new Date('2026-01-01T12:00:01Z')
const breaker = (state: BreakerState['state'], more: Partial<BreakerState> = {}): BreakerState => ({
  state,
  reason: 'x',
  next_attempt_at: null,
  probe_until: null,
  ...more,
})

test('a closed breaker lets everything pass, an open one nothing until its time, then one', () => {
  assert.deepEqual(passage(null, true, now), { kind: 'pass' })
  assert.deepEqual(passage(breaker('closed'), true, now), { kind: 'pass' })
  const open = breaker('open', { next_attempt_at: later })
  assert.deepEqual(passage(open, true, now), { kind: 'refuse', until: later })
  assert.deepEqual(passage(open, true, later), { kind: 'probe' })
})

test('while a probe is under way nobody else passes, unless its process is taken for dead', () => {
  const probing = breaker('half_open', { probe_until: later })
  assert.deepEqual(passage(probing, true, now), { kind: 'refuse', until: later })
  assert.deepEqual(passage(probing, true, later), { kind: 'probe' })
  assert.deepEqual(passage(breaker('half_open'), true, now), { kind: 'probe' })
})

test('a breaker that is switched off is open only where somebody opened it by hand', () => {
  assert.deepEqual(passage(breaker('open', { next_attempt_at: later }), false, now), { kind: 'pass' })
  assert.deepEqual(passage(breaker('open'), false, now), { kind: 'refuse', until: null })
  assert.deepEqual(passage(breaker('open'), true, now), { kind: 'refuse', until: null })
})

const response = (status: number, body = '') =>
  ({ kind: 'response', status, body: Buffer.from(body) }) as EgressResult
const error = (code: string) => ({ kind: 'error', code }) as EgressResult

test('only what is the fault of the vendor counts against it', () => {
  const seen = (result: EgressResult) => vendorSeen({}, result, false)
  for (const status of [500, 502, 503, 599]) assert.equal(seen(response(status)), 'at_fault')
  for (const status of [200, 304, 400, 401, 404, 408, 429]) assert.equal(seen(response(status)), 'well')
  for (const code of ['timeout', 'dns', 'connect', 'tls', 'reset'])
    assert.equal(seen(error(code)), 'at_fault')
  for (const code of ['refused_address', 'invalid_url', 'aborted']) assert.equal(seen(error(code)), 'nothing')
})

test('a status or a code that the manifest declares counts against the vendor, and no other', () => {
  const refusal = (_status: number, body: unknown): Refusal => ({
    reason: 'unknown',
    code: (body as { error?: string } | null)?.error ?? null,
    message: null,
  })
  const provider = { failures: { statuses: [420], codes: ['fatal_error'] }, refusal }
  const seen = (status: number, body: string) => vendorSeen(provider, response(status, body), true)
  assert.equal(seen(420, ''), 'at_fault')
  assert.equal(seen(200, '{"error":"fatal_error"}'), 'at_fault')
  assert.equal(seen(400, '{"error":"fatal_error"}'), 'at_fault')
  assert.equal(seen(400, '{"error":"bad_input"}'), 'well')
  assert.equal(seen(400, '<html>'), 'well')
  assert.equal(vendorSeen(provider, response(200, '{"error":"fatal_error"}'), false), 'well')
})
