import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { sql } from 'kysely'
import { type Card, type Issuing, startIssuing, stripe, type Vendor } from '../../test/issuing.ts'
import { eventually, type Json } from '../../test/product.ts'

let at: Issuing

before(async () => {
  at = await startIssuing()
})
beforeEach(() => at.calm())

const UPDATE = /POST .*\/issuing\/cards\/ic_/
const ISSUE = /POST .*\/issuing\/cards$/

test('a card is issued, opened, used in real time and listed', async () => {
  const card = await at.issue()
  assert.equal(card.status, 'inactive')
  assert.match(card.vendor_id, /^ic_/)
  assert.match(String(card['last_four']), /^\d{4}$/)
  assert.equal((await at.buy(card, 700)).approved, false)
  assert.equal((await at.must(card.id, 'activate')).status, 'active')

  const asked = await at.buy(card, 700, '&verification_data[three_d_secure][result]=authenticated')
  assert.equal(asked.approved, true)
  assert.equal(asked.request_history.at(-1)?.reason, 'webhook_approved')
  const authorization = await at.authorizationIs(asked.id, 'pending')
  assert.deepEqual(authorization.money, { amount: '700', currency: 'BRL' })
  assert.equal(authorization['three_d_secure'], 'authenticated')
  const [decision, ...more] = authorization.decisions
  assert.deepEqual([decision?.['approved'], decision?.['reason'], more.length], [true, 'within_limits', 0])
  const { metadata } = await stripe('GET', `/v1/issuing/authorizations/${asked.id}`, undefined, at.loud)
  assert.deepEqual(metadata, { trilho_reason: 'within_limits', trilho_decision: decision?.['id'] })

  await at.merchant(asked.id, 'capture')
  await at.authorizationIs(asked.id, 'closed')
  const [taken] = await at.transactionsOf(card, 1)
  assert.deepEqual(taken?.['money'], { amount: '700', currency: 'BRL' })
  assert.equal(taken?.['authorization_id'], authorization.id)
  const told = await eventually(async () => {
    const types = await at.toldOf(card.id)
    return types.length >= 6 && types
  })
  assert.deepEqual(told.sort(), [
    'card.activated',
    'card.authorization_approved',
    'card.authorization_closed',
    'card.authorization_declined',
    'card.issued',
    'card.transaction_captured',
  ])
  const [listed] = await at.product.api.list(`/v1/cards?vendor_id=${card.vendor_id}`)
  assert.equal(listed?.['id'], card.id)
})

test('a card whose answer was cut off is settled by asking: issued once, told once', async () => {
  at.silent.front.fault(ISSUE, 'cut')
  const lost = await at.issue({}, at.silent)
  assert.equal(lost.status, 'processing')
  await at.askNow(lost.id)
  await at.becomes(lost.id, 'inactive')
  assert.equal((await at.cardsAt(at.silent, lost.id)).length, 1)
  assert.deepEqual(await at.toldOf(lost.id), ['card.issued'])
})

test('a card that was cut off before the vendor had it is issued by asking again, once', async () => {
  at.silent.front.fault(ISSUE, 'drop')
  const lost = await at.issue({ active: true }, at.silent)
  assert.equal(lost.status, 'processing')
  assert.equal((await at.cardsAt(at.silent, lost.id)).length, 0)
  await at.askNow(lost.id)
  await at.becomes(lost.id, 'active')
  assert.equal((await at.cardsAt(at.silent, lost.id)).length, 1)
})

test('a card that nobody waits for any more is looked for by our id, and not issued again', async () => {
  at.silent.front.fault(ISSUE, 'cut')
  const lost = await at.issue({}, at.silent)
  await sql`update card set request = null where vendor_id is null`.execute(at.product.app.db.owner)
  await at.askNow(lost.id)
  await at.becomes(lost.id, 'inactive')
  assert.equal((await at.cardsAt(at.silent, lost.id)).length, 1)
})

test('a card is found though its holder was issued more cards since than fit on a page', async () => {
  at.silent.front.fault(ISSUE, 'cut')
  const lost = await at.issue({}, at.silent)
  await sql`update card set request = null where vendor_id is null`.execute(at.product.app.db.owner)
  const { cardholder } = at.silent
  for (let made = 0; made < 101; made++)
    await stripe('POST', '/v1/issuing/cards', `cardholder=${cardholder}&type=virtual&currency=brl`, at.silent)
  await at.askNow(lost.id)
  await at.becomes(lost.id, 'inactive')
})

