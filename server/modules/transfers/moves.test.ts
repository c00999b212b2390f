import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import type { VendorTransfer } from '../../kit/transfers.ts'
import { inTenant } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { eventually, type Json } from '../../test/product.ts'
import { type Paid, startTransferring, TO_ACCOUNT, type Transferring } from '../../test/transferring.ts'
import { dayOf } from './days.ts'
import { mayGo, nextOf, type Standing, type Status } from './moves.ts'
import * as queries from './queries.ts'
import { settle } from './settle.ts'

let at: Transferring
before(async () => {
  at = await startTransferring()
})

const RUNS = 8
const POST = /POST .*\/lotes-/

type Run = { id: string; number: number; posts: number }

/** How often the bank was asked to make something, since the run began. */
const posts = (): number => at.front.seen.filter((what) => POST.test(what)).length

/** The job of now, run as often at once as processes may that took it for abandoned. */
async function turn({ id }: Run, times: number): Promise<void> {
  const { app, api } = at.product
  const place = { tenant_id: fromWire('tenant', api.tenant_id), id: fromWire('transfer', id) }
  const row = await inTenant(app.db, place.tenant_id, (tx) => queries.findTransfer(tx, place))
  if (!row?.job_id) return
  const payload = { transfer_id: place.id, tries: 3, denied: 1, looks: 0 }
  const job = { tenant_id: place.tenant_id, id: row.job_id, payload, attempts: 1 }
  await Promise.all(Array.from({ length: times }, () => settle(app, job)))
}

const BEGINNINGS: Record<string, () => Promise<Json>> = {
  well: () => at.make(),
  lost: () => faulty('cut', {}),
  cut_off: () => faulty('drop', TO_ACCOUNT),
  held: () => at.make({ scheduled_for: dayOf(new Date(Date.now() + 2 * 86_400_000)) }),
}

async function faulty(fault: string, body: Json): Promise<Json> {
  at.front.fault(POST, fault)
  const made = await at.make(body)
  at.front.calm()
  return made
}

/** What may happen, in any order; `n` picks among what is there. */
const STEPS: Record<string, (run: Run, n: number) => Promise<unknown>> = {
  turn: (run) => turn(run, 1),
  turns_at_once: (run, n) => turn(run, 2 + (n % 3)),
  race: (run, n) =>
    Promise.all([
      turn(run, 2),
      at.act(run.id, 'refresh'),
      ...(n % 3 === 0 ? [at.act(run.id, 'cancel')] : []),
    ]),
  refresh: ({ id }) => at.act(id, 'refresh'),
  cancel: ({ id }) => at.act(id, 'cancel'),
  its_day: (run) => at.later(49, () => turn(run, 2)),
  its_day_and_lost: async (run, n) => {
    at.front.fault(POST, n % 2 === 0 ? 'cut' : 'drop')
    await at.later(49, () => turn(run, 3))
    at.front.calm()
  },
  deaf: async (run) => {
    at.front.fault(/GET /, 'status=500')
    await turn(run, 1)
    at.front.calm()
  },
  resolve: ({ id }, n) =>
    at.later(1, () => at.act(id, 'resolve', { outcome: n % 4 === 0 ? 'completed' : 'failed', note: 'seen' })),
  give_back: async (run) => {
    const [paid] = await atBank(run)
    if (paid?.state === 'Pago')
      await at.control(`/${run.number}`, 'PUT', { state: 'Devolvido', reason: 215, debited: 0 })
  },
}

const atBank = ({ id }: Run): Promise<Paid[]> => at.atBank({ id })

async function check(run: Run): Promise<void> {
  const paid = await atBank(run)
  assert.ok(posts() - run.posts <= 1, 'it was sent twice')
  assert.ok(paid.length <= 1 && (paid[0]?.debited ?? 0) <= 15_050)
}

const ENDS: Record<string, Status> = {
  Pago: 'completed',
  Devolvido: 'returned',
  Cancelado: 'canceled',
  Rejeitado: 'failed',
}

/** Whatever was late or lost is asked for in the end; what nobody let go is let go. */
async function settleAll(run: Run): Promise<void> {
  at.front.calm()
  await at.later(60, async () => {
    await eventually(async () => {
      const [paid] = await atBank(run)
      if (paid && !ENDS[paid.state])
        await at.control(`/${run.number}`, 'PUT', { state: 'Pago', debited: paid.cents })
      await turn(run, 1)
      await at.act(run.id, 'refresh')
      return !['scheduled', 'pending', 'processing'].includes((await at.read(run.id)).status)
    })
  })
}

