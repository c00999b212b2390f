import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { sql } from 'kysely'
import { fromWire, timeOfId } from '../../platform/ids.ts'
import { type Card, type Issuing, startIssuing, stripe } from '../../test/issuing.ts'
import { eventually } from '../../test/product.ts'

let at: Issuing

before(async () => {
  at = await startIssuing()
})
beforeEach(() => at.calm())

const LIMITS = { spending: [{ amount: '5000', interval: 'daily' }] }
const updateOf = ({ vendor_id }: Card) => new RegExp(`POST .*/issuing/cards/${vendor_id}$`)
const findOf = ({ vendor_id }: Card) => new RegExp(`GET .*/issuing/cards/${vendor_id}$`)
const there = async ({ vendor_id }: Card) =>
  (await stripe('GET', `/v1/issuing/cards/${vendor_id}`, undefined, at.silent))['status']

const told = ({ vendor_id }: Card, status: string) => ({
  status: 200,
  body: { id: vendor_id, object: 'issuing.card', status, type: 'virtual', currency: 'brl', metadata: {} },
})

const refusesLimits = (card: Card) =>
  at.silent.front.say(updateOf(card), ({ body }) =>
    body.includes('spending_controls')
      ? { status: 400, body: { error: { type: 'invalid_request_error', message: 'No such limit' } } }
      : null,
  )

test('a block that is under way outlives limits that the vendor refuses', async () => {
  const card = await at.issue({ active: true }, at.silent)
  at.silent.front.fault(updateOf(card), 'drop')
  assert.equal((await at.post(card.id, 'block', { reason: 'stolen' })).status, 504)
  at.calm()
  refusesLimits(card)
  const reply = await at.limit(card.id, LIMITS)
  assert.equal(reply.status, 409, JSON.stringify(reply.body))
  const now = await settledAs(card, 'blocked')
  assert.deepEqual([now.reason, now['limits'], now.wish], ['stolen', {}, null])
  assert.equal(await there(card), 'inactive')
})

test('a block and limits whose answers nobody saw are parted where the vendor refuses the limits later', async () => {
  const card = await at.issue({ active: true }, at.silent)
  at.silent.front.fault(updateOf(card), 'drop')
  assert.equal((await at.post(card.id, 'block', { reason: 'stolen' })).status, 504)
  assert.equal((await at.limit(card.id, LIMITS)).status, 504)
  refusesLimits(card)
  const now = await settledAs(card, 'blocked')
  assert.deepEqual([now.reason, now['limits'], now.wish], ['stolen', {}, null])
  assert.equal(await there(card), 'inactive')
})

test('a block is asked for anew each time, as a vendor repeats a failure to who asks under the same key', async () => {
  const card = await at.issue({ active: true }, at.silent)
  const failed = new Set<string>()
  at.silent.front.say(updateOf(card), ({ key }) => {
    if (failed.size === 0) failed.add(key)
    return failed.has(key) ? { status: 500, body: { error: { type: 'api_error', message: 'Oops' } } } : null
  })
  assert.equal((await at.post(card.id, 'block', { reason: 'stolen' })).status, 504)
  await settledAs(card, 'blocked')
  assert.equal(await there(card), 'inactive')
})

test('a vendor that says yes to a block and has the card open is asked again, and it stays shut here', async () => {
  const card = await at.issue({ active: true }, at.silent)
  let open = true
  at.silent.front.say(updateOf(card), () => (open ? told(card, 'active') : null))
  const reply = await at.must(card.id, 'block', { reason: 'stolen' })
  assert.deepEqual([reply.status, reply.wish], ['active', { status: 'blocked', reason: 'stolen' }])
  open = false
  const now = await settledAs(card, 'blocked')
  assert.deepEqual([now.reason, now.wish], ['stolen', null])
  assert.equal(await there(card), 'inactive')
})

test('a vendor that refuses a block is asked on, until it says that the card has ended', async () => {
  const card = await at.issue({ active: true }, at.silent)
  const no = { status: 400, body: { error: { type: 'invalid_request_error', message: 'Not now' } } }
  at.silent.front.say(updateOf(card), () => no)
  assert.equal((await at.post(card.id, 'block', { reason: 'lost' })).status, 504)
  await at.askNow(card.id)
  await turnedTo(card, 1)
  assert.deepEqual((await at.read(card.id)).wish, { status: 'blocked', reason: 'lost' })
  await stripe('POST', `/v1/issuing/cards/${card.vendor_id}`, 'status=canceled', at.silent)
  assert.equal((await settledAs(card, 'canceled')).wish, null)
})

test('a card that is seen canceled while who canceled it waits for the answer was canceled for that reason', async () => {
  const card = await at.issue({ active: true }, at.silent)
  at.silent.front.fault(updateOf(card), 'drop')
  assert.equal((await at.post(card.id, 'cancel', { reason: 'fraud' })).status, 504)
  await stripe('POST', `/v1/issuing/cards/${card.vendor_id}`, 'status=canceled', at.silent)
  const now = await at.must(card.id, 'refresh')
  assert.deepEqual([now.status, now.reason, now.wish], ['canceled', 'fraud', null])
})

test('a card that is blocked while its opening is under way is looked at again, should the vendor do that last', async () => {
  const card = await at.issue({}, at.silent)
  const opened = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  at.silent.front.hold(updateOf(card), async () => {
    opened.resolve()
    await answered.promise
  })
  const opening = at.post(card.id, 'activate')
  await opened.promise
  const blocked = await at.must(card.id, 'block', { reason: 'stolen' })
  await stripe('POST', `/v1/issuing/cards/${card.vendor_id}`, 'status=active', at.silent)
  answered.resolve()
  await opening
  assert.deepEqual([blocked.status, await there(card)], ['blocked', 'active'])
  await eventually(async () => {
    await at.askNow(card.id)
    return (await there(card)) === 'inactive'
  })
  const now = await at.read(card.id)
  assert.deepEqual([now.status, now.reason], ['blocked', 'stolen'])
})

test('a vendor that keeps a blocked card open is asked after longer and longer waits', async () => {
  const card = await at.issue({ active: true }, at.silent)
  at.silent.front.say(updateOf(card), () => told(card, 'inactive'))
  at.silent.front.say(findOf(card), () => told(card, 'active'))
  await at.must(card.id, 'block', { reason: 'stolen' })
  await at.must(card.id, 'refresh')
  await at.askNow(card.id)
  await turnedTo(card, 1)
  await at.askNow(card.id)
  const { wait_s } = await turnedTo(card, 2)
  assert.ok(wait_s > 5, `the next turn comes ${wait_s} s after`)
  const now = await at.read(card.id)
  assert.deepEqual([now.status, now.reason], ['blocked', 'stolen'])
})

/** After as many turns as it takes. */
const settledAs = (card: Card, status: string) =>
  eventually(async () => {
    await at.askNow(card.id)
    const now = await at.read(card.id)
    return now.status === status && now.wish === null && now
  })

/** The turn that comes next, once it was asked so often in a row. */
const turnedTo = (card: Card, tries: number) =>
  eventually(async () => {
    const { rows } = await sql<{ id: string; due: Date }>`
      select id, due from job
       where payload ->> 'card_id' = ${fromWire('card', card.id)} and (payload ->> 'tries')::int >= ${tries}`.execute(
      at.product.app.db.owner,
    )
    const [next] = rows
    return next && { wait_s: (next.due.getTime() - timeOfId(next.id).getTime()) / 1000 }
  })
