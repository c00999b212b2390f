import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toAnswer } from '../calls/calls.ts'
import { isUnsure } from './vendor.ts'

const refused = (status: number) =>
  toAnswer(
    {
      ...{ id: 'call_1', state: 'refused', status, attempts: 1, error: null },
      refusal: { reason: 'duplicate', code: null, message: null },
    },
    isUnsure,
  )

test('a card that is declined as a duplicate is declined, a key used for something else says nothing', () => {
  assert.equal(refused(402).kind, 'refused')
  assert.equal(refused(400).kind, 'unknown')
})
