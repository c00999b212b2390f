import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { fromWire, toWire } from '../../platform/ids.ts'
import { type Issuing, startIssuing } from '../../test/issuing.ts'
import { type Api, apiOf, type Json } from '../../test/product.ts'

const HOUSE = `tnt_${'0'.repeat(26)}`
let at: Issuing
let api: Api

before(async () => {
  at = await startIssuing()
  api = at.product.api
})

type Hit = { kind: string; id: string; title: string | null; state: string | null } & {
  part_of: string | null
  leads_to: string | null
}

async function search(q: string, who = api): Promise<Hit[]> {
  return (await who.list(`/v1/search?q=${encodeURIComponent(q)}`)) as Hit[]
}

/** The hit of this thing, by each of these words, the same by all of them. */
async function foundBy(id: string, words: string[]): Promise<Hit> {
  const [first, ...more] = await Promise.all(
    words.map(async (q) => {
      const hit = (await search(q)).find((one) => one.id === id)
      assert.ok(hit, `${q} does not find ${id}`)
      return hit
    }),
  )
  assert.ok(first)
  for (const { kind, title, part_of, leads_to } of more)
    assert.deepEqual(
      [kind, title, part_of, leads_to],
      [first.kind, first.title, first.part_of, first.leads_to],
    )
  return first
}

/** A key of this tenant that may do no more than this. */
async function keyFor(scopes: string[]): Promise<Api> {
  const { key } = await api.ok('POST', '/v1/keys', { name: 'Narrow', environment: 'test', scopes })
  return apiOf(at.product.url, { authorization: `Bearer ${key}` }, String(key), api.tenant_id)
}

/** The administrator of the installation, acting for the tenant. */
const asAdmin = (): Api =>
  apiOf(
    at.product.url,
    { authorization: `Bearer ${at.product.admin_key}`, 'trilho-tenant': api.tenant_id },
    '',
    api.tenant_id,
  )

const readable = async ({ leads_to }: Hit): Promise<Json> => api.ok('GET', String(leads_to))

test('a card is found by our id, the vendor’s, its holder’s, the customer and the last four digits', async () => {
  const card = await at.issue({ customer: 'shop-of-the-search' })
  const last_four = String(card['last_four'])
  const words = [card.id, card.vendor_id, at.loud.cardholder, 'shop-of-the-search', last_four]
  const hit = await foundBy(card.id, words)
  assert.deepEqual([hit.kind, hit.leads_to, hit.part_of], ['card', `/v1/cards/${card.id}`, null])
  assert.match(String(hit.title), new RegExp(`•••• ${last_four}$`))
  assert.equal((await readable(hit))['id'], card.id)
  const more_digits = await search(`424242424242${last_four}`)
  assert.deepEqual(more_digits, [], 'no more than four digits are looked for')
})

test('what was asked of a card is found by the vendor’s id, and leads to the card', async () => {
  const card = await at.issue({ active: true })
  const asked = await at.buy(card, 700)
  const { id } = await at.authorizationIs(asked.id, 'pending')
  const hit = await foundBy(id, [id, asked.id])
  assert.deepEqual([hit.kind, hit.part_of, hit.title], ['card_authorization', card.id, '7.00 BRL'])
  await at.merchant(asked.id, 'capture')
  const [taken] = await at.transactionsOf(card, 1)
  const transaction = await foundBy(String(taken?.['id']), [
    String(taken?.['id']),
    String(taken?.['vendor_id']),
  ])
  assert.deepEqual([transaction.kind, transaction.part_of], ['card_transaction', card.id])
})

test('a payment is found by its ids and its customer, and a refund and a dispute lead to it', async () => {
  const paid = await api.ok('POST', '/v1/payments', {
    connection_id: at.loud.connection,
    money: { amount: '15050', currency: 'BRL' },
    method: 'card',
    source: 'pm_card_visa',
    customer: 'maria',
  })
  const id = String(paid['id'])
  const hit = await foundBy(id, [id, String(paid['vendor_id']), 'maria'])
  assert.deepEqual([hit.kind, hit.title], ['payment', '150.50 BRL'])
  const refund = await api.ok('POST', `/v1/payments/${id}/refunds`, { amount: '5000' })
  const given = await foundBy(String(refund['id']), [String(refund['id']), String(refund['vendor_id'])])
  assert.deepEqual([given.kind, given.part_of, given.title], ['refund', id, '50.00 BRL'])
  const dispute = at.product.app.newId()
  await sql`insert into dispute (tenant_id, id, payment_id, connection_id, provider, vendor_id, status, is_inquiry, amount, currency, funds)
    values (${fromWire('tenant', api.tenant_id)}, ${dispute}, ${fromWire('payment', id)},
            ${fromWire('connection', at.loud.connection)}, 'stripe', 'dp_of_the_search', 'needs_response', false, 5000, 'BRL', 'withdrawn')`.execute(
    at.product.app.db.owner,
  )
  const wire = toWire('dispute', dispute)
  const disputed = await foundBy(wire, [wire, 'dp_of_the_search'])
  assert.deepEqual([disputed.part_of, disputed.state], [id, 'needs_response'])
})

