import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { sql } from 'kysely'
import Stripe from 'stripe'
import type { Db } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { type Card, type Issuing, PATIENT, type Purchase, startIssuing, stripe } from '../../test/issuing.ts'
import { eventually, type Json } from '../../test/product.ts'
import { decideBy } from '../inbound/inbound.ts'
import { listUnended } from './authorization_queries.ts'
import { answerQuestions } from './jobs.ts'
import { settleAuthorizations } from './sweep.ts'

let at: Issuing
/** Connections to the database. */
const POOL = 5

before(async () => {
  at = await startIssuing({ db_pool_size: POOL })
  // The day does not end while limits are spent on it.
  const { app } = at.product
  const { clock } = app
  const last_ms = new Date().setUTCHours(23, 59, 59, 999)
  const now = () => new Date(Math.min(last_ms, clock.now().getTime()))
  Object.assign(app, { clock: { ...clock, now } })
})
beforeEach(() => at.calm())

const opened = (more: Json = {}): Promise<Card> => at.issue({ active: true, ...more })
const reasonOf = (purchase: Purchase) => purchase.request_history.at(-1)?.reason

/** Why we said what we said, as the vendor keeps it. */
const ourReason = (purchase: Purchase) => (purchase['metadata'] as Json)['trilho_reason']

const optionsOf = (decisions: Json) =>
  at.product.api.ok('PATCH', `/v1/sources/${at.source}`, { options: { decisions } })

const rule = (more: Json) =>
  at.product.api.ok('POST', '/v1/cards/rules', { name: 'A rule', position: 100, action: 'decline', ...more })
const drop = (made: Json) => at.product.api.send('DELETE', `/v1/cards/rules/${made['id']}`)

/** A question as Stripe would post it, signed by Stripe's own library. */
function question(card: Card, event_id: string, more: Json = {}, type = 'request') {
  const authorization = {
    id: `iauth_${event_id}`,
    object: 'issuing.authorization',
    amount: 0,
    approved: false,
    authorization_method: 'online',
    card: { id: card.vendor_id, object: 'issuing.card' },
    created: 1_767_366_000,
    currency: 'brl',
    merchant_amount: 0,
    merchant_currency: 'brl',
    merchant_data: { name: 'Rides', category: 'taxicabs_limousines', category_code: '4121', country: 'BR' },
    pending_request: { amount: 700, currency: 'brl', merchant_amount: 700, merchant_currency: 'brl' },
    request_history: [],
    status: 'pending',
    ...more,
  }
  const event = { id: `evt_${event_id}`, object: 'event', created: 1_767_366_000, livemode: false }
  return JSON.stringify({ ...event, type: `issuing_authorization.${type}`, data: { object: authorization } })
}

async function ask(body: string, secret = at.secret) {
  const signature = Stripe.webhooks.generateTestHeaderString({ payload: body, secret })
  const headers = { 'content-type': 'application/json', 'stripe-signature': signature }
  const reply = await fetch(at.source_url, { method: 'POST', headers, body })
  return { status: reply.status, headers: reply.headers, body: (await reply.json()) as Json }
}

test('a question is answered with a yes or no as Stripe reads it, after it was stored', async () => {
  const reply = await ask(question(await opened(), 'wire'))
  assert.equal(reply.status, 200)
  assert.match(String(reply.headers.get('content-type')), /^application\/json/)
  assert.equal(reply.headers.get('stripe-version'), '2026-10-28.endive')
  assert.equal(reply.body['approved'], true)
  const message = await eventually(async () => (await at.product.api.list('/v1/messages?q=iauth_wire'))[0])
  assert.equal(message['event_type'], 'issuing_authorization.request')
})

test('a question that does not verify is answered by no decision', async () => {
  const reply = await ask(question(await opened(), 'forged'), 'whsec_of_somebody_else')
  assert.equal(reply.status, 401)
  assert.equal('approved' in reply.body, false)
})

