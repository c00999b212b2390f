import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type AttemptOutcome, LONGEST_DELAY_MS, mayRetry, parseRetryAfter, retryDelay } from './retry.ts'

const answered = (status: number, retry_after_ms: number | null = null): AttemptOutcome => ({
  kind: 'response',
  status,
  retry_after_ms,
})
const broke = (code: string, sent: boolean): AttemptOutcome => ({ kind: 'error', code, sent })

test('what might have happened is never done twice without an idempotency key', () => {
  for (const outcome of [
    answered(500),
    answered(502),
    answered(503),
    answered(504),
    broke('timeout', true),
    broke('reset', true),
  ]) {
    assert(!mayRetry('POST', outcome, false))
    assert(!mayRetry('DELETE', outcome, false))
    assert(mayRetry('POST', outcome, true))
    assert(mayRetry('get', outcome, false))
  }
})

test('what was never sent, or was put off by name, is done again', () => {
  assert(mayRetry('POST', broke('connect', false), false))
  assert(mayRetry('POST', answered(429), false))
  assert(mayRetry('POST', answered(503, 2000), false))
})

test("a vendor's no, and what we refuse ourselves, are not asked again", () => {
  for (const status of [200, 301, 400, 401, 402, 404, 409, 422, 501])
    assert(!mayRetry('GET', answered(status), true))
  for (const code of ['refused_address', 'invalid_url', 'invalid_request', 'aborted'])
    assert(!mayRetry('GET', broke(code, false), true))
})

test('the wait is jittered fully, doubles to 30 s, and is never sooner than Retry-After', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempt, dice) => {
        const wait = retryDelay(attempt, { random: () => dice })
        assert(wait !== null && wait >= 0 && wait <= Math.min(LONGEST_DELAY_MS, 1000 * 2 ** (attempt - 1)))
      },
    ),
  )
  assert.equal(retryDelay(1, { random: () => 0.5 }), 500)
  assert.equal(retryDelay(3, { random: () => 0.5 }), 2000)
  assert.equal(retryDelay(1, { random: () => 0, retry_after_ms: 7000 }), 7000)
  assert.equal(retryDelay(1, { random: () => 0, retry_after_ms: 31_000 }), null)
})

test('Retry-After is read as seconds or as an HTTP date, and nothing else', () => {
  const now = new Date('2026-01-02T15:00:00Z')
  assert.equal(parseRetryAfter('120', now), 120_000)
  assert.equal(parseRetryAfter(' 0 ', now), 0)
  assert.equal(parseRetryAfter('Fri, 02 Jan 2026 15:00:30 GMT', now), 30_000)
  assert.equal(parseRetryAfter('Fri, 02 Jan 2026 14:00:30 GMT', now), 0)
  for (const bad of [undefined, '', '-1', '1.5', 'soon', '2026-01-02', 'Fri, 99 Jan 2026 15:00:30 GMT']) {
    assert.equal(parseRetryAfter(bad, now), null, bad)
  }
  fc.assert(fc.property(fc.string(), (text) => (parseRetryAfter(text, now) ?? 0) >= 0))
})
