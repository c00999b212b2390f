import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { fromWire } from '../../platform/ids.ts'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { hearNews, SYNC_SOON } from './news.ts'

let product: Product
before(async () => {
  product = await startProduct()
})

const settings = () => ({
  client_id: '0123456789abcdef01234567',
  base_url: `${product.sandbox.url}/plaid`,
})
const SECRET = 'secret-of-the-sandbox'

/** What Plaid's own page in the browser would end with. */
async function plaid(path: string, body: object): Promise<Json> {
  const headers = { 'plaid-client-id': 'x', 'plaid-secret': 'x', 'content-type': 'application/json' }
  const url = `${product.sandbox.url}/plaid${path}`
  const reply = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  return (await reply.json()) as Json
}

async function ask(connection: string, operation: string, input: object): Promise<Json> {
  const path = `/v1/connections/${connection}/calls`
  const { result } = await product.api.ok('POST', path, { operation, input })
  return result as Json
}

async function synced(bank: string): Promise<Json> {
  const { id } = await product.api.ok('POST', `/v1/banks/${bank}/sync`)
  return eventually(async () => {
    const run = await product.api.ok('GET', `/v1/bank-syncs/${id}`)
    return ['succeeded', 'failed', 'skipped'].includes(String(run['state'])) && run
  })
}

test('a person links a bank by Plaid; what changes there changes here, by its cursor', async () => {
  const { api } = product
  const connection = await api.ok('POST', '/v1/connections', {
    provider: 'plaid',
    name: 'Plaid',
    environment: 'development',
    settings: settings(),
    credentials: { secret: SECRET },
  })
  const link = { user_id: 'ana', client_name: 'Mercado Azul', country_codes: ['US'] }
  const { link_token } = await ask(String(connection['id']), 'create_link_token', link)
  assert.match(String(link_token), /^link-sandbox-/)
  const { public_token } = await plaid('/sandbox/public_token/create', { institution_id: 'ins_109508' })
  const { access_token } = await ask(String(connection['id']), 'exchange_public_token', { public_token })
  const { id } = await api.ok('POST', '/v1/banks', {
    user_id: 'ana',
    name: 'First Platypus Bank',
    bank_code: '00000000',
    provider: 'plaid',
    settings: settings(),
    credentials: { secret: SECRET, access_token },
    schedule: null,
  })
  const bank = String(id)
  const first = await synced(bank)
  assert.deepEqual([first['state'], first['imported']], ['succeeded', 3])
  const accounts = await api.list(`/v1/banks/${bank}/accounts`)
  assert.deepEqual(accounts.map(({ kind, number_masked }) => [kind, number_masked]).sort(), [
    ['checking', '****0000'],
    ['credit_card', '****3333'],
  ])
  const listed = async () =>
    (await api.list('/v1/bank-transactions?user_id=ana')) as (Json & { money: Json })[]
  const pending = (await listed()).filter(({ status }) => status === 'pending')
  assert.deepEqual(
    pending.map(({ money }) => money['amount']),
    ['-8940'],
  )
  await plaid('/sandbox/transactions/settle', { access_token })
  await plaid('/sandbox/transactions/create', {
    access_token,
    transactions: [{ amount: 12.5, description: 'Lunch' }],
  })
  const second = await synced(bank)
  assert.equal(second['state'], 'succeeded')
  const now = await listed()
  assert.equal(now.length, 4)
  assert.deepEqual([...new Set(now.map(({ status }) => status))], ['booked'])
  assert.ok(now.some(({ money, description }) => money['amount'] === '-1250' && description === 'Lunch'))
  const third = await synced(bank)
  assert.deepEqual([third['imported'], third['updated'], third['removed']], [0, 0, 0])
})

test("a bank whose log-in changed fails in Plaid's words and harms nothing", async () => {
  const { id } = await product.api.ok('POST', '/v1/banks', {
    user_id: 'bia',
    name: 'First Platypus Bank',
    bank_code: '00000000',
    provider: 'plaid',
    settings: settings(),
    credentials: { secret: SECRET, access_token: 'access-sandbox-of-another-day' },
    schedule: null,
  })
  const run = await synced(String(id))
  assert.deepEqual([run['state'], run['error']], ['failed', 'credentials_refused'])
})

