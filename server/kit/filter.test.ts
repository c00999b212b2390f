import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Problem } from '../platform/errors.ts'
import { compareDecimals, readDecimal } from './decimal.ts'
import { budgetTogether, compileFilter, lazily, takes } from './filter.ts'
import { readJson } from './wire_json.ts'

const takesText = (filter: unknown, text: string) => compileFilter(filter)(readJson(text))
const fits = (filter: unknown, data: unknown) => takesText(filter, JSON.stringify(data))

const order = {
  status: 'paid',
  total: { amount: '15050', currency: 'BRL' },
  tags: ['vip', 'south'],
  items: [
    { sku: 'A-1', count: 1 },
    { sku: 'B-2', count: 5 },
  ],
  note: null,
  gift: false,
  paid_at: '2026-11-22T01:44:13Z',
}

/** Filter, and whether it takes the order above. */
const CASES: [unknown, boolean][] = [
  [{}, true],
  [{ status: 'paid' }, true],
  [{ status: { $eq: 'open' } }, false],
  [{ status: { $neq: 'open' } }, true],
  [{ nowhere: { $neq: 'x' } }, true],
  [{ nowhere: 'x' }, false],
  [{ note: null, gift: false }, true],
  [{ nowhere: null }, false],
  [{ 'total.amount': { $gte: 15050 } }, true],
  [{ 'total.amount': { $gt: 15050 } }, false],
  [{ total: { amount: { $lt: 15051, $gt: 9000 }, currency: 'BRL' } }, true],
  [{ 'total.amount': { $lte: 9999 } }, false],
  [{ paid_at: { $gte: '2026-11-22', $lt: '2026-11-23' } }, true],
  [{ status: { $in: ['open', 'paid'] } }, true],
  [{ status: { $nin: ['open', 'paid'] } }, false],
  [{ nowhere: { $nin: ['x'] } }, true],
  [{ note: { $exist: true }, nowhere: { $exist: false }, 'total.vat': { $exist: false } }, true],
  [{ 'nowhere.deeper': { $exist: true } }, false],
  [{ nowhere: { deeper: { $exist: false } } }, true],
  [{ status: { $startsWith: 'pa', $endsWith: 'id' } }, true],
  [{ status: { $startsWith: 'id' } }, false],
  [{ status: { $regex: '^P' } }, false],
  [{ status: { $regex: '(?i)^P[a-z]+$' } }, true],
  [{ tags: 'vip' }, true],
  [{ tags: { $neq: 'vip' } }, false],
  [{ tags: { $nin: ['north'] } }, true],
  [{ 'tags.1': 'south' }, true],
  [{ 'items.sku': 'B-2' }, true],
  [{ items: { sku: 'A-1', count: { $gt: 1 } } }, false],
  [{ items: { sku: 'B-2', count: { $gt: 1 } } }, true],
  [{ 'items.sku': 'A-1', 'items.count': { $gt: 1 } }, true],
  [{ $or: [{ status: 'open' }, { gift: false }] }, true],
  [{ $and: [{ status: 'paid' }, { gift: true }] }, false],
  [{ $not: { status: 'paid' } }, false],
  [{ status: { $not: { $startsWith: 'x' } } }, true],
  [{ 'total.amount': { $or: [{ $lt: 10 }, { $gt: 10000 }] } }, true],
  [{ constructor: { $exist: true } }, false],
]

test('each operator takes and leaves what it says', () => {
  for (const [filter, expected] of CASES) assert.equal(fits(filter, order), expected, JSON.stringify(filter))
})

/** Filter, and the place its refusal names. */
const REFUSED: [unknown, string][] = [
  [null, 'filter'],
  [[], 'filter'],
  [{ a: { $near: 1 } }, 'filter.a.$near'],
  [{ a: { $constructor: 1 } }, 'filter.a.$constructor'],
  [{ a: ['x'] }, 'filter.a'],
  [{ a: {} }, 'filter.a'],
  [{ 'a..b': 1 }, 'filter.a..b'],
  [{ a: { $in: 'x' } }, 'filter.a.$in'],
  [{ a: { $in: [] } }, 'filter.a.$in'],
  [{ a: { $in: [{}] } }, 'filter.a.$in.0'],
  [{ a: { $gt: true } }, 'filter.a.$gt'],
  [{ a: { $exist: 'yes' } }, 'filter.a.$exist'],
  [{ a: { $startsWith: 1 } }, 'filter.a.$startsWith'],
  [{ a: { $regex: '(?=x)' } }, 'filter.a.$regex'],
  [{ a: { $regex: '(' } }, 'filter.a.$regex'],
  [{ a: { $regex: '(.{1,30}){1,30}z' } }, 'filter.a.$regex'],
  [{ a: { $regex: 'x'.repeat(257) } }, 'filter.a.$regex'],
  [{ a: 2 ** 60 }, 'filter.a'],
  [{ $or: [{ a: { $no: 1 } }] }, 'filter.$or.0.a.$no'],
  [{ a: 'x'.repeat(17_000) }, 'filter'],
  [{ $and: Array.from({ length: 100 }, () => ({ a: 1, b: 2 })) }, 'filter'],
]

test('a filter that cannot be right is refused by the path that is wrong', () => {
  for (const [filter, path] of REFUSED) {
    assert.throws(
      () => compileFilter(filter),
      (error) => error instanceof Problem && error.occurrence.field === path,
      JSON.stringify(filter)?.slice(0, 60),
    )
  }
})

