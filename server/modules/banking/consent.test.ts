import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { inTenant } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { type Bank, startBank } from '../../sandbox/bank/bank.ts'
import { bringBack, connectionTo, decide } from '../../test/bank_customer.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Api, type Json, type Product, startProduct } from '../../test/product.ts'
import { keepConsents } from './consent_life.ts'
import { holdOn } from './consent_queries.ts'
import { finishFarewell, MOST_TRIES } from './farewell.ts'

/** Consents at a bank on real sockets, whose customer decides on its page. */
const CPF = '52998224725'
const HOUR_MS = 3_600_000

let product: Product
let bank: Bank
before(async () => {
  product = await startProduct()
  product.app.config.public_url = product.url
  bank = await startBank({ redirect_uri: `${product.url}/oauth/callback`, ispb: '99999001' })
  undoAfter(() => bank.stop())
})

let people = 0
async function connected(
  api: Api = product.api,
): Promise<{ id: string; user_id: string; connection_id: string }> {
  const user_id = `user-${++people}`
  const made = await api.ok('POST', '/v1/banks', {
    user_id,
    name: bank.name,
    bank_code: bank.ispb,
    provider: 'open_finance',
    schedule: null,
    ...connectionTo(bank),
  })
  return { id: String(made['id']), user_id, connection_id: String(made['connection_id']) }
}

const ask = (bank_id: string, more: Json = {}): Promise<Json> =>
  product.api.ok('POST', `/v1/banks/${bank_id}/consents`, { document: CPF, ...more })

/** The page at the end of the visit. */
async function agree(consent: Json, decision: 'approve' | 'reject' = 'approve'): Promise<Response> {
  return bringBack(await decide(String(consent['redirect_url']), bank, decision))
}

const read = (id: unknown): Promise<Json> => product.api.ok('GET', `/v1/bank-consents/${id}`)
const becomes = (id: unknown, state: string) => eventually(async () => (await read(id))['state'] === state)

async function told(type: string, consent_id: unknown): Promise<Json[]> {
  const events = await product.api.list(`/v1/events?type=${type}`)
  return events.filter((event) => event['entity_id'] === consent_id)
}

async function agreed() {
  const own = await connected()
  const consent = await ask(own.id)
  assert.equal((await agree(consent)).status, 200)
  await becomes(consent['id'], 'AUTHORISED')
  return { ...own, consent }
}

const asOf = (id: unknown, change: Record<string, Date | null>) =>
  product.app.db.owner
    .updateTable('bank_consent')
    .set(change)
    .where('vendor_id', '=', String(id))
    .executeTakeFirstOrThrow()

const stateAtBank = (consent: Json) => bank.consents.find(String(consent['vendor_id']))?.status

test('a person agrees at their bank, and its accounts are read', async () => {
  const { id } = await connected()
  const consent = await ask(id)
  assert.equal(consent['state'], 'AWAITING_AUTHORISATION')
  const before = await product.api.ok('POST', `/v1/banks/${id}/sync`)
  await eventually(
    async () => (await product.api.ok('GET', `/v1/bank-syncs/${before['id']}`))['state'] === 'skipped',
  )
  const page = await agree(consent)
  assert.equal(page.status, 200)
  await becomes(consent['id'], 'AUTHORISED')
  assert.equal((await told('consent.authorised', consent['id'])).length, 1)
  const sync = await product.api.ok('POST', `/v1/banks/${id}/sync`)
  await eventually(async () =>
    ['succeeded', 'failed'].includes(String((await readSync(sync['id']))['state'])),
  )
  const ended = await readSync(sync['id'])
  assert.equal(ended['state'], 'succeeded', JSON.stringify(ended))
  assert.ok(Number(ended['imported']) > 500)
})

test('the calls of a consent name the key that asked for it, and the job that asked what became of it', async () => {
  const { connection_id } = await agreed()
  const calls = await product.api.list(`/v1/calls?connection_id=${connection_id}&limit=200`)
  const causeOf = (operation: string) => calls.find((call) => call['operation'] === operation)?.['cause']
  const created = causeOf('banking.consents.create') as Json
  assert.equal(created['kind'], 'api_key')
  assert.match(String(created['id']), /^key_/)
  assert.deepEqual(causeOf('banking.consents.find'), { kind: 'job', id: 'banking.sync' })
})

