import assert from 'node:assert/strict'
import { test } from 'node:test'
import { providers } from '../../providers/index.ts'
import { readAnswer } from './report.ts'

test("what the vendor did is not refused where its answer's amount is none of ours", () => {
  const provider = providers.get('stripe')
  const operation = provider?.operations['payments.find']
  assert.ok(provider && operation)
  const intent = { id: 'pi_1', status: 'succeeded', amount: 990, currency: 'zzz', created: 1 }
  const body = Buffer.from(JSON.stringify(intent))
  const timing = { first_byte_ms: 1, total_ms: 1 }
  const response = { kind: 'response' as const, status: 200, headers: {}, body, truncated: false, timing }
  const answer = readAnswer(provider, response, {
    named: { name: 'payments.find', operation, settings: {} },
    input: {},
  })
  assert.equal(answer.result, undefined)
  assert.match(String(answer.error), /not as expected/)
})
