import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { openDatabase } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { quiet, undoAfter } from '../../test/harness.ts'
import { type Api, apiOf, type Json, type Product, startProduct } from '../../test/product.ts'
import { createBank } from './banking.ts'

/** Banks of people at Banco do Brasil, whose statements the sandbox tells as the bank would. */

let product: Product
let api: Api

before(async () => {
  product = await startProduct()
  api = product.api
})

const APP = { token_url: '/oauth/token', app_key: 'd27b077907ffab60136de17dc0050656', mtls: false }
const SECRETS = { client_id: 'padaria', client_secret: 'sandbox-secret' }
const settingsOf = (accounts: string) => ({
  ...APP,
  accounts,
  base_url: `${product.sandbox.url}/banco_do_brasil/extratos/v1`,
  token_url: `${product.sandbox.url}/banco_do_brasil/oauth/token`,
})

const newBank = (user_id: string, accounts: string, more: Json = {}): Promise<Json> =>
  api.ok('POST', '/v1/banks', {
    ...{
      user_id,
      name: 'Banco do Brasil',
      bank_code: '00000000',
      provider: 'banco_do_brasil',
      schedule: null,
    },
    ...{ settings: settingsOf(accounts), credentials: SECRETS },
    ...more,
  })

/** As the bank has it. */
type Entry = Json & { dataLancamento: number; valorLancamento: number }

async function tell(account: string, entries: Entry[]): Promise<void> {
  const url = `${product.sandbox.url}/banco_do_brasil/_control/${account}`
  await fetch(url, { method: 'PUT', body: JSON.stringify(entries) })
}

const dayAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000 - 3 * 3_600_000)
const number = (at: Date) =>
  at.getUTCDate() * 1_000_000 + (at.getUTCMonth() + 1) * 10_000 + at.getUTCFullYear()

const entry = (days: number, amount: number, more: Json = {}): Entry => ({
  ...{ indicadorTipoLancamento: '1', dataLancamento: number(dayAgo(days)), valorLancamento: amount },
  ...{ indicadorSinalLancamento: 'D', codigoHistorico: 144, textoDescricaoHistorico: 'Pix - Enviado' },
  ...{ numeroLote: 1, numeroDocumento: 10, codigoAgenciaOrigem: 1, textoInformacaoComplementar: 'PADARIA' },
  ...more,
})

async function sync(bank: Json): Promise<Json> {
  const { id } = await api.ok('POST', `/v1/banks/${bank['id']}/sync`)
  for (let look = 0; look < 1800; look++) {
    const run = await api.ok('GET', `/v1/bank-syncs/${id}`)
    if (run['ended_at'] !== null) return run
    await sleep(100)
  }
  throw new Error('the bank was not read within three minutes')
}

const transactions = (query: string) => api.list(`/v1/bank-transactions?${query}`)

test('a bank is read whole, every entry once, and read again adds nothing', async () => {
  const bank = await newBank('ana', '1234/1001, 1234/1002')
  await tell('1234/1001', [
    entry(1, 45.9),
    entry(1, 45.9),
    entry(40, 0.1),
    entry(200, 1_250, { indicadorSinalLancamento: 'C' }),
  ])
  await tell('1234/1002', [])
  const first = await sync(bank)
  assert.deepEqual([first['state'], first['imported'], first['skipped']], ['succeeded', 4, 0])
  const found = await transactions('user_id=ana')
  assert.deepEqual(
    found.map(({ money }) => (money as { amount: string }).amount),
    ['-4590', '-4590', '-10', '125000'],
  )
  const again = await sync(bank)
  assert.deepEqual([again['imported'], again['updated'], again['removed']], [0, 0, 0])
  assert.deepEqual(
    (await transactions('user_id=ana')).map(({ id }) => id),
    found.map(({ id }) => id),
  )
  assert.equal((await api.ok('GET', `/v1/banks/${bank['id']}`))['state'], 'active')
  assert.equal((await api.list(`/v1/banks/${bank['id']}/accounts`)).length, 2)
})

