import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Bar, barcodeSvg, barsOf } from './bars.ts'
import { readBoleto } from './boleto.ts'
import { drawSlip, inReais } from './slip.ts'

const BARCODE = '42296100100000180847004000002782472617300112'
const BILL = '84610000000246100291100054603390069589506108'

/** Interleaved 2 of 5 as a scanner reads it: from bars and the spaces between them back to digits. */
function scan(bars: Bar[]): string {
  const narrow = Math.min(...bars.map(({ width }) => width))
  const widths = bars.flatMap(({ at, width }, place) => {
    const next = bars[place + 1]
    return next ? [width, next.at - at - width] : [width]
  })
  const marks = widths.map((width) => (width > narrow * 2 ? 'w' : 'n')).join('')
  assert.match(marks, /^nnnn.*wnn$/)
  const WEIGHTS = [1, 2, 4, 7, 0]
  const digit = (five: string) => {
    const sum = [...five].reduce((sum, mark, place) => sum + (mark === 'w' ? (WEIGHTS[place] ?? 0) : 0), 0)
    return String(sum === 11 ? 0 : sum)
  }
  return (marks.slice(4, -3).match(/.{10}/g) ?? [])
    .map((pair) => digit(pair.replace(/(.)./g, '$1')) + digit(pair.replace(/.(.)/g, '$1')))
    .join('')
}

function slip(text: string, details = {}): string {
  const boleto = readBoleto(text, '2026-11-22')
  assert.ok(boleto.valid)
  return drawSlip(boleto, details).toString('latin1')
}

test('any digits are read back from the bars that are drawn for them', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^(\d\d){1,30}$/), (digits) => {
      const { bars, width } = barsOf(digits)
      assert.equal(scan(bars), digits)
      assert.equal(width, 9 + 9 * digits.length)
    }),
  )
})

test('the barcode stands in the SVG, with room on both sides', () => {
  const svg = barcodeSvg(BARCODE)
  const bars = [...svg.matchAll(/M(\d+) 0h(\d+)v1h-\2z/g)].map(([, at, width]) => ({
    at: Number(at),
    width: Number(width),
  }))
  assert.equal(scan(bars), BARCODE)
  assert.deepEqual([bars.at(0)?.at, bars.at(-1)?.at], [20, 20 + 405 - 1])
  assert.match(svg, /viewBox="0 0 445 1"/)
})

test('the barcode stands in the PDF, 103 by 13 mm', () => {
  for (const text of [BARCODE, BILL]) {
    const boxes = [...slip(text).matchAll(/^([\d.]+) [\d.]+ ([\d.]+) 13 re f$/gm)]
    const bars = boxes.map(([, at, width]) => ({ at: Number(at), width: Number(width) }))
    assert.equal(scan(bars), text)
    const [first, last] = [bars[0], bars.at(-1)]
    assert.ok(first && last && Math.abs(last.at + last.width - first.at - 103) < 0.01)
  }
})

test('the PDF is whole: each object stands where the table says, each stream is as long as it says', () => {
  const pdf = slip(BARCODE, { payer: ['José (ção) \\ – ✓'] })
  const table = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(pdf)?.[1])
  assert.equal(pdf.slice(table, table + 5), 'xref\n')
  const entries = [...pdf.slice(table).matchAll(/^(\d{10}) 00000 n $/gm)].map(([, at]) => Number(at))
  assert.equal(entries.length, 7)
  for (const [place, at] of entries.entries()) assert.ok(pdf.startsWith(`${place + 1} 0 obj\n`, at))
  const [, length, content] = /\/Length (\d+) >>\nstream\n([\s\S]*?)endstream/.exec(pdf) ?? []
  assert.equal(content?.length, Number(length))
})

test('the slip says what the number says and what its caller adds; what a caller writes cannot become drawing', () => {
  const pdf = slip(BARCODE, { beneficiary: 'A) Tj (B', payer: ['José – ✓', 'x\ny'], due_date: '2030-01-01' })
  for (const text of [
    '42297.00408',
    '(422-',
    '23/02/2025',
    '180,84',
    '(A\\) Tj \\(B)',
    '(Jos\xe9 - ?)',
    '(x y)',
  ])
    assert.ok(pdf.includes(text), text)
  assert.ok(!pdf.includes('01/01/2030'), 'the date of the number stands')
  assert.ok(slip(BILL, { due_date: '2030-01-01' }).includes('01/01/2030'))
})

test('amounts are written as in Brazil, and left empty where the payer says how much', () => {
  const written = [1, 100, 99_999, 100_000, 99_999_999_999, 0, null].map(inReais)
  assert.deepEqual(written, ['0,01', '1,00', '999,99', '1.000,00', '999.999.999,99', '', ''])
})
