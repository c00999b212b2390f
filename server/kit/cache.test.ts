import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ageOf_s,
  answers,
  type CacheRules,
  freshFor_s,
  freshness,
  fromJson,
  type Kept,
  keep,
  keptFor_s,
  refresh,
  standsIn,
  toJson,
  validatorsOf,
} from './cache.ts'

const DAY_S = 86_400

function kept(rules: CacheRules, headers: Record<string, string> = {}, sent = {}): Kept {
  const found = keep(rules, sent, { status: 200, headers })
  if (typeof found === 'string') assert.fail(found)
  return found
}

/** The same, `s` seconds later. */
function later(of: Kept, s: number): Kept {
  const json = toJson(of)
  return fromJson(JSON.parse(JSON.stringify({ ...json, http: { ...json.http, t: json.http.t - s * 1000 } })))
}

test('a policy of time goes by its own clock, whatever the vendor says but no-store', () => {
  const rules = { strategy: 'time_based', ttl_s: 60 } as const
  for (const control of ['max-age=0', 'no-cache', 'private, must-revalidate', 'max-age=3600', '']) {
    const one = kept(rules, { 'cache-control': control, age: '500', expires: '0', pragma: 'no-cache' })
    assert.deepEqual([freshness(one, {}), freshFor_s(one)], ['fresh', 60], control)
    assert.equal(freshness(later(one, 59), {}), 'fresh')
    assert.equal(freshness(later(one, 61), {}), 'stale')
  }
  assert.equal(
    keep(rules, {}, { status: 200, headers: { 'cache-control': 'max-age=60, NO-STORE' } }),
    'no-store',
  )
  assert.equal(freshFor_s(kept({ strategy: 'time_based' })), 300)
  assert.equal(keep({ strategy: 'time_based', ttl_s: 0 }, {}, { status: 200, headers: {} }), 'no-lifetime')
})

test("a conditional policy goes by the vendor's words, and by ttl_s where there are none", () => {
  const rules = { strategy: 'conditional', ttl_s: 20 } as const
  const date = new Date().toUTCString()
  const expires = new Date(Date.now() + 50_000).toUTCString()
  const cases: [Record<string, string>, number][] = [
    [{}, 20],
    [{ 'cache-control': 'Max-Age=70' }, 70],
    [{ 'cache-control': 'max-age="70", must-revalidate' }, 70],
    [{ 'cache-control': 'max-age=70', expires, date }, 70],
    [{ 'cache-control': 'max-age=70', age: '30' }, 40],
    [{ expires, date }, 50],
    [{ 'cache-control': 's-maxage=9' }, 20],
    [{ pragma: 'no-cache' }, 0],
    [{ 'cache-control': 'no-cache' }, 0],
    [{ expires: '0' }, 0],
    [{ 'last-modified': new Date(Date.now() - DAY_S * 1000).toUTCString() }, 20],
  ]
  for (const [headers, fresh_s] of cases) {
    const found = kept(rules, { etag: '"a"', ...headers })
    assert.equal(freshFor_s(found), fresh_s, JSON.stringify(headers))
  }
})

test('an answer without ETag is worth nothing to a policy by ETag', () => {
  assert.equal(keep({ strategy: 'etag' }, {}, { status: 200, headers: { 'last-modified': 'x' } }), 'no-etag')
  const one = kept({ strategy: 'etag' }, { etag: 'W/"a"', 'last-modified': 'Sun, 01 Nov 2026 00:00:00 GMT' })
  assert.equal(freshness(one, {}), 'stale')
  assert.deepEqual(validatorsOf(one, {}), { 'if-none-match': 'W/"a"' })
})

test('what can be asked again is kept for a day, the rest for as long as it is of use, nothing for ever', () => {
  assert.equal(keptFor_s(kept({ strategy: 'etag' }, { etag: '"a"' })), DAY_S)
  const rules = {
    strategy: 'time_based',
    ttl_s: 10,
    stale_while_revalidate_s: 20,
    stale_if_error_s: 30,
  } as const
  assert.equal(keptFor_s(kept(rules)), 40)
  assert.equal(
    keptFor_s(kept({ strategy: 'conditional' }, { 'cache-control': 'max-age=999999999' })),
    30 * DAY_S,
  )
})

