import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isChargeTxid, isRefundId } from '../../kit/brazil/pix.ts'
import { REFUSAL_REASONS } from '../../kit/news.ts'
import type { CreatePayment } from '../../kit/payments.ts'
import { Problem } from '../../platform/errors.ts'
import { idMaker, toWire } from '../../platform/ids.ts'
import { expiryOf } from './calendar.ts'
import { createRequest, refundRequest } from './charges.ts'
import { faultsIn } from './fields.ts'
import { isDue, referenceOf, refundIdOf, refundReferenceOf, txidOf } from './ids.ts'
import { toRefusal } from './refusals.ts'
import { toPayment, toRefunds } from './translate.ts'

const newId = idMaker({ now: () => new Date(), monotonic: () => 0 })
const KEY = '7d9f0335-8dcc-4054-9bf9-0dbd61d36906'

test('what a charge and a refund are called follows from our reference, both ways', () => {
  for (let n = 0; n < 200; n++) {
    const [payment, refund] = [toWire('payment', newId()), toWire('refund', newId())]
    for (const is_due of [false, true]) {
      const txid = txidOf(payment, is_due)
      assert.ok(isChargeTxid(txid), txid)
      assert.equal(referenceOf(txid), payment)
      assert.equal(isDue(txid), is_due)
    }
    assert.ok(isRefundId(refundIdOf(refund)))
    assert.equal(refundReferenceOf(refundIdOf(refund)), refund)
  }
})

test('any reference makes a txid the API takes, two never share one, and none is taken for ours', () => {
  const text = fc.string({ minLength: 1, maxLength: 200, unit: 'binary' })
  fc.assert(
    fc.property(text, text, fc.boolean(), (one, other, is_due) => {
      const txid = txidOf(one, is_due)
      assert.ok(isChargeTxid(txid) && isRefundId(refundIdOf(one)))
      assert.equal(isDue(txid), is_due)
      assert.equal(referenceOf(txid), undefined)
      assert.notEqual(txid, txidOf(one, !is_due))
      if (one !== other) assert.notEqual(txid, txidOf(other, is_due))
    }),
  )
  assert.equal(isDue('3136957d93134f2184b369e8f1c0729d'), false)
})

test('a charge can be paid for as long as it says, in days of Brasília put off to working days', () => {
  assert.equal(
    expiryOf({ criacao: '2026-01-02T15:00:00.000Z', expiracao: '3600' }),
    '2026-01-02T16:00:00.000Z',
  )
  assert.equal(expiryOf({ criacao: '2026-01-02T12:00:00-03:00' }), '2026-01-03T15:00:00.000Z')
  const due = (dataDeVencimento: string, validadeAposVencimento: number) =>
    expiryOf({ dataDeVencimento, validadeAposVencimento })
  // Example A of the specification: a Tuesday and four days is Saturday, and so the whole of Monday.
  assert.equal(due('2020-10-20', 4), '2020-10-27T03:00:00.000Z')
  assert.equal(due('2020-10-24', 0), '2020-10-27T03:00:00.000Z')
  assert.equal(due('2020-10-24', 1), '2020-10-28T03:00:00.000Z')
  assert.equal(due('2020-10-20', 0), '2020-10-21T03:00:00.000Z')
  for (const odd of ['2020-13-01', 'tomorrow']) assert.equal(due(odd, 1), null)
  assert.equal(expiryOf({}), null)
  assert.equal(expiryOf({ criacao: '2026-01-02T15:00:00Z', expiracao: '9'.repeat(30) }), null)
})

const pay = (more: Partial<CreatePayment>) =>
  createRequest({ money: { amount: '150', currency: 'BRL' }, reference: 'r', ...more }, { pix_key: KEY })

test('what the API could not take is refused by name before it is asked', () => {
  const refused = (field: string, run: () => unknown) =>
    assert.throws(run, (error) => error instanceof Problem && error.occurrence.field === field, field)
  refused('money.currency', () => pay({ money: { amount: '150', currency: 'USD' } }))
  refused('money.amount', () => pay({ money: { amount: '1000000000000', currency: 'BRL' } }))
  refused('payer', () => pay({ due_date: '2026-01-30' }))
  refused('payer.document', () => pay({ payer: { name: 'X', document: '12345678900' } }))
  refused('pix_key', () => pay({ pix_key: 'nobody' }))
  refused('method', () => pay({ method: 'card' }))
  refused('capture', () => pay({ capture: 'manual' }))
  refused('settlement_id', () =>
    refundRequest({ vendor_id: 'x', money: { amount: '1', currency: 'BRL' }, reference: 'r' }),
  )
})

