import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCardNumber, maskBody, maskHeaders, maskUrl } from './masking.ts'

const CARD = '4111111111111111'

test('a card number is hidden in addresses and headers too', () => {
  assert.equal(
    maskUrl(`https://api.acorn.example/cards/${CARD}/tokens?pan_of=4111-1111-1111-1111&page=2`, []),
    'https://api.acorn.example/cards/[masked]/tokens?pan_of=[masked]&page=2',
  )
  const headers = { location: `https://acorn.example/cards/${CARD}?access_token=abcdef`, 'x-page': '2' }
  assert.deepEqual(maskHeaders(headers, []), {
    location: 'https://acorn.example/cards/[masked]?access_token=[masked]',
    'x-page': '2',
  })
})

test('a card number is hidden whatever stands beside it', () => {
  const cases = [
    [`{"track":"${CARD} 12/28"}`, '{"track":"[masked] 12/28"}'],
    ['4111 1111 1111 1111 1228', '[masked] 1228'],
    ['2026-07-31 4111 1111 1111 1111', '2026-07-31 [masked]'],
    [`order 12 ${CARD}`, 'order 12 [masked]'],
    [`a=${CARD}+5555555555554444`, 'a=[masked]+[masked]'],
    [`{"note":"card:\\n${CARD}"}`, '{"note":"card:\\n[masked]"}'],
    [`{"note":"\\u003a${CARD}"}`, '{"note":"\\u003a[masked]"}'],
    [`x=%7B%22number%22%3A%22${CARD}%22%7D`, 'x=%7B%22number%22%3A%22[masked]%22%7D'],
  ]
  for (const [text = '', hidden] of cases) {
    assert.equal(maskBody(text, []), hidden)
    assert.equal(hasCardNumber(text), true, text)
  }
})

test('numbers that are no card stay, however many stand together', () => {
  for (const text of [
    '{"id":1234567890123456,"at":1767225600001,"n":0.4111111111111111}',
    '2026-07-31 2026-08-01 100 200 300 400 500',
    '23793.38128 60007.827136 95000.063305 9 75520000370000',
    `ref_${CARD} a${CARD} ${CARD}b`,
  ])
    assert.equal(maskBody(text, []), text)
})
