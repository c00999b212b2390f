import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addTo, bucketOf, merge, percentile } from './durations.ts'

const countsOf = (values: number[]): number[] => {
  const counts: number[] = []
  for (const ms of values) addTo(counts, bucketOf(ms))
  return counts
}

test('a percentile is right to a tenth', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 1, max: 250_000, noNaN: true }), { minLength: 1, maxLength: 200 }),
      fc.constantFrom(0.5, 0.95, 0.99),
      (values, share) => {
        const sorted = [...values].sort((a, b) => a - b)
        const exact = sorted[Math.max(1, Math.ceil(values.length * share)) - 1] as number
        const found = percentile(countsOf(values), share) as number
        assert.ok(Math.abs(found - exact) <= exact * 0.1 + 0.1, `${found} for ${exact}`)
      },
    ),
  )
})

test('counts that are merged say the same as counts that were made together', () => {
  const [one, other] = [
    [3, 900, 12],
    [0.2, 40, 40, 299_000],
  ] as const
  const merged = countsOf([...one])
  merge(merged, countsOf([...other]))
  assert.deepEqual(merged, countsOf([...one, ...other]))
})

test('nothing counted is no percentile, and the longest has a bucket', () => {
  assert.equal(percentile([], 0.5), null)
  assert.equal(percentile([0, 0], 0.5), null)
  assert.equal(bucketOf(1e12), 69)
})
