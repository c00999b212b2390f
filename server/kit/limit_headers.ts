import { parseRetryAfter } from './retry.ts'

/**
 * What a vendor says of its own limits in an answer: `Retry-After` (RFC 9110, 10.2.3), `RateLimit` with
 * `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers), and the three headers of older drafts and of most APIs,
 * `RateLimit-*`, `X-RateLimit-*` (GitHub) and `X-Rate-Limit-*` (X), whose reset is told in seconds from now or of the
 * epoch. Pure: the clock is handed in.
 */
export type Word = {
  /** Nothing may be asked for so long; 0 where it says no such thing. */
  pause_ms: number
  /** Calls it still takes within `resets_ms`; null where it does not say, or not until when. */
  remaining: number | null
  resets_ms: number | null
  /** For the call that was answered: when it may be tried again. */
  retry_after_ms: number | null
}

type Headers = Readonly<Record<string, string>>
type Quota = { remaining: number; resets_ms: number | null }

/** A vendor that says 429 and no time is given a second. */
const NO_TIME_MS = 1000
/** With a 403 GitHub tells of its secondary limits; with a 503 a vendor that is down tells when it will be back. */
const MAY_PAUSE = new Set([403, 429, 503])

/** Null where the answer says nothing of limits. Names of headers in lower case. */
export function readWord({ status, headers }: { status: number; headers: Headers }, now: Date): Word | null {
  const quotas = quotasOf(headers, now)
  const is_asked = MAY_PAUSE.has(status)
  if (quotas.length === 0 && !is_asked) return null
  const after_ms = is_asked ? parseRetryAfter(headers['retry-after'], now) : null
  const spent = quotas.filter(({ remaining }) => remaining === 0)
  const spent_ms = spent.length > 0 ? Math.max(...spent.map(({ resets_ms }) => resets_ms ?? 0)) : 0
  const pause_ms = after_ms ?? (spent_ms > 0 ? spent_ms : status === 429 ? NO_TIME_MS : 0)
  const lowest = quotas
    .filter(({ remaining, resets_ms }) => remaining > 0 && resets_ms !== null)
    .sort((a, b) => a.remaining - b.remaining)[0]
  return {
    pause_ms,
    remaining: lowest?.remaining ?? null,
    resets_ms: lowest?.resets_ms ?? null,
    retry_after_ms: after_ms ?? (status === 429 && spent_ms > 0 ? spent_ms : null),
  }
}

const OLD_NAMES = ['ratelimit', 'x-ratelimit', 'x-rate-limit'].map((name) => ({
  left: `${name}-remaining`,
  at: `${name}-reset`,
  after: `${name}-reset-after`,
}))

function quotasOf(headers: Headers, now: Date): Quota[] {
  const { ratelimit } = headers
  if (ratelimit !== undefined) return fromDraft(ratelimit, headers['ratelimit-policy'] ?? '')
  for (const { left, at, after } of OLD_NAMES) {
    const remaining = headers[left]
    if (remaining !== undefined)
      return quota(remaining, untilReset(headers[after] ?? headers[at], headers['date'], now))
  }
  return []
}

/** `"burst";r=50;t=30, daily;r=900` of drafts 8 and later; `limit=100, remaining=50, reset=30` of the seventh. */
function fromDraft(ratelimit: string, policy: string): Quota[] {
  if (!/;\s*r=/.test(ratelimit)) {
    const said = new Map(ratelimit.split(',').map((part) => part.trim().split('=', 2) as [string, string]))
    return quota(said.get('remaining') ?? '', seconds(said.get('reset')))
  }
  const policies = new Map(itemsOf(policy))
  return itemsOf(ratelimit)
    .filter(([name]) => isOfRequests(policies.get(name)?.get('qu')))
    .flatMap(([, said]) => quota(said.get('r') ?? '', seconds(said.get('t'))))
}

/** A quota may also be of bytes or of calls under way. */
const isOfRequests = (unit: string | undefined): boolean => unit === undefined || unit.startsWith('request')

const LONGEST_HEADER = 2000

/** A name, quoted or not, and what is said of it. */
const ITEM = /(?:"([^"]*)"|([A-Za-z*][\w.*-]*))\s*(;[^,]*)/g
const SAID = /;\s*([a-z]+)=("[^"]*"|[^;\s]*)/g

function itemsOf(header: string): [name: string, said: Map<string, string>][] {
  const items = [...header.slice(0, LONGEST_HEADER).matchAll(ITEM)]
  return items.map(([, quoted, token = '', rest = '']) => {
    const said = [...rest.matchAll(SAID)].map(([, key = '', value = '']) => [key, value.replaceAll('"', '')])
    return [quoted ?? token, new Map(said as [string, string][])]
  })
}

const quota = (remaining: string, resets_ms: number | null): Quota[] =>
  /^[0-9]{1,12}$/.test(remaining.trim()) ? [{ remaining: Number(remaining), resets_ms }] : []

const seconds = (text: string | undefined): number | null =>
  text !== undefined && /^[0-9]{1,9}$/.test(text) ? Number(text) * 1000 : null

/** No vendor has a window of thirty years: a larger number is an instant, in seconds or milliseconds of the epoch. */
const EARLIEST_EPOCH_S = 1_000_000_000
const EARLIEST_EPOCH_MS = 1_000_000_000_000

/** An instant is compared with the vendor's own clock where it sends its `date`. */
function untilReset(reset: string | undefined, date: string | undefined, now: Date): number | null {
  const text = reset?.trim() ?? ''
  if (text === '') return null
  const their_ms = Date.parse(date ?? '') || now.getTime()
  if (!/^[0-9]{1,15}([.][0-9]{1,9})?$/.test(text)) {
    const at_ms = Date.parse(text)
    return Number.isNaN(at_ms) ? null : Math.max(0, at_ms - their_ms)
  }
  const number = Number(text)
  if (number < EARLIEST_EPOCH_S) return Math.ceil(number * 1000)
  return Math.max(0, (number < EARLIEST_EPOCH_MS ? number * 1000 : number) - their_ms)
}
