import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EgressResult } from '../platform/egress/egress.ts'
import { type BreakerState, passage, vendorSeen } from './breaker.ts'

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

test('only what is the fault of the vendor counts against it', () => {
  const response = (status: number) => ({ kind: 'response', status }) as EgressResult
  const error = (code: string) => ({ kind: 'error', code }) as EgressResult
  for (const status of [500, 502, 503, 599]) assert.equal(vendorSeen(response(status)), 'at_fault')
  for (const status of [200, 304, 400, 401, 404, 408, 429]) assert.equal(vendorSeen(response(status)), 'well')
  for (const code of ['timeout', 'dns', 'connect', 'tls', 'reset'])
    assert.equal(vendorSeen(error(code)), 'at_fault')
  for (const code of ['refused_address', 'invalid_url', 'aborted'])
    assert.equal(vendorSeen(error(code)), 'nothing')
})
