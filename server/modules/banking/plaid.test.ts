import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'

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