test('past its time it may be given out while the vendor is asked, then where the vendor fails, then not at all', () => {
  const rules = {
    strategy: 'time_based',
    ttl_s: 10,
    stale_while_revalidate_s: 20,
    stale_if_error_s: 50,
  } as const
  const one = kept(rules)
  assert.equal(freshness(later(one, 29), {}), 'while_asking')
  assert.equal(freshness(later(one, 31), {}), 'stale')
  assert.deepEqual([standsIn(later(one, 59)), standsIn(later(one, 61))], [true, false])
})

test('a vendor that says must-revalidate is never answered for past its time', () => {
  const rules = { strategy: 'conditional', stale_while_revalidate_s: 60, stale_if_error_s: 60 } as const
  const one = kept(rules, { 'cache-control': 'max-age=10, must-revalidate', etag: '"a"' })
  assert.equal(freshness(later(one, 9), {}), 'fresh')
  assert.equal(freshness(later(one, 11), {}), 'stale')
  assert.equal(standsIn(later(one, 11)), false)
  assert.equal(freshness(later(one, 11), { 'cache-control': 'max-stale=30' }), 'stale')
})

test('nor is one that says no-cache, whatever else it or the policy says', () => {
  const own = { strategy: 'conditional', stale_while_revalidate_s: 60, stale_if_error_s: 60 } as const
  const said = 'no-cache, max-age=60, stale-while-revalidate=60, stale-if-error=60'
  for (const [rules, control] of [
    [own, 'no-cache'],
    [{ strategy: 'conditional' }, said],
  ] as const) {
    const one = kept(rules, { 'cache-control': control, etag: '"a"' })
    assert.equal(freshness(one, {}), 'stale', control)
    assert.equal(freshness(later(one, 1), { 'cache-control': 'max-stale' }), 'stale', control)
    assert.equal(standsIn(later(one, 1)), false, control)
    assert.deepEqual(validatorsOf(one, {}), { 'if-none-match': '"a"' })
  }
})

test('a caller may ask for what is newer, or take what is older', () => {
  const one = later(kept({ strategy: 'time_based', ttl_s: 100 }), 50)
  const with_control = (control: string) => freshness(one, { 'cache-control': control })
  assert.deepEqual(['no-cache', 'max-age=40', 'min-fresh=60'].map(with_control), ['stale', 'stale', 'stale'])
  assert.deepEqual(['max-age=60', 'min-fresh=40'].map(with_control), ['fresh', 'fresh'])
  assert.equal(freshness(later(one, 60), { 'cache-control': 'max-stale=30' }), 'fresh')
  assert.equal(freshness(one, { pragma: 'no-cache' }), 'stale')
  assert.deepEqual(['No-Cache', 'Max-Age=40'].map(with_control), ['stale', 'stale'])
  assert.equal(freshness(one, { pragma: 'No-Cache' }), 'stale')
})

test('Vary tells answers apart by the headers it names', () => {
  const one = kept(
    { strategy: 'time_based' },
    { vary: 'Accept-Language, X-Mode' },
    { 'accept-language': 'pt' },
  )
  assert.ok(answers(one, { 'accept-language': 'pt', other: 'x' }))
  assert.ok(!answers(one, { 'accept-language': 'en' }))
  assert.ok(!answers(one, { 'accept-language': 'pt', 'x-mode': 'a' }))
})

test('304 renews the headers and leaves those of the body', () => {
  const old = { status: 200, headers: { etag: '"a"', 'content-length': '20', 'x-left': '9' } }
  const said = { status: 304, headers: { etag: '"a"', 'content-length': '0', 'x-left': '8' } }
  assert.deepEqual(refresh(old, said), { status: 200, headers: { ...old.headers, 'x-left': '8' } })
})

test('304 without an age makes the answer new, however old it came to be under way before', () => {
  const old = { status: 200, headers: { 'cache-control': 'max-age=60', age: '50' } }
  const now = refresh(old, { status: 304, headers: {} })
  assert.equal(freshFor_s(kept({ strategy: 'conditional' }, now.headers)), 60)
  const later = refresh(old, { status: 304, headers: { age: '20' } })
  assert.equal(freshFor_s(kept({ strategy: 'conditional' }, later.headers)), 40)
})

test('age counts from when the answer was made', () => {
  const one = kept({ strategy: 'conditional' }, { 'cache-control': 'max-age=100', age: '7' })
  assert.deepEqual([ageOf_s(one), ageOf_s(later(one, 3))], [7, 10])
})
