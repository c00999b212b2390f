import assert from 'node:assert/strict'
import test from 'node:test'
import { type BrCodeInput, writeBrCode } from './brcode_write.ts'

const FULANO: BrCodeInput = { key: '123.456.789-09', merchant_name: 'João Araújo', merchant_city: 'Brasília' }

function write(changes: Partial<BrCodeInput>) {
  const written = writeBrCode({ ...FULANO, ...changes })
  return written.valid ? written.code : written
}

test('keys are written as the DICT writes them, names without accents, amounts with two decimals', () => {
  const written = writeBrCode({ ...FULANO, amount: '10', txid: null })
  assert.ok(written.valid)
  assert.match(written.text, /^[\x20-\x7e]+$/)
  const { key, merchant_name, merchant_city, amount, amount_cents, txid } = written.code
  assert.deepEqual([key, merchant_name, merchant_city], ['12345678909', 'Joao Araujo', 'Brasilia'])
  assert.deepEqual([amount, amount_cents, txid], ['10.00', 1000, '***'])
})

test('what cannot be written is refused by field and rule, and nothing is cut', () => {
  const refused: [changes: Partial<BrCodeInput>, field: string | null, rule: string][] = [
    [{ key: '123.456.789-00' }, 'key', 'key_check_digit'],
    [{ key: '(11) 3000-0000' }, 'key', 'key_phone'],
    [{ merchant_name: 'A'.repeat(26) }, 'merchant_name', 'length'],
    [{ merchant_city: 'Presidente Prudente' }, 'merchant_city', 'length'],
    [{ merchant_name: ' ' }, 'merchant_name', 'empty'],
    [{ merchant_name: 'Açaí 🍇' }, 'merchant_name', 'characters'],
    [{ merchant_category: '12' }, 'merchant_category', 'merchant_category'],
    [{ amount: '10,00' }, 'amount', 'amount'],
    [{ amount: '12345678901' }, 'amount', 'amount'], // its two decimals are one character too many
    [{ amount: '0' }, 'amount', 'amount_zero'],
    [{ txid: 'RP-2019' }, 'txid', 'txid'],
    [{ txid: 'A'.repeat(26) }, 'txid', 'txid'],
    [{ withdrawal_ispb: '123' }, 'withdrawal_ispb', 'withdrawal'],
    [{ description: 'x'.repeat(70) }, null, 'room'],
    [{ key: null }, null, 'key_or_url'],
    [{ url: 'pix.example.com/1' }, null, 'key_and_url'],
    [{ key: null, url: 'https://pix.example.com/1' }, 'url', 'url'],
    [{ recurrence_url: 'pix.example.com' }, 'recurrence_url', 'url'],
    [{ key: null, url: 'pix.example.com/1', amount: '10.00' }, 'amount', 'beside_key'],
    [{ key: null, url: 'pix.example.com/1', txid: 'A1' }, 'txid', 'beside_key'],
    [{ key: null, url: 'pix.example.com/1', recurrence_url: 'rec.example.com/rec/1' }, null, 'hosts'],
  ]
  for (const [changes, field, rule] of refused) {
    const found = write(changes)
    assert.ok(!found.valid, JSON.stringify(changes))
    assert.deepEqual([found.field, found.rule], [field, rule], JSON.stringify(changes))
  }
})