/** A bank that was synced once, so that its log-in is known, and a source of its own for Plaid's webhooks. */
async function linked(user_id: string) {
  const { api } = product
  const { public_token } = await plaid('/sandbox/public_token/create', { institution_id: 'ins_109508' })
  const { access_token, item_id } = await plaid('/item/public_token/exchange', { public_token })
  const { id, connection_id } = await api.ok('POST', '/v1/banks', {
    ...{ user_id, name: 'First Platypus Bank', bank_code: 'ins_109508', provider: 'plaid', schedule: null },
    ...{ settings: settings(), credentials: { secret: SECRET, access_token } },
  })
  assert.equal((await synced(String(id)))['state'], 'succeeded')
  const source = await api.ok('POST', '/v1/sources', { provider: 'plaid', name: user_id, connection_id })
  const hear = async (type: string, payload: Json = {}) => {
    const order = { url: source['url'], type, payload: { item_id, environment: 'sandbox', ...payload } }
    const told = (await plaid('/_control/send', order)) as { sent: { status: number }[] }
    assert.deepEqual(
      told.sent.map(({ status }) => status),
      [200],
    )
  }
  return { bank: String(id), access_token, hear }
}

/** What is told by webhook waits some seconds for what follows it, on a machine that others use too. */
async function patiently<Found>(look: () => Promise<Found | undefined | false>): Promise<Found> {
  const until = performance.now() + 180_000
  for (;;) {
    const found = await look()
    if (found) return found
    if (performance.now() > until) throw new Error('it did not happen within three minutes')
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}

const read = (bank: string): Promise<Json> => product.api.ok('GET', `/v1/banks/${bank}`)

const syncsOf = async (bank: string) =>
  (await product.api.list(`/v1/bank-syncs?bank_id=${bank}`)).filter(({ cause }) => cause === 'news')

async function told(type: string, bank: string): Promise<Json[]> {
  const events = await product.api.list(`/v1/events?type=${type}`)
  return events.flatMap((event) => (event['entity_id'] === bank ? [event['data'] as Json] : []))
}

test('what Plaid tells of in several messages at once is read by one sync, soon', async () => {
  const { bank, access_token, hear } = await linked('carla')
  const transactions = [{ amount: 3, description: 'Told by webhook' }]
  await plaid('/sandbox/transactions/create', { access_token, transactions })
  for (const code of ['SYNC_UPDATES_AVAILABLE', 'DEFAULT_UPDATE', 'SYNC_UPDATES_AVAILABLE'])
    await hear(`TRANSACTIONS.${code}`)
  await patiently(async () => (await syncsOf(bank))[0]?.['state'] === 'succeeded')
  const syncs = await syncsOf(bank)
  assert.deepEqual(
    syncs.map(({ imported }) => imported),
    [1],
  )
  await hear('TRANSACTIONS.SYNC_UPDATES_AVAILABLE')
  const next = await patiently(() => waiting(bank))
  const rest_ms = next.getTime() - Date.parse(String(syncs[0]?.['created_at']))
  assert.ok(rest_ms > 59_000, `the next one only after a rest, and not after ${rest_ms} ms`)
})

/** When the next sync that news asked for is due. */
async function waiting(bank: string): Promise<Date | undefined> {
  const jobs = await product.app.db.owner
    .selectFrom('job')
    .select(['payload', 'due'])
    .where('kind', '=', SYNC_SOON)
    .execute()
  const id = fromWire('bank', bank)
  return jobs.find(({ payload }) => (payload as { bank_id?: string }).bank_id === id)?.due
}

test('a log-in that is asked for anew puts its bank in error once, until it is read again', async () => {
  const { bank, hear } = await linked('dario')
  const error = { error_type: 'ITEM_ERROR', error_code: 'ITEM_LOGIN_REQUIRED', error_message: '…' }
  await hear('ITEM.ERROR', { error })
  await hear('ITEM.ERROR', { error, again: true })
  await patiently(async () => (await read(bank))['state'] === 'error')
  assert.match(String((await read(bank))['reason']), /log in at their bank again/)
  assert.deepEqual(
    (await told('bank.failed', bank)).map((data) => data['error']),
    ['login_required'],
  )
  await hear('ITEM.LOGIN_REPAIRED')
  await patiently(async () => (await read(bank))['state'] === 'active')
})

test('an end that is near is told ahead of time, and one that has come makes the bank inactive', async () => {
  const { bank, hear } = await linked('elisa')
  await hear('ITEM.PENDING_EXPIRATION', { consent_expiration_time: '2027-01-15T13:25:17Z' })
  await patiently(async () => (await told('bank.expiring', bank)).length === 1)
  assert.equal((await told('bank.expiring', bank))[0]?.['expires_at'], '2027-01-15T13:25:17.000Z')
  assert.equal((await read(bank))['state'], 'active')
  await hear('ITEM.USER_PERMISSION_REVOKED')
  await patiently(async () => (await read(bank))['state'] === 'inactive')
  assert.deepEqual(
    (await told('bank.failed', bank)).map((data) => data['error']),
    ['permission_revoked'],
  )
})

test('an end that is near is told once, though the job that heard of it is done again', async () => {
  const { bank } = await linked('gil')
  const { login_id, tenant_id } = await product.app.db.owner
    .selectFrom('bank')
    .select(['login_id', 'tenant_id'])
    .where('id', '=', fromWire('bank', bank))
    .executeTakeFirstOrThrow()
  const news = { login_id, what: 'ending', code: 'expiring', reason: 'It ends soon.', at: null }
  const told_at = new Date(Date.now() + 60_000).toISOString()
  const payload = { news, provider: 'plaid', told_at, connection_id: null }
  for (const attempts of [1, 2])
    await hearNews(product.app, { tenant_id, id: product.app.newId(), attempts, payload })
  assert.equal((await told('bank.expiring', bank)).length, 1)
})

test('what is told while a bank is read is not taken for read by it, and the bank is read once more', async () => {
  const { bank } = await linked('hugo')
  const { owner } = product.app.db
  const id = fromWire('bank', bank)
  const { login_id, tenant_id } = await owner
    .selectFrom('bank')
    .select(['login_id', 'tenant_id'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  const told_at = new Date().toISOString()
  const news = { login_id, what: 'failed', code: 'login_required', reason: 'They log in again.' }
  const payload = { news, provider: 'plaid', told_at, connection_id: null }
  const hear = () => hearNews(product.app, { tenant_id, id: product.app.newId(), attempts: 1, payload })
  // As if the one that was under way had ended since.
  const later = new Date(Date.now() + 60_000)
  await owner.updateTable('bank').set({ last_synced_at: later }).where('id', '=', id).execute()
  await hear()
  assert.equal((await read(bank))['state'], 'error')
  await owner.updateTable('bank_sync').set({ state: 'running' }).where('bank_id', '=', id).execute()
  await hear()
  await patiently(() => waiting(bank))
  assert.equal((await told('bank.failed', bank)).length, 1)
})

test('another tenant, and a source of the live world, say nothing of a bank', async () => {
  const { bank } = await linked('fabio')
  const { login_id, tenant_id } = await product.app.db.owner
    .selectFrom('bank')
    .select(['login_id', 'tenant_id'])
    .where('id', '=', fromWire('bank', bank))
    .executeTakeFirstOrThrow()
  const live = await product.api.ok('POST', '/v1/connections', {
    ...{ provider: 'plaid', name: 'Live', environment: 'staging' },
    ...{ settings: settings(), credentials: { secret: SECRET } },
  })
  // No key of this tenant's makes one.
  await product.app.db.owner
    .updateTable('connection')
    .set({ environment: 'production' })
    .where('id', '=', fromWire('connection', String(live['id'])))
    .execute()
  const news = { login_id, what: 'ended', code: 'permission_revoked', reason: 'Gone.' }
  const told_at = new Date(Date.now() + 60_000).toISOString()
  const payload = {
    news,
    provider: 'plaid',
    told_at,
    connection_id: fromWire('connection', String(live['id'])),
  }
  const job = { tenant_id, id: product.app.newId(), attempts: 1 }
  await hearNews(product.app, { ...job, payload })
  const stranger = await product.newTenant()
  const other = { ...job, tenant_id: fromWire('tenant', stranger.tenant_id) }
  await hearNews(product.app, { ...other, payload: { ...payload, connection_id: null } })
  assert.equal((await read(bank))['state'], 'active')
  await hearNews(product.app, { ...job, payload: { ...payload, connection_id: null } })
  assert.equal((await read(bank))['state'], 'inactive')
})
