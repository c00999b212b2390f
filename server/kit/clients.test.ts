import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientOf, isMissing } from './clients.ts'

test('a client that is not installed is named, and a fault of one that is stays its own', async () => {
  const away = () => import(['not', 'installed', 'anywhere'].join('-')) as Promise<object>
  await assert.rejects(clientOf('tedious', away), (error) => {
    assert.ok(isMissing(error))
    return /npm install tedious@20/.test(error.message)
  })
  await assert.rejects(
    clientOf('tedious', () => Promise.reject(new Error('broken'))),
    (error) => !isMissing(error),
  )
})
