/** When a call may be tried again, and how long to wait. Pure: the clock and the dice are handed in. */
export const BASE_DELAY_MS = 1000
export const LONGEST_DELAY_MS = 30_000

/** What one attempt came to: a status, or an error and whether bytes may have reached the other side. */
export type AttemptOutcome =
  | { kind: 'response'; status: number; retry_after_ms: number | null }
  | { kind: 'error'; code: string; sent: boolean }

const SAFE_METHOD = /^(?:GET|HEAD|OPTIONS)$/i
const PASSING_STATUSES = new Set([408, 425, 429, 500, 502, 503, 504, 529])
const LASTING_ERRORS = new Set(['refused_address', 'invalid_url', 'invalid_request', 'aborted'])

export const isSafe = (method: string): boolean => SAFE_METHOD.test(method)

/**
 * Never twice what might happen twice: an unsafe request without an idempotency key is repeated only when nothing was
 * sent, or when the other side says it did nothing and names a time (429; 503 with Retry-After).
 */
export function mayRetry(method: string, outcome: AttemptOutcome, has_idempotency_key: boolean): boolean {
  const repeatable = isSafe(method) || has_idempotency_key
  if (outcome.kind === 'error') return !LASTING_ERRORS.has(outcome.code) && (repeatable || !outcome.sent)
  if (outcome.status === 429 || (outcome.status === 503 && outcome.retry_after_ms !== null)) return true
  return repeatable && PASSING_STATUSES.has(outcome.status)
}

/**
 * Milliseconds to wait after attempt number `attempt` (1, 2 …): full jitter under `base_ms` (1 s), 2 s, 4 s … 30 s, never sooner
 * than Retry-After. Null where the vendor asks for more than `longest_ms`: then say so rather than wait.
 */
export function retryDelay(
  attempt: number,
  options: { random: () => number; retry_after_ms?: number | null; longest_ms?: number; base_ms?: number },
): number | null {
  const { random, retry_after_ms = null, longest_ms = LONGEST_DELAY_MS, base_ms = BASE_DELAY_MS } = options
  if (retry_after_ms !== null && retry_after_ms > longest_ms) return null
  const ceiling = Math.min(longest_ms, base_ms * 2 ** Math.min(attempt - 1, 20))
  return Math.max(retry_after_ms ?? 0, Math.floor(random() * ceiling))
}

const IMF_DATE = /^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/

/** Milliseconds from now, by RFC 9110 §10.2.3: seconds or an HTTP date. Null where it is neither. */
export function parseRetryAfter(value: string | undefined, now: Date): number | null {
  const text = value?.trim() ?? ''
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000
  if (!IMF_DATE.test(text)) return null
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : Math.max(0, at - now.getTime())
}
