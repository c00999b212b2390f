import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fill } from './mongo_command.ts'
import { statementFaults } from './sql.ts'

const filled = (command: object, value: string, type: 'text' | 'json' | 'timestamp' = 'text') =>
  fill(JSON.stringify(command), { names: ['v'], types: [type], values: [value] })

test('text that begins with $ is text, in a filter and where an expression would read a field', () => {
  assert.deepEqual(filled({ find: 'a', filter: { owner: ':v' } }, '$secret'), {
    command: { find: 'a', filter: { owner: '$secret' } },
  })
  const literal = { $literal: '$secret' }
  const cases: [object, object][] = [
    [
      { aggregate: 'a', pipeline: [{ $project: { x: ':v' } }] },
      { aggregate: 'a', pipeline: [{ $project: { x: literal } }] },
    ],
    [
      { find: 'a', filter: { $expr: { $eq: ['$owner', ':v'] } } },
      { find: 'a', filter: { $expr: { $eq: ['$owner', literal] } } },
    ],
    [
      { find: 'a', projection: { x: ':v' } },
      { find: 'a', projection: { x: literal } },
    ],
    [
      { update: 'a', updates: [{ q: {}, u: [{ $set: { query: ':v' } }] }] },
      { update: 'a', updates: [{ q: {}, u: [{ $set: { query: literal } }] }] },
    ],
    [
      { aggregate: 'a', pipeline: [{ $facet: { b: [{ $match: { c: ':v' } }] } }] },
      { aggregate: 'a', pipeline: [{ $facet: { b: [{ $match: { c: '$secret' } }] } }] },
    ],
    [
      { update: 'a', updates: [{ q: {}, u: { $set: { x: ':v' } } }] },
      { update: 'a', updates: [{ q: {}, u: { $set: { x: '$secret' } } }] },
    ],
  ]
  for (const [command, expected] of cases) assert.deepEqual(filled(command, '$secret'), { command: expected })
})

test('JSON brings values and no operators, and keeps the digits of its whole numbers', () => {
  const command = { insert: 'a', documents: [':v'] }
  const read = filled(command, '{"n":9007199254740993,"d":[1.5]}', 'json')
  assert.deepEqual(read, {
    command: { insert: 'a', documents: [{ n: { $numberLong: '9007199254740993' }, d: [1.5] }] },
  })
  for (const value of ['{"$ne":null}', '{"a":[{"$gt":""}]}', '{"n":99999999999999999999}'])
    assert.ok('reason' in filled(command, value, 'json'), value)
})

test('a time without an offset is of UTC, and a day that is not in the calendar is refused', () => {
  const command = { find: 'a', filter: { at: ':v' } }
  const at = (value: string) => filled(command, value, 'timestamp')
  assert.deepEqual(at('2026-07-31 12:00:00'), {
    command: { find: 'a', filter: { at: { $date: '2026-07-31T12:00:00.000Z' } } },
  })
  assert.deepEqual(at('2026-07-31T12:00:00-03:00'), at('2026-07-31T15:00:00Z'))
  assert.ok('reason' in at('2026-02-31T12:00:00Z'))
})

test('a statement that is no command, or whose values would be names or code, cannot be declared', () => {
  const wrong: ['read' | 'write', string, RegExp][] = [
    ['read', 'select 1', /as a JSON object/],
    ['read', '{"insert":"a","documents":[]}', /must begin with one of find/],
    ['read', '{"aggregate":"a","pipeline":[{"$merge":"b"}]}', /must be a write, since it holds \$merge/],
    ['read', '{"find":":v"}', /must name its collection/],
    ['read', '{"find":"a","$db":"admin"}', /must not hold \$db/],
    ['read', '{"find":"a","maxTimeMS":1}', /must not hold maxTimeMS/],
    ['read', '{"distinct":"a","key":":v"}', /:v as key, which is a name/],
    ['read', '{"aggregate":"a","pipeline":[{"$lookup":{"from":":v"}}]}', /:v as from, which is a name/],
    ['read', '{"find":"a","filter":{"$where":":v"}}', /below \$where, where text is code/],
    ['write', '{"dropDatabase":1}', /must begin with one of insert/],
  ]
  for (const [kind, text, reason] of wrong) {
    const statements = { one: { kind, text, params: { v: 'text' } } }
    const faults = statementFaults({ base_url: 'mongodb://db.example.com/erp', statements })
    assert.match(faults[0]?.reason ?? '', reason, text)
  }
  const right = { kind: 'read', text: '{"find":"a","filter":{"from":":v"}}', params: { v: 'text' } }
  assert.deepEqual(statementFaults({ base_url: 'mongodb://db.example.com/erp', statements: { right } }), [])
})