test('news that overtakes the reply moves the card once and is told once', async () => {
  let id = ''
  at.loud.front.hold(ISSUE, async () => {
    id = await eventually(async () => {
      const [newest] = await at.product.api.list('/v1/cards?limit=1')
      return newest?.['status'] === 'inactive' && String(newest['id'])
    })
  })
  const card = await at.issue()
  assert.equal(card.id, id)
  at.loud.front.hold(UPDATE, at.heard)
  await at.must(card.id, 'activate')
  await at.heard()
  assert.deepEqual(await at.toldOf(card.id), ['card.issued', 'card.activated'])
  assert.deepEqual(
    (await at.read(card.id)).moves.map(({ status }) => status),
    ['processing', 'inactive', 'active'],
  )
})

test('whatever comes first, the news of what was asked or the answer, a card ends the same and the same is told of it', async () => {
  const acts = [
    (id: string) => at.must(id, 'activate'),
    (id: string) => at.limit(id, { blocked_countries: ['US'] }),
    (id: string) => at.must(id, 'block', { reason: 'customer' }),
    (id: string) => at.must(id, 'unblock'),
    (id: string) => at.must(id, 'block', { reason: 'lost' }),
    (id: string) => at.must(id, 'cancel', { reason: 'fraud' }),
  ]
  /** With what it was issued by. */
  const hasHeard = ({ vendor_id }: Card, acts: number) =>
    eventually(async () => {
      const messages = await at.product.api.list(`/v1/messages?q=${vendor_id}&state=completed`)
      return messages.length >= acts + 1
    })
  const live = async (vendor: Vendor) => {
    const card = await at.issue({}, vendor)
    for (const [n, act] of acts.entries()) {
      if (vendor === at.loud) vendor.front.hold(UPDATE, () => hasHeard(card, n + 1))
      await act(card.id)
    }
    const { status, reason, limits, wish, moves } = await at.read(card.id)
    const path = moves.map((move) => [move['status'], move['reason']])
    return { status, reason, limits, wish, path, told: await at.toldOf(card.id) }
  }
  const [overtaken, alone] = [await live(at.loud), await live(at.silent)]
  assert.deepEqual(overtaken, alone)
  assert.deepEqual([alone.status, alone.reason, alone.told.length], ['canceled', 'fraud', acts.length + 1])
})

test('what the vendor refuses has failed with its reason, and no card is there', async () => {
  const refused = await at.issue({ cardholder: 'ich_none' })
  assert.equal(refused.status, 'failed')
  assert.equal((refused['failure'] as Json)['reason'], 'not_found')
  assert.equal((await at.post(refused.id, 'activate')).status, 409)
})

test('a card is blocked and unblocked at the wish of who holds it, and told of once each', async () => {
  const card = await at.issue({ active: true })
  const blocked = await at.must(card.id, 'block', { reason: 'customer' })
  assert.deepEqual([blocked.status, blocked.reason], ['blocked', 'customer'])
  assert.equal((await at.buy(card, 100)).approved, false)
  assert.equal((await at.must(card.id, 'unblock')).status, 'active')
  assert.equal((await at.buy(card, 100)).approved, true)
  await at.heard()
  const told = (await at.toldOf(card.id)).filter((type) => !type.includes('authorization'))
  assert.deepEqual(told, ['card.issued', 'card.blocked', 'card.unblocked'])
})

test('a card that was lost, stolen or used for fraud is never opened again, only canceled', async () => {
  for (const reason of ['lost', 'stolen', 'fraud']) {
    const card = await at.issue({ active: true })
    await at.must(card.id, 'block', { reason: 'customer' })
    await at.must(card.id, 'block', { reason }) // what it is can get graver
    for (const [verb, body] of [
      ['unblock', {}],
      ['activate', {}],
      ['block', { reason: 'customer' }],
    ] as const) {
      const reply = await at.post(card.id, verb, body)
      assert.equal(reply.status, 409, `${verb} of a card that was ${reason}`)
    }
    const canceled = await at.must(card.id, 'cancel', { reason })
    assert.deepEqual([canceled.status, canceled.reason], ['canceled', reason])
    assert.equal((await at.post(card.id, 'unblock')).status, 409)
  }
})

