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

test('what a name says to be secret is hidden in whichever form of XML it stands', () => {
  const cases = [
    ['<password><![CDATA[a<b>c]]></password>', '<password>[masked]</password>'],
    ['<soap-env:password>hid</soap-env:password>', '<soap-env:password>[masked]</soap-env:password>'],
    [
      '<card n="1" cvv="123" ns:Password = \'a"b\'/>',
      '<card n="1" cvv="[masked]" ns:Password = \'[masked]\'/>',
    ],
    ['{"xml":"<card cvv=\\"123\\" n=\\"1\\"/>"}', '{"xml":"<card cvv=\\"[masked]\\" n=\\"1\\"/>"}'],
    ['<r>&lt;senha&gt;hid&amp;&lt;/senha&gt;</r>', '<r>&lt;senha&gt;[masked]&lt;/senha&gt;</r>'],
    [
      '{"x":"\\u003csenha\\u003ehid\\u003c/senha\\u003e"}',
      '{"x":"\\u003csenha\\u003e[masked]\\u003c/senha\\u003e"}',
    ],
    ['<password><![CDATA[half of a se', '<password>[masked]'],
    ['<passwords>2</passwords><a pinned="1"/>', '<passwords>2</passwords><a pinned="1"/>'],
  ]
  for (const [text = '', hidden] of cases) assert.equal(maskBody(text, []), hidden)
})

test('so it is in multipart, and where JSON or a form is text in something else', () => {
  const part = (name: string, value: string) =>
    `--x\r\nContent-Disposition: form-data; name="${name}"\r\nContent-Type: text/plain\r\n\r\n${value}\r\n`
  assert.equal(
    maskBody(`${part('password', 'hid\r\nhid')}${part('page', '2')}--x--`, []),
    `${part('password', '[masked]')}${part('page', '2')}--x--`,
  )
  const json = encodeURIComponent(JSON.stringify({ password: 'a "b" \\', pin: 1234, page: 2 }))
  const shown = encodeURIComponent(JSON.stringify({ password: '[masked]', pin: '[masked]', page: 2 }))
  for (const mask of [maskBody, maskUrl])
    assert.equal(
      mask(`/x?y=1&payload=${json}&z=1`, []),
      `/x?y=1&payload=${shown.replaceAll(/%5B|%5D/g, decodeURIComponent)}&z=1`,
    )
  const cases = [
    ['{"body":"page=2&pin=1234&password=hid"}', '{"body":"page=2&pin=[masked]&password=[masked]"}'],
    ['{"body":"password=hid&page=2"}', '{"body":"password=[masked]&page=2"}'],
    [
      '<r>{&quot;password&quot;: &quot;a&amp;\\&quot;b&quot;,&quot;pin&quot;:1}</r>',
      '<r>{&quot;password&quot;: &quot;[masked]&quot;,&quot;pin&quot;:&quot;[masked]&quot;}</r>',
    ],
  ]
  for (const [text = '', hidden] of cases) assert.equal(maskBody(text, []), hidden)
})
