import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oracleOf } from './oracle_client.ts'
import { bindsOf, readerOf } from './oracle_values.ts'
import { bind } from './statement.ts'

test('each place of a text of Oracle is a value of its own, but in quotes, comments and assignments', () => {
  const text = "begin x := :a; y := q'[:no]' || ':no' || \":no\"; -- :no\n z := :a + :b; end;"
  assert.deepEqual(bind(text, 'colon'), {
    text: "begin x := :p1; y := q'[:no]' || ':no' || \":no\"; -- :no\n z := :p2 + :p3; end;",
    names: ['a', 'a', 'b'],
  })
})

test('a time without an offset keeps its hands there and back, whatever the clock of this machine', async () => {
  const oracle = await oracleOf()
  const bound = bindsOf(oracle, { names: ['at'], types: ['timestamp'], values: ['2026-07-31 12:34:56.789'] })
  assert('values' in bound)
  const [{ val }] = bound.values as [{ val: Date }]
  assert.equal(val.getHours(), 12)
  const { converter } = readerOf(oracle)({ dbType: oracle.DB_TYPE_TIMESTAMP })
  assert.equal(converter?.(val), '2026-07-31T12:34:56.789')
  assert('reason' in bindsOf(oracle, { names: ['at'], types: ['date'], values: ['2026-02-30'] }))
})

test('the client opens no socket of its own', async () => {
  const oracle = await oracleOf()
  const connectString =
    '(DESCRIPTION=(ADDRESS=(PROTOCOL=tcp)(HOST=127.0.0.1)(PORT=1))(CONNECT_DATA=(SERVICE_NAME=x)))'
  await assert.rejects(
    oracle.getConnection({ user: 'a', password: 'b', connectString }),
    /opened by its engine alone/,
  )
})
