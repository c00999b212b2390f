import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { type Bank, startBank } from '../../sandbox/bank/bank.ts'
import { bringBack, connectionTo, decide } from '../../test/bank_customer.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Api, type Json, type Product, startProduct } from '../../test/product.ts'

/** Banks of Open Finance Brasil on real sockets, each with its own keys, certificates and books. */
const CPF = '52998224725'
const USER = 'ana'

let product: Product
let api: Api
let banks: Bank[]
before(async () => {
  product = await startProduct()
  product.app.config.public_url = product.url
  api = product.api
  const redirect_uri = `${product.url}/oauth/callback`
  banks = await Promise.all([
    startBank({ name: 'Banco Azul', ispb: '99999001', redirect_uri }),
    startBank({ name: 'Banco Verde', ispb: '99999002', redirect_uri, aliases: true, most_a_page: 40 }),
    startBank({ name: 'Banco Cinza', ispb: '99999003', redirect_uri }),
  ])
  undoAfter(async () => {
    await Promise.all(banks.map((bank) => bank.stop()))
  })
})

const TITLE = ['Banco Azul', 'Banco Verde', 'Banco Cinza']

/** Generous: the machine is others' too. */
async function eventually(look: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + 180_000
  while (!(await look())) {
    if (performance.now() > until) throw new Error('it did not happen within three minutes')
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}

async function agreed(bank: Bank, user_id: string, settings: Json = {}): Promise<string> {
  const own = connectionTo(bank)
  const made = await api.ok('POST', '/v1/banks', {
    user_id,
    name: bank.name,
    bank_code: bank.ispb,
    provider: 'open_finance',
    schedule: null,
    settings: { ...own.settings, ...settings },
    credentials: own.credentials,
  })
  const consent = await api.ok('POST', `/v1/banks/${made['id']}/consents`, { document: CPF })
  const page = await bringBack(await decide(String(consent['redirect_url']), bank, 'approve'))
  assert.equal(page.status, 200, await page.text())
  await eventually(
    async () => (await api.ok('GET', `/v1/bank-consents/${consent['id']}`))['state'] === 'AUTHORISED',
  )
  return String(made['id'])
}

async function synced(id: string): Promise<Json> {
  const { id: sync_id } = await api.ok('POST', `/v1/banks/${id}/sync`)
  const read = () => api.ok('GET', `/v1/bank-syncs/${sync_id}`)
  await eventually(async () => (await read())['ended_at'] !== null)
  return read()
}

test('three banks are read in parallel, each with its own keys, and one that fails touches no other', async () => {
  const [blue, green, grey] = banks as [Bank, Bank, Bank]
  await agreed(blue, USER)
  await agreed(green, USER, { mtls_aliases: true })
  await agreed(grey, USER)
  grey.fail({ path: '/accounts/v2/accounts', status: 423, times: 1000 })
  const reply = await api.ok('POST', `/api/users/${USER}/openfinance/sync-all`)
  await eventually(async () => {
    const read = await api.list(`/v1/banks?user_id=${USER}`)
    return read.every(({ last_synced_at, state }) => last_synced_at !== null || state === 'error')
  })
  const read = await api.list(`/v1/banks?user_id=${USER}`)
  const states = new Map(read.map(({ name, state }) => [name, state]))
  assert.deepEqual(
    TITLE.map((name) => states.get(name)),
    ['active', 'active', 'error'],
    JSON.stringify(reply),
  )
})

test('what a bank tells is what is here: twins stay two, what is announced is future, and nothing is told twice', async () => {
  const [blue] = banks as [Bank]
  const id = await agreed(blue, 'bia')
  assert.equal((await synced(id))['state'], 'succeeded')
  const accounts = await api.list(`/v1/bank-accounts?user_id=bia`)
  assert.deepEqual(accounts.map(({ kind }) => kind).sort(), ['checking', 'credit_card', 'payment'])
  const latest = await api.list('/v1/bank-transactions?user_id=bia&limit=200')
  assert.ok(latest.some(({ status }) => status === 'future'))
  const twins = latest.filter(({ description }) => description === 'PIX PASSAGEM METRO')
  const [{ at, account_id } = {}] = twins
  assert.equal(twins.filter((one) => one['at'] === at && one['account_id'] === account_id).length, 2)
  const again = await synced(id)
  assert.deepEqual([again['imported'], again['updated'], again['removed']], [0, 0, 0])
})

test('an id that changes overnight is the same transaction the day after', async () => {
  const bank = await startBank({ ispb: '99999004', redirect_uri: `${product.url}/oauth/callback` })
  undoAfter(() => bank.stop())
  const id = await agreed(bank, 'caio')
  assert.equal((await synced(id))['state'], 'succeeded')
  bank.nextDay()
  const after = await synced(id)
  assert.equal(after['state'], 'succeeded')
  assert.ok(Number(after['updated']) > 0, JSON.stringify(after))
})

test('a bank that is overloaded, slow to answer or wants less is asked again and then read', async () => {
  const [blue] = banks as [Bank]
  const id = await agreed(blue, 'davi')
  for (const [status, path] of [
    [529, '/resources/v3'],
    [504, '/accounts/v2'],
    [429, '/balances'],
  ] as const)
    blue.fail({ path, status, times: 1, ...(status === 429 && { retry_after_s: 1 }) })
  assert.equal((await synced(id))['state'], 'succeeded')
})

test('an answer of another request is not taken for the answer', async () => {
  const [blue] = banks as [Bank]
  const id = await agreed(blue, 'eva')
  blue.fail({ path: '/resources/v3', status: 200, times: 1, mirror: false })
  const before = blue.requests().filter((one) => one.includes('/resources/')).length
  assert.equal((await synced(id))['state'], 'succeeded')
  assert.ok(blue.requests().filter((one) => one.includes('/resources/')).length >= before + 2)
})

test('banks are found in the directory by name and by code, which is read once an hour', async () => {
  const [blue] = banks as [Bank]
  let reads = 0
  const directory = createServer((_request, response) => {
    reads += 1
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(directoryOf(blue)))
  })
  await new Promise<void>((resolve) => directory.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => void directory.close())
  const url = `http://127.0.0.1:${(directory.address() as AddressInfo).port}/participants`
  const provider = product.app.providers.get('open_finance')
  assert(provider?.banking?.directory)
  const known = provider.banking.directory.url
  provider.banking.directory.url = { live: url, test: url }
  undoAfter(async () => {
    if (provider.banking?.directory) provider.banking.directory.url = known
  })
  for (const query of ['azul', 'BÁNCO', blue.ispb, '99.999.001/0001-91']) {
    const [found, ...others] = await api.list(`/v1/banks/participants?query=${encodeURIComponent(query)}`)
    assert.deepEqual([found?.['bank_code'], others.length], [blue.ispb, 0], query)
    assert.deepEqual(found?.['settings'], { issuer: blue.issuer, base_url: blue.api })
  }
  assert.deepEqual(await api.list('/v1/banks/participants?query=nobody'), [])
  assert.equal(reads, 1)
})

/** As the directory has a bank, its version as text as in live data; and one that tells nothing of accounts. */
const directoryOf = ({ name, ispb, issuer, api: base }: Bank) => [
  {
    OrganisationId: 'a5b1',
    Status: 'Active',
    OrganisationName: `${name} S.A.`,
    RegistrationNumber: `${ispb}000191`,
    AuthorisationServers: [
      {
        CustomerFriendlyName: name,
        OpenIDDiscoveryDocument: `${issuer}/.well-known/openid-configuration`,
        ApiResources: [
          {
            ApiFamilyType: 'accounts',
            ApiVersion: '2.4.2',
            ApiDiscoveryEndpoints: [{ ApiEndpoint: `${base}/accounts/v2/accounts` }],
          },
        ],
      },
    ],
  },
  {
    OrganisationId: 'b7c2',
    Status: 'Active',
    OrganisationName: 'Banco sem contas',
    AuthorisationServers: [],
  },
]
