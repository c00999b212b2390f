import { mayRetry, retryDelay } from '../../kit/retry.ts'
import type { EgressResult } from '../../platform/egress/egress.ts'
import { inSeconds, leftOf } from './deadline.ts'
import type { Ended, Run } from './pipeline.ts'
import type { Outcome } from './queries.ts'

/** `result` null: nothing was sent, for the vendor gave no token. */
type Came = { outcome: Outcome; result: EgressResult | null; retry_after_ms: number | null }

/**
 * Whether a call is tried again after its attempt number `tried`: in so many milliseconds, or why not, in words; null
 * where there is nothing to say about it.
 */
export function tryAgain(run: Run, tried: number, came: Came): number | string | null {
  const { wanted, method, repeatable, guards } = run
  const { outcome, result, retry_after_ms } = came
  const { retries, backoff_ms } = guards.limits
  if (outcome === 'succeeded' || tried > (wanted.retries ?? retries)) return null
  const came_to = result?.kind === 'response' ? { ...result, retry_after_ms } : result
  if (came_to !== null && !mayRetry(method, came_to, repeatable)) return null
  if (result?.flowed?.begun) return 'not tried again, since what was streamed is gone; send it again'
  const delay_ms = retryDelay(tried, { random: Math.random, retry_after_ms, base_ms: backoff_ms })
  if (delay_ms === null) return `it asks to wait ${inSeconds(retry_after_ms)} before another try`
  if (leftOf(run) <= delay_ms) return 'there is no time left for another try'
  if (guards.retries.take()) return delay_ms
  const { percent } = guards.limits.retry_budget ?? { percent: 100 }
  return `not tried again, since retries are kept to ${percent} % of the calls of this connection in a minute`
}

/** The vendor did not look at the request, or has another of the same key under way. */
const SAYS_NOTHING = new Set([401, 403, 409, 425, 429])

/** Whether what one attempt came to says nothing of another under the same key. */
export const saysNothing = (outcome: Outcome, status: number | null): boolean =>
  outcome === 'failed' || (outcome === 'refused' && SAYS_NOTHING.has(status ?? 0))

/** An attempt that did nothing says nothing of one before it that may have been acted on. */
export function stillUnknown(ended: Ended): Ended {
  if (!saysNothing(ended.outcome, ended.status)) return ended
  const error = `${ended.error}; the vendor may have acted on an attempt before`
  return { ...ended, outcome: 'unknown', error }
}