async function checkEnd(run: Run, by_hand: boolean): Promise<void> {
  const { status, moves } = await at.read(run.id)
  const [paid] = await atBank(run)
  if (paid) assert.equal(status, ENDS[paid.state], `${status} here, ${paid.state} at the bank`)
  else assert.ok(status === 'failed' || status === 'canceled' || by_hand, `${status}, and the bank has none`)
  assert.deepEqual(
    moves.map(({ version }) => version),
    moves.map((_, number) => number + 1),
  )
  const told = await at.toldOf(run.id)
  for (const type of ['transfer.processing', 'transfer.returned'])
    if (!by_hand) assert.ok(told.filter((one) => one === type).length <= 1, told.join())
  if (!by_hand) assert.ok(told.filter((one) => one === 'transfer.completed').length <= 1, told.join())
}

test('no order of answers, losses, turns, races and hands moves money twice, or ends otherwise than at the bank', async () => {
  const step = fc.tuple(fc.constantFrom(...Object.keys(STEPS)), fc.nat(100))
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(BEGINNINGS)),
      fc.array(step, { minLength: 2, maxLength: 7 }),
      async (beginning, steps) => {
        const before = posts()
        const made = (await BEGINNINGS[beginning]?.()) as { id: string; number: number }
        const run = { id: made.id, number: made.number, posts: before }
        for (const [name, n] of steps) {
          await STEPS[name]?.(run, n)
          await check(run)
        }
        await settleAll(run)
        await check(run)
        await checkEnd(
          run,
          steps.some(([name]) => name === 'resolve'),
        )
      },
    ),
    { numRuns: RUNS, seed: 1_042 },
  )
})

const ALL: Status[] = [
  'awaiting_approval',
  'scheduled',
  'pending',
  'processing',
  'completed',
  'failed',
  'canceled',
  'returned',
]
const TOLD: VendorTransfer['status'][] = [
  'pending',
  'awaiting_release',
  'completed',
  'failed',
  'canceled',
  'returned',
]
const standing = (status: Status): Standing & { amount: bigint } => ({
  ...{ status, vendor_id: '1', vendor_word: null, receipt: null, end_to_end_id: null },
  ...{ amount: 100n, returned: 0n, failure: null },
})

test('the bank moves nothing that was not sent, and every state but the ends has a way out', () => {
  for (const status of ['awaiting_approval', 'scheduled', 'pending'] as const) {
    for (const told of TOLD) assert.equal(nextOf(standing(status), { status: told, word: null }, true), null)
    assert.ok(mayGo(status, 'canceled'))
  }
  const out = TOLD.map((status) => nextOf(standing('processing'), { status, word: null }, false)?.status)
  assert.deepEqual(out.filter(Boolean), ['completed', 'failed', 'canceled', 'returned'])
  for (const status of ALL) assert.ok(!mayGo(status, 'processing') || status === 'pending')
})

test('money that came back stays so, and that it went is unsaid by an answer of now alone', () => {
  for (const status of TOLD) {
    assert.equal(nextOf(standing('returned'), { status, word: null }, true)?.status ?? 'returned', 'returned')
    const late = nextOf(standing('completed'), { status, word: null }, false)?.status ?? 'completed'
    assert.ok(late === 'completed' || late === 'returned')
  }
  assert.equal(nextOf(standing('completed'), { status: 'failed', word: null }, true)?.status, 'failed')
  assert.equal(nextOf(standing('failed'), { status: 'completed', word: null }, false)?.status, 'completed')
  assert.equal(
    nextOf(standing('processing'), { vendor_id: '2', status: 'completed', word: null }, true),
    null,
  )
})

test('the word of an answer that is older than what is known is not the word of now', () => {
  const waiting = { ...standing('processing'), vendor_word: 'Pendente' }
  const told = { status: 'pending', word: 'Consistente' } as const
  assert.equal(nextOf(waiting, told, false), null)
  assert.equal(nextOf(waiting, told, true)?.vendor_word, 'Consistente')
  assert.equal(nextOf({ ...waiting, vendor_word: null }, told, false)?.vendor_word, 'Consistente')
})

test('an answer heard twice changes nothing the second time', () => {
  const word = fc.record({
    status: fc.constantFrom(...TOLD),
    word: fc.constantFrom(null, 'Pago', 'Agendado'),
  })
  fc.assert(
    fc.property(fc.constantFrom(...ALL), fc.array(word, { maxLength: 6 }), word, (from, words, last) => {
      let after = standing(from)
      for (const one of [...words, last]) after = Object.assign(after, nextOf(after, one, false))
      assert.equal(nextOf(after, last, false), null)
    }),
  )
})
