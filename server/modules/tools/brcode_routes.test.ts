import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { brcodeRoutes } from './brcode_routes.ts'

const CODE =
  '00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D'

let served: Served
let key: string
before(async () => {
  served = await serve({ mount: { rooms: [brcodeRoutes] } })
  key = (await tenantWithKey(served, ['calls:read'])).key
})

const ask = (verb: 'decode' | 'encode', body: object) =>
  served.send('POST', `/v1/tools/brcode/${verb}`, { key, body })

test('a BR Code is read; a wrong one is an answer with its rule', async () => {
  const read = await ask('decode', { text: ` ${CODE}\n` })
  assert.deepEqual(
    [read.status, read.body],
    [
      200,
      {
        valid: true,
        type: 'static',
        text: CODE,
        key: '123e4567-e12b-12d1-a456-426655440000',
        key_type: 'evp',
        url: null,
        recurrence_url: null,
        merchant_name: 'Fulano de Tal',
        merchant_city: 'BRASILIA',
        txid: '***',
        amount: null,
        amount_cents: null,
        description: null,
        withdrawal_ispb: null,
        single_use: false,
        postal_code: null,
        merchant_category: '0000',
        qr: null,
      },
    ],
  )
  const wrong = await ask('decode', { text: CODE.replace('BRASILIA', 'BRASILIO') })
  assert.deepEqual([wrong.status, wrong.body['valid'], wrong.body['rule']], [200, false, 'crc'])
  assert.equal((await ask('decode', { text: '0'.repeat(600) })).body['rule'], 'length')
  assert.equal((await served.send('POST', '/v1/tools/brcode/decode', { body: { text: CODE } })).status, 401)
})

test('a BR Code is written, read back, and drawn', async () => {
  const said = { key: '529.982.247-25', merchant_name: 'Padaria São João', merchant_city: 'Brasília' }
  const svg = await ask('encode', { ...said, amount: '12.5', txid: 'PEDIDO1', qr: 'svg' })
  const { qr, text, ...code } = svg.body as { qr: { media_type: string; content: string }; text: string }
  assert.equal(svg.status, 200, svg.text)
  assert.match(qr.content, /^<svg .*<\/svg>$/)
  const { qr: none, text: same, ...again } = (await ask('decode', { text })).body
  assert.deepEqual([none, same, again], [null, text, code])
  const png = (await ask('decode', { text, qr: 'png' })).body['qr'] as typeof qr
  assert.equal(png.media_type, 'image/png')
  assert.equal(Buffer.from(png.content, 'base64').subarray(1, 4).toString(), 'PNG')
  const refused = await ask('encode', { ...said, txid: 'não' })
  assert.deepEqual([refused.status, refused.body['field'], refused.body['rule']], [200, 'txid', 'characters'])
})