test('the same question is answered the same, however often and at once it is asked, and counts once', async () => {
  const card = await opened({ limits: { spending: [{ amount: '1000', interval: 'all_time' }] } })
  const body = question(card, 'again')
  const first = await Promise.all(Array.from({ length: 6 }, () => ask(body)))
  await at.must(card.id, 'block', { reason: 'lost' })
  const last = await ask(body)
  for (const { body } of [...first, last]) assert.deepEqual(body, first[0]?.body)
  assert.equal(first[0]?.body['approved'], true)
  await at.heard()
  const authorization = await at.authorizationIs('iauth_again', 'asked')
  assert.equal(authorization.decisions.length, 1)
  assert.equal(authorization.money['amount'], '700')
})

test('two at once never pass a limit together', async () => {
  const card = await opened({ limits: { spending: [{ amount: '1000', interval: 'daily' }] } })
  const asked = Array.from({ length: 12 }, (_, n) => ask(question(card, `race${n}`)))
  const approved = (await Promise.all(asked)).filter(({ body }) => body['approved'] === true)
  assert.equal(approved.length, 1)
})

test('more questions at once than there are database connections are decided, though nothing is known of the issuer yet', async () => {
  const card = await opened()
  const connection = `/v1/connections/${at.loud.connection}`
  await at.product.api.ok('PATCH', connection, { name: 'Stripe Issuing' }) // what was remembered of it is out of date
  const { owner } = at.product.app.db
  const asked = await owner.transaction().execute(async (tx) => {
    await sql`select 1 from card where vendor_id = ${card.vendor_id} for update`.execute(tx)
    const asked = Array.from({ length: 2 * POOL }, (_, n) => ask(question(card, `crowd${n}`)))
    await eventually(async () => {
      const { rows } = await sql`
        select distinct pid from pg_locks join pg_stat_activity using (pid)
         where datname = current_database() and not granted`.execute(owner)
      return rows.length >= POOL
    })
    return asked
  })
  const reasons = (await Promise.all(asked)).map(({ body }) => (body['metadata'] as Json)['trilho_reason'])
  assert.deepEqual(new Set(reasons), new Set(['within_limits']))
})

test('how a card stands decides first: not issued by us, inactive, blocked, canceled, of another currency', async () => {
  const reasonFor = async (card: Card, id: string, more: Json = {}) => {
    const { body } = await ask(question(card, id, more))
    assert.equal(body['approved'], false, id)
    return (body['metadata'] as Json)['trilho_reason']
  }
  const card = await at.issue()
  assert.equal(await reasonFor({ ...card, vendor_id: 'ic_of_nobody' }, 'stranger'), 'card_unknown')
  assert.equal(await reasonFor(card, 'inactive'), 'card_inactive')
  await at.must(card.id, 'activate')
  const dollars = { pending_request: { amount: 100, currency: 'usd' } }
  assert.equal(await reasonFor(card, 'dollars', dollars), 'currency_mismatch')
  at.loud.front.fault(/POST .*\/issuing\/cards\/ic_/, 'drop')
  assert.equal((await at.post(card.id, 'block', { reason: 'stolen' })).status, 504)
  assert.equal(await reasonFor(card, 'reported'), 'card_blocked')
  await at.askNow(card.id)
  await at.becomes(card.id, 'blocked')
  assert.equal(await reasonFor(card, 'blocked'), 'card_blocked')
  await at.must(card.id, 'cancel')
  assert.equal(await reasonFor(card, 'canceled'), 'card_canceled')
})

