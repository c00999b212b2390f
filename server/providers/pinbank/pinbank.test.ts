import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildRequest } from '../../kit/transports/http.ts'
import { pinbank } from './provider.ts'

const opened = (dialect: string) => ({
  provider: pinbank,
  environment: 'test' as const,
  settings: { base_url: 'https://dev.pinbank.com.br/services', dialect, client_code: 3510, channel_code: 47 },
  credentials: { username: 'shop', password: 'a-password-of-sixteen' },
  token: 'a-token',
})
const timeoutOf = (dialect: string, operation: string, input: unknown): number => {
  const at = opened(dialect)
  const asked = pinbank.operations[operation]?.request(input, at.settings)
  assert(asked)
  return buildRequest(at, asked).timeout_ms
}

test('a transaction is waited for half a minute, a statement a whole one', () => {
  const money = { amount: '11050', currency: 'BRL' }
  const span = { from: '2026-03-01T12:00:00Z', to: '2026-03-01T12:05:00Z' }
  for (const dialect of ['basic', 'encrypted']) {
    const charge = { money, source: '550e8400-e29b-41d4-a716-446655440000' }
    assert.equal(timeoutOf(dialect, 'payments.create', charge), 30_000)
    assert.equal(timeoutOf(dialect, 'payments.capture', { vendor_id: '123', money }), 30_000)
    assert.equal(timeoutOf(dialect, 'payments.statement', span), 60_000)
    const known = { vendor_id: '123', created_at: span.from }
    assert.equal(timeoutOf(dialect, 'payments.find', known), 60_000)
  }
})
