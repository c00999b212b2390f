import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { coversPath, readKey } from './cache_key.ts'
import type { OperationRequest } from './provider.ts'

const get = (path: string, more: Partial<OperationRequest> = {}): OperationRequest => ({
  method: 'GET',
  path,
  ...more,
})
const key = (request: OperationRequest) => readKey('one', request)

test('the same question in another spelling is one key', () => {
  const same = [
    get('/a?x=1&y=2'),
    get('/a?y=2&x=1'),
    get('/a', { query: { y: '2', x: 1, z: undefined } }),
    get('/a?y=2', { query: { x: 1 }, headers: { 'X-Request-Id': '7', 'User-Agent': 'me' } }),
  ]
  assert.equal(new Set(same.map(key)).size, 1)
})

test('another question is another key', () => {
  const others = [
    get('/a'),
    get('/a?x=1'),
    get('/a?x=1&x=2'),
    get('/a?x=2&x=1'),
    get('/a?x=1%26x=2'),
    get('/a/'),
    get('/a', { method: 'HEAD' }),
    get('/a', { headers: { 'stripe-account': 'acct_1' } }),
    get('/a', { headers: { 'stripe-account': 'acct_2' } }),
    get('/a', { method: 'POST', body: { q: 1 } }),
    get('/a', { method: 'POST', body: { q: 2 } }),
    get('/a', { method: 'POST', body: { q: 1 }, encoding: 'form' }),
  ]
  assert.equal(new Set(others.map(key)).size, others.length)
  assert.notEqual(readKey('one', get('/a')), readKey('two', get('/a')))
})

test('a pattern covers what it would as a regular expression', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.'), maxLength: 8 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '*', '*'), maxLength: 6 })
  fc.assert(
    fc.property(pattern, text, (pattern, path) => {
      const expected = pattern.replaceAll('.', '\\.').replaceAll('*', '.*')
      assert.equal(coversPath(pattern, path), new RegExp(`^${expected}$`).test(path))
    }),
    { numRuns: 2000 },
  )
})

test('a hostile pattern costs no more than its length', () => {
  const began = performance.now()
  assert.equal(coversPath(`/${'*a'.repeat(200)}*b`, `/${'a'.repeat(8000)}`), false)
  assert.ok(performance.now() - began < 5000)
})