test('banks are found by the connection they are read through', async () => {
  const [one, other] = [await newBank('rui', '4321/1001'), await newBank('rui', '4321/1002')]
  const found = await api.list(`/v1/banks?connection_id=${one['connection_id']}`)
  assert.deepEqual(
    found.map(({ id }) => id),
    [one['id']],
  )
  const both = await api.list(`/v1/banks?user_id=rui&connection_id=${other['connection_id']}`)
  assert.deepEqual(
    both.map(({ id }) => id),
    [other['id']],
  )
})

test('what a sync found is told by an event of its commit', async () => {
  const bank = await newBank('bia', '1234/2001')
  await tell('1234/2001', [entry(1, 10), entry(2, 20)])
  const run = await sync(bank)
  const { rows } = await sql<{ data: string }>`
    select data from event where tenant_id = ${fromWire('tenant', api.tenant_id)} and type = 'transactions.imported'
       and data like ${`%${run['id']}%`}`.execute(product.app.db.owner)
  const told = rows.map(({ data }) => JSON.parse(data) as Json)
  assert.equal(told.length, 1)
  assert.equal(told[0]?.['count'], 2)
  const ids = (await transactions('user_id=bia')).map(({ id }) => id)
  assert.deepEqual(new Set(told[0]?.['transaction_ids'] as string[]), new Set(ids))
})

test('a category of ours outlives what the bank changes', async () => {
  const bank = await newBank('caio', '1234/3001')
  await tell('1234/3001', [entry(0, 30)])
  await sync(bank)
  const [one] = await transactions('user_id=caio')
  await api.ok('PATCH', `/v1/bank-transactions/${one?.['id']}`, { category: 'rent' })
  await tell('1234/3001', [entry(0, 30, { numeroDocumento: 77, textoInformacaoComplementar: 'ALUGUEL' })])
  const run = await sync(bank)
  assert.deepEqual([run['imported'], run['updated'], run['removed']], [0, 1, 0])
  const [now] = await transactions('user_id=caio&category=rent')
  assert.equal(now?.['id'], one?.['id'])
  assert.equal(now?.['description'], 'Pix - Enviado - ALUGUEL')
})

test('filters and pages give every transaction that fits, once', async () => {
  const bank = await newBank('duda', '1234/4001')
  const entries = Array.from({ length: 25 }, (_, at) =>
    entry(at % 10, at + 1, {
      numeroDocumento: at,
      textoDescricaoHistorico: at % 2 ? 'Tarifa' : 'Pix - Enviado',
    }),
  )
  await tell('1234/4001', entries)
  await sync(bank)
  const seen: unknown[] = []
  for (let cursor = ''; ; ) {
    const page = await api.ok('GET', `/v1/bank-transactions?bank_id=${bank['id']}&kind=fee&limit=5${cursor}`)
    seen.push(...(page['data'] as Json[]).map(({ id }) => id))
    if (page['next_cursor'] === null) break
    cursor = `&cursor=${page['next_cursor']}`
  }
  assert.equal(seen.length, 12)
  assert.equal(new Set(seen).size, 12)
  assert.equal((await transactions('user_id=duda&max_amount=-2000')).length, 6)
  assert.equal((await transactions('user_id=duda&text=tarIFA&min_amount=-400')).length, 2)
  const day = dayAgo(3).toISOString().slice(0, 10)
  assert.equal((await transactions(`user_id=duda&from=${day}&to=${day}`)).length, 3)
})

test('what is announced counts for nothing until it happened, and then is the same transaction', async () => {
  const bank = await newBank('edu', '1234/5001')
  await tell('1234/5001', [entry(0, 80, { indicadorTipoLancamento: '2' })])
  await sync(bank)
  const [future] = await transactions('user_id=edu')
  assert.equal(future?.['status'], 'future')
  assert.equal((await transactions('user_id=edu&status=booked')).length, 0)
  await tell('1234/5001', [entry(0, 80)])
  await sync(bank)
  const [booked, ...more] = await transactions('user_id=edu')
  assert.deepEqual([booked?.['id'], booked?.['status'], more.length], [future?.['id'], 'booked', 0])
})