test('a block whose answer nobody saw holds at once, and is asked for until it holds there', async () => {
  const card = await at.issue({ active: true }, at.silent)
  at.silent.front.fault(UPDATE, 'drop')
  const reply = await at.post(card.id, 'block', { reason: 'stolen' })
  assert.equal(reply.status, 504)
  assert.deepEqual((await at.read(card.id)).wish, { status: 'blocked', reason: 'stolen' })
  assert.equal((await at.post(card.id, 'activate')).status, 409)
  assert.equal((await at.post(card.id, 'unblock')).status, 409)
  await at.askNow(card.id)
  const blocked = await at.becomes(card.id, 'blocked')
  assert.deepEqual([blocked.reason, blocked.wish], ['stolen', null])
  const there = await stripe('GET', `/v1/issuing/cards/${card.vendor_id}`, undefined, at.silent)
  assert.equal(there['status'], 'inactive')
  assert.deepEqual(await at.toldOf(card.id), ['card.issued', 'card.blocked'])
})

test('a block that was cut off after the vendor did it is told once', async () => {
  const card = await at.issue({ active: true }, at.silent)
  at.silent.front.fault(UPDATE, 'cut')
  assert.equal((await at.post(card.id, 'block', { reason: 'customer' })).status, 504)
  await at.askNow(card.id)
  await at.becomes(card.id, 'blocked')
  assert.deepEqual(await at.toldOf(card.id), ['card.issued', 'card.blocked'])
})

test('an opening whose answer nobody saw is looked at, and not done behind the back of who asked', async () => {
  const card = await at.issue({}, at.silent)
  at.silent.front.fault(UPDATE, 'drop')
  assert.equal((await at.post(card.id, 'activate')).status, 504)
  await at.askNow(card.id)
  const now = await eventually(async () => {
    const read = await at.read(card.id)
    return read.wish === null && read
  })
  assert.equal(now.status, 'inactive')
  assert.equal((await at.must(card.id, 'activate')).status, 'active')
})

test('a card that somebody opened at the vendor past our block is blocked there again', async () => {
  const card = await at.issue({ active: true })
  await at.must(card.id, 'block', { reason: 'lost' })
  await stripe('POST', `/v1/issuing/cards/${card.vendor_id}`, 'status=active', at.loud)
  await eventually(async () => {
    await at.askNow(card.id)
    const there = await stripe('GET', `/v1/issuing/cards/${card.vendor_id}`, undefined, at.loud)
    return there['status'] === 'inactive'
  })
  await at.heard()
  const still = await at.read(card.id)
  assert.deepEqual([still.status, still.reason], ['blocked', 'lost'])
  const there = await at.toldOf(card.id)
  assert.deepEqual(there, ['card.issued', 'card.blocked'])
})

test('what somebody did at the vendor is told of: a block, its end, a cancellation', async () => {
  const card = await at.issue({ active: true })
  const there = (status: string) =>
    stripe('POST', `/v1/issuing/cards/${card.vendor_id}`, `status=${status}`, at.loud)
  const seen = (status: string) =>
    eventually(async () => {
      await at.askNow(card.id)
      const now = await at.read(card.id)
      return now.status === status && now
    })
  await there('inactive')
  assert.equal((await seen('blocked')).reason, 'vendor')
  await there('active')
  await seen('active')
  await there('canceled&cancellation_reason=stolen')
  assert.equal((await at.becomes(card.id, 'canceled')).reason, 'stolen')
  await at.heard()
  const told = ['card.issued', 'card.blocked', 'card.unblocked', 'card.canceled']
  assert.deepEqual(await at.toldOf(card.id), told)
})

