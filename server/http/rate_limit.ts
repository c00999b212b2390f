import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../modules/app.ts'
import { Problem } from '../platform/errors.ts'

/** Above this many keys the buckets that are full again, and so say nothing, are let go. */
const MANY = 10_000

type Bucket = { tokens: number; at_ms: number }

/**
 * A token bucket per key and process: a second's worth may come at once, then they drip. The scope `internal`
 * is exempt: those paths have deadlines instead. The headers are those of the
 * IETF draft "RateLimit header fields for HTTP": what is left, and in how many seconds it is whole again.
 */
export function createRateLimit(app: App): (request: FastifyRequest, reply: FastifyReply) => Problem | null {
  const per_second = app.config.rate_limit_per_second
  const buckets = new Map<string, Bucket>()
  return ({ actor }, reply) => {
    if (actor.scopes.includes('internal')) return null
    const now_ms = app.clock.monotonic()
    const bucket = refilled(buckets.get(actor.id), per_second, now_ms)
    const granted = bucket.tokens >= 1
    if (granted) bucket.tokens -= 1
    if (buckets.size >= MANY && !buckets.has(actor.id)) letGo(buckets, per_second, now_ms)
    buckets.set(actor.id, bucket)
    const whole_in_s = Math.ceil((per_second - bucket.tokens) / per_second)
    reply.header('ratelimit-policy', `"key";q=${per_second};w=1`)
    reply.header('ratelimit', `"key";r=${Math.floor(bucket.tokens)};t=${whole_in_s}`)
    return granted ? null : tooMany(per_second)
  }
}

function refilled(bucket: Bucket | undefined, per_second: number, now_ms: number): Bucket {
  if (!bucket) return { tokens: per_second, at_ms: now_ms }
  const dripped = ((now_ms - bucket.at_ms) / 1000) * per_second
  return { tokens: Math.min(per_second, bucket.tokens + dripped), at_ms: now_ms }
}

function letGo(buckets: Map<string, Bucket>, per_second: number, now_ms: number): void {
  for (const [id, bucket] of buckets) {
    if (refilled(bucket, per_second, now_ms).tokens >= per_second) buckets.delete(id)
  }
}

const tooMany = (per_second: number): Problem =>
  new Problem('rate_limited', {
    detail: `This key may make ${per_second} requests a second (TRILHO_RATE_LIMIT_PER_SECOND). Wait, then go slower.`,
    retry_after_s: 1,
  })