test('transactions leave as CSV without formulas and as OFX of one account', async () => {
  const bank = await newBank('flor', '1234/6001')
  await tell('1234/6001', [
    entry(1, 12.34, { textoDescricaoHistorico: '=HYPERLINK("x")', textoInformacaoComplementar: '' }),
  ])
  await sync(bank)
  const take = async (query: string) => {
    const url = `${product.url}/v1/bank-transactions/export?${query}`
    return (await fetch(url, { headers: { authorization: `Bearer ${api.key}` } })).text()
  }
  const [, line] = (await take('user_id=flor')).split('\r\n')
  assert.match(line ?? '', /,booked,-12\.34,BRL,other,"'=HYPERLINK\(""x""\)",/)
  const [account] = await api.list(`/v1/bank-accounts?bank_id=${bank['id']}`)
  const ofx = await take(`account_id=${account?.['id']}&format=ofx`)
  assert.match(
    ofx,
    /<TRNTYPE>DEBIT<\/TRNTYPE><DTPOSTED>\d{14}\[-3:BRT\]<\/DTPOSTED><TRNAMT>-12\.34<\/TRNAMT>/,
  )
  const refused = await api.send('GET', '/v1/bank-transactions/export?format=ofx')
  assert.equal(refused.body['field'], 'account_id')
})

test('one bank that fails touches no other, and says why', async () => {
  await newBank('gil', '1234/7001')
  const wrong = await newBank('gil', '1234/7002', { credentials: { ...SECRETS, client_secret: 'wrong' } })
  const reply = await api.ok('POST', '/api/users/gil/openfinance/sync-all/')
  const [good, bad] = reply['results'] as Json[]
  assert.equal(reply['status'], 'success')
  assert.deepEqual([reply['banks_synced'], reply['banks_failed'], reply['total_imported']], [1, 1, 5])
  assert.deepEqual([good?.['status'], good?.['imported'], good?.['bank']], ['success', 5, 'Banco do Brasil'])
  assert.deepEqual([bad?.['status'], bad?.['imported'], bad?.['error']], ['error', 0, 'credentials_refused'])
  const now = await api.ok('GET', `/v1/banks/${wrong['id']}`)
  assert.deepEqual([now['state'], now['last_synced_at']], ['error', null])
  const mended = await api.ok('PATCH', `/v1/banks/${wrong['id']}`, { credentials: SECRETS })
  assert.equal((await sync(mended))['state'], 'succeeded')
  assert.equal((await api.ok('GET', `/v1/banks/${wrong['id']}`))['state'], 'active')
})

test('the contract of integer ids is kept to the letter', async () => {
  const users = '/api/users/user123/banks'
  assert.deepEqual((await api.send('GET', users)).body, { error: 'user_not_found' })
  const given = {
    ...{ bank_name: 'Nubank', bank_code: '18236120', base_url: 'https://api.nubank.example/open-banking' },
    ...{ client_id: 'a-client', client_secret: 'a-secret', something_else: true },
  }
  const made = await api.send('POST', users, given)
  assert.equal(made.status, 201)
  assert.deepEqual(made.body, { id: made.body['id'], status: 'created' })
  assert.equal(Number.isInteger(made.body['id']), true)
  assert.deepEqual((await api.send('GET', `${users}/`)).body, {
    banks: [
      { id: made.body['id'], bank_name: 'Nubank', bank_code: '18236120', status: 'active', last_sync: null },
    ],
  })
  const { bank_name: _, ...nameless } = given
  assert.deepEqual(await said('POST', users, nameless), [400, { error: 'bank_name is missing' }])
  const [status, { error }] = await said('POST', users, { ...given, cert_path: '/etc/bank.pem' })
  assert.equal(status, 400)
  assert.match(String(error), /^cert_path: .* certificate as certificate and its key as private_key$/)
  assert.match(String((await said('POST', users, { ...given, bank_code: '001' }))[1]['error']), /ISPB/)
  const all = await api.ok('POST', '/api/users/user123/openfinance/sync-all')
  const [row] = all['results'] as Json[]
  assert.deepEqual(
    [row?.['status'], row?.['error'], all['banks_synced']],
    ['skipped', 'no_active_consent', 0],
  )
  assert.deepEqual(await said('DELETE', `${users}/${made.body['id']}`), [200, { status: 'deleted' }])
  assert.deepEqual(await said('DELETE', `${users}/${made.body['id']}`), [404, { error: 'bank_not_found' }])
  assert.deepEqual(await said('DELETE', `${users}/none`), [404, { error: 'bank_not_found' }])
  assert.deepEqual((await api.send('GET', users)).body, { banks: [] })
  assert.deepEqual(await said('POST', '/api/users/user123/openfinance/sync-all'), [
    404,
    { error: 'no_active_banks' },
  ])
})

