import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { fromWire } from '../../platform/ids.ts'
import { type Bank, startBank } from '../../sandbox/bank/bank.ts'
import { bringBack, connectionTo, decide } from '../../test/bank_customer.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Json, type Product, startProduct } from '../../test/product.ts'
import { keepConsents } from './consent_life.ts'
import { MOST_REVOCATIONS, revokeLater } from './revocations.ts'

/** How consents end: whose token goes, who hears of it, and what becomes of those that nobody hears of. */
const CPF = '52998224725'

let product: Product
let bank: Bank
before(async () => {
  product = await startProduct()
  product.app.config.public_url = product.url
  bank = await startBank({ redirect_uri: `${product.url}/oauth/callback`, ispb: '99999002' })
  undoAfter(() => bank.stop())
})

let people = 0
async function agreed() {
  const { id, connection_id } = await product.api.ok('POST', '/v1/banks', {
    user_id: `user-${++people}`,
    name: bank.name,
    bank_code: bank.ispb,
    provider: 'open_finance',
    schedule: null,
    ...connectionTo(bank),
  })
  const consent = await ask(id)
  await bringBack(await decide(String(consent['redirect_url']), bank, 'approve'))
  await becomes(consent, 'AUTHORISED')
  return { id: String(id), connection_id: String(connection_id), consent }
}

const ask = (bank_id: unknown): Promise<Json> =>
  product.api.ok('POST', `/v1/banks/${bank_id}/consents`, { document: CPF })

const read = ({ id }: Json): Promise<Json> => product.api.ok('GET', `/v1/bank-consents/${id}`)
const end = ({ id }: Json) => product.api.send('DELETE', `/v1/bank-consents/${id}`)
const becomes = (consent: Json, state: string) =>
  eventually(async () => (await read(consent))['state'] === state)

async function eventually(look: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + 180_000
  while (!(await look())) {
    if (performance.now() > until) throw new Error('it did not happen within three minutes')
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}

const stateAtBank = (consent: Json) => bank.consents.find(String(consent['vendor_id']))?.status
/** Of its urn, as it stands in a path. */
const tailOf = (consent: Json) => String(consent['vendor_id']).split(':').at(-1) ?? ''

const hasToken = async (connection_id: string) =>
  (await product.api.ok('GET', `/v1/connections/${connection_id}/authorization`))['state'] !== 'not_connected'

const wasLetIn = async (consent: Json) => {
  const row = await product.app.db.owner
    .selectFrom('bank_consent')
    .select('let_in_at')
    .where('vendor_id', '=', String(consent['vendor_id']))
    .executeTakeFirstOrThrow()
  return row.let_in_at !== null
}

function setAtBank(consent: Json, status: 'AUTHORISED' | 'AWAITING_AUTHORISATION'): void {
  const known = bank.consents.find(String(consent['vendor_id']))
  assert(known)
  known.status = status
}

/** Its token is here; its bank still says that it waits. */
async function letInAndUnconfirmed(bank_id: string): Promise<Json> {
  const consent = await ask(bank_id)
  const callback = await decide(String(consent['redirect_url']), bank, 'approve')
  setAtBank(consent, 'AWAITING_AUTHORISATION')
  await bringBack(callback)
  await eventually(() => wasLetIn(consent))
  return consent
}

test('a newer consent that ends takes its token along, and the one before, whose token it replaced', async () => {
  const { id, connection_id, consent } = await agreed()
  const newer = await letInAndUnconfirmed(id)
  assert.equal((await end(newer)).status, 204)
  assert.equal(await hasToken(connection_id), false)
  const { state, rejection } = (await read(consent)) as { state: string; rejection: Json }
  assert.deepEqual([state, rejection['code']], ['REJECTED', 'REPLACED'])
  await eventually(async () => [consent, newer].every((one) => stateAtBank(one) === 'REJECTED'))
  await eventually(async () => (await read(newer))['revocation'] === 'heard')
})

test('an older consent that ends leaves the token of a newer one whose bank is late to confirm it', async () => {
  const { id, connection_id, consent } = await agreed()
  const newer = await letInAndUnconfirmed(id)
  assert.equal((await end(consent)).status, 204)
  assert.equal(await hasToken(connection_id), true)
  setAtBank(newer, 'AUTHORISED')
  await product.app.db.owner
    .updateTable('bank_consent')
    .set({ look_at: new Date(0) })
    .where('vendor_id', '=', String(newer['vendor_id']))
    .execute()
  await keepConsents(product.app)
  await becomes(newer, 'AUTHORISED')
})

test('a token that comes of a consent that is over already is dropped, and so is what it replaced', async () => {
  const { id, connection_id, consent } = await agreed()
  const newer = await ask(id)
  const callback = await decide(String(newer['redirect_url']), bank, 'approve')
  bank.fail({ path: tailOf(newer), status: 503, times: 4 })
  assert.equal((await end(newer)).status, 204)
  assert.equal(await hasToken(connection_id), true)
  await bringBack(callback)
  await becomes(consent, 'REJECTED')
  assert.equal(await hasToken(connection_id), false)
})

test('a sync that is refused as if nobody had agreed has the bank asked of the consent at once', async () => {
  const { id, connection_id, consent } = await agreed()
  bank.consents.reject(String(consent['vendor_id']), 'USER', 'CUSTOMER_MANUALLY_REVOKED')
  await product.api.ok('POST', `/v1/banks/${id}/sync`)
  await becomes(consent, 'REJECTED')
  assert.equal(((await read(consent))['rejection'] as Json)['code'], 'CUSTOMER_MANUALLY_REVOKED')
  assert.equal(await hasToken(connection_id), false)
})

test('a bank that cannot be told of a revocation is not told for ever; it is said, and it can be told anew', async () => {
  const { connection_id, consent } = await agreed()
  const connection = `/v1/connections/${connection_id}`
  await product.api.ok('PATCH', connection, { state: 'disabled' })
  assert.equal((await end(consent)).status, 204)
  assert.equal((await read(consent))['revocation'], 'pending')
  const payload = { consent_id: fromWire('bank_consent', String(consent['id'])) }
  const tenant_id = fromWire('tenant', product.api.tenant_id)
  const job = { tenant_id, id: product.app.newId(), payload }
  await assert.rejects(revokeLater(product.app, { ...job, attempts: MOST_REVOCATIONS - 1 }), /not told/)
  await revokeLater(product.app, { ...job, attempts: MOST_REVOCATIONS })
  assert.equal((await read(consent))['revocation'], 'failed')
  const told = await product.api.list('/v1/events?type=consent.revocation_failed')
  assert.equal(told.filter((event) => event['entity_id'] === consent['id']).length, 1)
  assert.equal(stateAtBank(consent), 'AUTHORISED')
  await product.api.ok('PATCH', connection, { state: 'enabled' })
  assert.equal((await end(consent)).status, 204)
  await eventually(async () => stateAtBank(consent) === 'REJECTED')
  await eventually(async () => (await read(consent))['revocation'] === 'heard')
  assert.equal((await end(consent)).status, 409)
})
