import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exactly, negated } from './amounts.ts'

const of = (amount: string) => exactly({ amount, currency: 'BRL' })

test('an amount is exact to the cent, and what is finer is rounded half to even and kept beside it', () => {
  assert.deepEqual(of('150.50'), { money: { amount: '15050', currency: 'BRL' } })
  assert.deepEqual(of('1000.0400'), { money: { amount: '100004', currency: 'BRL' } })
  for (const [amount, cents] of [
    ['0.0050', '0'],
    ['0.0150', '2'],
    ['0.0250', '2'],
    ['0.0251', '3'],
    ['-0.0050', '0'],
    ['-0.0150', '-2'],
    ['999999999999999.9999', '100000000000000000'],
  ] as const)
    assert.deepEqual(of(amount), { money: { amount: cents, currency: 'BRL' }, exact: amount })
  assert.equal(negated(of('0.00').money).amount, '0')
})

test('what is no amount is said to be none', () => {
  for (const amount of ['', '1,50', '1e3', '1.23456', ' 1.00', '--1.00'])
    assert.throws(() => of(amount), /is no amount/, amount)
})