const said = async (method: string, path: string, body?: unknown): Promise<[number, Json]> => {
  const reply = await api.send(method, path, body)
  return [reply.status, reply.body]
}

test('without a key, the scope or the tenant the contract says no more than that', async () => {
  const stranger = await product.newTenant()
  const bank = await newBank('hugo', '1234/8001')
  assert.equal((await stranger.send('GET', '/api/users/hugo/banks')).status, 404)
  assert.equal((await stranger.send('DELETE', `/api/users/hugo/banks/${bank['number']}`)).status, 404)
  assert.equal((await stranger.send('GET', `/v1/banks/${bank['id']}`)).status, 404)
  const nobody = apiOf(product.url, {}, '', '')
  assert.deepEqual((await nobody.send('GET', '/api/users/hugo/banks')).body, { error: 'unauthenticated' })
  const { key } = await api.ok('POST', '/v1/keys', {
    name: 'n',
    environment: 'test',
    scopes: ['payments:read'],
  })
  const other = apiOf(product.url, { authorization: `Bearer ${key}` }, '', '')
  assert.deepEqual((await other.send('GET', '/api/users/hugo/banks')).body, { error: 'forbidden' })
  const own = await api.ok('POST', '/v1/keys', { name: 'n', environment: 'test', scopes: ['banking'] })
  const contract = apiOf(product.url, { authorization: `Bearer ${own['key']}` }, '', '')
  assert.equal((await contract.send('GET', '/api/users/hugo/banks')).status, 200)
})

test('all banks of one person are synced at most ten times an hour, whoever asks for another', async () => {
  await newBank('iara', '1234/9001')
  await newBank('joao', '1234/9002')
  for (let time = 0; time < 10; time++) await api.ok('POST', '/api/users/iara/openfinance/sync-all')
  const refused = await api.send('POST', '/api/users/iara/openfinance/sync-all')
  assert.deepEqual([refused.status, refused.body], [429, { error: 'rate_limited' }])
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  await api.ok('POST', '/api/users/joao/openfinance/sync-all')
})

test('a bank that is removed takes its secrets with it and keeps what it told', async () => {
  const bank = await newBank('kaue', '1234/9101')
  await sync(bank)
  await api.ok('DELETE', `/v1/banks/${bank['id']}`)
  assert.equal((await api.send('GET', `/v1/connections/${bank['connection_id']}`)).status, 404)
  assert.equal((await api.send('GET', `/v1/banks/${bank['id']}`)).status, 404)
  assert.equal((await transactions('user_id=kaue')).length, 5)
})

test('a bank on a connection that is there is made by one database connection at a time', async () => {
  const { app } = product
  const made = await api.ok('POST', '/v1/connections', {
    ...{ provider: 'banco_do_brasil', name: 'BB', environment: 'development' },
    ...{ settings: settingsOf('1234/9001'), credentials: SECRETS },
  })
  const db = await openDatabase({ url: app.config.database_url?.reveal() ?? '', pool_size: 1, log: quiet })
  undoAfter(() => db.close())
  const { tenant_id } = api
  const actor = {
    kind: 'system',
    id: 'test',
    environment: 'test',
    scopes: [],
    ip: null,
    request_id: null,
  } as const
  const bank = await createBank(
    { ...app, db },
    { ...actor, tenant_id: fromWire('tenant', tenant_id) },
    { user_id: 'one', name: 'BB', bank_code: '00000000', connection_id: String(made['id']), schedule: null },
  )
  assert.equal(bank.connection_id, made['id'])
})