/** A bank's whole year is read in its own time, on a machine that others use too. */
async function eventually(look: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + 180_000
  while (!(await look())) {
    if (performance.now() > until) throw new Error('it did not happen within three minutes')
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}

const readSync = (id: unknown) => product.api.ok('GET', `/v1/bank-syncs/${id}`)

test('a person who refuses is heard, with the reason', async () => {
  const { id } = await connected()
  const consent = await ask(id)
  assert.equal((await agree(consent, 'reject')).status, 400)
  await becomes(consent['id'], 'REJECTED')
  const { rejection } = (await read(consent['id'])) as { rejection: Json }
  assert.equal(rejection['code'], 'CUSTOMER_MANUALLY_REJECTED')
  assert.equal((await told('consent.rejected', consent['id'])).length, 1)
})

test('a consent that we revoke loses its token at once, and the bank hears of it', async () => {
  const { consent, connection_id } = await agreed()
  await product.api.ok('DELETE', `/v1/bank-consents/${consent['id']}`)
  const access = await product.api.ok('GET', `/v1/connections/${connection_id}/authorization`)
  assert.equal(access['state'], 'not_connected')
  assert.equal((await read(consent['id']))['state'], 'REJECTED')
  await eventually(async () => stateAtBank(consent) === 'REJECTED')
  const again = await product.api.send('DELETE', `/v1/bank-consents/${consent['id']}`)
  assert.equal(again.status, 409)
})

test('a consent that is revoked at the bank is over here, token and all', async () => {
  const { consent, connection_id } = await agreed()
  bank.consents.reject(String(consent['vendor_id']), 'USER', 'CUSTOMER_MANUALLY_REVOKED')
  await asOf(consent['vendor_id'], { look_at: new Date(0) })
  await keepConsents(product.app)
  await becomes(consent['id'], 'REJECTED')
  assert.equal((await told('consent.revoked', consent['id'])).length, 1)
  const access = await product.api.ok('GET', `/v1/connections/${connection_id}/authorization`)
  assert.equal(access['state'], 'not_connected')
})

test('nobody who is not back within the hour is awaited any longer', async () => {
  const { id } = await connected()
  const consent = await ask(id)
  await asOf(consent['vendor_id'], { created_at: new Date(Date.now() - 3 * HOUR_MS), look_at: new Date(0) })
  await keepConsents(product.app)
  await becomes(consent['id'], 'REJECTED')
  const { state, rejection } = (await read(consent['id'])) as { state: string; rejection: Json }
  assert.deepEqual([state, rejection['code']], ['REJECTED', 'CONSENT_EXPIRED'])
})

test('a consent that was given is not ended because its bank is late to say so, or silent', async () => {
  const { id } = await connected()
  const consent = await ask(id)
  const callback = await decide(String(consent['redirect_url']), bank, 'approve')
  const at_bank = bank.consents.find(String(consent['vendor_id']))
  assert(at_bank)
  bank.fail({ path: tailOf(consent), status: 503, times: 4 })
  at_bank.status = 'AWAITING_AUTHORISATION'
  assert.equal((await bringBack(callback)).status, 200)
  await eventually(async () => (await rowOf(consent)).let_in_at !== null)
  await asOf(consent['vendor_id'], { look_at: new Date(0) })
  await keepConsents(product.app)
  assert.equal((await read(consent['id']))['state'], 'AWAITING_AUTHORISATION')
  at_bank.status = 'AUTHORISED'
  await asOf(consent['vendor_id'], { look_at: new Date(0) })
  await keepConsents(product.app)
  await becomes(consent['id'], 'AUTHORISED')
})

/** Of its urn, as it stands in a path. */
const tailOf = (consent: Json) => String(consent['vendor_id']).split(':').at(-1) ?? ''

const rowOf = (consent: Json) =>
  product.app.db.owner
    .selectFrom('bank_consent')
    .select(['let_in_at', 'look_at'])
    .where('vendor_id', '=', String(consent['vendor_id']))
    .executeTakeFirstOrThrow()

test('of two who look after consents at once only one asks the bank, and the next time comes later', async () => {
  const { consent } = await agreed()
  const asked = () => bank.requests().filter((one) => one.includes(tailOf(consent))).length
  await asOf(consent['vendor_id'], { look_at: new Date(0) })
  const before = asked()
  await Promise.all([keepConsents(product.app), keepConsents(product.app), keepConsents(product.app)])
  // The clock may have been first, and be at it still.
  await eventually(async () => Number((await rowOf(consent)).look_at) > Date.now() + HOUR_MS)
  assert.equal(asked(), before + 1)
})

test('what a bank said of a consent before it was extended does not shorten it again', async () => {
  const { consent } = await agreed()
  const until = new Date(Date.now() + 300 * 24 * HOUR_MS)
  const row = await product.app.db.owner
    .selectFrom('bank_consent')
    .select(['tenant_id', 'id', 'expires_at', 'look_at'])
    .where('vendor_id', '=', String(consent['vendor_id']))
    .executeTakeFirstOrThrow()
  await asOf(consent['vendor_id'], { expires_at: until })
  await inTenant(product.app.db, row.tenant_id, (tx) =>
    holdOn(tx, row, { expires_at: row.expires_at, look_at: row.look_at }),
  )
  assert.equal((await read(consent['id']))['expires_at'], until.toISOString())
})

test('the end of a consent is told seven days ahead, once, and again when it was extended', async () => {
  const { consent } = await agreed()
  const soon = { expires_at: new Date(Date.now() + 5 * 24 * HOUR_MS) }
  await asOf(consent['vendor_id'], soon)
  await keepConsents(product.app)
  await keepConsents(product.app)
  assert.equal((await told('consent.expiring', consent['id'])).length, 1)
  const until = new Date(Date.now() + 200 * 24 * HOUR_MS).toISOString()
  const extended = await product.api.ok('POST', `/v1/bank-consents/${consent['id']}/extend`, {
    document: CPF,
    expires_at: until,
    customer_ip: '203.0.113.7',
  })
  assert.equal(String(extended['expires_at']).slice(0, 19), until.slice(0, 19))
  await asOf(consent['vendor_id'], soon)
  await keepConsents(product.app)
  assert.equal((await told('consent.expiring', consent['id'])).length, 2)
})

test('a connection on which people agree is of one bank, and no bank of another person ever stands on it', async () => {
  const own = await connected()
  const on_it = { user_id: 'somebody', name: bank.name, bank_code: bank.ispb, schedule: null }
  const other = { ...on_it, connection_id: own.connection_id }
  const taken = await product.api.send('POST', '/v1/banks', other)
  assert.deepEqual([taken.status, taken.body['field']], [409, 'connection_id'])
  const made = await product.api.ok('POST', '/v1/connections', {
    ...{ provider: 'open_finance', name: 'Shared', environment: 'development' },
    ...connectionTo(bank),
  })
  const shared = { ...on_it, connection_id: made['id'] }
  const both = await Promise.all(
    ['first', 'second'].map((user_id) => product.api.send('POST', '/v1/banks', { ...shared, user_id })),
  )
  assert.deepEqual(both.map(({ status }) => status).sort(), [201, 409])
  const first = both.find(({ status }) => status === 201)?.body ?? {}
  assert.equal((await agree(await ask(String(first['id'])))).status, 200)
  await product.api.ok('DELETE', `/v1/banks/${first['id']}`)
  const access = await product.api.ok('GET', `/v1/connections/${made['id']}/authorization`)
  assert.equal(access['state'], 'not_connected')
  const late = { ...shared, user_id: 'third' }
  assert.equal((await product.api.send('POST', '/v1/banks', late)).status, 409)
  await product.api.ok('POST', '/v1/banks', { ...shared, user_id: first['user_id'] })
})

test('a bank that is removed has its consents ended and is told of it; then its connection goes', async () => {
  const { id, connection_id, consent } = await agreed()
  const waiting = await ask(id)
  await product.api.ok('DELETE', `/v1/banks/${id}`)
  for (const one of [consent, waiting]) assert.equal((await read(one['id']))['state'], 'REJECTED')
  assert.equal((await told('consent.revoked', consent['id'])).length, 1)
  await eventually(async () => [consent, waiting].every((one) => stateAtBank(one) === 'REJECTED'))
  const connection = () => product.api.send('GET', `/v1/connections/${connection_id}`)
  await eventually(async () => (await connection()).status === 404)
})

test('a bank hears of a consent that was revoked just before it was removed', async () => {
  const { id, connection_id, consent } = await agreed()
  await product.api.ok('DELETE', `/v1/bank-consents/${consent['id']}`)
  await product.api.ok('DELETE', `/v1/banks/${id}`)
  await eventually(async () => stateAtBank(consent) === 'REJECTED')
  const connection = () => product.api.send('GET', `/v1/connections/${connection_id}`)
  await eventually(async () => (await connection()).status === 404)
})

test('a bank that does not listen keeps no connection for ever', async () => {
  const { id, connection_id, consent } = await agreed()
  await product.api.ok('PATCH', `/v1/connections/${connection_id}`, { state: 'disabled' })
  await product.api.ok('DELETE', `/v1/banks/${id}`)
  const access = await product.api.ok('GET', `/v1/connections/${connection_id}/authorization`)
  assert.equal(access['state'], 'not_connected')
  const consent_ids = [fromWire('bank_consent', String(consent['id']))]
  const payload = { connection_id: fromWire('connection', connection_id), consent_ids }
  const job = { tenant_id: fromWire('tenant', product.api.tenant_id), id: product.app.newId(), payload }
  await assert.rejects(finishFarewell(product.app, { ...job, attempts: 1 }), /not told/)
  await finishFarewell(product.app, { ...job, attempts: MOST_TRIES })
  assert.equal((await product.api.send('GET', `/v1/connections/${connection_id}`)).status, 404)
})

test('a newer consent takes the place of the one before, which the bank gets back', async () => {
  const { id, consent } = await agreed()
  const newer = await ask(id)
  assert.equal((await agree(newer)).status, 200)
  await becomes(newer['id'], 'AUTHORISED')
  await becomes(consent['id'], 'REJECTED')
  await eventually(async () => stateAtBank(consent) === 'REJECTED')
  assert.equal(stateAtBank(newer), 'AUTHORISED')
})

test('what the bank refuses is said, and leaves no consent that anybody could be sent to', async () => {
  const { id } = await connected()
  const reply = await product.api.send('POST', `/v1/banks/${id}/consents`, {
    document: CPF,
    permissions: ['ACCOUNTS_READ'],
  })
  assert.equal(reply.status, 502)
  assert.match(String(reply.body['detail']), /COMBINACAO_PERMISSOES_INCORRETA/)
  const [only, ...others] = await product.api.list(`/v1/banks/${id}/consents`)
  assert.deepEqual([only?.['state'], others.length], ['REJECTED', 0])
})

test('another tenant neither reads nor ends a consent', async () => {
  const { consent, id } = await agreed()
  const stranger = await product.newTenant()
  for (const [method, path] of [
    ['GET', `/v1/bank-consents/${consent['id']}`],
    ['DELETE', `/v1/bank-consents/${consent['id']}`],
    ['GET', `/v1/banks/${id}/consents`],
  ] as const)
    assert.equal((await stranger.send(method, path)).status, 404)
})

test('the published contract makes a consent by bank code, and says which word is wrong', async () => {
  const { user_id, connection_id } = await connected()
  const path = `/api/users/${user_id}/openfinance/consents`
  const made = await product.api.send('POST', path, { provider: bank.ispb, cpf: CPF, unknown: 1 })
  assert.equal(made.status, 201, JSON.stringify(made.body))
  assert.deepEqual(Object.keys(made.body).sort(), [
    'consent_id',
    'expires_at',
    'provider',
    'redirect_url',
    'state',
    'status',
  ])
  assert.equal(made.body['status'], 'inactive')
  assert.equal((await agree(made.body)).status, 200)
  await becomes(made.body['consent_id'], 'AUTHORISED')
  const { consents } = (await product.api.ok('GET', path)) as { consents: Json[] }
  assert.deepEqual(
    consents.map(({ status, provider }) => [status, provider]),
    [['active', bank.ispb]],
  )
  const by_connection = await product.api.send('POST', path, { provider: connection_id, cpf: CPF })
  assert.equal(by_connection.status, 201)
  for (const [body, status, error] of [
    [{ cpf: CPF }, 400, 'missing_provider'],
    [{ provider: bank.ispb }, 400, 'missing_cpf'],
    [{ provider: bank.ispb, cpf: { toString: 1 } }, 400, 'invalid_cpf'],
    [{ provider: bank.ispb, cpf: CPF, cnpj: { toString: 1 } }, 400, 'invalid_cnpj'],
    [{ provider: bank.ispb, cpf: CPF, expires_at: { toString: 1 } }, 400, 'invalid_expires_at'],
    [{ provider: '00000000', cpf: CPF }, 404, 'bank_not_found'],
  ] as const) {
    const reply = await product.api.send('POST', path, body)
    assert.deepEqual([reply.status, reply.body], [status, { error }])
  }
})