test('each limit of a card declines by its own name, and only what it is about', async () => {
  const shop = (id: string, more: Json = {}, amount = 700) => ({
    id,
    merchant_data: { category: 'bakeries', category_code: '5462', country: 'BR', ...more },
    pending_request: { amount, currency: 'brl' },
  })
  const check = async (limits: Json, wanted: [Json, string | true][]) => {
    const card = await opened({ limits })
    for (const [asked, reason] of wanted) {
      const { id, ...more } = asked as { id: string }
      const { body } = await ask(question(card, id, { ...more, id: `iauth_${id}` }))
      const given = (body['metadata'] as Json)['trilho_reason']
      assert.equal(body['approved'] ? true : given, reason, `${JSON.stringify(limits)} ${id}`)
    }
  }
  await check({ blocked_categories: ['bakeries'] }, [
    [shop('b1'), 'category_blocked'],
    [shop('b2', { category: 'florists' }), true],
  ])
  await check({ allowed_categories: ['bakeries'] }, [
    [shop('a1'), true],
    [shop('a2', { category: 'florists' }), 'category_blocked'],
    [shop('a3', { category: null }), 'category_blocked'],
  ])
  await check({ allowed_countries: ['BR'] }, [
    [shop('c1'), true],
    [shop('c2', { country: 'US' }), 'country_blocked'],
  ])
  await check({ spending: [{ amount: '700', interval: 'per_authorization' }] }, [
    [shop('p1', {}, 701), 'limit_per_authorization'],
    [shop('p2'), true],
    [shop('p3'), true],
  ])
  for (const interval of ['daily', 'weekly', 'monthly', 'yearly', 'all_time'])
    await check({ spending: [{ amount: '1000', interval }] }, [
      [shop(`${interval}1`), true],
      [shop(`${interval}2`, {}, 301), `limit_${interval}`],
      [shop(`${interval}3`, {}, 300), true],
    ])
  await check({ spending: [{ amount: '1000', interval: 'daily', categories: ['bakeries'] }] }, [
    [shop('k1', { category: 'florists' }, 5000), true],
    [shop('k2', {}, 1000), true],
    [shop('k3', {}, 1), 'limit_daily'],
    [shop('k4', { category: 'florists' }, 5000), true],
  ])
})

test('what was let go is there to be spent again, and what was taken without asking is not', async () => {
  const card = await opened({ limits: { spending: [{ amount: '1000', interval: 'monthly' }] } })
  const spent = await at.buy(card, 1000)
  assert.equal(spent.approved, true)
  assert.equal((await at.buy(card, 1)).approved, false)
  await at.merchant(spent.id, 'reverse')
  await at.authorizationIs(spent.id, 'reversed')
  await at.takes('create_force_capture', `card=${card.vendor_id}&amount=400`)
  await at.transactionsOf(card, 1)
  const over = await ask(question(card, 'forced', { pending_request: { amount: 601, currency: 'brl' } }))
  assert.equal((over.body['metadata'] as Json)['trilho_reason'], 'limit_monthly')
  const fits = await ask(question(card, 'forced2', { pending_request: { amount: 600, currency: 'brl' } }))
  assert.equal(fits.body['approved'], true)
})

test('an authorization that is raised is asked again, on top of what is held', async () => {
  const card = await opened({ limits: { spending: [{ amount: '1000', interval: 'daily' }] } })
  const asked = await at.buy(card, 700)
  await at.authorizationIs(asked.id, 'pending')
  const raised = await at.merchant(asked.id, 'increment', 'increment_amount=300')
  assert.equal(reasonOf(raised), 'webhook_approved')
  const now = await eventually(async () => {
    const read = await at.authorizationIs(asked.id, 'pending')
    return read.money['amount'] === '1000' && read
  })
  assert.equal(now.decisions.length, 2)
  const over = await at.merchant(asked.id, 'increment', 'increment_amount=1')
  assert.equal(over.request_history.at(-1)?.approved, false)
  assert.equal(over.status, 'pending')
})

test('no limit of one authorization is passed bit by bit', async () => {
  const card = await opened({ limits: { spending: [{ amount: '1000', interval: 'per_authorization' }] } })
  const asked = await at.buy(card, 700)
  await at.authorizationIs(asked.id, 'pending')
  const over = await at.merchant(asked.id, 'increment', 'increment_amount=301')
  assert.equal(over.request_history.at(-1)?.approved, false)
  const fits = await at.merchant(asked.id, 'increment', 'increment_amount=300')
  assert.equal(fits.request_history.at(-1)?.approved, true)
})

test('what was let go in part stays so, though what was held before is told of after it, in the same second', async () => {
  const card = await opened()
  const tell = (type: string, amount: number) => {
    const request_history = [{ approved: true, reason: 'webhook_approved', amount: 700 }]
    const more = { id: 'iauth_of_a_second', approved: true, amount, pending_request: null, request_history }
    return ask(question(card, `second_${type}`, more, type))
  }
  await tell('updated', 200)
  await at.authorizationIs('iauth_of_a_second', 'pending')
  await tell('created', 700)
  await eventually(async () => {
    const messages = await at.product.api.list('/v1/messages?q=iauth_of_a_second&state=completed')
    return messages.length === 2
  })
  const now = await at.authorizationIs('iauth_of_a_second', 'pending')
  assert.equal(now.money['amount'], '200')
})

