import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'

/** Itaú and Bradesco, each as its own sandbox speaks. */
let product: Product
before(async () => {
  product = await startProduct()
})

const DAY_MS = 86_400_000
/** Of São Paulo. */
const dayOf = (days_ago: number): string =>
  new Date(Date.now() - 3 * 3_600_000 - days_ago * DAY_MS).toISOString().slice(0, 10)

async function newBank(provider: string, bank_code: string, settings: Json): Promise<string> {
  const { id } = await product.api.ok('POST', '/v1/banks', {
    ...{ user_id: provider, name: provider, bank_code, provider, schedule: null },
    settings: { mtls: false, ...settings },
    credentials: { client_id: 'a-client', client_secret: 'sandbox-secret' },
  })
  return String(id)
}

async function synced(bank: string): Promise<Json> {
  const { id } = await product.api.ok('POST', `/v1/banks/${bank}/sync`)
  return eventually(async () => {
    const run = await product.api.ok('GET', `/v1/bank-syncs/${id}`)
    return ['succeeded', 'failed', 'skipped'].includes(String(run['state'])) && run
  })
}

async function control(path: string, body: unknown): Promise<void> {
  const reply = await fetch(product.sandbox.url + path, { method: 'PUT', body: JSON.stringify(body) })
  assert.equal(reply.status, 200)
}

const amountsOf = async (bank: string): Promise<string[]> => {
  const rows = (await product.api.list(`/v1/bank-transactions?bank_id=${bank}`)) as { money: Json }[]
  return rows.map(({ money }) => String(money['amount'])).sort()
}

const balancesOf = async (bank: string) =>
  (await product.api.list(`/v1/banks/${bank}/accounts`)).map(({ balance }) => {
    const { available, current } = balance as { available: Json; current: Json }
    return [available['amount'], current['amount']]
  })

const itau = (accounts: string) =>
  newBank('itau', '60701190', {
    base_url: `${product.sandbox.url}/itau/account-statement/v1`,
    token_url: `${product.sandbox.url}/itau/api/oauth/token`,
    accounts,
  })
const bradesco = (accounts: string) =>
  newBank('bradesco', '60746948', { base_url: `${product.sandbox.url}/bradesco`, accounts })

test('Itaú: a statement and what is available, and the same again changes nothing', async () => {
  const bank = await itau('1500/12345-6')
  const first = await synced(bank)
  assert.deepEqual([first['state'], first['imported']], ['succeeded', 4], JSON.stringify(first))
  assert.deepEqual(await amountsOf(bank), ['-31207', '-4590', '-7430', '125000'])
  assert.deepEqual(await balancesOf(bank), [['181773', '182773']])
  const second = await synced(bank)
  assert.deepEqual([second['imported'], second['updated'], second['removed']], [0, 0, 0])
})

test('Itaú: more entries than a page holds come whole, and an account that fails is not taken for empty', async () => {
  const many = Array.from({ length: 1_205 }, (_, n) => ({
    ...{ id: `e-${n}`, type: 'lancamento', operation: n % 2 ? 'D' : 'C', reversal: false },
    date: { event: `${dayOf(3)}T15:00:00Z`, accounting: dayOf(3) },
    ...{ literal: { complete: 'PIX' }, amount: { value: n % 2 ? -1 : 1, currency: 'BRL' } },
  }))
  await control('/itau/_control/150000000011', many)
  const bank = await itau('1500/1-1')
  const first = await synced(bank)
  assert.deepEqual([first['state'], first['imported']], ['succeeded', 1_205], JSON.stringify(first))
  await control('/itau/_control/150000000011/failing', true)
  const failed = await synced(bank)
  assert.equal(failed['state'], 'failed')
  assert.deepEqual(await balancesOf(bank), [['100100', '101100']])
})

test('Bradesco: days without entries are no failure, and yesterday and today come once', async () => {
  const bank = await bradesco('1234/75557')
  const first = await synced(bank)
  assert.deepEqual([first['state'], first['imported']], ['succeeded', 4], JSON.stringify(first))
  assert.deepEqual(await amountsOf(bank), ['-31207', '-4590', '-7430', '125000'])
  assert.deepEqual(await balancesOf(bank), [['181773', '181773']])
  const second = await synced(bank)
  assert.deepEqual([second['imported'], second['updated'], second['removed']], [0, 0, 0])
})

test('Bradesco: a refusal with status 200 is no empty statement: nothing is taken for gone', async () => {
  const bank = await bradesco('1234/999')
  assert.equal((await synced(bank))['imported'], 4)
  await control('/bradesco/_control/1234/999', { mensagem: 'CTAS0099 - CONTA NAO AUTORIZADA' })
  const run = await synced(bank)
  assert.deepEqual([run['state'], run['error'], run['removed']], ['failed', 'bank_refused', 0])
  assert.equal((await amountsOf(bank)).length, 4)
})

test('Bradesco: two entries that are alike are two, and a wrong secret is told as such', async () => {
  const twin = {
    ...{ dataLancamento: dayOf(5).split('-').reverse().join('/'), numeroDocumento: '0000001' },
    ...{ valorLancamento: '12,50', sinalLancamento: '-', codigoLancamento: '0310' },
    ...{ descritivoLancamentoCompleto: 'TARIFA BANCARIA', segundaLinhalLancamento: '' },
  }
  await control('/bradesco/_control/1234/5', [twin, twin])
  const bank = await bradesco('1234/5')
  assert.equal((await synced(bank))['imported'], 2)
  await product.api.ok('PATCH', `/v1/banks/${bank}`, {
    credentials: { client_id: 'a-client', client_secret: 'another' },
  })
  const run = await synced(bank)
  assert.deepEqual([run['state'], run['error']], ['failed', 'credentials_refused'])
})
