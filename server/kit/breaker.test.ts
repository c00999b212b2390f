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
  probes: {},
  ...more,
})

test('a closed breaker lets everything pass, an open one nothing until its time, then one', () => {
  assert.deepEqual(passage(null, 1, now), { kind: 'pass' })
  assert.deepEqual(passage(breaker('closed'), 1, now), { kind: 'pass' })
  const open = breaker('open', { next_attempt_at: later })
  assert.deepEqual(passage(open, 1, now), { kind: 'refuse', until: later })
  assert.deepEqual(passage(open, 1, later), { kind: 'probe' })
})

test('while a probe is under way nobody else passes, unless its process is taken for dead', () => {
  const probing = breaker('half_open', { probes: { one: later.getTime() } })
  assert.deepEqual(passage(probing, 1, now), { kind: 'refuse', until: later })
  assert.deepEqual(passage(probing, 1, later), { kind: 'probe' })
  assert.deepEqual(passage(breaker('half_open'), 1, now), { kind: 'probe' })
})

test('as many probes as the limits say are under way at once, and one more when the first is over', () => {
  const last = later.getTime() + 1000
  const probing = breaker('half_open', { probes: { one: later.getTime(), two: last } })
  assert.deepEqual(passage(probing, 2, now), { kind: 'refuse', until: later })
  assert.deepEqual(passage(probing, 3, now), { kind: 'probe' })
  assert.deepEqual(passage(probing, 2, later), { kind: 'probe' })
})

test('a breaker that is switched off is open only where somebody opened it by hand', () => {
  assert.deepEqual(passage(breaker('open', { next_attempt_at: later }), null, now), { kind: 'pass' })
  assert.deepEqual(passage(breaker('open'), null, now), { kind: 'refuse', until: null })
  assert.deepEqual(passage(breaker('open'), 1, now), { kind: 'refuse', until: null })
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
  for (const code of ['refused_address', 'invalid_url', 'invalid_request', 'aborted', 'no_room'])
    assert.equal(seen(error(code)), 'nothing')
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
