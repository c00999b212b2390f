import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hidePersonal, spellingsOf } from './personal.ts'

function hide(text: string): { hidden: string; found: string[] } {
  const found: string[] = []
  return { hidden: hidePersonal(text, found), found }
}

test('CPF, CNPJ, e-mail and phone are hidden in every spelling, and found in one', () => {
  const cases: [text: string, found: string][] = [
    ['{"cpf":"529.982.247-25"}', '52998224725'],
    ['{"cpf":52998224725}', '52998224725'],
    ['<cpf>52998224725</cpf>', '52998224725'],
    ['/customers/52998224725/cards', '52998224725'],
    ['{"cnpj":"11.222.333/0001-81"}', '11222333000181'],
    ['{"cnpj":"11.222.333\\/0001-81"}', '11222333000181'],
    ['cnpj=11.222.333%2F0001-81&x=1', '11222333000181'],
    ['{"cnpj":"11222333000181"}', '11222333000181'],
    ['{"cnpj":"12.ABC.345/01DE-35"}', '12ABC34501DE35'],
    ['{"email":"Ana.Silva+loja@exemplo.com.br"}', 'ana.silva+loja@exemplo.com.br'],
    ['email=ana%40exemplo.com&x=1', 'ana@exemplo.com'],
    ['/find?email=ana@exemplo.com&x=1', 'ana@exemplo.com'],
    ["<to mail='ana@exemplo.com'/>1|", 'ana@exemplo.com'],
    ['1|ana@exemplo.com|2', 'ana@exemplo.com'],
    ['{"to":"+5511987654321"}', '+5511987654321'],
    ['To=whatsapp%3A%2B5511987654321', '+5511987654321'],
    ['{"to":"5511987654321"}', '+5511987654321'],
  ]
  for (const [text, value] of cases) {
    const { hidden, found } = hide(text)
    assert.deepEqual(found, [value], text)
    assert.match(hidden, /\[masked\]/, text)
    assert.doesNotMatch(hidden, /9822|3330|ABC|Silva|ana|87654/, text)
  }
})

test('they are hidden and found behind an escape, which stays whole', () => {
  const cases: [text: string, hidden: string, found: string][] = [
    ['{"note":"CPF:\\n52998224725"}', '{"note":"CPF:\\n[masked]"}', '52998224725'],
    ['{"note":"CPF\\t529.982.247-25"}', '{"note":"CPF\\t[masked]"}', '52998224725'],
    ['{"note":"\\n12.ABC.345/01DE-35"}', '{"note":"\\n[masked]"}', '12ABC34501DE35'],
    ['x=%7B%22cpf%22%3A%2252998224725%22%7D', 'x=%7B%22cpf%22%3A%22[masked]%22%7D', '52998224725'],
    ['{"note":"to:\\nana@exemplo.com"}', '{"note":"to:\\n[masked]"}', 'ana@exemplo.com'],
    ['{"to":"\\u003cana@exemplo.com\\u003e"}', '{"to":"\\u003c[masked]\\u003e"}', 'ana@exemplo.com'],
    ['x=mailto%3Aana%40exemplo.com', 'x=mailto%3A[masked]', 'ana@exemplo.com'],
    ['x=%22ana%2Bb%40exemplo.com%22', 'x=%22[masked]%22', 'ana+b@exemplo.com'],
  ]
  for (const [text, hidden, value] of cases) assert.deepEqual(hide(text), { hidden, found: [value] })
})

test('numbers that are none of these stay as they are', () => {
  const text =
    '{"id":12345678901,"at":1767225600000,"day":"20260131235959","amount":"12345678901.50","ref":"a52998224725","v":"1.2.3-45"}'
  assert.deepEqual(hide(text), { hidden: text, found: [] })
})

test('each value is found once, and no more than 20 of one text, though all are hidden', () => {
  const many = Array.from({ length: 30 }, (_, at) => `user${at}@exemplo.com`)
  const { hidden, found } = hide([...many, ...many].join(' '))
  assert.equal(found.length, 20)
  assert.equal(hidden, Array.from({ length: 60 }, () => '[masked]').join(' '))
})

test('no text makes the search slow', () => {
  const long = 70_000
  const texts = [
    `${'a'.repeat(long)}@`,
    '@'.repeat(long),
    `a@${'b.'.repeat(long / 2)}`,
    '1'.repeat(long),
    '+1'.repeat(long / 2),
    '%2B'.repeat(long / 3),
  ]
  for (const text of texts) {
    const began = performance.now()
    hide(text)
    assert.ok(performance.now() - began < 3_000, text.slice(0, 10))
  }
})

test('a phone is looked for with its country too', () => {
  for (const text of ['+55 11 98765-4321', '55 11 98765-4321', '(11) 98765-4321', '11987654321'])
    assert.ok(spellingsOf(text).includes('+5511987654321'), text)
  assert.deepEqual(spellingsOf(' pi_123 '), ['pi_123'])
})
