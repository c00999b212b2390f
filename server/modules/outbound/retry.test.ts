import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nextWait, readRetryAfter, SCHEDULE_S } from './retry.ts'

const schedule = fc.array(fc.integer({ min: 1, max: 604_800 }), { minLength: 1, maxLength: 20 })
const dice = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })

test('each retry falls within its own step of the schedule, and the whole takes as long as the schedule', () => {
  fc.assert(
    fc.property(schedule, fc.infiniteStream(dice), (schedule_s, rolls) => {
      let elapsed_s = 0
      let begins_s = 0
      for (const [at, step_s] of schedule_s.entries()) {
        const random = rolls.next().value ?? 0
        const wait_s = nextWait({ schedule_s, attempts: at + 1, elapsed_s, asked_s: 0, random })
        assert.ok(wait_s !== null && wait_s >= 0)
        elapsed_s += wait_s
        assert.ok(elapsed_s >= begins_s - 1e-6 && elapsed_s <= begins_s + step_s + 1e-6)
        begins_s += step_s
      }
      const end = { schedule_s, attempts: schedule_s.length + 1, elapsed_s, asked_s: 0, random: 0 }
      assert.equal(nextWait(end), null)
    }),
    { numRuns: 100 },
  )
})

test('retries of one outage are spread over the whole step', () => {
  const wait = (random: number) =>
    nextWait({ schedule_s: SCHEDULE_S, attempts: 1, elapsed_s: 0, asked_s: 0, random })
  assert.equal(wait(0), 0)
  assert.equal(wait(0.5), 2.5)
  assert.ok(Number(wait(0.999)) > 4.9)
})

test('one that was sent again by hand is not put off by steps that it never waited for', () => {
  const schedule_s = Array<number>(20).fill(604_800)
  const wait_s = nextWait({ schedule_s, attempts: 12, elapsed_s: 60, asked_s: 0, random: 0.999 })
  assert.ok(Number(wait_s) <= 2 * 604_800, `${wait_s} s`)
})

test('no attempt comes sooner than the receiver asks, and none waits for it longer than a day', () => {
  const wait = (asked_s: number) =>
    nextWait({ schedule_s: SCHEDULE_S, attempts: 1, elapsed_s: 0, asked_s, random: 0.5 })
  assert.equal(wait(1), 2.5)
  assert.equal(wait(600), 600)
  assert.equal(wait(999_999_999), 86_400)
})

test('Retry-After is read as seconds and as a date of HTTP, and what is neither says nothing', () => {
  const now = new Date('2026-11-22T01:00:00Z')
  assert.equal(readRetryAfter('120', now), 120)
  assert.equal(readRetryAfter('Sun, 22 Nov 2026 01:10:00 GMT', now), 600)
  assert.equal(readRetryAfter('Sunday, 22-Nov-26 01:10:00 GMT', now), 600)
  assert.equal(readRetryAfter('Sun, 22 Nov 2026 00:50:00 GMT', now), 0)
  for (const nothing of [null, '', '-5', '1.5', 'soon', '2026-11-22', 'Sun, 99 Foo 2026 01:10:00 GMT'])
    assert.equal(readRetryAfter(nothing, now), 0, String(nothing))
})
