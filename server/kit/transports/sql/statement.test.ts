import assert from 'node:assert/strict'
import { test } from 'node:test'
import { statementFaults } from './sql.ts'
import { bind, readValues } from './statement.ts'

test('a name is a place for a value everywhere but in quotes, comments and casts', () => {
  const text = `select ':no', "a:no", x::text, $$ :no $$, $q$ :no $q$ -- :no
    /* :no */ from t where a = :a and b > :b_2 and c = :a and d = 'it''s :no'`
  assert.deepEqual(bind(text, 'numbered').names, ['a', 'b_2'])
  assert.match(bind(text, 'numbered').text, /a = \$1 and b > \$2 and c = \$1 and d = 'it''s :no'/)
  const question = bind(text, 'question')
  assert.deepEqual(question.names, ['a', 'b_2', 'a'])
  assert.match(question.text, /a = \? and b > \? and c = \?/)
})

test('values are of their type, whole, known and there', () => {
  const types = { n: 'decimal', t: 'text', b: 'boolean', d: 'date', j: 'json' } as const
  const names = Object.keys(types)
  const good = {
    n: '12345678901234567890.12',
    t: "'; drop table x; --",
    b: true,
    d: '2026-07-31',
    j: { a: [1] },
  }
  assert.deepEqual(readValues(names, types, good), {
    ok: true,
    values: ['12345678901234567890.12', "'; drop table x; --", true, '2026-07-31', '{"a":[1]}'],
  })
  assert.deepEqual(readValues(['t'], types, { t: null }), { ok: true, values: [null] })
  const bad: [unknown, RegExp][] = [
    [{ ...good, n: '12,5' }, /params\.n must be a number/],
    [{ ...good, t: 5 }, /params\.t must be text/],
    [{ ...good, b: 'true' }, /params\.b must be true or false/],
    [{ ...good, d: '31/07/2026' }, /params\.d must be a date/],
    [{ ...good, x: 1 }, /params\.x is not a parameter/],
    [{ ...good, t: 'a\0b' }, /params\.t must be text/],
    [{ n: '1' }, /params\.t must be text/],
    [[], /must be an object/],
  ]
  for (const [given, reason] of bad) {
    const read = readValues(names, types, given)
    assert(!read.ok, JSON.stringify(given))
    assert.match(read.reason, reason)
  }
})

test('a statement says of each of its values what it is, and of no other', () => {
  const statements = {
    one: { text: 'select :a, :b', kind: 'read' as const, params: { a: 'text' as const, c: 'text' as const } },
  }
  assert.deepEqual(statementFaults({ base_url: 'postgresql://db.example.com/erp', statements }), [
    { field: 'settings.statements.one.params', reason: 'must say what :b of the text is' },
    { field: 'settings.statements.one.params.c', reason: 'is not in the text; leave it out' },
  ])
})