test('amounts survive the way to the PSP and back to the cent', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 999_999_999_999n }), (amount) => {
      const { body } = pay({ money: { amount: String(amount), currency: 'BRL' } })
      const { valor } = body as { valor: { original: string } }
      assert.match(valor.original, /^\d{1,10}\.\d{2}$/)
      assert.equal(toPayment({ txid: 't', status: 'ATIVA', valor }).money.amount, String(amount))
    }),
  )
})

test('a text longer than a Pix has room for is cut between letters', () => {
  const { body } = pay({ description: '🙂'.repeat(200) })
  assert.equal((body as { solicitacaoPagador: string }).solicitacaoPagador, '🙂'.repeat(140))
})

const DEVOLUCAO = { id: '1', rtrId: 'D1', valor: '0.40', status: 'DEVOLVIDO' }
const PIX = { endToEndId: 'E1', txid: 't', valor: '1.00', horario: '2026-01-02T15:00:00Z' }
const charge = (status: string, pix: object[] = []) =>
  toPayment({ txid: 't', status, valor: { original: '1.00' }, pix: pix as never })

test('a charge with a Pix is paid, whatever its own status says, and one given back says how much', () => {
  assert.equal(charge('UMA_PALAVRA_NOVA').status, 'pending')
  assert.equal(charge('constructor').status, 'pending')
  assert.equal(charge('REMOVIDA_PELO_PSP').status, 'canceled')
  assert.equal(charge('ATIVA', [PIX]).status, 'completed')
  const part = charge('CONCLUIDA', [
    { ...PIX, devolucoes: [DEVOLUCAO, { ...DEVOLUCAO, status: 'NAO_REALIZADO' }] },
  ])
  assert.deepEqual(
    [part.status, part.refunded?.amount, part.settlement_id],
    ['partially_refunded', '40', 'E1'],
  )
  assert.equal(
    charge('CONCLUIDA', [{ ...PIX, devolucoes: { ...DEVOLUCAO, valor: '1.00' } }]).status,
    'refunded',
  )
  const later = { ...PIX, endToEndId: 'E2', horario: '2026-01-02T16:00:00Z' }
  assert.equal(charge('CONCLUIDA', [later, PIX]).settlement_id, 'E1')
})

test('a refund of a status nobody knows is under way', () => {
  const [one] = toRefunds({ txid: 't', devolucoes: [{ ...DEVOLUCAO, status: 'toString', rtrId: null }] })
  assert.deepEqual([one?.status, one?.vendor_id], ['pending', '1'])
})

test('any refusal is one of our reasons, and the words of its violations say more', () => {
  const of = (type: string, razao?: string) =>
    toRefusal(400, {
      type: `https://pix.bcb.gov.br/api/v2/error/${type}`,
      ...(razao && { violacoes: [{ razao, propriedade: 'cob' }] }),
    }).reason
  assert.equal(of('CobNaoEncontrado'), 'not_found')
  assert.equal(of('PixDevolucaoNaoEncontrada'), 'not_found')
  assert.equal(of('AcessoNegado'), 'not_permitted')
  assert.equal(of('CobOperacaoInvalida', 'O campo cob.txid encontra-se em uso.'), 'duplicate')
  assert.equal(of('CobOperacaoInvalida', 'A cobrança não está ATIVA'), 'state_conflict')
  assert.equal(of('PixDevolucaoInvalida', 'excederia o valor do pix originário'), 'amount_invalid')
  assert.equal(of('CobOperacaoInvalida', 'outra coisa'), 'invalid_request')
  assert.equal(toRefusal(404, '<html>').reason, 'unknown')
  assert.equal(toRefusal(503, null).reason, 'vendor_unavailable')
  fc.assert(
    fc.property(fc.nat(599), fc.jsonValue(), (status, body) =>
      REFUSAL_REASONS.includes(toRefusal(status, body).reason),
    ),
  )
})

test('a key is taken only as the DICT writes it', () => {
  assert.deepEqual(faultsIn({ pix_key: KEY }), [])
  assert.match(String(faultsIn({ pix_key: '(61) 91234-5678' })[0]?.reason), /\+5561912345678/)
  assert.equal(faultsIn({ pix_key: 'nobody' }).length, 1)
})
