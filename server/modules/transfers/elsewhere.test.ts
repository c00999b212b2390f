import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { sql } from 'kysely'
import { fromWire } from '../../platform/ids.ts'
import { type Front, openFront } from '../../test/faulty_front.ts'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import type { Transfer } from '../../test/transferring.ts'

/** Banks beside Banco do Brasil, of which it is not published that what they do not show was never made. */

type Paid = Json & { debited: number; status: string }
type Bank = {
  /** Below the sandbox. */
  root: string
  provider: string
  settings: (url: string) => Json
  post: RegExp
  look: RegExp
  paid(told: Json): Paid[]
  /** Where our id, or a part of it, stands in what the bank has. */
  isOf(paid: Paid, id: string): boolean
}

const BRADESCO: Bank = {
  root: 'bradesco',
  provider: 'bradesco_transfers',
  settings: (url) => ({
    ...{ base_url: `${url}/bradesco`, token_url: `${url}/bradesco/auth/server/oauth/token` },
    ...{ debit_account: '3877/20220', document: '97803114002740', mtls: false },
  }),
  post: /POST .*\/solicitar-transferencia$/,
  look: /GET .*\/consulta\/transferencia\//,
  paid: ({ transfers }) => transfers as Paid[],
  isOf: ({ idTransacao }, id) => idTransacao === id.replace('_', ''),
}
const ITAU: Bank = {
  root: 'itau',
  provider: 'itau_transfers',
  settings: (url) => ({
    ...{ base_url: `${url}/itau/sispag/v1`, token_url: `${url}/itau/api/oauth/token`, api_key: 'a-client' },
    ...{ debit_account: '2937/22341-6', document: '97803114002740', mtls: false },
  }),
  post: /POST .*\/transferencias$/,
  look: /GET .*\/pagamentos_sispag/,
  paid: ({ payments }) => payments as Paid[],
  isOf: ({ sent }, id) => (sent as Json)['identificacao_comprovante'] === id,
}

let product: Product
let front: Front
const connections = new Map<Bank, string>()

before(async () => {
  product = await startProduct()
  front = await openFront(product.sandbox.url)
  for (const bank of [BRADESCO, ITAU]) {
    const made = await product.api.ok('POST', '/v1/connections', {
      ...{ provider: bank.provider, name: bank.root, environment: 'development' },
      settings: bank.settings(front.url),
      credentials: { client_id: 'a-client', client_secret: 'sandbox-secret' },
      limits: { breaker: false, retry_budget: false },
    })
    connections.set(bank, String(made['id']))
  }
})
beforeEach(() => front.calm())

const ask = (bank: Bank, more: Json = {}) =>
  product.api.send('POST', '/v1/transfers', {
    ...{ connection_id: connections.get(bank), money: { amount: '15050', currency: 'BRL' }, method: 'pix' },
    destination: { pix_key: '+5511987654321' },
    ...more,
  })
async function make(bank: Bank, more: Json = {}): Promise<Transfer> {
  const reply = await ask(bank, more)
  assert.equal(reply.status, 201, JSON.stringify(reply.body))
  return reply.body as Transfer
}

const control = async (bank: Bank, body?: Json): Promise<Json> => {
  const url = `${product.sandbox.url}/${bank.root}/_control/transfers`
  return (await fetch(url, body && { method: 'PUT', body: JSON.stringify(body) })).json() as Promise<Json>
}
const atBank = async (bank: Bank, id: string): Promise<Paid[]> =>
  bank.paid(await control(bank)).filter((paid) => bank.isOf(paid, id))

/** As it is when it has come to be so, each of its turns hurried. */
const until = (id: string, fits: (now: Transfer) => boolean): Promise<Transfer> =>
  eventually(async () => {
    const now = (await product.api.ok('GET', `/v1/transfers/${id}`)) as Transfer
    if (fits(now)) return now
    await sql`
      update job set due = now() where claim is null and payload ->> 'transfer_id' = ${fromWire('transfer', id)}`.execute(
      product.app.db.owner,
    )
    product.app.db.notify('trilho_job', 'new')
    return null
  })
