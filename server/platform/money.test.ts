import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Problem } from './errors.ts'
import {
  addMoney,
  compareMoney,
  minorUnits,
  money,
  moneyFromDecimal,
  subtractMoney,
  toDecimal,
} from './money.ts'

const CURRENCIES = { BRL: 2, USD: 2, JPY: 0, KRW: 0, BHD: 3, KWD: 3, CLF: 4 } as const
const currency = fc.constantFrom(...(Object.keys(CURRENCIES) as (keyof typeof CURRENCIES)[]))
const units = fc.bigInt({ min: -999_999_999_999_999_999n, max: 999_999_999_999_999_999n })

function refused(work: () => unknown, reason: RegExp, field = 'money'): void {
  assert.throws(work, (error: unknown) => {
    assert.ok(error instanceof Problem)
    assert.equal(error.code, 'invalid_request')
    assert.equal(error.occurrence.field, field)
    assert.match(error.message, reason)
    return true
  })
}

test('decimal text becomes minor units by the decimals of its currency', () => {
  assert.deepEqual(moneyFromDecimal('150.50', 'BRL'), { amount: '15050', currency: 'BRL' })
  assert.deepEqual(moneyFromDecimal('150.5', 'brl'), { amount: '15050', currency: 'BRL' })
  assert.deepEqual(moneyFromDecimal('1500', 'JPY'), { amount: '1500', currency: 'JPY' })
  assert.deepEqual(moneyFromDecimal('0.005', 'BHD'), { amount: '5', currency: 'BHD' })
  assert.deepEqual(moneyFromDecimal('-0.00', 'USD'), { amount: '0', currency: 'USD' })
  assert.equal(toDecimal({ amount: '-5', currency: 'BRL' }), '-0.05')
  assert.equal(toDecimal({ amount: '-15050', currency: 'KRW' }), '-15050')
})

test('any amount survives the way to decimal text and back, with exactly the decimals of its currency', () => {
  fc.assert(
    fc.property(units, currency, (amount, code) => {
      const text = toDecimal(money(amount, code))
      assert.equal(text.split('.')[1]?.length ?? 0, CURRENCIES[code])
      // the reader's own arithmetic, without our code
      assert.equal(BigInt(text.replace('.', '')), amount)
      if (text.replace(/^-|\..*/g, '').length <= 18) {
        assert.deepEqual(moneyFromDecimal(text, code), { amount: String(amount), currency: code })
      }
    }),
  )
})

test('sums and differences are exact where a float is not', () => {
  fc.assert(
    fc.property(units, units, currency, (a, b, code) => {
      const [x, y] = [money(a, code), money(b, code)]
      assert.equal(BigInt(addMoney(x, y).amount), a + b)
      assert.deepEqual(subtractMoney(addMoney(x, y), y), x)
      assert.equal(Math.sign(compareMoney(x, y)), a < b ? -1 : a > b ? 1 : 0)
    }),
  )
  const sum = addMoney(moneyFromDecimal('0.10', 'BRL'), moneyFromDecimal('0.20', 'BRL'))
  assert.equal(toDecimal(sum), '0.30')
})

test('a fraction of a minor unit is refused and never rounded', () => {
  refused(() => money(10.5, 'BRL'), /whole number/)
  refused(() => money('10.5', 'BRL'), /whole number/)
  refused(() => money(Number.NaN, 'BRL'), /whole number/)
  refused(() => money(2 ** 53, 'BRL'), /whole number/)
  refused(() => moneyFromDecimal('1.001', 'BRL'), /BRL has 2 decimals; "1.001" has 3/)
  refused(() => moneyFromDecimal('1.0', 'JPY', 'total'), /JPY has 0 decimals/, 'total')
})

test('text that is no plain decimal is refused', () => {
  for (const text of [
    '',
    '1,50',
    '1e3',
    ' 1',
    '+1',
    '.5',
    '1.',
    '0x10',
    '١',
    '1_000',
    '1'.repeat(19),
    'Infinity',
  ]) {
    refused(() => moneyFromDecimal(text, 'BRL'), /.+/)
  }
})

test('a currency that is not of ISO 4217 is refused', () => {
  for (const code of ['BTC', 'XXX', '', 'R$', 'BRLL']) refused(() => money(1, code), /ISO 4217/)
})

test('money of two currencies is never reckoned together', () => {
  assert.throws(() => addMoney(money(1, 'BRL'), money(1, 'USD')), /two currencies/)
  assert.throws(() => compareMoney(money(1, 'BRL'), money(1, 'USD')), /two currencies/)
})

test('a vendor that takes a JSON integer gets one only where it is exact', () => {
  assert.equal(minorUnits('15050'), 15050)
  refused(() => minorUnits('9007199254740993'), /2\^53/, 'amount')
  refused(() => minorUnits('1.5'), /whole/, 'amount')
  refused(() => minorUnits(''), /whole/, 'amount')
})
