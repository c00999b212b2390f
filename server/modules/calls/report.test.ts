import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maskReply } from '../../kit/transports/http.ts'
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

test('an answer is text in the character set that it says, also on record', () => {
  const provider = providers.get('http')
  assert.ok(provider)
  const timing = { first_byte_ms: 1, total_ms: 1 }
  const body = Buffer.from('{"cidade":"São João"}', 'latin1')
  const headers = { 'content-type': 'application/json; charset=iso-8859-1' }
  const response = { kind: 'response' as const, status: 200, headers, body, truncated: false, timing }
  const told = readAnswer(provider, response, { named: null, input: {} })
  assert.deepEqual([told.encoding, told.json], ['json', '{"cidade":"São João"}'])
  const opened = { provider, environment: 'test' as const, settings: { auth: 'none' }, credentials: {} }
  assert.equal(maskReply(opened, response).body, '{"cidade":"São João"}')
  const silent = { ...response, headers: {} }
  assert.equal(readAnswer(provider, silent, { named: null, input: {} }).encoding, 'base64')
})
