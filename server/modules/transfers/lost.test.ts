import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { fromWire } from '../../platform/ids.ts'
import { apiOf, eventually, type Json } from '../../test/product.ts'
import { startTransferring, TO_ACCOUNT, type Transferring } from '../../test/transferring.ts'
import { createKey } from '../tenants/tenants.ts'
import { dayOf } from './days.ts'
import { asker } from './vendor.ts'

let at: Transferring

before(async () => {
  at = await startTransferring()
})
beforeEach(() => at.front.calm())

const POST = /POST .*\/lotes-/
const posts = () => at.front.seen.filter((what) => POST.test(what)).length
const resolve = (id: string, body: Json) =>
  at.act(id, 'resolve', { note: 'seen in the pages of the bank', ...body })

/** Its turns come one after another until the work is done. */
const hurried = <T>(id: string, look: () => Promise<T | null | false>): Promise<T> =>
  eventually(async () => {
    const found = await look()
    if (!found) await at.hurry(id)
    return found
  })

test('an answer that was lost is read again, and nothing is sent a second time', async () => {
  for (const wanted of [{}, TO_ACCOUNT]) {
    const before = posts()
    at.front.fault(POST, 'cut')
    const lost = await at.make(wanted)
    assert.deepEqual([lost.status, lost.vendor_id], ['processing', null])
    at.front.calm()
    await at.until(lost.id, 'completed')
    const paid = await at.atBank(lost)
    assert.deepEqual([paid.length, paid[0]?.debited, posts() - before], [1, 15_050, 1])
    assert.deepEqual(await at.toldOf(lost.id), ['transfer.processing', 'transfer.completed'])
  }
})

test('one that never reached the bank is known to have failed when the bank said so twice, long after', async () => {
  const before = posts()
  at.front.fault(POST, 'drop')
  const lost = await at.make()
  at.front.calm()
  assert.equal(lost.status, 'processing')
  const asked = () => at.front.seen.filter((what) => what.includes(`/${lost.number}/solicitacao`)).length
  await hurried(lost.id, async () => asked() >= 4)
  assert.equal((await at.read(lost.id)).status, 'processing')
  const failed = await at.later(3, () => at.until(lost.id, 'failed'))
  assert.equal(failed.failure?.reason, 'not_found')
  assert.deepEqual([(await at.atBank(lost)).length, posts() - before], [0, 1])
})

test('what stands before the bank says nothing of the bank: neither an error of its own nor an address it does not know', async () => {
  at.front.fault(POST, 'status=503;retry_after=1')
  const lost = await at.make()
  assert.equal(lost.status, 'processing')
  at.front.calm()
  let is_down = true
  const unknown = { statusCode: 404, error: 'Not Found', message: 'no Route matched' }
  at.front.say(/GET .*\/solicitacao/, () => (is_down ? { status: 404, body: unknown } : null))
  const asked = () => at.front.seen.filter((what) => what.includes(`/${lost.number}/solicitacao`)).length
  await at.later(3, () => hurried(lost.id, async () => asked() >= 4))
  is_down = false
  assert.equal((await at.read(lost.id)).status, 'processing')
})

test('a number that another system used is not taken for ours, and is settled by hand', async () => {
  at.front.fault(POST, 'drop')
  const lost = await at.make()
  at.front.calm()
  assert.equal((await resolve(lost.id, { outcome: 'failed' })).status, 409) // it is too early to know
  const item = {
    identificadorPagamento: '1',
    descricaoPagamento: 'rent',
    indicadorMovimentoAceito: 'S',
    valor: 1,
  }
  const other = { estadoRequisicao: 6, listaTransferencias: [item] }
  const at_number = new RegExp(`GET .*/${lost.number}/solicitacao`)
  at.front.say(at_number, () => ({ status: 200, body: other }))
  const noted = await hurried(lost.id, async () => {
    const now = await at.read(lost.id)
    return now.failure && now
  })
  assert.deepEqual([noted.status, noted.vendor_id, noted.failure?.code], ['processing', null, 'number_taken'])
  const failed = await at.later(1, () => resolve(lost.id, { outcome: 'failed' }))
  assert.deepEqual([failed.status, failed.body['status']], [200, 'failed'])
  assert.equal((await resolve(lost.id, { outcome: 'failed' })).status, 409)
  assert.equal((await at.product.api.list('/v1/audit?action=transfer.resolve')).length, 1)
})

