/**
 * How long things took, as counts in buckets of which each is a fifth wider than the one before: counts of any two
 * processes, hours or connections are added up, and a percentile of the sum is right to a tenth.
 */
const GROWTH = 1.2
const LOG_GROWTH = Math.log(GROWTH)
/** The last one holds all from five minutes up. */
export const BUCKETS = 70

/** Bucket 0 is what took less than a millisecond. */
export const bucketOf = (ms: number): number =>
  ms < 1 ? 0 : Math.min(BUCKETS - 1, 1 + Math.floor(Math.log(ms) / LOG_GROWTH))

/** The middle of a bucket, as growth goes. */
const middleOf = (bucket: number): number => (bucket === 0 ? 0.5 : GROWTH ** (bucket - 0.5))

export function addTo(counts: number[], bucket: number, n = 1): void {
  while (counts.length <= bucket) counts.push(0)
  counts[bucket] = (counts[bucket] ?? 0) + n
}

export function merge(into: number[], counts: readonly number[]): void {
  counts.forEach((n, bucket) => {
    if (n > 0) addTo(into, bucket, n)
  })
}

/** In milliseconds; null where nothing was counted. `share` is 0.95 for the 95th percentile. */
export function percentile(counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, n) => sum + n, 0)
  if (total === 0) return null
  const wanted = Math.max(1, Math.ceil(total * share))
  let seen = 0
  for (const [bucket, n] of counts.entries()) {
    seen += n
    if (seen >= wanted) return Math.round(middleOf(bucket) * 10) / 10
  }
  return null
}
