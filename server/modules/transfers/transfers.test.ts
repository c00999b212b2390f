import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { eventually, type Json } from '../../test/product.ts'
import { BRANCH, PERSON, startTransferring, TO_ACCOUNT, type Transferring } from '../../test/transferring.ts'
import { dayOf } from './days.ts'

let at: Transferring

before(async () => {
  at = await startTransferring()
})
beforeEach(() => at.front.calm())

const account = (more: Json) => ({
  ...TO_ACCOUNT,
  destination: { account: { ...BRANCH, ...more }, ...PERSON },
})

test('a Pix, a TED and a transfer within the bank are sent, let go and told of until they are made', async () => {
  const wanted: Json[] = [
    { description: 'Order 1042, of which the bank keeps no more', metadata: { order: '1042' } },
    { destination: { pix_key: 'ana@example.com', document: PERSON.document } },
    { ...account({ kind: 'payment' }), method: 'pix' },
    TO_ACCOUNT,
    { ...account({ bank_code: '00000000' }), method: 'internal' },
  ]
  const made = await Promise.all(wanted.map((one) => at.make(one)))
  for (const { id, status } of made) {
    assert.equal(status, 'processing')
    const done = await at.until(id, 'completed')
    const [paid, ...others] = await at.atBank({ id })
    assert.deepEqual(others, [])
    assert.deepEqual([paid?.debited, paid?.numeroRequisicao], [15_050, done.number])
    assert.match(String(done.vendor_id), /^\d{18}$/)
    assert.equal(done.vendor_status, 'Pago')
    assert.match(String(done['receipt']), /^F\./)
    const hits = await at.product.api.list(`/v1/search?q=${done.vendor_id}`)
    assert.ok(hits.some((hit) => hit['id'] === id))
    const went = done.moves.map(({ status }) => status)
    assert.deepEqual([...new Set(went)], ['pending', 'processing', 'completed'])
    assert.deepEqual(await at.toldOf(id), ['transfer.processing', 'transfer.completed'])
  }
})

test('where it goes is kept whole for who reads one, and in part for who lists or hears of them', async () => {
  const { id } = await at.make({ ...TO_ACCOUNT, money: { amount: '777', currency: 'BRL' } })
  assert.deepEqual((await at.read(id))['destination'], TO_ACCOUNT.destination)
  const listed = (await at.product.api.list('/v1/transfers?method=ted')).find((one) => one['id'] === id)
  const to = listed?.['to'] as Json
  assert.deepEqual([to['document'], to['number'], to['name']], ['*******4725', '**7890', 'Joana Prado'])
  assert.ok(!JSON.stringify(listed).includes(PERSON.document))
  const events = await at.product.api.list('/v1/events?type=transfer.processing')
  assert.ok(!JSON.stringify(events).includes(PERSON.document))
})

test('what could never be sent is refused before anything is on record', async () => {
  const before = await at.product.api.list('/v1/transfers')
  const past = dayOf(new Date(Date.now() - 3 * 86_400_000))
  const wrong: [Json, string][] = [
    [{ destination: { pix_key: 'nobody' } }, 'destination.pix_key'],
    [{ destination: {} }, 'destination.pix_key'],
    [{ destination: { pix_key: '+14155552671' } }, 'destination.pix_key'],
    [{ ...TO_ACCOUNT, destination: { account: BRANCH, name: 'Ana' } }, 'destination.document'],
    [{ destination: { pix_key: 'ana@example.com', document: '52998224720' } }, 'destination.document'],
    [{ ...TO_ACCOUNT, destination: { account: BRANCH, document: PERSON.document } }, 'destination.name'],
    [account({ kind: 'payment' }), 'destination.account.kind'],
    [{ method: 'ted' }, 'destination.pix_key'],
    [{ money: { amount: '100', currency: 'USD' } }, 'money.currency'],
    [{ scheduled_for: past }, 'scheduled_for'],
    [{ scheduled_for: '2027-02-30' }, 'scheduled_for'],
    [{ scheduled_for: dayOf(new Date(Date.now() + 200 * 86_400_000)) }, 'scheduled_for'],
    [{ description: '4111 1111 1111 1111' }, 'description'],
    [{ description: '4111 1111 1111 1111', metadata: { description: 'rent' } }, 'description'],
    [account({ check_digit: '10' }), 'destination.account.check_digit'],
    [
      { ...TO_ACCOUNT, destination: { ...TO_ACCOUNT.destination, name: '4111111111111111' } },
      'destination.name',
    ],
  ]
  for (const [body, field] of wrong) {
    const reply = await at.ask(body)
    assert.deepEqual([reply.status, reply.body['field']], [400, field], JSON.stringify(reply.body))
  }
  assert.equal((await at.product.api.list('/v1/transfers')).length, before.length)
})

test('a no of the bank is told with its reason, at once or when it looked', async () => {
  let is_closed = true
  const no = { erros: [{ codigo: '4711', mensagem: 'Contrato encerrado' }] }
  at.front.say(/POST .*\/lotes-/, () => (is_closed ? { status: 400, body: no } : null))
  const closed = await at.make()
  is_closed = false
  assert.deepEqual([closed.status, closed.failure?.code], ['failed', '4711'])
  assert.deepEqual(await at.toldOf(closed.id), ['transfer.processing', 'transfer.failed'])
  const nobody = await at.make({ destination: { pix_key: 'nobody@example.com' } })
  assert.equal((await at.until(nobody.id, 'failed')).vendor_status, 'Rejeitado')
  const { balance } = await at.control()
  await at.control('', 'PUT', { balance: 100 })
  const poor = await at.make()
  const failed = await at.until(poor.id, 'failed')
  await at.control('', 'PUT', { balance })
  assert.deepEqual([failed.failure?.reason, failed.failure?.code], ['insufficient_funds', '200'])
  assert.equal((await at.atBank(poor))[0]?.debited, 0)
})