test('a filter nested too deep is refused', () => {
  const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) })
  assert.doesNotThrow(() => compileFilter(deep(10)))
  assert.throws(() => compileFilter(deep(11)), /deeper/)
})

test('numbers are compared by value to the last digit, whether numbers or texts spell them', () => {
  assert.ok(takesText({ a: { $gt: 0.3 } }, '{"a":0.3000000000000000000001}'))
  assert.ok(!takesText({ a: { $gt: 0.3 } }, '{"a":0.30000000000000000000}'))
  assert.ok(takesText({ a: 12.5 }, '{"a":12.500}') && takesText({ a: 1000 }, '{"a":1e3}'))
  assert.ok(takesText({ a: { $gt: '9007199254740992' } }, '{"a":9007199254740993}'))
  assert.ok(takesText({ a: 0 }, '{"a":-0.0}'))
  assert.ok(!takesText({ a: 7 }, '{"a":"007"}'))
  assert.ok(!takesText({ version: '1.1' }, '{"version":"1.10"}'))
})

const scaled = fc.tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: 0, max: 25 }))
const spell = ([value, scale]: [bigint, number]): string => {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0')
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  return value < 0n ? `-${text}` : text
}

test('decimals stand in the order of their values, whatever their lengths', () => {
  fc.assert(
    fc.property(scaled, scaled, (a, b) => {
      const [left, right] = [readDecimal(spell(a)), readDecimal(spell(b))]
      assert.ok(left && right)
      const exact = a[0] * 10n ** BigInt(b[1]) - b[0] * 10n ** BigInt(a[1])
      assert.equal(Math.sign(compareDecimals(left, right)), exact < 0n ? -1 : exact > 0n ? 1 : 0)
    }),
    { numRuns: 300 },
  )
})

const leaf = fc.oneof(
  fc.constantFrom('x', 'y', ''),
  fc.integer({ min: -3, max: 3 }),
  fc.boolean(),
  fc.constant(null),
)
const data = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('any'), { maxKeys: 3 }),
  ),
})).any
const condition = fc.oneof(
  leaf,
  fc.record({ $in: fc.array(leaf, { minLength: 1, maxLength: 3 }) }),
  fc.record({ $gt: fc.integer({ min: -3, max: 3 }) }),
  fc.record({ $exist: fc.boolean() }),
)
const filter = fc.dictionary(fc.constantFrom('a', 'b', 'a.b', 'a.0', 'c.a.b'), condition, {
  minKeys: 1,
  maxKeys: 3,
})

test('whatever the data, $not turns the answer round and $and, $or are what they are called', () => {
  fc.assert(
    fc.property(filter, filter, data, (f, g, value) => {
      const [one, other] = [fits(f, value), fits(g, value)]
      assert.equal(fits({ $not: f }, value), !one)
      assert.equal(fits({ $and: [f, g] }, value), one && other)
      assert.equal(fits({ $or: [f, g] }, value), one || other)
    }),
    { numRuns: 500 },
  )
})

test('whatever the data, $neq and $nin are the opposite of $eq and $in', () => {
  fc.assert(
    fc.property(leaf, data, (wanted, value) => {
      assert.equal(
        fits({ 'r.a.b': { $neq: wanted } }, { r: value }),
        !fits({ 'r.a.b': { $eq: wanted } }, { r: value }),
      )
      assert.equal(
        fits({ r: { $nin: [wanted, 'x'] } }, { r: value }),
        !fits({ r: { $in: [wanted, 'x'] } }, { r: value }),
      )
    }),
    { numRuns: 300 },
  )
})

test('a pattern that hangs other engines is judged at once', () => {
  const began = performance.now()
  assert.equal(fits({ a: { $regex: '^(a+)+$' } }, { a: `${'a'.repeat(50_000)}b` }), false)
  assert.ok(performance.now() - began < 2_000)
})

test('data too much to be judged goes to the receiver, and soon', () => {
  const matches = compileFilter({ a: { $regex: '(a|b|c|d){1,50}x$' } })
  const many = JSON.stringify({ a: Array.from({ length: 2_000 }, () => 'abcd'.repeat(500)) })
  const began = performance.now()
  assert.equal(takes(matches, lazily(many)), true)
  assert.ok(performance.now() - began < 15_000)
  assert.equal(takes(matches, lazily('{"a":')), true)
  assert.equal(takes(compileFilter({ a: 1 }), lazily('{"a":2}')), false)
})

test('a thousand filters that each take long hold an event up no longer than a few; those not judged let it go', () => {
  const matches = compileFilter({ a: { $regex: '(a|b|c|d){1,50}[xy]$' } })
  const read = lazily(JSON.stringify({ a: 'abcd'.repeat(2_000) }))
  const together = budgetTogether()
  const began = performance.now()
  const taken = Array.from({ length: 1_000 }, () => takes(matches, read, together))
  assert.ok(performance.now() - began < 2_000, `${performance.now() - began} ms`)
  assert.deepEqual([taken[0], taken.at(-1)], [false, true])
})

test('a thousand usual filters of one event are all judged', () => {
  const matches = compileFilter({ 'items.sku': { $in: ['X', 'Y'] }, 'total.amount': { $gte: 10_000 } })
  const items = Array.from({ length: 500 }, (_, at) => ({ sku: `A-${at}`, count: 1 }))
  const read = lazily(JSON.stringify({ ...order, items }))
  const together = budgetTogether()
  for (let n = 0; n < 1_000; n++) assert.equal(takes(matches, read, together), false)
})