test('what was said by hand is corrected by what the bank tells later', async () => {
  at.front.fault(POST, 'cut')
  at.front.fault(/GET /, 'status=500')
  const lost = await at.make()
  const [paid] = await at.atBank(lost)
  assert.ok(paid)
  const said = await at.later(1, () =>
    resolve(lost.id, {
      outcome: 'completed',
      vendor_id: `973103${String(lost.number).padStart(8, '0')}0001`,
    }),
  )
  at.front.calm()
  assert.equal(said.body['status'], 'completed')
  await at.control(`/${lost.number}`, 'PUT', { state: 'Rejeitado', reason: 200 })
  assert.equal((await at.refresh(lost.id)).status, 'failed')
  await at.control(`/${lost.number}`, 'PUT', { state: 'Pago' })
  assert.equal((await at.refresh(lost.id)).status, 'completed')
})

test('one that somebody said had failed is not let go when the bank shows it after all, and can be canceled there', async () => {
  at.front.fault(POST, 'cut')
  at.front.fault(/GET /, 'status=500')
  const lost = await at.make()
  const said = await at.later(1, () => resolve(lost.id, { outcome: 'failed' }))
  assert.deepEqual([said.status, said.body['status']], [200, 'failed'])
  at.front.calm()
  await at.until(lost.id, 'processing')
  const begun = at.front.seen.length
  const looks = () => at.front.seen.slice(begun).filter((what) => /GET .*\/pix\/\d/.test(what)).length
  await hurried(lost.id, async () => looks() >= 4)
  const [paid] = await at.atBank(lost)
  assert.deepEqual([paid?.state, paid?.is_released, paid?.debited], ['Pendente', false, 0])
  const canceled = await at.act(lost.id, 'cancel')
  assert.deepEqual(
    [canceled.status, canceled.body['status']],
    [200, 'canceled'],
    JSON.stringify(canceled.body),
  )
})

test('a no that stood before the bank is seen to have been none by looking, and what it made is told of', async () => {
  let is_refused = true
  const no = { erros: [{ codigo: '500', mensagem: 'tente mais tarde' }] }
  at.front.say(POST, () => (is_refused ? { status: 400, body: no } : null))
  const { id, status, number } = await at.make()
  is_refused = false
  assert.equal(status, 'failed')
  const item = { identificadorPagamento: `88${number}`, descricaoPagamento: id, valor: 150.5 }
  const batch = { estadoRequisicao: 6, listaTransferencias: [{ ...item, indicadorMovimentoAceito: 'S' }] }
  at.front.say(new RegExp(`GET .*/${number}/solicitacao`), () => ({ status: 200, body: batch }))
  const payment = { id: `88${number}`, estadoPagamento: 'Pago', valorPagamento: 150.5 }
  at.front.say(new RegExp(`GET .*/pix/88${number}`), () => ({ status: 200, body: payment }))
  await at.until(id, 'completed')
  const told = (await at.toldOf(id)).map((type) => type.slice('transfer.'.length))
  assert.deepEqual(told, ['processing', 'failed', 'processing', 'completed'])
})

test('a number that the bank knows and shows nothing under is not one that it does not know', async () => {
  at.front.fault(POST, 'cut')
  const lost = await at.make()
  at.front.calm()
  const at_number = new RegExp(`GET .*/${lost.number}/solicitacao`)
  at.front.say(at_number, () => ({ status: 200, body: { estadoRequisicao: 8, listaTransferencias: [] } }))
  const asked = () => at.front.seen.filter((what) => at_number.test(what)).length
  await at.later(3, () => hurried(lost.id, async () => asked() >= 5))
  assert.equal((await at.read(lost.id)).status, 'processing')
})

test('an answer about another amount is not taken for one about this transfer', async () => {
  const item = { identificadorPagamento: '77', descricaoPagamento: 'rent', indicadorMovimentoAceito: 'S' }
  let is_taken = true
  const body = { estadoRequisicao: 4, listaTransferencias: [{ ...item, valor: 99.5 }] }
  at.front.say(POST, () => (is_taken ? { status: 201, body } : null))
  const made = await at.make()
  is_taken = false
  assert.deepEqual([made.status, made.vendor_id], ['processing', null])
})

test('an answer that bears another reference is not taken for one about this transfer', async () => {
  const item = { identificadorPagamento: '78', indicadorMovimentoAceito: 'S', valor: 150.5 }
  const another = { ...item, descricaoPagamento: `trf_${'0'.repeat(26)}` }
  let is_taken = true
  const body = { estadoRequisicao: 4, listaTransferencias: [another] }
  at.front.say(POST, () => (is_taken ? { status: 201, body } : null))
  const made = await at.make()
  is_taken = false
  assert.deepEqual([made.status, made.vendor_id], ['processing', null])
})

