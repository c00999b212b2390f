import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Boleto, readBoleto } from './boleto.ts'
import { composeBank, composeCollection } from './boleto_compose.ts'
import { modulo10, modulo11 } from './check_digits.ts'
import { dateOf, daysOf } from './days.ts'
import { dueDateOf, factorOf } from './due_factor.ts'

const TODAY = '2026-11-22'

function valid(text: string, reference_date = TODAY): Boleto {
  const read = readBoleto(text, reference_date)
  assert.ok(read.valid, `${text} ${JSON.stringify(read)}`)
  return read
}

function ruleOf(text: string, reference_date = TODAY): string | null {
  const read = readBoleto(text, reference_date)
  return read.valid ? null : read.rule
}

/** Printed by their issuers: barcode, line, cents, due date. */
const OF_BANKS: [barcode: string, printed: string, amount: number, due_date: string | null][] = [
  [
    '42296100100000180847004000002782472617300112',
    '42297.00408 00002.782472 26173.001129 6 10010000018084',
    18_084,
    '2025-02-23',
  ],
  [
    '00196758600001026560000001149718606852452211',
    '00190.00009 01149.718601 68524.522114 6 75860000102656',
    102_656,
    '2018-07-15',
  ],
  [
    '10499898100000214032006561000100040099726390',
    '10492.00650 61000.100042 00997.263900 9 89810000021403',
    21_403,
    '2022-05-10',
  ],
  [
    '23797000000000000004150090019801673500021140',
    '23794.15009 90019.801670 35000.211405 7 00000000000000',
    0,
    null,
  ],
]

const OF_COLLECTIONS: [barcode: string, printed: string, amount: number][] = [
  [
    '84610000000246100291100054603390069589506108',
    '84610000000-5 24610029110-2 00546033900-4 69589506108-0',
    2_461,
  ],
  [
    '83860000005096000190000008017823000034306271',
    '83860000005-0 09600019000-9 00080178230-9 00034306271-2',
    50_960,
  ],
  [
    '85820000000572503282035607082021053959190446',
    '85820000000-7 57250328203-0 56070820210-7 53959190446-0',
    5_725,
  ],
]

/** The digit at a place, so much higher. */
const changed = (text: string, at: number, by = 1): string =>
  text.slice(0, at) + ((Number(text[at]) + by) % 10) + text.slice(at + 1)

const digits = (count: number) => fc.stringMatching(new RegExp(`^\\d{${count}}$`))

/** A boleto of a bank, due somewhere in the 9,000 days around the day it is read on. */
const of_a_bank = fc
  .record({
    bank: fc.stringMatching(/^[0-79]\d\d$/),
    amount: fc.integer({ min: 0, max: 9_999_999_999 }),
    free_field: digits(25),
    due_in_days: fc.option(fc.integer({ min: -3_499, max: 5_500 })),
    read_on: fc.integer({ min: 15_400, max: 40_000 }),
  })
  .map(({ due_in_days, read_on, ...slip }) => {
    const due_date = due_in_days === null ? null : dateOf(read_on + due_in_days)
    return { slip: { ...slip, due_date }, reference_date: dateOf(read_on) }
  })

const of_a_collection = fc.record({
  segment: fc.constantFrom(...'12345679'),
  value_identifier: fc.constantFrom(...'6789'),
  value: fc.integer({ min: 0, max: 99_999_999_999 }),
  free_field: digits(29),
})

test('boletos that were printed read as they were meant, from barcode and line, with marks and without', () => {
  for (const [barcode, printed, amount, due_date] of OF_BANKS) {
    const line = printed.replace(/\D/g, '')
    for (const text of [barcode, line, printed, ` ${printed}\n`, printed.replaceAll(' ', '\u00a0')]) {
      const read = valid(text)
      assert.deepEqual([read.kind, read.barcode, read.line, read.formatted], ['bank', barcode, line, printed])
      assert.deepEqual([read.bank, read.amount, read.due_date], [barcode.slice(0, 3), amount, due_date])
    }
  }
  for (const [barcode, printed, amount] of OF_COLLECTIONS) {
    const line = printed.replace(/\D/g, '')
    for (const text of [barcode, line, printed]) {
      const read = valid(text)
      assert.deepEqual(
        [read.kind, read.barcode, read.line, read.formatted],
        ['collection', barcode, line, printed],
      )
      assert.deepEqual([read.bank, read.amount, read.due_factor, read.due_date], [null, amount, null, null])
    }
  }
})

