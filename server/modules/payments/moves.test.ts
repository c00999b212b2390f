import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import type { PaymentStatus, VendorPayment, VendorRefund } from '../../kit/news.ts'
import { inTenant } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import type { Actor } from '../app.ts'
import { tell } from '../events/events.ts'
import { answered } from './create.ts'
import * as lists from './list_queries.ts'
import { leftToRefund, mayRefundBecome, nextOf, type Standing, type Status, wordOf } from './moves.ts'
import * as queries from './queries.ts'
import * as refunds from './refund_queries.ts'
import { refundAnswered, reserveRefund } from './refunds.ts'
import { applyWord } from './told.ts'

let served: Served
let tenant_id: string
before(async () => {
  served = await serve()
  tenant_id = (await tenantWithKey(served, ['*'], 'test')).tenant_id
})

const BRL = (amount: bigint | number) => ({ amount: String(amount), currency: 'BRL' })
const AMOUNT = 100n
const RUNS = 30

/** A vendor as it truly is, and the news it has sent that nobody has read yet. */
type Vendor = {
  status: 'none' | 'pending' | 'authorized' | 'failed' | 'completed' | 'canceled'
  charges: number
  captured: bigint
  refunds: Map<string, { id: string; amount: bigint; status: 'completed' | 'failed' }>
  news: VendorPayment[]
}

const newVendor = (): Vendor => ({ status: 'none', charges: 0, captured: 0n, refunds: new Map(), news: [] })

const given = ({ refunds: made }: Vendor): bigint =>
  [...made.values()].reduce((sum, one) => (one.status === 'completed' ? sum + one.amount : sum), 0n)

/** As a vendor tells of it at this moment. */
function tellOf(vendor: Vendor): VendorPayment {
  const back = given(vendor)
  const taken: PaymentStatus =
    back === 0n ? 'completed' : back === vendor.captured ? 'refunded' : 'partially_refunded'
  const status = vendor.status === 'none' ? 'pending' : vendor.status === 'completed' ? taken : vendor.status
  return {
    vendor_id: 'pi_1',
    status,
    money: BRL(AMOUNT),
    captured: BRL(vendor.captured),
    refunded: BRL(back),
  }
}

type Try = {
  vendor: Vendor
  place: queries.Place
  /** Refunds of ours whose answer nobody saw. */
  lost: string[]
  asked: { version: number; told: VendorPayment } | null
  /** Refunds that came back. */
  bounced: number
}

const actor = (): Actor => ({
  kind: 'system',
  id: 'test',
  tenant_id,
  environment: 'test',
  scopes: [],
  ip: null,
  request_id: null,
})

async function begin(): Promise<Try> {
  const { app } = served
  const place = { tenant_id, id: app.newId() }
  const connection_id = app.newId()
  await inTenant(app.db, tenant_id, (tx) =>
    queries.insertPayment(tx, {
      ...place,
      ...{ connection_id, provider: 'stripe', method: 'card', capture: 'manual', held: false, actor: 'test' },
      ...{ amount: String(AMOUNT), currency: 'BRL', customer: null, description: null, due_date: null },
      metadata: '{}',
      request: Buffer.from('x'),
    }),
  )
  return { vendor: newVendor(), place, lost: [], asked: null, bounced: 0 }
}

const change = (vendor: Vendor, from: Vendor['status'][], to: Vendor['status']): void => {
  if (!from.includes(vendor.status)) return
  vendor.status = to
  if (to === 'authorized') vendor.charges += 1
  if (to === 'completed') {
    if (vendor.captured === 0n && vendor.charges === 0) vendor.charges += 1
    vendor.captured = AMOUNT
  }
  vendor.news.push(tellOf(vendor))
}

/** The same refund under the same key is one refund, and none goes above what was captured. */
function refundAt(vendor: Vendor, key: string, amount: bigint): VendorRefund | null {
  const known = vendor.refunds.get(key)
  if (!known && (vendor.status !== 'completed' || given(vendor) + amount > vendor.captured)) return null
  const made = known ?? { id: `re_${key}`, amount, status: 'completed' as const }
  vendor.refunds.set(key, made)
  if (!known) vendor.news.push(tellOf(vendor))
  return { vendor_id: made.id, payment_id: 'pi_1', status: made.status, money: BRL(amount) }
}

const read = ({ place }: Try) => inTenant(served.app.db, tenant_id, (tx) => queries.findPayment(tx, place))

async function hear({ place }: Try, payment: VendorPayment, asked_at?: number): Promise<void> {
  const cause = { cause: 'news' as const, cause_id: null, ...(asked_at !== undefined && { asked_at }) }
  await tell(served.app, tenant_id, async (tx) => {
    const applied = await applyWord(tx, place, wordOf(payment, 'BRL'), cause)
    return { out: null, drafts: applied?.drafts ?? [] }
  })
}