test('the rules of a tenant are asked in their order after the limits, and the first that fits decides', async () => {
  const card = await opened()
  const casino = '&merchant_data[category]=betting_casino_gambling'
  const no = await rule({ name: 'No casinos', position: 20, conditions: { category_codes: ['7995'] } })
  const declined = await at.buy(card, 100, casino)
  assert.deepEqual(
    [declined.approved, reasonOf(declined), ourReason(declined)],
    [false, 'webhook_declined', 'rule'],
  )
  const told = await at.authorizationIs(declined.id, 'declined')
  assert.equal(told.decisions[0]?.['rule_id'], no['id'])
  assert.equal((await at.buy(card, 100)).approved, true)
  const yes = await rule({ position: 10, action: 'approve', conditions: { customers: ['shop-1042'] } })
  assert.equal((await at.buy(card, 100, casino)).approved, true)
  await at.product.api.ok('PATCH', `/v1/cards/rules/${yes['id']}`, { position: 30 })
  assert.equal((await at.buy(card, 100, casino)).approved, false)
  await at.product.api.ok('PATCH', `/v1/cards/rules/${no['id']}`, { state: 'disabled' })
  assert.equal((await at.buy(card, 100, casino)).approved, true)
  for (const one of [no, yes]) assert.equal((await drop(one)).status, 204)
})

test('a rule may approve a part, where the merchant takes one: so much is held, and no more', async () => {
  const card = await opened()
  const up_to = { amount: '15000', currency: 'BRL' }
  const pumps = { category_codes: ['5541'] }
  const refused = await at.product.api.send('POST', '/v1/cards/rules', {
    ...{ name: 'Fuel', position: 1, action: 'decline', conditions: pumps, up_to },
  })
  assert.deepEqual([refused.status, refused.body['field']], [400, 'up_to'])
  const fuel = await rule({ name: 'Fuel', position: 1, action: 'approve', conditions: pumps, up_to })
  const pump = '&merchant_data[category]=gas_stations'
  const part = await at.buy(card, 40_000, `${pump}&is_amount_controllable=true`)
  assert.deepEqual([part.approved, part['amount']], [true, 15_000])
  const told = await at.authorizationIs(part.id, 'pending')
  assert.deepEqual(told.money, { amount: '15000', currency: 'BRL' })
  const [decision] = told.decisions
  assert.deepEqual(
    [decision?.['money'], decision?.['approved_money']],
    [{ amount: '40000', currency: 'BRL' }, up_to],
  )
  assert.equal((await at.buy(card, 40_000, pump)).approved, false) // this one takes all or nothing
  const whole = await at.buy(card, 15_000, `${pump}&is_amount_controllable=true`)
  assert.deepEqual([whole.approved, whole['amount']], [true, 15_000])
  assert.equal((await drop(fuel)).status, 204)
})

test('a rule looks at the amount, the country, how the card was shown and 3-D Secure', async () => {
  const card = await opened()
  const cases: [Json, string, string][] = [
    [{ above: { amount: '500', currency: 'BRL' } }, 'amount=501', 'amount=500'],
    [{ outside: ['BR'] }, 'amount=1&merchant_data[country]=US', 'amount=1'],
    [{ countries: ['US'] }, 'amount=1&merchant_data[country]=US', 'amount=1'],
    [{ methods: ['swipe'] }, 'amount=1&authorization_method=swipe', 'amount=1'],
    [
      { unauthenticated: true, methods: ['online'] },
      'amount=1',
      'amount=1&verification_data[three_d_secure][result]=authenticated',
    ],
    [{ cardholders: [at.loud.cardholder], customers: ['shop-1042'] }, 'amount=1', ''],
  ]
  for (const [conditions, declined, approved] of cases) {
    const made = await rule({ conditions })
    const buy = (more: string) =>
      stripe('POST', '/v1/test_helpers/issuing/authorizations', `card=${card.vendor_id}&${more}`, at.loud)
    assert.equal((await buy(declined))['approved'], false, JSON.stringify(conditions))
    if (approved) assert.equal((await buy(approved))['approved'], true, JSON.stringify(conditions))
    await drop(made)
  }
})