test("check digits are those of FEBRABAN's worked examples", () => {
  const barcode = '8220000215048200974123220154098290108605940'
  assert.deepEqual([modulo10('01230067896'), modulo10(barcode)], [3, 1])
  assert.deepEqual([modulo11('01230067896'), modulo11(barcode)], [0, 0])
  assert.deepEqual(
    ['19', '5', '0'].map((text) => modulo11(text)),
    [1, 1, 0],
    'a rest of 10 is 1',
  )
})

test('the due-date factor begins again on 22 February 2025', () => {
  const cases: [factor: number, reference_date: string, due_date: string | null][] = [
    [1000, '2000-07-01', '2000-07-03'],
    [9999, '2025-02-21', '2025-02-21'],
    [1000, '2025-02-22', '2025-02-22'],
    [1001, '2025-02-22', '2025-02-23'],
    [9999, TODAY, '2025-02-21'],
    [7138, TODAY, '2041-12-13'], // 5,500 days ahead, the farthest
    [7139, TODAY, '2017-04-24'],
    [9999, '2035-01-01', '2049-10-13'],
    [1000, '2049-10-14', '2049-10-14'],
    [0, TODAY, null],
    [999, TODAY, null],
  ]
  for (const [factor, reference_date, due_date] of cases)
    assert.equal(dueDateOf(factor, daysOf(reference_date) ?? 0), due_date, `${factor} on ${reference_date}`)
  assert.deepEqual(
    ['2000-07-03', '2025-02-21', '2025-02-22', '2025-02-23', '2049-10-13', '2049-10-14'].map(factorOf),
    [1000, 9999, 1000, 1001, 9999, 1000],
  )
  assert.deepEqual(['2000-07-02', '2025-02-29', '2025-2-1', 'soon'].map(factorOf), [null, null, null, null])
})

test('each refusal says which rule', () => {
  const line = '42297004080000278247226173001129610010000018084'
  const barcode = '42296100100000180847004000002782472617300112'
  const bill = '846100000005246100291102005460339004695895061080'
  const bill_barcode = '84610000000246100291100054603390069589506108'
  const cases: [text: string, rule: string][] = [
    ['', 'length'],
    [line.slice(1), 'length'],
    [`${line}00`, 'length'],
    [`${line.slice(1)}x`, 'characters'],
    [line.replace('0', '٠'), 'characters'],
    [`8${line.slice(1)}`, 'product'],
    [`${line}0`, 'product'],
    [changed(line, 9), 'field_1_check_digit'],
    [changed(line, 12), 'field_2_check_digit'],
    [changed(line, 31), 'field_3_check_digit'],
    [changed(line, 32), 'general_check_digit'],
    [changed(line, 46), 'general_check_digit'],
    [changed(barcode, 3), 'currency'],
    [changed(barcode, 4), 'general_check_digit'],
    [changed(bill, 5), 'field_1_check_digit'],
    [changed(bill, 15), 'field_2_check_digit'],
    [changed(bill, 25), 'field_3_check_digit'],
    [changed(bill, 47), 'field_4_check_digit'],
    [changed(bill, 2, 9), 'value_identifier'],
    [changed(bill_barcode, 2, 9), 'value_identifier'],
    [changed(bill_barcode, 1, 4), 'segment'],
    [changed(bill_barcode, 1, 6), 'segment'],
    [changed(bill_barcode, 3), 'general_check_digit'],
  ]
  for (const [text, rule] of cases) assert.equal(ruleOf(text), rule, text)
  for (const date of ['2026-02-30', '22/11/2026', '']) assert.equal(ruleOf(line, date), 'reference_date')
})