test('limits are kept here and at the vendor, set as a whole, and taken back', async () => {
  const card = await at.issue({ active: true })
  const limits = { spending: [{ amount: '5000', interval: 'daily' }], blocked_categories: ['gas_stations'] }
  const set = await at.limit(card.id, limits)
  assert.deepEqual([set.status, set.body['limits'], set.body['wish']], [200, limits, null])
  const controls = async () =>
    (await stripe('GET', `/v1/issuing/cards/${card.vendor_id}`, undefined, at.loud))[
      'spending_controls'
    ] as Json
  assert.deepEqual((await controls())['blocked_categories'], ['gas_stations'])
  assert.deepEqual((await controls())['spending_limits'], [
    { amount: 5000, interval: 'daily', categories: null },
  ])
  assert.equal((await at.limit(card.id, {})).status, 200)
  assert.deepEqual((await controls())['spending_limits'], [])
  assert.equal((await controls())['blocked_categories'], null)
  const both = await at.limit(card.id, { allowed_countries: ['BR'], blocked_countries: ['US'] })
  assert.deepEqual([both.status, both.body['field']], [400, 'limits.blocked_countries'])
  await at.heard()
  assert.equal((await at.toldOf(card.id)).filter((type) => type === 'card.limits_changed').length, 2)
})

const PIN = `eyJhbGciOiJSU0EtT0FFUCJ9.${'k'.repeat(40)}.aXY.dGV4dA.dGFn`

test('a card that was lost is shut before another is issued in its place, and the vendor is told which', async () => {
  const { api } = at.product
  const old = await at.issue({ active: true })
  const { connection: connection_id, cardholder } = at.loud
  const again = (more: Json = {}) =>
    api.send('POST', '/v1/cards', {
      ...{ connection_id, cardholder, kind: 'virtual', currency: 'BRL' },
      replaces: { card_id: old.id, reason: 'lost' },
      ...more,
    })
  const early = await again()
  assert.deepEqual([early.status, early.body['field']], [409, 'replaces'])
  const wrong = await again({ cardholder: 'ich_somebody_else' })
  assert.deepEqual([wrong.status, wrong.body['field']], [400, 'replaces.card_id'])
  await at.must(old.id, 'block', { reason: 'customer' })
  const not_for_good = await again()
  assert.deepEqual([not_for_good.status, not_for_good.body['field']], [409, 'replaces'])
  await at.must(old.id, 'block', { reason: 'lost' })
  const made = await again()
  assert.equal(made.status, 201, JSON.stringify(made.body))
  assert.deepEqual(made.body['replaces'], { card_id: old.id, reason: 'lost' })
  const theirs = await stripe('GET', `/v1/issuing/cards/${made.body['vendor_id']}`, undefined, at.loud)
  assert.deepEqual([theirs['replacement_for'], theirs['replacement_reason']], [old.vendor_id, 'lost'])
  const listed = await api.list(`/v1/cards?replaces=${old.id}`)
  assert.deepEqual(
    listed.map(({ id }) => id),
    [made.body['id']],
  )
})

test('a card that is damaged serves until the one in its place is there', async () => {
  const old = await at.issue({ active: true })
  const made = await at.issue({ replaces: { card_id: old.id, reason: 'damaged' } })
  assert.equal(made.status, 'inactive')
  assert.equal((await at.read(old.id)).status, 'active')
})

test('a PIN is taken encrypted alone, and stands nowhere after', async () => {
  const { api, app } = at.product
  const card = await at.issue({ active: true })
  assert.equal((await api.send('POST', `/v1/cards/${card.id}/pin`, { encrypted_pin: PIN })).status, 204)
  for (const plain of ['1234', '0000', '12.34.56.78.90', 'a pin: 1234']) {
    const reply = await api.send('POST', `/v1/cards/${card.id}/pin`, { encrypted_pin: plain })
    assert.equal(reply.status, 400)
    assert.ok(!JSON.stringify(reply.body).includes(plain))
  }
  for (const table of [
    'call',
    'call_attempt',
    'call_body',
    'call_mapping',
    'audit',
    'idempotency_key',
    'card',
  ]) {
    const { rows } = await sql<{ row: string }>`select t::text as row from ${sql.table(table)} t`.execute(
      app.db.owner,
    )
    assert.ok(!rows.some(({ row }) => row.includes('kkkkkkkk')), `the PIN stands in ${table}`)
  }
})

test('that a PIN was set is on record though nobody saw the end of it', async () => {
  const card = await at.issue({ active: true }, at.silent)
  at.silent.front.fault(UPDATE, 'cut')
  const lost = await at.product.api.send('POST', `/v1/cards/${card.id}/pin`, { encrypted_pin: PIN })
  assert.equal(lost.body['code'], 'vendor_outcome_unknown')
  const audits = await at.product.api.list('/v1/audit?action=card.set_pin&limit=200')
  assert.ok(JSON.stringify(audits).includes(card.id))
})

