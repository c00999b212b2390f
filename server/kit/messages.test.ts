import assert from 'node:assert/strict'
import { test } from 'node:test'
import Type from 'typebox'
import { bearer } from './auth.ts'
import { readEnvelope, translateMessage } from './messages.ts'
import { defineProvider, get, operation, post } from './provider.ts'
import { maybe, read, readPart, WireInteger } from './reads.ts'
import { judge, readReply } from './replies.ts'
import { standardWebhooks } from './signatures.ts'
import { checkSource } from './source_faults.ts'

const Event = Type.Object({ id: Type.String(), type: Type.String(), data: Type.Unknown() })
const provider = defineProvider({
  id: 'acorn',
  name: 'Acorn',
  category: 'generic',
  docs: 'https://docs.acorn.example',
  base_url: { live: 'https://a.example', test: 'https://a.example' },
  auth: bearer('key'),
  limits: { timeout_ms: 1000 },
  test: get('/'),
  webhooks: {
    signature: standardWebhooks(),
    reads: Event,
    event_id: ({ id }) => id,
    event_type: ({ type }) => {
      if (type === 'nameless') throw new TypeError('ours')
      return type
    },
    translate: ({ type, data }) => {
      if (type === 'bug') throw new TypeError('ours')
      return [{ type, data: JSON.stringify(readPart(Type.Object({ a: WireInteger }), data, 'data')) }]
    },
  },
})
const message = (body: string | Buffer) => ({ headers: {}, body: Buffer.from(body), settings: {} })

test('a genuine message that cannot be read keeps a key and says which field is wrong', () => {
  const envelope = readEnvelope(provider, message('{"id":7,"type":"a","data":1}'))
  assert.match(envelope.event_key, /^sha256:[0-9a-f]{64}$/)
  assert.equal(envelope.problem, 'id must be string')
  assert.equal(readEnvelope(provider, message('')).problem, 'the body is empty')
  assert.equal(readEnvelope(provider, message('{"id":')).problem, 'the body is not valid JSON')
  assert.equal(
    readEnvelope(provider, message(Buffer.from([0x22, 0xff, 0x22]))).problem,
    'the body is not valid UTF-8',
  )
  assert.notEqual(
    readEnvelope(provider, message('[1]')).event_key,
    readEnvelope(provider, message('[2]')).event_key,
  )
})

test('no event id costs a message: one that PostgreSQL refuses or an index cannot hold becomes a hash', () => {
  for (const id of ['a\0b', 'x'.repeat(256), '\ud800']) {
    const { event_key, problem } = readEnvelope(
      provider,
      message(JSON.stringify({ id, type: 'a\0b', data: {} })),
    )
    assert.match(event_key, /^sha256:/)
    assert.equal(problem, null)
  }
  assert.equal(readEnvelope(provider, message('{"id":"e1","type":"a\\u0000b","data":0}')).event_type, 'ab')
})

test('what a message means is news, or words about the field; a bug of ours is thrown on', () => {
  const good = translateMessage(provider, message('{"id":"1","type":"x.y","data":{"a":9007199254740993}}'))
  assert.deepEqual(good, { ok: true, news: [{ type: 'x.y', data: '{"a":"9007199254740993"}' }] })
  const bad = translateMessage(provider, message('{"id":"1","type":"x.y","data":{}}'))
  assert.deepEqual(bad, { ok: false, problem: 'data.a is missing' })
  assert.throws(() => translateMessage(provider, message('{"id":"1","type":"bug","data":{}}')), TypeError)
})

test('a source is refused without a secret it can verify with', () => {
  assert.deepEqual(checkSource(provider, {}, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']), [])
  assert.deepEqual(
    checkSource(provider, {}, []).map(({ field }) => field),
    ['secrets'],
  )
  assert.deepEqual(
    checkSource(provider, {}, ['whsec_c2hvcnQ=']).map(({ field }) => field),
    ['secrets.0'],
  )
  assert.deepEqual(
    checkSource(provider, { a: 1 }, ['x']).map(({ field }) => field),
    ['settings.a'],
  )
})

test('extra fields and nulls pass, and an error names the deepest field once', () => {
  const Shape = Type.Object({
    id: Type.String(),
    a: Type.Object({ amount: WireInteger, note: maybe(Type.String()) }),
  })
  assert(read(Shape, { id: 'x', a: { amount: 1, note: null, more: {} }, extra: 1 }).ok)
  assert.deepEqual(read(Shape, { id: 'x', a: { amount: '1.5', note: 3 } }), {
    ok: false,
    errors: [
      { field: 'a.amount', reason: 'must be integer or must match pattern "^-?[0-9]+$"' },
      { field: 'a.note', reason: 'must be string or must be null' },
    ],
  })
})

const answer = (status: number, body = '{}', headers: Record<string, string> = {}) =>
  ({
    kind: 'response',
    status,
    headers,
    body: Buffer.from(body),
    truncated: false,
    timing: { first_byte_ms: 1, total_ms: 1 },
  }) as const
const broken = (sent: boolean) =>
  ({ kind: 'error', code: 'timeout', sent, message: 'no answer within 1 s', total_ms: 1000 }) as const

test('what may have happened is unknown, what cannot have happened has failed', () => {
  const outcomeOf = (method: string, result: Parameters<typeof judge>[2]) =>
    judge(provider, method, result).outcome
  assert.equal(outcomeOf('POST', broken(true)), 'unknown')
  assert.equal(outcomeOf('POST', broken(false)), 'failed')
  assert.equal(outcomeOf('GET', broken(true)), 'failed')
  assert.equal(outcomeOf('POST', answer(500)), 'unknown')
  assert.equal(outcomeOf('POST', answer(503)), 'unknown')
  assert.equal(outcomeOf('POST', answer(503, '', { 'retry-after': '1' })), 'failed')
  assert.equal(outcomeOf('POST', answer(408)), 'unknown')
  assert.equal(outcomeOf('GET', answer(502)), 'failed')
  assert.equal(outcomeOf('POST', answer(302)), 'failed')
  assert.equal(outcomeOf('POST', answer(422)), 'refused')
  assert.equal(outcomeOf('POST', answer(204, '')), 'succeeded')
})

test('a 2xx that cannot be read leaves a write unknown, and says why', () => {
  const pay = operation({
    input: Type.Object({}),
    request: () => post('/'),
    reads: Type.Object({ a: WireInteger }),
    translate: ({ a }) => a,
  })
  assert.deepEqual(readReply(provider, pay, 'POST', answer(200, '{"a":1}')), {
    outcome: 'succeeded',
    status: 200,
    data: 1,
  })
  assert.deepEqual(readReply(provider, pay, 'POST', answer(201, '{}')), {
    outcome: 'unknown',
    status: 201,
    because: 'answered 201, but the reply cannot be read: a is missing',
  })
  assert.equal(readReply(provider, pay, 'GET', answer(200, '<html>')).outcome, 'failed')
})

test('a provider that trips over a genuine message costs nobody the message', () => {
  const envelope = readEnvelope(provider, message('{"id":"e1","type":"nameless","data":{"a":1}}'))
  assert.match(envelope.event_key, /^sha256:/)
  assert.match(String(envelope.problem), /acorn could not name it/)
})
