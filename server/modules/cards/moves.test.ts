import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CardLimits } from '../../kit/cards.ts'
import { countedSince, refusedBy, startOf } from './limits.ts'
import {
  type Act,
  AT_VENDOR,
  fulfilled,
  nextOf,
  type Reason,
  type Standing,
  shippingAfter,
  WANTED,
  whyNot,
} from './moves.ts'

type Vendor = 'inactive' | 'active' | 'canceled'
type Step =
  | { act: Act; reason?: Exclude<Reason, 'vendor'> }
  | { past_us: Vendor }
  | { old_news: Vendor }
  | { look: true }

const REASON = fc.constantFrom('customer' as const, 'lost' as const, 'stolen' as const, 'fraud' as const)
const VENDOR = fc.constantFrom<Vendor>('inactive', 'active', 'canceled')
const STEP: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ act: fc.constantFrom<Act>('activate', 'unblock') }),
  fc.record({ act: fc.constantFrom<Act>('block', 'cancel'), reason: REASON }),
  fc.record({ past_us: VENDOR }),
  fc.record({ old_news: VENDOR }),
  fc.constant({ look: true as const }),
)

/** A card and its vendor, who does what it is told and cancels for good. */
function play(steps: readonly Step[]) {
  let card: Standing = { status: 'inactive', reason: null }
  let vendor: Vendor = 'inactive'
  const history: Standing[] = [card]
  const become = (after: Standing) => {
    card = after
    history.push(card)
  }
  const look = () => {
    const next = nextOf({ ...card, wish: null, vendor_id: 'ic_1' }, { status: vendor }, true)
    if (next.kind === 'move') become(next.after)
    if (next.kind === 'repair' && vendor !== 'canceled') vendor = 'inactive'
  }
  for (const step of steps) {
    if ('act' in step && whyNot(step.act, card) === null) {
      const status = WANTED[step.act]
      if (vendor !== 'canceled') vendor = AT_VENDOR[status]
      const next = fulfilled(
        { ...card, wish: null, vendor_id: 'ic_1' },
        { status, reason: step.reason },
        { status: vendor },
      )
      if (next.kind === 'move') become(next.after)
    } else if ('past_us' in step && vendor !== 'canceled') {
      vendor = step.past_us
      look()
    } else if ('old_news' in step && step.old_news !== 'canceled') {
      const next = nextOf({ ...card, wish: null, vendor_id: 'ic_1' }, { status: step.old_news }, false)
      assert.notEqual(next.kind, 'move', 'what is old moves nothing')
      if (next.kind === 'look') look()
    } else if ('look' in step) look()
  }
  look()
  return { card, vendor, history }
}

test('whatever is asked, done past us and told late, a card that was lost, stolen or used for fraud is never open again', () => {
  fc.assert(
    fc.property(fc.array(STEP, { maxLength: 30 }), (steps) => {
      const { card, vendor, history } = play(steps)
      const grave = history.findIndex(
        ({ reason }) => reason !== null && ['lost', 'stolen', 'fraud'].includes(reason),
      )
      if (grave >= 0) for (const { status } of history.slice(grave)) assert.notEqual(status, 'active')
      const ended = history.findIndex(({ status }) => status === 'canceled')
      if (ended >= 0) assert.equal(history.length, ended + 1, 'what has ended moves no more')
      assert.equal(vendor === 'active', card.status === 'active', `${vendor} there, ${card.status} here`)
    }),
  )
})

test('a card whose end is told before the answer to who asked for it keeps the reason that was given', () => {
  const card = { status: 'blocked', reason: 'lost', vendor_id: 'ic_1' } as const
  const end = (wish: { status: 'blocked' | 'canceled'; reason?: Reason } | null, reason?: string) =>
    nextOf({ ...card, wish }, { status: 'canceled', ...(reason && { reason }) }, false)
  const canceled = (reason: Reason | null) => ({ kind: 'move', after: { status: 'canceled', reason } })
  assert.deepEqual(end({ status: 'canceled', reason: 'fraud' }), canceled('fraud'))
  assert.deepEqual(end({ status: 'canceled' }), canceled(null))
  assert.deepEqual(end({ status: 'blocked', reason: 'fraud' }), canceled('vendor'))
  assert.deepEqual(end(null, 'stolen'), canceled('stolen'))
})

test('nothing leads back to a card that nobody knows, and every state but the ends has a way out', () => {
  const acts: Act[] = ['activate', 'block', 'unblock', 'cancel']
  for (const status of ['inactive', 'active', 'blocked'] as const)
    for (const reason of [null, 'customer', 'lost', 'stolen', 'fraud', 'vendor'] as const)
      assert.ok(
        acts.some((act) => whyNot(act, { status, reason }) === null),
        `${status} ${reason}`,
      )
  for (const status of ['processing', 'failed', 'canceled'] as const)
    for (const act of acts) assert.notEqual(whyNot(act, { status, reason: null }), null)
})

test('old news of the way of a card takes it nowhere back, and words that nobody knows are kept as they are', () => {
  const at = (status: string) => ({ status, carrier: null, tracking_number: null })
  const after = (now: string, told: string) => shippingAfter(at(now), at(told)).status
  assert.deepEqual([after('pending', 'shipped'), after('shipped', 'pending')], ['shipped', 'shipped'])
  assert.deepEqual([after('shipped', 'failure'), after('lost in Recife', 'pending')], ['failure', 'pending'])
  assert.equal(shippingAfter(null, at('pending')).status, 'pending')
})

test('a card is open for use only where it is active and nothing shuts it', () => {
  const wish = (status: 'active' | 'blocked' | 'canceled') => ({ status })
  assert.equal(refusedBy({ status: 'active', reason: null, wish: null }), null)
  assert.equal(refusedBy({ status: 'active', reason: null, wish: wish('blocked') }), 'card_blocked')
  assert.equal(refusedBy({ status: 'active', reason: null, wish: wish('canceled') }), 'card_canceled')
  assert.equal(refusedBy({ status: 'inactive', reason: null, wish: wish('active') }), 'card_inactive')
})

test('intervals begin by the calendar of UTC, weeks on Sunday', () => {
  const now = new Date('2026-11-25T23:30:00.000Z') // a Wednesday
  const starts = (['daily', 'weekly', 'monthly', 'yearly'] as const).map((one) =>
    startOf(one, now)?.toISOString(),
  )
  assert.deepEqual(starts, [
    '2026-11-25T00:00:00.000Z',
    '2026-11-22T00:00:00.000Z',
    '2026-11-01T00:00:00.000Z',
    '2026-01-01T00:00:00.000Z',
  ])
  const limits = (...intervals: ('daily' | 'monthly' | 'all_time' | 'per_authorization')[]): CardLimits[] => [
    { spending: intervals.map((interval) => ({ amount: '1', interval })) },
  ]
  assert.equal(countedSince(limits('per_authorization'), now), 'never')
  assert.equal(countedSince(limits('daily', 'all_time'), now), null)
  const since = countedSince(limits('daily', 'monthly'), now)
  assert.ok(since instanceof Date && since.toISOString() === '2026-11-01T00:00:00.000Z')
})