const NUMBERS = [
  '4242424242424242',
  '4242 4242 4242 4242',
  '5555-5555-5555-4444',
  'card 378282246310005 of Ana',
]

test('a card number is refused wherever it stands, by the name of the field and without the number', async () => {
  const { api } = at.product
  const card = await at.issue({ active: true })
  const base = {
    connection_id: at.loud.connection,
    cardholder: at.loud.cardholder,
    kind: 'physical',
    currency: 'BRL',
  }
  const address = { line1: 'Rua A 1', city: 'Recife', postal_code: '50000', country: 'BR' }
  for (const number of NUMBERS) {
    const tries: [string, string, Json, string][] = [
      ['POST', '/v1/cards', { ...base, metadata: { note: number } }, 'metadata.note'],
      ['POST', '/v1/cards', { ...base, cardholder: number }, 'cardholder'],
      ['POST', '/v1/cards', { ...base, customer: number }, 'customer'],
      ['POST', '/v1/cards', { ...base, shipping: { name: number, address } }, 'shipping.name'],
      [
        'POST',
        '/v1/cards',
        { ...base, shipping: { name: 'A', address: { ...address, line1: number } } },
        'shipping.address.line1',
      ],
      ['POST', '/v1/cards/rules', { name: number, position: 1, action: 'decline', conditions: {} }, 'name'],
      ['GET', `/v1/cards?vendor_id=${encodeURIComponent(number)}`, {}, 'vendor_id'],
    ]
    for (const [method, path, body, field] of tries) {
      const reply = await api.send(method, path, method === 'GET' ? undefined : body)
      assert.deepEqual([reply.status, reply.body['field']], [400, field], `${method} ${path} ${number}`)
      assert.ok(!JSON.stringify(reply.body).includes(number.replace(/\D/g, '').slice(-10)))
    }
  }
  const call = {
    operation: 'cards.issue',
    input: { ...base, reference: 'r', metadata: { note: NUMBERS[0] } },
  }
  const { connection_id: _id, ...input } = call.input
  const path = `/v1/connections/${at.loud.connection}/calls`
  const reply = await api.send('POST', path, { ...call, input })
  assert.deepEqual([reply.status, reply.body['field']], [400, 'metadata.note'])
  assert.equal((await api.send('GET', `/v1/cards/${card.id}`)).status, 200)
})

test('a physical card needs an address, and its way is told', async () => {
  const { api } = at.product
  const bare = {
    connection_id: at.loud.connection,
    cardholder: at.loud.cardholder,
    kind: 'physical',
    currency: 'BRL',
  }
  assert.equal((await api.send('POST', '/v1/cards', bare)).body['field'], 'shipping')
  const address = { line1: 'Rua A 1', city: 'Recife', postal_code: '50000', country: 'BR' }
  const card = await at.issue({ kind: 'physical', shipping: { name: 'Joana Prado', address } })
  await stripe('POST', `/v1/test_helpers/issuing/cards/${card.vendor_id}/shipping/ship`, '', at.loud)
  const shipped = await eventually(async () => {
    const read = await at.read(card.id)
    return (read['shipping'] as Json)['status'] === 'shipped' && read
  })
  assert.equal((shipped['shipping'] as Json)['carrier'], 'usps')
  const { rows } = await sql<{ row: string }>`select t::text as row from card t`.execute(
    at.product.app.db.owner,
  )
  assert.ok(!rows.some(({ row }) => row.includes('Rua A 1')))
})

test('a card is out of reach of another tenant, and a live issuer of a test key', async () => {
  const { api } = at.product
  const made = await api.send('POST', '/v1/connections', {
    provider: 'stripe',
    name: 'Live',
    environment: 'production',
    credentials: { secret_key: 'sk_live_abcdef123456' },
  })
  assert.equal(made.status, 403)
  const stranger = await at.product.newTenant()
  const card = await at.issue({ active: true })
  assert.equal((await stranger.send('POST', `/v1/cards/${card.id}/block`, { reason: 'lost' })).status, 404)
  assert.equal((await at.read(card.id)).status, 'active')
})