async function answerRefund({ vendor }: Try, id: string, amount: bigint): Promise<void> {
  const told = refundAt(vendor, id, amount)
  const failure = { reason: 'amount_invalid', code: null, message: null } as const
  await refundAnswered(
    served.app,
    { tenant_id, id },
    told ? { kind: 'told', told, call_id: 'c' } : { kind: 'refused', failure, call_id: 'c' },
  )
}

async function refund(run: Try, amount: bigint, is_lost: boolean): Promise<void> {
  const reserved = await reserveRefund(
    served.app,
    actor(),
    run.place,
    { amount: String(amount) },
    null,
  ).catch(() => null)
  if (!reserved) return
  const { id } = reserved.refund
  if (!is_lost) return answerRefund(run, id, amount)
  refundAt(run.vendor, id, amount)
  run.lost.push(id)
}

/** What may happen, in any order; `n` picks among what is there. */
const STEPS: Record<string, (run: Try, n: number) => Promise<void> | void> = {
  open: ({ vendor }) => change(vendor, ['none', 'failed'], 'pending'),
  decline: ({ vendor }) => change(vendor, ['none', 'pending'], 'failed'),
  hold: ({ vendor }) => change(vendor, ['none', 'pending', 'failed'], 'authorized'),
  take: ({ vendor }) => change(vendor, ['authorized'], 'completed'),
  pay: ({ vendor }) => change(vendor, ['none', 'pending', 'failed'], 'completed'),
  release: ({ vendor }) => change(vendor, ['authorized', 'pending'], 'canceled'),
  desk: ({ vendor }, n) => void refundAt(vendor, `desk${n}`, BigInt((n % 60) + 1)),
  reply: async (run) => {
    if (run.vendor.status === 'none') return
    const answer = { kind: 'told', told: tellOf(run.vendor), call_id: 'c' } as const
    await answered(served.app, run.place, answer, 'reply')
  },
  silence: async ({ place }) => {
    const answer = { kind: 'unknown', because: 'cut', call_id: 'c' } as const
    await answered(served.app, place, answer, 'reply')
  },
  hear: (run, n) => hearOne(run, n, true),
  hear_again: (run, n) => hearOne(run, n, false),
  refund: (run, n) => refund(run, BigInt((n % 70) + 1), false),
  lose_refund: (run, n) => refund(run, BigInt((n % 70) + 1), true),
  bounce: (run, n) => bounce(run, n),
  race: async (run, n) => {
    const amount = BigInt((n % 50) + 30)
    await Promise.all([refund(run, amount, false), refund(run, amount, true), hearOne(run, n, false)])
  },
  ask: async (run) => {
    const row = await read(run)
    if (row?.vendor_id) run.asked = { version: row.version, told: tellOf(run.vendor) }
  },
  be_answered: async (run) => {
    const { asked } = run
    run.asked = null
    if (asked) await hear(run, asked.told, asked.version)
  },
}

/** The payer's bank sends a refund back. */
async function bounce(run: Try, n: number): Promise<void> {
  const { vendor } = run
  const [key, back] = [...vendor.refunds][n % Math.max(1, vendor.refunds.size)] ?? []
  if (!key || !back || back.status === 'failed') return
  back.status = 'failed'
  run.bounced += 1
  if (!key.startsWith('desk')) await answerRefund(run, key, back.amount)
}

async function hearOne(run: Try, n: number, only_once: boolean): Promise<void> {
  const { news } = run.vendor
  const one = news[n % Math.max(1, news.length)]
  if (!one) return
  if (only_once) news.splice(n % news.length, 1)
  await hear(run, one)
}

/** Never more asked back than there is, by what is on record. */
async function checkReserved(run: Try): Promise<void> {
  const row = await read(run)
  const sums = await inTenant(served.app.db, tenant_id, (tx) => refunds.sumRefunds(tx, run.place))
  assert.ok(row && sums.settled + sums.open <= BigInt(row.captured), 'more is asked back than was captured')
  assert.ok(given(run.vendor) <= run.vendor.captured)
  assert.ok(run.vendor.charges <= 1)
}

/** Whatever was late or lost is asked for in the end. */
async function settleAll(run: Try, is_deaf: boolean): Promise<void> {
  const { vendor, place } = run
  if (vendor.status === 'none') change(vendor, ['none'], 'completed') // asked again under its key
  if (is_deaf) vendor.news = [] // what was sent never arrives
  while (vendor.news.length > 0) await hearOne(run, vendor.news.length * 7, true)
  await STEPS['reply']?.(run, 0)
  for (const row of await inTenant(served.app.db, tenant_id, (tx) => refunds.listOpenRefunds(tx, place)))
    await answerRefund(run, row.id, BigInt(row.amount))
  await STEPS['ask']?.(run, 0)
  await STEPS['be_answered']?.(run, 0)
}

async function eventsOf({ place }: Try): Promise<string[]> {
  const rows = await served.app.db.owner
    .selectFrom('event')
    .select('type')
    .where('tenant_id', '=', tenant_id)
    .where('entity_id', '=', toWire('payment', place.id))
    .orderBy('id')
    .execute()
  return rows.map(({ type }) => type)
}

