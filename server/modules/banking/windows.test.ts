import assert from 'node:assert/strict'
import { test } from 'node:test'
import { windowsOf } from './windows.ts'

const today = '2026-03-10'
const spans = (statement: object, read: { read_to: string | null; read_on: string | null }) =>
  windowsOf({ statement }, { id: 'a', ...read }, today).flatMap((step) =>
    step.kind === 'window' ? [`${step.from} ${step.to}${step.recent ? ' recent' : ''}`] : [],
  )
const NEVER = { read_to: null, read_on: null }

test('an account that was never read is read as far back as its bank tells, in windows no longer than it takes', () => {
  assert.deepEqual(spans({ history_days: 40, window_days: 31 }, NEVER), [
    '2026-01-29 2026-02-28',
    '2026-03-01 2026-03-10',
  ])
  assert.deepEqual(spans({}, NEVER), ['2025-03-10 2026-03-10'])
})

test('one that is known is read from a week before what is known, and on to what its bank announces', () => {
  assert.deepEqual(spans({ ahead_days: 30 }, { read_to: '2026-03-09', read_on: '2026-03-09' }), [
    '2026-03-02 2026-04-09',
  ])
})

test('where the last days may be asked more often, a daily sync asks for no others but once a week', () => {
  const statement = { history_days: 365, recent_days: 7, ahead_days: 30 }
  assert.deepEqual(spans(statement, { read_to: '2026-03-09', read_on: '2026-03-09' }), [
    '2026-03-04 2026-03-10 recent',
  ])
  assert.deepEqual(spans(statement, { read_to: '2026-03-08', read_on: '2026-03-08' }), [
    '2026-03-11 2026-04-09',
    '2026-03-04 2026-03-10 recent',
  ])
  assert.deepEqual(spans(statement, NEVER), [
    '2025-03-10 2026-03-03',
    '2026-03-11 2026-04-09',
    '2026-03-04 2026-03-10 recent',
  ])
})
