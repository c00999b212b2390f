import assert from 'node:assert/strict'
import { test } from 'node:test'
import { misfitsOf, refuseUnjudged, Unjudged } from './json_schema.ts'

const messages = (schema: object, value: unknown) => misfitsOf(schema, value).map(({ message }) => message)

/** How long it may hold up everybody else, on a machine that does other things too. */
const A_MOMENT_MS = 2_000

/** Each level asks the level below twice. */
const doubling = (levels: number) => {
  const each = Array.from({ length: levels }, (_, at) => [
    `d${at + 1}`,
    { allOf: [{ $ref: `#/$defs/d${at}` }, { $ref: `#/$defs/d${at}` }] },
  ])
  return { $ref: `#/$defs/d${levels}`, $defs: { d0: { type: 'string' }, ...Object.fromEntries(each) } }
}
const twice = { type: 'object', properties: { in: { $ref: '#' } } }
const nested = (depth: number): object => (depth === 0 ? {} : { in: nested(depth - 1) })
const many = <T>(length: number, item: (at: number) => T): T[] => Array.from({ length }, (_, at) => item(at))

const RUNAWAYS: Record<string, [object, unknown]> = {
  'a pattern that goes back': [{ pattern: '^(a+)+$' }, `${'a'.repeat(40)}!`],
  'a pattern for names': [{ patternProperties: { '^(a+)+$': {} } }, { [`${'a'.repeat(40)}!`]: 1 }],
  'names beside a pattern': [
    { patternProperties: { '^(a+)+$': {} }, additionalProperties: false },
    { [`${'a'.repeat(40)}!`]: 1 },
  ],
  'references that double': [doubling(40), 'x'],
  'references that double with the depth of the data': [
    { ...twice, allOf: [{ properties: { in: { $ref: '#' } } }] },
    nested(60),
  ],
  'a reference to itself': [{ $ref: '#' }, 1],
  'many conditions over many elements': [
    { items: { allOf: many(500, () => ({ minLength: 1 })) } },
    many(50_000, String),
  ],
  'many long texts': [{ allOf: many(1_000, () => ({ maxLength: 9_999_999 })) }, 'a'.repeat(1_000_000)],
  'many names of many members': [
    { allOf: many(1_000, () => ({ propertyNames: true })) },
    Object.fromEntries(many(50_000, (at) => [at, 1])),
  ],
  'elements that are all different': [{ uniqueItems: true }, many(200_000, (at) => (at % 2 ? at : { at }))],
  'a list that is compared with each': [
    { items: { enum: many(5_000, (at) => `value ${at}`) } },
    many(50_000, String),
  ],
}

for (const [what, [schema, value]] of Object.entries(RUNAWAYS)) {
  test(`${what} cannot hold up others`, () => {
    const before = performance.now()
    try {
      misfitsOf(schema, value)
    } catch (error) {
      if (!(error instanceof Unjudged)) throw error
    }
    assert.ok(performance.now() - before < A_MOMENT_MS, `${performance.now() - before} ms`)
  })
}

test('what no RE2 knows is refused where it is set, with the reason and what would do', () => {
  for (const pattern of ['^(?=a)', '(a)\\1', '(', 'a{1001}']) {
    assert.throws(() => refuseUnjudged({ properties: { a: { pattern } } }), /RE2|too much/, pattern)
    assert.throws(() => refuseUnjudged({ patternProperties: { [pattern]: {} } }), /RE2|too much/, pattern)
  }
  assert.throws(() => refuseUnjudged({ description: 'x'.repeat(200_000) }), /must not be longer/)
  assert.throws(() => refuseUnjudged({ type: 'txt' }), /is not valid JSON Schema/)
  assert.throws(() => refuseUnjudged({ $ref: '#/$defs/none' }), /is not valid JSON Schema/)
})

test('a large value that fits a usual schema is judged', () => {
  const item = {
    type: 'object',
    required: ['sku', 'count', 'price', 'at'],
    additionalProperties: false,
    properties: {
      sku: { type: 'string', pattern: '^[A-Z]{2}-\\d+$', maxLength: 20 },
      count: { type: 'integer', minimum: 1 },
      price: { type: 'string', pattern: '^[0-9]+$' },
      at: { type: 'string', format: 'date-time' },
    },
  }
  const schema = {
    properties: { items: { type: 'array', items: { $ref: '#/$defs/item' } } },
    $defs: { item },
  }
  const at = '2026-11-22T01:44:13Z'
  const items = many(14_000, (n) => ({ sku: `AB-${n}`, count: 1 + n, price: '1050', at }))
  assert.ok(JSON.stringify(items).length > 900_000)
  assert.deepEqual(messages(schema, { items }), [])
})

test('schemas of earlier drafts and of OpenAPI 3.0 are read as they were meant', () => {
  const draft7 = { $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }] }
  assert.deepEqual(messages(draft7, ['a', 1]), [])
  assert.deepEqual(messages(draft7, [1]), ['must be string'])
  const openapi = { nullable: true, allOf: [{ minimum: 1, exclusiveMinimum: true }], id: 'a' }
  assert.deepEqual(messages(openapi, 2), [])
  assert.deepEqual(messages({ $async: true, type: 'string' }, 1), ['must be string'])
  assert.deepEqual(messages({ format: 'email' }, 'nobody').length, 1)
  assert.deepEqual(messages({ format: 'of our own' }, 'x'), [])
  assert.deepEqual(messages({ pattern: '^\\u00e9+$' }, 'éé'), [])
  assert.deepEqual(
    messages({ uniqueItems: true }, [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ]).length,
    1,
  )
  assert.deepEqual(messages({ uniqueItems: true }, [1, '1', null, {}]), [])
})