const is = (status: string) => (now: Transfer) => now.status === status
const posts = (bank: Bank) => front.seen.filter((what) => bank.post.test(what)).length

for (const bank of [BRADESCO, ITAU]) {
  test(`${bank.root}: a Pix is made, once, and what the bank says no to has failed with its reason`, async () => {
    const { id } = await make(bank, { description: 'Pedido 1042 da Padaria Sol, segunda parte' })
    const made = await until(id, is('completed'))
    const [paid, ...more] = await atBank(bank, id)
    assert.deepEqual([paid?.debited, more.length, made.vendor_id !== null], [15_050, 0, true])
    const nobody = await make(bank, { destination: { pix_key: 'nobody@example.com' } })
    const failed = await until(nobody.id, is('failed'))
    assert.match(String(failed.failure?.message), /não encontrada|NAO ENCONTRADA/)
    const much = await make(bank, { money: { amount: '9999999999', currency: 'BRL' } })
    assert.deepEqual([much.status, much.failure?.reason], ['failed', 'insufficient_funds'])
  })

  test(`${bank.root}: an answer that was lost is found by our id, and nothing is sent a second time`, async () => {
    const before = posts(bank)
    front.fault(bank.post, 'cut')
    const lost = await make(bank)
    assert.deepEqual([lost.status, lost.vendor_id], ['processing', null])
    front.calm()
    await until(lost.id, is('completed'))
    const paid = await atBank(bank, lost.id)
    assert.deepEqual([paid.length, paid[0]?.debited, posts(bank) - before], [1, 15_050, 1])
  })

  test(`${bank.root}: that it shows nothing proves nothing: it stays open and says so, until somebody says what became of it`, async () => {
    front.fault(bank.post, 'drop')
    const lost = await make(bank)
    front.calm()
    const looks = () => front.seen.filter((what) => bank.look.test(what)).length
    const noted = await until(lost.id, ({ failure }) => failure !== null)
    assert.deepEqual([noted.status, noted.failure?.code], ['processing', 'not_shown'])
    const { clock } = product.app
    const now = () => new Date(clock.now().getTime() + 3 * 3_600_000)
    Object.assign(product.app, { clock: { ...clock, now } })
    try {
      const before = looks()
      const still = await until(lost.id, () => looks() >= before + 3)
      assert.equal(still.status, 'processing')
      const said = await product.api.send('POST', `/v1/transfers/${lost.id}/resolve`, {
        outcome: 'failed',
        note: 'not in the pages of the bank',
      })
      assert.deepEqual([said.status, said.body['status']], [200, 'failed'], JSON.stringify(said.body))
    } finally {
      Object.assign(product.app, { clock })
    }
  })

  test(`${bank.root}: what it could never make is refused before anything is on record`, async () => {
    const account = { bank_code: '60701190', branch: '1234', number: '56789', check_digit: '0' }
    const destination = { account, name: 'Joana Prado', document: '52998224725' }
    const ted = await ask(bank, { method: 'ted', destination })
    assert.deepEqual([ted.status, ted.body['field']], [400, 'method'])
    const by_account = await ask(bank, { destination })
    assert.equal(by_account.status, bank === ITAU ? 201 : 400, JSON.stringify(by_account.body))
  })
}

test('itau: one that its list shows late is found late, and is made once', async () => {
  await control(ITAU, { hidden: true })
  front.fault(ITAU.post, 'cut')
  const lost = await make(ITAU)
  front.calm()
  assert.equal((await until(lost.id, ({ failure }) => failure !== null)).failure?.code, 'not_shown')
  await control(ITAU, { hidden: false })
  const made = await until(lost.id, is('completed'))
  assert.equal(made.failure, null)
  assert.equal((await atBank(ITAU, lost.id)).length, 1)
})
