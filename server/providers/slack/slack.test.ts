import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerHandshake } from '../../kit/messages.ts'
import { judge } from '../../kit/replies.ts'
import { slack } from './provider.ts'

test('a no that Slack answers with 200 is a no', () => {
  const judged = (body: string) =>
    judge(slack, 'POST', {
      kind: 'response',
      status: 200,
      headers: {},
      body: Buffer.from(body),
      truncated: false,
      timing: { first_byte_ms: 1, total_ms: 1 },
    })
  assert.equal(judged('{"ok":true,"ts":"1"}').outcome, 'succeeded')
  assert.equal(judged('no JSON').outcome, 'succeeded')
  const refusals = [
    ['{"ok":false,"error":"invalid_auth"}', 'credentials_refused', 'invalid_auth'],
    ['{"ok":false,"error":"constructor"}', 'unknown', 'constructor'],
    ['{"ok":false}', 'unknown', null],
  ] as const
  for (const [body, reason, code] of refusals) {
    const refusal = { reason, code, message: null }
    assert.deepEqual(judged(body), { outcome: 'refused', status: 200, refusal })
  }
})

test('only a handshake is answered as one', () => {
  const ask = (text: string, method = 'POST', headers = {}) =>
    answerHandshake(slack, {
      method,
      query: {},
      headers,
      body: Buffer.from(text),
      settings: {},
      secrets: ['s'],
    })
  assert.equal(ask('{"type":"url_verification","challenge":"3eZb"}')?.body, '3eZb')
  assert.equal(ask('{"type":"url_verification","challenge":"3eZb"}', 'GET'), null)
  assert.equal(ask('{"type":"event_callback","event":{"type":"url_verification"}}'), null)
  assert.equal(
    ask('ssl_check=1&token=t', 'POST', { 'content-type': 'application/x-www-form-urlencoded' })?.body,
    '',
  )
  for (const text of ['', '[', '{"type":', '"url_verification"', '{"type":"url_verification'])
    assert.equal(ask(text), null)
})