test('a bank is found by whose it is, CPF or not, and its accounts and consents by the bank’s ids', async () => {
  const bank = await api.ok('POST', '/v1/banks', {
    user_id: '11144477735',
    name: 'Banco da Padaria',
    bank_code: '00000000',
    provider: 'plaid',
    schedule: null,
    settings: { client_id: '0123456789abcdef01234567', base_url: `${at.product.sandbox.url}/plaid` },
    credentials: { secret: 'secret-of-the-sandbox', access_token: 'access-sandbox-none' },
  })
  const id = String(bank['id'])
  const hit = await foundBy(id, [id, '11144477735', '111.444.777-35', ' 111.444.777-35 '])
  assert.deepEqual([hit.kind, hit.title, hit.leads_to], ['bank', 'Banco da Padaria', `/v1/banks/${id}`])
  const [account, consent] = [at.product.app.newId(), at.product.app.newId()]
  const of = sql`${fromWire('tenant', api.tenant_id)}, ${fromWire('bank', id)}, 'ana'`
  await sql`insert into bank_account (tenant_id, bank_id, user_id, id, vendor_id, kind, name, currency)
    values (${of}, ${account}, 'acc-of-the-search', 'checking', 'Conta', 'BRL')`.execute(
    at.product.app.db.owner,
  )
  await sql`insert into bank_consent (tenant_id, bank_id, user_id, id, connection_id, vendor_id, state, permissions)
    values (${of}, ${consent}, ${fromWire('connection', at.loud.connection)}, 'urn:bank:C1', 'AUTHORISED', '[]')`.execute(
    at.product.app.db.owner,
  )
  const wire = { account: toWire('bank_account', account), consent: toWire('bank_consent', consent) }
  const of_account = await foundBy(wire.account, [wire.account, 'acc-of-the-search'])
  const of_consent = await foundBy(wire.consent, [wire.consent, 'urn:bank:C1'])
  assert.deepEqual([of_account.title, of_account.part_of, of_consent.part_of], ['Conta', id, id])
})

test('a bank that was deleted is found no more', async () => {
  const bank = await api.ok('POST', '/v1/banks', {
    user_id: '52998224725',
    name: 'Banco de ontem',
    bank_code: '00000000',
    provider: 'plaid',
    schedule: null,
    settings: { client_id: '0123456789abcdef01234567', base_url: `${at.product.sandbox.url}/plaid` },
    credentials: { secret: 'secret-of-the-sandbox', access_token: 'access-sandbox-none' },
  })
  await foundBy(String(bank['id']), ['52998224725'])
  assert.ok((await api.send('DELETE', `/v1/banks/${bank['id']}`)).status < 300)
  assert.deepEqual(await search('52998224725'), [])
})

test('sources, subscriptions and connections are found by their ids, under their names', async () => {
  const made = await api.ok('POST', '/v1/subscriptions', {
    name: 'The shop',
    url: 'https://shop.example.com/hooks',
    event_types: ['payment.completed'],
  })
  for (const [id, kind, title] of [
    [String(made['id']), 'subscription', 'The shop'],
    [at.source, 'source', 'Stripe'],
    [at.loud.connection, 'connection', 'Stripe'],
  ] as const) {
    const hit = await foundBy(id, [id, ` ${id}`])
    assert.deepEqual([hit.kind, hit.title], [kind, title])
    assert.equal((await readable(hit))['id'], id)
  }
})

test('a member is found by the e-mail and by the id the audit log names them by', async () => {
  const { id } = await asAdmin().ok('POST', '/v1/members', { email: 'Bia@example.com', role: 'viewer' })
  const hit = await foundBy(String(id), [String(id), 'bia@example.com', 'BIA@example.com'])
  assert.deepEqual([hit.kind, hit.title, hit.state], ['member', 'bia@example.com (viewer)', 'invited'])
  const person = at.product.app.newId()
  await sql`update member set person_id = ${person} where id = ${fromWire('member', String(id))}`.execute(
    at.product.app.db.owner,
  )
  await foundBy(String(id), [toWire('person', person)])
})

test('the administrator of the installation finds people of all tenants, and nobody else does', async () => {
  const email = 'zoe@example.com'
  const id = at.product.app.newId()
  await sql`insert into person (tenant_id, id, email, name, language) values (${fromWire('tenant', HOUSE)}, ${id}, ${email}, 'Zoe', 'en')`.execute(
    at.product.app.db.owner,
  )
  const admin = asAdmin()
  const wire = toWire('person', id)
  for (const q of [email, wire]) {
    const [hit, ...more] = await search(q, admin)
    assert.deepEqual([hit?.kind, hit?.id, hit?.title, more], ['person', wire, 'Zoe', []], q)
    assert.deepEqual(await search(q), [], q)
  }
})

test('a key finds what its scopes read, and no tenant what is another’s', async () => {
  const card = await at.issue({ customer: 'of one tenant' })
  const words = [card.id, card.vendor_id, 'of one tenant']
  const stranger = await at.product.newTenant()
  const [of_cards, of_payments] = [
    await keyFor(['events:read', 'cards:read']),
    await keyFor(['events:read', 'payments:read']),
  ]
  for (const q of words) {
    assert.ok(
      (await search(q, of_cards)).some(({ id }) => id === card.id),
      q,
    )
    assert.ok(!(await search(q, of_payments)).some(({ id }) => id === card.id), q)
    assert.deepEqual(await search(q, stranger), [], q)
  }
  const nobodys = toWire('card', at.product.app.newId())
  assert.deepEqual(await search(nobodys), [])
})