test('what is composed for a bank reads back the same, from its barcode and from its line', () => {
  fc.assert(
    fc.property(of_a_bank, ({ slip, reference_date }) => {
      const made = composeBank(slip, reference_date)
      assert.ok(made.valid, JSON.stringify(made))
      const { bank, amount, due_date, free_field } = made
      assert.deepEqual({ bank, amount, due_date, free_field }, slip)
      for (const text of [made.barcode, made.line, made.formatted])
        assert.deepEqual(readBoleto(text, reference_date), made)
    }),
  )
})

test('what is composed for a collection reads back the same; an index is not money', () => {
  fc.assert(
    fc.property(of_a_collection, (slip) => {
      const made = composeCollection(slip, TODAY)
      assert.ok(made.valid, JSON.stringify(made))
      const is_money = '68'.includes(slip.value_identifier)
      assert.deepEqual(
        [made.segment, made.amount, made.quantity, made.free_field],
        [slip.segment, is_money ? slip.value : null, is_money ? null : slip.value, slip.free_field],
      )
      for (const text of [made.barcode, made.line, made.formatted])
        assert.deepEqual(readBoleto(text, TODAY), made)
    }),
  )
})

const wrong_digit = fc.record({ at: fc.nat(47), by: fc.integer({ min: 1, max: 9 }) })

test('a wrong digit in a line is found, but for those the digit of the whole cannot tell', () => {
  fc.assert(
    fc.property(of_a_bank, wrong_digit, ({ slip, reference_date }, { at, by }) => {
      const made = composeBank(slip, reference_date)
      assert.ok(made.valid)
      const found = ruleOf(changed(made.line, at % 47, by), reference_date)
      // The last field, date and amount, has no digit of its own, and three rests of the whole are all written 1.
      assert.ok(found !== null || (at % 47 > 32 && made.line[32] === '1'))
    }),
  )
})

test('a wrong digit in the line of a collection is found, but for those that modulo 11 writes alike', () => {
  fc.assert(
    fc.property(of_a_collection, wrong_digit, (slip, { at, by }) => {
      const made = composeCollection(slip, TODAY)
      assert.ok(made.valid)
      const read = readBoleto(changed(made.line, at, by), TODAY)
      const other_modulo =
        read.valid && '67'.includes(made.barcode[2] ?? '') !== '67'.includes(read.barcode[2] ?? '')
      // 10 and 11 are both written 0, in the field and in the whole.
      const alike = '89'.includes(slip.value_identifier) && made.barcode[3] === '0'
      assert.ok(!read.valid || other_modulo || (alike && made.line[Math.floor(at / 12) * 12 + 11] === '0'))
    }),
  )
})

test('what cannot be written, or would read back as another date, is not composed', () => {
  const slip = { bank: '237', due_date: '2026-12-10', amount: 100, free_field: '0'.repeat(25) }
  const refused = (given: Partial<typeof slip>) => {
    const made = composeBank({ ...slip, ...given }, TODAY)
    return made.valid ? null : made.rule
  }
  assert.equal(refused({}), null)
  for (const bank of ['1', '8001', '801', 'abc']) assert.equal(refused({ bank }), 'bank')
  for (const due_date of ['2000-07-02', '2026-02-30', '2041-12-14', '2017-04-23'])
    assert.equal(refused({ due_date }), 'due_date')
  for (const amount of [-1, 0.5, 10_000_000_000, Number.NaN]) assert.equal(refused({ amount }), 'amount')
  for (const free_field of ['', '0'.repeat(24), 'x'.repeat(25)])
    assert.equal(refused({ free_field }), 'free_field')
  const bill = { segment: '1', value_identifier: '6', value: 1, free_field: '0'.repeat(29) }
  const rules = [{ segment: '8' }, { value_identifier: '5' }, { value: 100_000_000_000 }, { free_field: '1' }]
  assert.deepEqual(
    rules
      .map((given) => composeCollection({ ...bill, ...given }, TODAY))
      .map((made) => made.valid || made.rule),
    ['segment', 'value_identifier', 'amount', 'free_field'],
  )
})
