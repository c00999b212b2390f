import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { run } from './cli.ts'
import { type Io, linesOf } from './output.ts'

const LINE = '42297.00408 00002.782472 26173.001129 6 10010000018084'

/** A run of `trilho tools`, with what it is given on standard input in chunks. */
async function tools(args: string[], stdin: string[] = []) {
  const [out, err]: [string[], string[]] = [[], []]
  const io: Io = {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    bytes: (bytes) => void out.push(Buffer.from(bytes).toString('latin1')),
    paint: (_style, words) => words,
    stdin: async () => stdin.join(''),
    lines: () => linesOf(Readable.from(stdin.map((chunk) => Buffer.from(chunk, 'latin1')))),
    stopped: () => AbortSignal.abort(),
    outlive: () => {},
  }
  const code = await run(['tools', ...args], io)
  const text = out.join('\n')
  return { code, text, err: err.join('\n'), lines: text === '' ? [] : text.split('\n') }
}

test('a boleto and a document are read without a server, for people and for programs', async () => {
  const { code, lines } = await tools(['boleto', LINE, '--json', '--reference-date', '2025-03-01'])
  assert.deepEqual([code, lines.length], [0, 1])
  const { free_field: _, ...read } = JSON.parse(lines[0] ?? '')
  assert.deepEqual(read, {
    valid: true,
    kind: 'bank',
    barcode: '42296100100000180847004000002782472617300112',
    line: LINE.replace(/\D/g, ''),
    formatted: LINE,
    bank: '422',
    amount: 18_084,
    due_factor: 1001,
    due_date: '2025-02-23',
    segment: null,
    quantity: null,
  })
  const earlier = await tools(['boleto', LINE, '--json', '--reference-date', '2001-03-01'])
  assert.equal(JSON.parse(earlier.text).due_date, '2000-07-04')
  assert.match((await tools(['boleto', LINE])).text, /^amount +18084$/m)
  const cnpj = await tools(['document', '12.ABC.345/01DE-35', '--json'])
  const expected = '{"valid":true,"kind":"cnpj","value":"12ABC34501DE35","formatted":"12.ABC.345/01DE-35"}'
  assert.deepEqual([cnpj.code, cnpj.text], [0, expected])
})

test('what is not valid says which rule and ends in 1; a reference date that is no day is wrong usage', async () => {
  const refused = await tools(['document', '529.982.247-26', '--json'])
  assert.equal(refused.code, 1)
  assert.deepEqual(JSON.parse(refused.text).rule, 'check_digit_2')
  const told = await tools(['document', '529.982.247-26'])
  assert.deepEqual([told.code, told.text], [1, ''])
  assert.match(told.err, /not valid, check_digit_2: The second/)
  assert.equal((await tools(['boleto', LINE, '--reference-date', '2026-02-30'])).code, 2)
})

test('each line of standard input is answered by one line, in order, however the chunks are cut', async () => {
  const stdin = '\u00ef\u00bb\u00bf52998224725\r\n\r\n529.982.247-26\n12ABC34501DE35'
  for (const size of [1, 7, 100]) {
    const chunks = stdin.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? []
    const { code, lines, err } = await tools(['document', '-', '--json'], chunks)
    const found = lines.map((line) => JSON.parse(line)).map(({ rule, value }) => rule ?? value)
    assert.deepEqual(found, ['52998224725', 'length', 'check_digit_2', '12ABC34501DE35'])
    assert.deepEqual([code, JSON.parse(err)], [1, { error: { message: '2 of 4 are not valid' } }])
  }
  const brief = await tools(['boleto', '-', '--reference-date', '2026-11-22'], [`${LINE}\n`])
  assert.deepEqual([brief.code, brief.lines], [0, [`bank  ${LINE}  180.84  2025-02-23`]])
  assert.deepEqual((await tools(['boleto', '-', '--json'], [])).lines, [])
})

test('a boleto is drawn as a barcode or a slip, to the terminal or a file; what is none is not', async () => {
  assert.match((await tools(['boleto', LINE, '--draw', 'svg'])).text, /^<svg [\s\S]*<\/svg>\n$/)
  assert.match((await tools(['boleto', '-', '--draw', 'pdf'], [`${LINE}\n`])).text, /^%PDF-[\s\S]*%%EOF\n$/)
  const folder = await mkdtemp(join(tmpdir(), 'trilho-tools-'))
  const file = join(folder, 'slip.pdf')
  const { code, text } = await tools(['boleto', LINE, '--draw', 'pdf', '--file', file])
  assert.deepEqual([code, text, (await readFile(file, 'latin1')).slice(0, 5)], [0, '', '%PDF-'])
  await rm(folder, { recursive: true })
  assert.equal((await tools(['boleto', LINE, '--draw', 'pdf', '--file', join(folder, 'x')])).code, 1)
  assert.equal((await tools(['boleto', '123', '--draw', 'svg'])).code, 1)
  assert.equal((await tools(['boleto', LINE, '--draw', 'gif'])).code, 2)
})

const BRCODE =
  '00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal6008BRASÍLIA62070503***6304B4F6'

test('BR Codes are read, one or many, and drawn as pictures', async () => {
  const one = await tools(['brcode', BRCODE, '--json'])
  const { type, merchant_city, url } = JSON.parse(one.text)
  assert.deepEqual([one.code, type, merchant_city, url], [0, 'static', 'BRASÍLIA', null])
  const stdin = Buffer.from(`${BRCODE}\n${BRCODE}x\n`).toString('latin1')
  const many = await tools(['brcode', '-', '--json'], [stdin])
  assert.deepEqual(
    many.lines.map((line) => JSON.parse(line).rule ?? 'valid'),
    ['valid', 'crc_missing'],
  )
  assert.match((await tools(['brcode', BRCODE, '--qr', 'svg'])).text, /^<svg .*<\/svg>$/)
  assert.match((await tools(['brcode', BRCODE, '--qr', 'png'])).text, /^\u0089PNG/)
  assert.equal((await tools(['brcode', 'pix', '--qr', 'png'])).code, 1)
  assert.equal((await tools(['brcode', BRCODE, '--qr', 'gif'])).code, 2)
})
