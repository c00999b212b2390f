import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { modulo11 } from './check_digits.ts'
import { readDocument } from './document.ts'

const ruleOf = (text: string): string | null => {
  const read = readDocument(text)
  return read.valid ? null : read.rule
}

test('CPF and CNPJ that were published are read, bare and punctuated', () => {
  const cases: [kind: string, value: string, formatted: string][] = [
    ['cpf', '12345678909', '123.456.789-09'],
    ['cpf', '52998224725', '529.982.247-25'],
    ['cpf', '00000000191', '000.000.001-91'],
    ['cnpj', '11222333000181', '11.222.333/0001-81'],
    ['cnpj', '00000000000191', '00.000.000/0001-91'],
    // The Receita Federal's own examples of letters; its AA.345.678/0003-29 is a misprint of -86.
    ['cnpj', '12ABC34501DE35', '12.ABC.345/01DE-35'],
    ['cnpj', 'ABCDEFGHIJKL80', 'AB.CDE.FGH/IJKL-80'],
    ['cnpj', 'AA345678000A29', 'AA.345.678/000A-29'],
    ['cnpj', '12345678000A08', '12.345.678/000A-08'],
    ['cnpj', 'AA345678000386', 'AA.345.678/0003-86'],
  ]
  for (const [kind, value, formatted] of cases)
    for (const text of [value, formatted, ` ${formatted}\n`])
      assert.deepEqual(readDocument(text), { valid: true, kind, value, formatted })
})

test('each refusal says which rule', () => {
  const cases: [text: string, rule: string][] = [
    ['', 'length'],
    ['5299822472', 'length'],
    ['112223330001811', 'length'],
    ['529.982.247_25', 'characters'],
    ['٥٢٩٩٨٢٢٤٧٢٥', 'characters'],
    ['529.982.247-2A', 'letters'],
    ['12ABC34501DE3A', 'letters'],
    ['12abc34501de35', 'letter_case'],
    ['00000000000000', 'repeated'],
    ['11111111111', 'repeated'],
    ['52998224735', 'check_digit_1'],
    ['52998224726', 'check_digit_2'],
    ['AA.345.678/0003-29', 'check_digit_1'],
    ['12.ABC.345/01DE-36', 'check_digit_2'],
  ]
  for (const [text, rule] of cases) assert.equal(ruleOf(text), rule, text)
})

const withDigits = (stem: string, heaviest: number): string => {
  const first = stem + modulo11(stem, { heaviest })
  return first + modulo11(first, { heaviest })
}
const cpf = fc.stringMatching(/^\d{9}$/).map((stem) => withDigits(stem, 11))
const cnpj = fc.stringMatching(/^[\dA-Z]{12}$/).map((stem) => withDigits(stem, 9))
const document = fc.oneof(cpf, cnpj).filter((value) => !/^(.)\1*$/.test(value))

test('what has its check digits is read, and its formatted text reads back the same', () => {
  fc.assert(
    fc.property(document, (value) => {
      const read = readDocument(value)
      assert.ok(read.valid, value)
      assert.deepEqual([read.value, read.kind], [value, value.length === 11 ? 'cpf' : 'cnpj'])
      assert.deepEqual(readDocument(read.formatted), read)
    }),
  )
})

test('one wrong digit is found, unless modulo 11 writes both alike', () => {
  const change = fc.record({ at: fc.nat(13), by: fc.integer({ min: 1, max: 9 }) })
  fc.assert(
    fc.property(document, change, (value, { at, by }) => {
      const place = at % value.length
      if (!/\d/.test(value[place] ?? '')) return
      const digit = String((Number(value[place]) + by) % 10)
      // 10 and 11 are both written 0, so a change may go unseen where a digit is 0; that of a CPF's first place weighs
      // 11 in its second check digit, which is nothing.
      const found = ruleOf(value.slice(0, place) + digit + value.slice(place + 1))
      const unweighed = value.length === 11 && place === 0
      assert.ok(found !== null || value.endsWith('00') || (unweighed && value.at(-2) === '0'), value)
    }),
  )
})