test('where there is no decision in time the source says what is answered, and that is what is on record', async () => {
  const { app } = at.product
  for (const undecided of ['decline', 'approve']) {
    await optionsOf({ undecided, within_ms: 400 })
    const card = await opened()
    const { rows } = await sql<{
      id: string
    }>`select id from card where vendor_id = ${card.vendor_id}`.execute(app.db.owner)
    const held = Promise.withResolvers<void>()
    const locked = Promise.withResolvers<void>()
    const holding = app.db.owner.transaction().execute(async (tx) => {
      await sql`select 1 from card where id = ${rows[0]?.id} for update`.execute(tx)
      locked.resolve()
      await held.promise
    })
    await locked.promise
    const { body } = await ask(question(card, `late_${undecided}`))
    held.resolve()
    await holding
    assert.equal(body['approved'], undecided === 'approve')
    assert.equal((body['metadata'] as Json)['trilho_reason'], 'undecided')
    const authorization = await eventually(async () => {
      const read = await at.authorizationIs(
        `iauth_late_${undecided}`,
        undecided === 'approve' ? 'asked' : 'declined',
      )
      return read.decisions[0]?.['reason'] === 'undecided' && read
    })
    assert.equal(authorization.decisions[0]?.['approved'], undecided === 'approve')
    await optionsOf({ ...PATIENT, undecided: undecided === 'approve' ? 'decline' : 'approve' })
    const again = await ask(question(card, `late_${undecided}`))
    assert.equal(again.body['approved'], undecided === 'approve')
  }
  await optionsOf(PATIENT)
})

test('what was answered in time stands, though it is asked again and that comes too late', async () => {
  const { app } = at.product
  const card = await opened()
  assert.equal((await ask(question(card, 'stands'))).body['approved'], true)
  await optionsOf({ within_ms: 50 })
  const held = Promise.withResolvers<void>()
  const locked = Promise.withResolvers<void>()
  const holding = app.db.owner.transaction().execute(async (tx) => {
    await sql`select 1 from card where vendor_id = ${card.vendor_id} for update`.execute(tx)
    locked.resolve()
    await held.promise
  })
  await locked.promise
  assert.equal((await ask(question(card, 'stands'))).body['approved'], false)
  held.resolve()
  await holding
  await optionsOf(PATIENT)
  await at.heard()
  assert.equal((await ask(question(card, 'stands'))).body['approved'], true)
  const { decisions } = await at.authorizationIs('iauth_stands', 'asked')
  assert.deepEqual(
    decisions.map(({ reason }) => reason),
    ['within_limits'],
  )
})

test('cards that were not issued through here are approved only where the source says so', async () => {
  await optionsOf({ ...PATIENT, unknown_card: 'approve' })
  const { body } = await ask(question({ vendor_id: 'ic_elsewhere' } as Card, 'elsewhere'))
  assert.equal(body['approved'], true)
  await optionsOf(PATIENT)
})

test('a question whose answer was lost is on record as such, and the word of the vendor settles it', async () => {
  const card = await opened()
  decideBy(at.product.app, async () => {
    throw new Error('the process died here, its message stored')
  })
  const asked = await at.buy(card, 700)
  answerQuestions(at.product.app)
  assert.deepEqual([asked.approved, reasonOf(asked)], [false, 'webhook_error'])
  // The question and what became of it are two messages, worked on in any order.
  const declined = await eventually(async () => {
    const read = await at.authorizationIs(asked.id, 'declined')
    return read.decisions.length > 0 && read
  })
  assert.deepEqual(
    declined.decisions.map(({ approved, reason }) => [approved, reason]),
    [[null, 'unanswered']],
  )
})