test('one that the bank knows is not decided by hand while the bank can be asked', async () => {
  const { id, status } = await at.make({ connection_id: await at.connect({ release: false }) })
  assert.equal(status, 'processing')
  const reply = await at.later(1, () => resolve(id, { outcome: 'failed' }))
  assert.equal(reply.status, 409)
  const late = await at.later(25, () => resolve(id, { outcome: 'failed' }))
  assert.deepEqual([late.status, late.body['status']], [200, 'failed'])
})

test('what another account says is not believed; set back, it is settled', async () => {
  const connection_id = await at.connect({})
  at.front.fault(POST, 'drop')
  const lost = await at.make({ connection_id })
  at.front.calm()
  const { settings } = await at.product.api.ok('GET', `/v1/connections/${connection_id}`)
  const set = (more: Json) =>
    at.product.api.ok('PATCH', `/v1/connections/${connection_id}`, {
      settings: { ...(settings as Json), ...more },
    })
  await set({ debit_account: '1/1-1' })
  const noted = await at.later(3, () =>
    hurried(lost.id, async () => {
      const now = await at.read(lost.id)
      return now.failure && now
    }),
  )
  assert.deepEqual([noted.status, noted.failure?.code], ['processing', 'connection_changed'])
  assert.equal((await at.act(lost.id, 'refresh')).status, 409)
  await set({})
  const failed = await at.later(3, () => at.until(lost.id, 'failed'))
  assert.equal(failed.failure?.reason, 'not_found')
})

test('one whose connection was deleted is given up by a key of the live world alone', async () => {
  const connection_id = await at.connect({})
  const scheduled_for = dayOf(new Date(Date.now() + 3 * 86_400_000))
  const { id } = await at.make({ connection_id, scheduled_for })
  const { api, app } = at.product
  const gone = await api.send('DELETE', `/v1/connections/${connection_id}`)
  assert.ok(gone.status < 300, JSON.stringify(gone.body))
  assert.equal((await at.act(id, 'cancel')).status, 403)
  const tenant_id = fromWire('tenant', api.tenant_id)
  const actor = { ...asker({ tenant_id, environment: 'production' }), scopes: ['admin'] }
  const { key } = await createKey(app, actor, { name: 'Live', environment: 'live', scopes: ['*'] })
  const live = apiOf(at.product.url, { authorization: `Bearer ${key}` }, key, api.tenant_id)
  const canceled = await at.act(id, 'cancel', undefined, live)
  assert.deepEqual([canceled.status, canceled.body['status']], [200, 'canceled'])
})

test('asked for twice under one key it is one transfer', async () => {
  const body = { connection_id: at.connection, money: { amount: '990', currency: 'BRL' } }
  const ask = () =>
    fetch(`${at.product.url}/v1/transfers`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${at.product.api.key}`,
        ...{ 'content-type': 'application/json', 'idempotency-key': 'rent-of-march' },
      },
      body: JSON.stringify({ ...body, method: 'pix', destination: { pix_key: 'ana@example.com' } }),
    })
  const first = (await (await ask()).json()) as Json
  const again = (await (await ask()).json()) as Json
  assert.equal(again['id'], first['id'])
  assert.equal((await at.atBank({ id: String(first['id']) })).length, 1)
})

test('a key in the body is as good as one in the header, and two that differ are refused', async () => {
  const body = { idempotency_key: 'rent-of-april', destination: { pix_key: 'ana@example.com' } }
  const [first, again] = [await at.make(body), await at.make(body)]
  assert.equal(again.id, first.id)
  assert.equal((await at.atBank(first)).length, 1)
  const other = await at.ask({ ...body, description: 'another one' })
  assert.deepEqual([other.status, other.body['code']], [422, 'idempotency_key_reused'])
  const reply = await fetch(`${at.product.url}/v1/transfers`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${at.product.api.key}`,
      ...{ 'content-type': 'application/json', 'idempotency-key': 'rent-of-may' },
    },
    body: JSON.stringify({
      ...{ connection_id: at.connection, method: 'pix', money: { amount: '990', currency: 'BRL' } },
      ...body,
    }),
  })
  assert.deepEqual([reply.status, ((await reply.json()) as Json)['field']], [400, 'idempotency_key'])
})
