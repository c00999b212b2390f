import assert from 'node:assert/strict'
import test from 'node:test'
import { isChargeTxid, isRefundId, isStaticTxid, pixKeyType, readEndToEndId, readPixKey } from './pix.ts'

test('keys of each kind are known, however people write them', () => {
  const known: [given: string, type: string, value: string][] = [
    ['12345678909', 'cpf', '12345678909'],
    ['123.456.789-09', 'cpf', '12345678909'],
    ['00038166000105', 'cnpj', '00038166000105'],
    ['12.ABC.345/01DE-35', 'cnpj', '12ABC34501DE35'],
    ['+5561912345678', 'phone', '+5561912345678'],
    ['(11) 98765-4321', 'phone', '+5511987654321'],
    ['+55 11 98765-4321', 'phone', '+5511987654321'],
    ['51998259765', 'cpf', '51998259765'], // a mobile number too, but it is not written as one
    ['+5551998259765', 'phone', '+5551998259765'],
    ['11987654321', 'phone', '+5511987654321'],
    [' Fulano_da_Silva@Example.com', 'email', 'fulano_da_silva@example.com'],
    ['123E4567-E12B-12D1-A456-426655440000', 'evp', '123e4567-e12b-12d1-a456-426655440000'],
  ]
  for (const [given, type, value] of known) {
    assert.deepEqual(readPixKey(given), { valid: true, type, value }, given)
    assert.equal(pixKeyType(value), type)
  }
})

test('what is no key is refused by its rule', () => {
  const refused: [given: string, rule: string][] = [
    ['', 'key_form'],
    ['some-key', 'key_form'],
    ['a&b@example.com', 'key_form'], // since API DICT 2.6.0
    ['abc123.456.789-09', 'key_form'],
    ['123.456.789-00', 'key_check_digit'],
    ['11111111111', 'key_check_digit'],
    ['12ABC34501DE36', 'key_check_digit'],
    ['+551130000000', 'key_phone'],
    ['(11) 3000-0000', 'key_phone'],
    ['+5520912345678', 'key_phone'], // no such DDD
    ['+14155552671', 'key_phone'],
    [`${'a'.repeat(70)}@example.com`, 'key_length'],
  ]
  for (const [given, rule] of refused) {
    const found = readPixKey(given)
    assert.equal(found.valid ? 'valid' : found.rule, rule, given)
  }
})

test('a txid of a charge has 26 to 35 letters and digits, one of a static code up to 25 or three stars', () => {
  assert.deepEqual(
    [25, 26, 35, 36].map((n) => isChargeTxid('a'.repeat(n))),
    [false, true, true, false],
  )
  assert.deepEqual(
    [0, 1, 25, 26].map((n) => isStaticTxid('a'.repeat(n))),
    [false, true, true, false],
  )
  assert.ok(isStaticTxid('***'))
  for (const text of ['**', 'RP-1', 'ção']) assert.equal(isStaticTxid(text), false)
  assert.deepEqual(
    [0, 1, 35, 36].map((n) => isRefundId('a'.repeat(n))),
    [false, true, true, false],
  )
})

test('an end-to-end id tells who made it and when; on a day that is none it is none', () => {
  assert.deepEqual(readEndToEndId('E12345678202009091221abcdef12345'), {
    kind: 'payment',
    ispb: '12345678',
    at: new Date('2020-09-09T12:21:00Z'),
  })
  assert.equal(readEndToEndId('D12345678202009091000abcde123456')?.kind, 'return')
  assert.equal(readEndToEndId('E12345678202402292359abcdef12345')?.at.getUTCDate(), 29)
  for (const text of [
    'E12345678202302292359abcdef12345', // no leap year
    'E12345678202009092460abcdef12345',
    'E12345678202009091221ghijk78901234', // as the specification itself has it once: two too long
    'X12345678202009091221abcdef12345',
    'E12345678202009091221abcdef1234-',
  ]) {
    assert.equal(readEndToEndId(text), null, text)
  }
})
