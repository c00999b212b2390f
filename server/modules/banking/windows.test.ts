import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addDays, later } from './days.ts'
import { knownTo, windowsOf } from './windows.ts'

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

test('whichever windows fail, on whichever days, no day that counts as known was never read', () => {
  const statements = fc.constantFrom(
    { history_days: 40, window_days: 15, ahead_days: 30, recent_days: 7 },
    { history_days: 40, ahead_days: 30, recent_days: 7 },
    { history_days: 40, window_days: 10, ahead_days: 5 },
  )
  const turn = fc.record({ days_later: fc.integer({ min: 0, max: 12 }), windows_read: fc.nat({ max: 8 }) })
  fc.assert(
    fc.property(statements, fc.array(turn, { maxLength: 8 }), (statement, turns) => {
      const account: { id: string; read_to: string | null; read_on: string | null } = { id: 'a', ...NEVER }
      const seen = new Set<string>()
      const first = addDays(today, -statement.history_days)
      let day = today
      for (const { days_later, windows_read } of [...turns, { days_later: 1, windows_read: 99 }]) {
        day = addDays(day, days_later)
        for (const step of windowsOf({ statement }, account, day).slice(0, windows_read)) {
          assert(step.kind === 'window')
          for (let at = step.from; at <= step.to; at = addDays(at, 1)) seen.add(at)
          const to = knownTo(step, day)
          if (to !== null) account.read_to = later(account.read_to ?? to, to)
          if (step.is_last) account.read_on = day
        }
        const oldest = addDays(day, -statement.history_days)
        for (let at = later(first, oldest); at <= (account.read_to ?? ''); at = addDays(at, 1))
          assert.ok(seen.has(at), `${at} was never read, and all is known up to ${account.read_to}`)
      }
    }),
    { seed: 7, numRuns: 300 },
  )
})
