import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  formatBoleto,
  generateCnpj,
  generateCpf,
  getBoletoInfo,
  isValidBoleto,
  isValidCnpj,
  isValidCpf,
} from '@brazilian-utils/brazilian-utils'
import fc from 'fast-check'
import { readBoleto } from './boleto.ts'
import { composeCollection } from './boleto_compose.ts'
import { modulo11 } from './check_digits.ts'
import { dateOf } from './days.ts'
import { readDocument } from './document.ts'

/** Another reading of the same rules, by people we do not know: where we differ, one of us is wrong. */

const TODAY = '2026-11-22'
const digits = (count: number) => fc.stringMatching(new RegExp(`^\\d{${count}}$`))
const mistake = fc.record({ at: fc.nat(47), digit: digits(1) })

const mistaken = (text: string, { at, digit }: { at: number; digit: string }): string => {
  const place = at % text.length
  return text.slice(0, place) + digit + text.slice(place + 1)
}

const localDate = (date: string): Date => {
  const [year = 0, month = 0, day = 0] = date.split('-').map(Number)
  return new Date(year, month - 1, day)
}

test('boletos of banks are read as @brazilian-utils reads them, whatever the factor and the day', () => {
  const reference = fc.integer({ min: 11_000, max: 36_000 }).map(dateOf)
  fc.assert(
    fc.property(digits(3), digits(4), digits(35), reference, mistake, (bank, factor, rest, day, slip) => {
      fc.pre(!bank.startsWith('8'))
      const unchecked = `${bank}9${factor}${rest}`
      const read = readBoleto(`${bank}9${modulo11(unchecked, { otherwise: 1 })}${factor}${rest}`, day)
      assert.ok(read.valid)
      const theirs = getBoletoInfo(read.line, { referenceDate: localDate(day) })
      assert.deepEqual(
        { amount: theirs?.amount, bank: theirs?.bankCode, due: theirs?.expirationDate },
        { amount: read.amount, bank: read.bank, due: read.due_date && localDate(read.due_date) },
      )
      assert.equal(formatBoleto(read.line), read.formatted)
      const other = mistaken(read.line, slip)
      assert.equal(readBoleto(other, day).valid, isValidBoleto(other), other)
    }),
  )
})

test('collections are read as @brazilian-utils reads them', () => {
  const slip = fc.record({
    segment: fc.constantFrom(...'12345679'),
    value_identifier: fc.constantFrom(...'6789'),
    value: fc.integer({ min: 0, max: 99_999_999_999 }),
    free_field: digits(29),
  })
  fc.assert(
    fc.property(slip, mistake, (given, wrong) => {
      const made = composeCollection(given, TODAY)
      assert.ok(made.valid)
      for (const text of [made.line, made.barcode]) {
        const theirs = getBoletoInfo(text)
        assert.deepEqual(
          [theirs?.amount, theirs?.hasEffectiveValue, String(theirs?.segment)],
          [given.value, made.amount !== null, made.segment],
        )
      }
      assert.equal(formatBoleto(made.line), made.formatted)
      const other = mistaken(made.line, wrong)
      assert.equal(readBoleto(other, TODAY).valid, isValidBoleto(other), other)
    }),
  )
})

test('CPF and CNPJ are judged as @brazilian-utils judges them', () => {
  fc.assert(
    fc.property(mistake, (wrong) => {
      for (const made of [generateCpf(), generateCnpj(), generateCnpj({ version: 2 })]) {
        assert.ok(readDocument(made).valid, made)
        const other = mistaken(made, wrong)
        const theirs = other.length === 11 ? isValidCpf(other) : isValidCnpj(other, { version: 2 })
        assert.equal(readDocument(other).valid, theirs, other)
      }
    }),
  )
})
