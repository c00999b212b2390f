import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bearer } from './auth.ts'
import { defineProvider, get } from './provider.ts'
import { worldFaults } from './worlds.ts'

const acorn = defineProvider({
  id: 'acorn',
  name: 'Acorn',
  category: 'payments',
  docs: 'https://docs.acorn.example',
  base_url: { live: 'https://api.acorn.example/v3', test: 'https://sandbox.acorn.example/v3' },
  fields: [
    { key: 'base_url', label: 'Address' },
    { key: 'token', label: 'Token', secret: true, worlds: { live: 'live_.+', test: 'test_.+' } },
  ],
  auth: bearer('token'),
  limits: { timeout_ms: 1000 },
  test: get('/'),
})

const faults = (world: 'live' | 'test', settings: Record<string, string>, token = 'any') =>
  worldFaults(acorn, world, settings, { token }).map(({ field }) => field)

test("the vendor's live address is not taken for a test connection, nor the test one for a live", () => {
  assert.deepEqual(faults('test', { base_url: 'https://api.acorn.example/v4/' }), ['settings.base_url'])
  assert.deepEqual(faults('live', { base_url: 'https://sandbox.acorn.example' }), ['settings.base_url'])
  assert.deepEqual(faults('live', { base_url: 'https://api.acorn.example' }), [])
  assert.deepEqual(faults('test', { base_url: 'http://127.0.0.1:9/' }), [])
})

test('a credential says which world it is of, or says nothing', () => {
  assert.deepEqual(faults('live', {}, 'test_1'), ['credentials.token'])
  assert.deepEqual(faults('test', {}, 'live_1'), ['credentials.token'])
  assert.deepEqual(faults('test', {}, 'test_1'), [])
  assert.deepEqual(faults('live', {}, 'mytest_1'), [])
})
