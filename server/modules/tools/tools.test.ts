import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { barsOf } from '../../kit/brazil/bars.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { routes } from './routes.ts'

const LINE = '42297.00408 00002.782472 26173.001129 6 10010000018084'
const BARCODE = '42296100100000180847004000002782472617300112'

let served: Served
let key: string
before(async () => {
  served = await serve({ mount: { rooms: [routes] } })
  key = (await tenantWithKey(served, ['calls:read'])).key
})

const ask = (tool: string, body: object) => served.send('POST', `/v1/tools/${tool}`, { key, body })

test('a boleto is read, on the day that is named or today; a wrong one is an answer with its rule', async () => {
  const read = await ask('boleto/parse', { text: LINE, reference_date: '2025-03-01' })
  assert.deepEqual(
    [read.status, read.body],
    [
      200,
      {
        valid: true,
        kind: 'bank',
        barcode: BARCODE,
        line: LINE.replace(/\D/g, ''),
        formatted: LINE,
        bank: '422',
        amount: 18_084,
        due_factor: 1001,
        due_date: '2025-02-23',
        segment: null,
        quantity: null,
        free_field: '7004000002782472617300112',
      },
    ],
  )
  assert.equal((await ask('boleto/parse', { text: LINE })).body['valid'], true)
  const wrong = await ask('boleto/parse', { text: LINE.replace('6 1001', '7 1001') })
  assert.deepEqual(
    [wrong.status, wrong.body['valid'], wrong.body['rule']],
    [200, false, 'general_check_digit'],
  )
  const no_day = await ask('boleto/parse', { text: LINE, reference_date: '2026-02-30' })
  assert.deepEqual([no_day.status, no_day.body['field']], [400, 'reference_date'])
})

test('a boleto is composed of its parts, and reads back the same', async () => {
  const parts = { bank: '422', due_date: '2025-02-23', amount: 18_084, free_field: BARCODE.slice(19) }
  const made = await ask('boleto/compose', { kind: 'bank', ...parts, reference_date: '2025-03-01' })
  assert.deepEqual([made.status, made.body['barcode'], made.body['formatted']], [200, BARCODE, LINE])
  const far = await ask('boleto/compose', { kind: 'bank', ...parts, due_date: '2090-01-01' })
  assert.deepEqual([far.status, far.body['rule']], [200, 'due_date'])
  const bill = {
    segment: '4',
    value_identifier: '6',
    value: 2_461,
    free_field: '00291100054603390069589506108',
  }
  const collection = await ask('boleto/compose', { kind: 'collection', ...bill })
  assert.equal(collection.body['barcode'], '84610000000246100291100054603390069589506108')
})

test('a boleto is drawn as a barcode and as a slip, with the words of its caller and nothing of theirs besides', async () => {
  const svg = await ask('boleto/draw', { text: LINE, format: 'svg' })
  assert.deepEqual([svg.status, svg.headers.get('content-type')], [200, 'image/svg+xml'])
  assert.equal(svg.text.match(/M\d+ 0h/g)?.length, barsOf(BARCODE).bars.length + 1)
  const details = {
    beneficiary: 'Padaria São João (matriz) \\',
    payer: ['Ana de Souza'],
    due_date: '2026-12-01',
  }
  const pdf = await ask('boleto/draw', { text: LINE, format: 'pdf', details })
  assert.deepEqual([pdf.status, pdf.headers.get('content-type')], [200, 'application/pdf'])
  assert.ok(pdf.text.startsWith('%PDF-1.4\n') && pdf.text.endsWith('%%EOF\n'))
  assert.ok(pdf.text.includes('(matriz\\) \\\\)') && pdf.text.includes('(Ana de Souza)'))
  const wrong = await ask('boleto/draw', { text: '123', format: 'svg' })
  assert.deepEqual(
    [wrong.status, wrong.body['field'], wrong.headers.get('content-type')],
    [400, 'text', 'application/problem+json; charset=utf-8'],
  )
  const no_day = await ask('boleto/draw', { text: LINE, format: 'pdf', details: { due_date: '2026-02-30' } })
  assert.deepEqual([no_day.status, no_day.body['field']], [400, 'details.due_date'])
})

test('CPF and CNPJ are read; none of the tools answers who may not read calls', async () => {
  const cnpj = await ask('document', { text: '12.ABC.345/01DE-35' })
  const value = { valid: true, kind: 'cnpj', value: '12ABC34501DE35', formatted: '12.ABC.345/01DE-35' }
  assert.deepEqual([cnpj.status, cnpj.body], [200, value])
  assert.equal((await ask('document', { text: '52998224726' })).body['rule'], 'check_digit_2')
  const body = { text: LINE, format: 'svg' }
  assert.equal((await served.send('POST', '/v1/tools/boleto/draw', { body })).status, 401)
  const other = await tenantWithKey(served, ['sources:read'])
  assert.equal((await served.send('POST', '/v1/tools/boleto/draw', { key: other.key, body })).status, 403)
})