test('an authorization whose end no webhook told is asked for, and one the vendor knows nothing of holds nothing', async () => {
  const { app, api } = at.product
  const card = await opened({ limits: { spending: [{ amount: '1000', interval: 'daily' }] } })
  assert.equal((await ask(question(card, 'dream'))).body['approved'], true)
  const held = await at.authorizationIs('iauth_dream', 'asked')
  const over = await ask(question(card, 'after', { pending_request: { amount: 301, currency: 'brl' } }))
  assert.equal(over.body['approved'], false)
  await at.heard()
  await sql`update card_authorization set updated_at = now() - interval '1 hour' where vendor_id = 'iauth_dream'`.execute(
    app.db.owner,
  )
  await settleAuthorizations(app)
  await at.authorizationIs('iauth_dream', 'expired')
  const fits = await ask(question(card, 'then', { pending_request: { amount: 1000, currency: 'brl' } }))
  assert.equal(fits.body['approved'], true)
  const refreshed = await api.ok('POST', `/v1/cards/authorizations/${held.id}/refresh`)
  assert.equal(refreshed['status'], 'expired')
  const request_history = [{ approved: true, reason: 'webhook_approved', amount: 700 }]
  const more = { id: 'iauth_dream', approved: true, amount: 700, pending_request: null, request_history }
  await ask(question(card, 'dream_told', more, 'updated'))
  const told = await at.authorizationIs('iauth_dream', 'pending')
  assert.equal(told.money['amount'], '700', 'the vendor had it after all, and holds it')
})

test('an authorization that is held for more than a day is asked for, and not again before a quarter of its age', async () => {
  const { app } = at.product
  const held = await at.buy(await opened(), 300)
  await at.authorizationIs(held.id, 'pending')
  await at.merchant(held.id, 'reverse')
  await at.authorizationIs(held.id, 'reversed')
  await at.heard()
  const asOf = (waited: string) =>
    sql`update card_authorization set status = 'pending', confirmed = true, told_at = made_at,
               id = v7_floor(now() - interval '8 days'), updated_at = now() - ${waited}::interval
         where vendor_id = ${held.id}`.execute(app.db.owner)
  await asOf('26 hours')
  await settleAuthorizations(app)
  await at.authorizationIs(held.id, 'pending')
  await asOf('60 hours')
  await settleAuthorizations(app)
  await at.authorizationIs(held.id, 'reversed')
})

test('the many authorizations of one tenant do not delay those of another', async () => {
  const { app, newTenant } = at.product
  await ask(question(await opened(), 'many'))
  await at.authorizationIs('iauth_many', 'asked')
  const other = fromWire('tenant', (await newTenant()).tenant_id)
  const copies = (tx: Db, tenant_id: string, count: number, waited: string) =>
    sql`insert into card_authorization
        select (jsonb_populate_record(a, jsonb_build_object('tenant_id', ${tenant_id}::text, 'vendor_id', 'copy_' || n,
                 'id', v7_floor(now() - n * interval '1 second'), 'updated_at', now() - ${waited}::interval))).*
          from card_authorization a, generate_series(1, ${count}::int) n
         where a.vendor_id = 'iauth_many'`.execute(tx)
  // Seen by nobody else: the schedule looks after them at its own times.
  const undone = new Error('as if they had never been')
  let listed: Awaited<ReturnType<typeof listUnended>> = []
  await app.db.owner
    .transaction()
    .execute(async (transaction) => {
      const tx = Object.assign(transaction, { pool: app.db.worker.pool })
      await copies(tx, fromWire('tenant', at.product.api.tenant_id), 60, '2 hours')
      await copies(tx, other, 1, '10 minutes')
      listed = await listUnended(tx, 5, 3)
      throw undone
    })
    .catch((error: unknown) => assert.equal(error, undone))
  assert.equal(listed.filter(({ tenant_id }) => tenant_id === other).length, 1)
  assert.equal(listed.length, 4)
})

test('an answer takes a small part of the two seconds that Stripe waits', async () => {
  const card = await opened({ limits: { spending: [{ amount: '100000000', interval: 'monthly' }] } })
  const took: number[] = []
  for (let n = 0; n < 100; n++) {
    const began = performance.now()
    await ask(question(card, `pace${n}`))
    took.push(performance.now() - began)
  }
  took.sort((a, b) => a - b)
  assert.ok((took[50] ?? 0) < 1_500, `half took longer than ${took[50]} ms`)
})