async function checkEnd(run: Try): Promise<void> {
  const { vendor, place } = run
  const truth = tellOf(vendor)
  const row = await read(run)
  assert.equal(row?.status, truth.status)
  assert.equal(row?.refunded, String(given(vendor)))
  if (vendor.status === 'completed') assert.equal(row?.captured, String(vendor.captured))
  const open = await inTenant(served.app.db, tenant_id, (tx) => refunds.listOpenRefunds(tx, place))
  assert.equal(open.length, 0)
  const ours = await inTenant(served.app.db, tenant_id, (tx) => refunds.listRefunds(tx, place, 100, null))
  for (const one of ours)
    assert.equal(one.status === 'completed', vendor.refunds.get(one.id)?.status === 'completed')
  const told = await eventsOf(run)
  const count = (wanted: string) => told.filter((type) => type === wanted).length
  assert.ok(count('payment.completed') <= 1 + run.bounced, told.join())
  const done = ours.filter(({ status }) => status === 'completed').length
  assert.ok(count('refund.completed') >= done && count('refund.completed') <= done + run.bounced, told.join())
  const moves = await inTenant(served.app.db, tenant_id, (tx) => lists.listMoves(tx, place))
  assert.deepEqual(
    moves.map(({ version }) => version),
    moves.map((_, at) => at + 1),
  )
}

/** Most begin with a payment that we know is made, where refunds and late news meet. */
const BEGINNINGS = [[], ['pay', 'reply'], ['hold', 'reply', 'take', 'reply'], ['decline', 'reply', 'pay']]
const OFTEN = ['bounce', 'refund', 'lose_refund', 'race', 'hear', 'hear_again', 'ask', 'be_answered', 'desk']

test('no order of replies, news, refunds and races moves money twice, loses a refund or ends otherwise than the vendor', async () => {
  const any = fc.constantFrom(...OFTEN, ...OFTEN, ...Object.keys(STEPS))
  const step = fc.tuple(any, fc.nat(1000))
  const beginning = fc.constantFrom(...BEGINNINGS)
  await fc.assert(
    fc.asyncProperty(
      beginning,
      fc.array(step, { minLength: 4, maxLength: 14 }),
      fc.boolean(),
      async (first, steps, is_deaf) => {
        const run = await begin()
        for (const [name, n] of [...first.map((name) => [name, 0] as const), ...steps]) {
          await STEPS[name]?.(run, n)
          await checkReserved(run)
        }
        await settleAll(run, is_deaf)
        await checkEnd(run)
      },
    ),
    { numRuns: RUNS, seed: 1_042 },
  )
})

const ALL: Status[] = [
  'processing',
  'pending',
  'authorized',
  'completed',
  'failed',
  'canceled',
  'expired',
  'disputed',
]
const standing = (status: Status): Standing => ({
  ...{ status, vendor_id: 'pi_1', amount: AMOUNT, failure: null, refunded: 0n },
  ...{ settlement_id: null, expires_at: null, pix_code: null },
  captured: status === 'completed' || status === 'disputed' ? AMOUNT : 0n,
})

test('money that was taken is never untaken by news, and is believed in any state', () => {
  for (const status of ALL) {
    const paid = nextOf(standing(status), { status: 'completed' })
    if (status !== 'disputed') assert.ok(paid === null ? status === 'completed' : paid.status === 'completed')
    assert.equal(
      nextOf(standing('completed'), { status })?.status ?? 'completed',
      status === 'disputed' ? status : 'completed',
    )
  }
})

test('news heard twice changes nothing the second time, whatever it is', () => {
  const word = fc.record(
    {
      status: fc.constantFrom(...ALL, 'refunded' as const, 'partially_refunded' as const),
      captured: fc.bigInt(0n, 100n),
      refunded: fc.bigInt(0n, 100n),
    },
    { requiredKeys: ['status'] },
  )
  fc.assert(
    fc.property(fc.constantFrom(...ALL), fc.array(word, { maxLength: 8 }), word, (from, words, last) => {
      const after = [...words, last].reduce((now: Standing, one) => nextOf(now, one) ?? now, standing(from))
      assert.equal(nextOf(after, last), null)
    }),
  )
})

test('a refund we gave up is believed when the vendor has it, one that came back is not done by old news', () => {
  assert.ok(mayRefundBecome({ status: 'failed', vendor_id: null }, 'completed'))
  assert.ok(!mayRefundBecome({ status: 'failed', vendor_id: 're_1' }, 'completed'))
})

test('what is left to refund is never more than what nobody has asked for', () => {
  const units = fc.bigInt(0n, 1000n)
  fc.assert(
    fc.property(units, units, units, units, (captured, refunded, settled, open) => {
      const left = leftToRefund({ captured, refunded }, { settled, open })
      assert.ok(left === 0n || (left + open + settled <= captured && left + open + refunded <= captured))
    }),
  )
})