test('a TED that comes back the day after is told of as returned', async () => {
  const { id } = await at.make(account({ branch: '9999' }))
  await at.until(id, 'completed')
  await at.control('/day', 'POST')
  const back = await at.until(id, 'returned')
  assert.deepEqual(back['returned'], { amount: '15050', currency: 'BRL' })
  assert.equal(back.failure?.code, '215')
  assert.deepEqual(await at.toldOf(id), ['transfer.processing', 'transfer.completed', 'transfer.returned'])
  assert.equal((await at.act(id, 'cancel')).status, 409)
})

test('one for another day stays here until that day, and can be given up for sure', async () => {
  const day = dayOf(new Date(Date.now() + 3 * 86_400_000))
  const [given_up, kept] = [await at.make({ scheduled_for: day }), await at.make({ scheduled_for: day })]
  assert.deepEqual([given_up.status, kept.status], ['scheduled', 'scheduled'])
  await at.hurry(kept.id)
  const canceled = await at.act(given_up.id, 'cancel')
  assert.deepEqual([canceled.status, canceled.body['status']], [200, 'canceled'])
  assert.equal((await at.act(given_up.id, 'cancel')).status, 409)
  await at.later(72, async () => {
    await at.until(kept.id, 'processing')
    await eventually(async () => (await at.atBank(kept)).length > 0)
  })
  const [paid] = await at.atBank(kept)
  const sent = String(paid?.item['data']).padStart(8, '0')
  const days = [day, dayOf(new Date(Date.now() + 3 * 86_400_000))] // midnight may have passed
  assert.ok(days.some((one) => one.split('-').reverse().join('') === sent))
  assert.deepEqual(await at.atBank(given_up), [])
  const told = await at.toldOf(kept.id)
  assert.deepEqual(told, ['transfer.scheduled', 'transfer.pending', 'transfer.processing'])
  assert.deepEqual(await at.toldOf(given_up.id), ['transfer.scheduled', 'transfer.canceled'])
})

test('one whose day has come while the bank cannot be reached is sent later that day, and once', async () => {
  const day = dayOf(new Date(Date.now() + 3 * 86_400_000))
  const connection_id = await at.connect({})
  const { id } = await at.make({ connection_id, scheduled_for: day })
  at.front.fault(/POST .*\/oauth\/token/, 'status=503')
  await at.later(72, async () => {
    await eventually(async () => {
      const { status, failure } = await at.read(id)
      if (status === 'pending' && failure?.code === 'not_sent') return true
      await at.hurry(id)
      return null
    })
    at.front.calm()
    await eventually(async () => {
      if ((await at.atBank({ id })).length > 0) return true
      await at.hurry(id)
      return null
    })
  })
  assert.equal((await at.atBank({ id })).length, 1)
  assert.ok(!(await at.toldOf(id)).includes('transfer.failed'))
})

test('who receives, and at which account, stands in no record of a call', async () => {
  const number = '4815162342' // longer than what stands in ids and times by chance
  const made = await at.make(account({ number }))
  const done = await at.until(made.id, 'completed')
  const calls = done.moves.flatMap(({ cause, cause_id }) =>
    cause === 'reply' || cause === 'answer' ? [String(cause_id)] : [],
  )
  assert.ok(calls.length >= 2)
  for (const id of calls) {
    const text = JSON.stringify(await at.product.api.ok('GET', `/v1/calls/${id}`))
    assert.ok(text.includes('solicitacao') || text.includes('transferencias'), text)
    for (const personal of [number, PERSON.document]) assert.ok(!text.includes(personal), text)
  }
})

test('one that the bank has is canceled while the bank still can', async () => {
  const connection_id = await at.connect({ release: false })
  const [open, gone] = [await at.make({ connection_id }), await at.make()]
  const first = await at.act(open.id, 'cancel')
  assert.deepEqual([first.status, first.body['status']], [200, 'canceled'], JSON.stringify(first.body))
  assert.equal((await at.atBank(open))[0]?.state, 'Cancelado')
  await at.until(gone.id, 'completed')
  assert.equal((await at.act(gone.id, 'cancel')).status, 409)
  assert.equal((await at.atBank(gone))[0]?.debited, 15_050)
})

test('one that somebody lets go in the pages of the bank is waited for', async () => {
  const { id, number } = await at.make({ connection_id: await at.connect({ release: false }) })
  for (let turn = 0; turn < 3; turn++) await at.refresh(id)
  assert.equal((await at.read(id)).vendor_status, 'Pendente')
  await at.control(`/${number}`, 'PUT', { is_released: true })
  assert.equal((await at.until(id, 'completed')).status, 'completed')
})

test('a stranger finds none of it', async () => {
  const { id } = await at.make()
  const stranger = await at.product.newTenant()
  assert.equal((await stranger.send('GET', `/v1/transfers/${id}`)).status, 404)
  for (const verb of ['cancel', 'refresh', 'approve'])
    assert.equal((await at.act(id, verb, undefined, stranger)).status, 404)
  assert.equal((await at.act(id, 'resolve', { outcome: 'failed', note: 'mine' }, stranger)).status, 404)
  assert.deepEqual(await stranger.list('/v1/transfers'), [])
  assert.equal((await at.ask({}, stranger)).status, 404)
})
