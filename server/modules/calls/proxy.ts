import type { Count } from '../../kit/call_limits.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import type { CacheNote } from './cache_schema.ts'
import type { Performed } from './perform.ts'

/** What passes through a transparent proxy and what does not: RFC 9110, section 7.6.1, and what is ours. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** The caller's credential for us, and what speaks of the way to us. An encoded answer could not be masked on record. */
const OURS = new Set([
  'accept-encoding',
  'authorization',
  'content-length',
  'cookie',
  'expect',
  'forwarded',
  'host',
  'idempotency-key',
  'trilho-csrf',
  'trilho-environment',
  'trilho-tenant',
  'via',
])

type Received = Readonly<Record<string, string | readonly string[] | undefined>>

/** The headers of a request that go on to the vendor. */
export function onward(headers: Received): Record<string, string> {
  const named = namedByConnection(headers['connection'])
  const passed: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || HOP_BY_HOP.has(name) || OURS.has(name) || named.has(name)) continue
    if (name.startsWith('x-forwarded-') || name === 'x-real-ip') continue
    passed[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return passed
}

/** A vendor sets nothing that browsers keep of our address, clears nothing, and opens to no script what we keep closed. */
const OURS_TO_SAY = new Set([
  'access-control-allow-credentials',
  'access-control-allow-origin',
  'alt-svc',
  'clear-site-data',
  'content-length',
  'content-security-policy',
  'content-security-policy-report-only',
  'nel',
  'report-to',
  'reporting-endpoints',
  'set-cookie',
  'strict-transport-security',
])

/** The headers of an answer that go back to the caller. */
export function back(headers: Readonly<Record<string, string>>): Record<string, string> {
  const named = namedByConnection(headers['connection'])
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !HOP_BY_HOP.has(name) && !named.has(name) && !OURS_TO_SAY.has(name),
    ),
  )
}

const namedByConnection = (value: string | readonly string[] | undefined): Set<string> =>
  new Set(
    String(value ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase()),
  )

/** What our cache did, behind what caches before it said: RFC 9211. */
export function cacheStatus(note: CacheNote, before: string | undefined, status: number | undefined): string {
  const { result, joined, stored, ttl_s, detail } = note
  const asked = result !== 'hit' && result !== 'stale'
  const made_here = result === 'miss' && status === 304 // of the caller's own copy
  const forwarded = result === 'revalidated' ? 304 : made_here ? undefined : status
  const why = { miss: 'uri-miss', revalidated: 'stale', bypassed: 'bypass', hit: '', stale: '' }[result]
  const parts = [
    'trilho',
    asked ? `fwd=${why}` : 'hit',
    ...(asked && forwarded ? [`fwd-status=${forwarded}`] : []),
    ...(asked && stored ? ['stored'] : []),
    ...(joined ? ['collapsed'] : []),
    ...(ttl_s === null ? [] : [`ttl=${ttl_s}`]),
    ...(detail === null ? [] : [`detail=${detail}`]),
  ]
  return [...(before === undefined ? [] : [before]), parts.join('; ')].join(', ')
}

/** The part of a URL behind `/v1/proxy/{connection}`, as it was sent: decoding it would change what it asks for. */
export function pathBehind(url: string): string {
  const behind = url.split('/').slice(4).join('/')
  return `/${behind}`
}

/** The limit or the bulkhead of the connection was reached: it is on record, and the caller is told when to come back. */
export function turnedAway({ id, error, turned_away }: Performed): Problem | null {
  if (turned_away?.by !== 'limiter' && turned_away?.by !== 'bulkhead') return null
  const retry_after_s = Math.max(1, Math.ceil((turned_away.wait_ms ?? 0) / 1000))
  const headers = { 'trilho-call-id': toWire('call', id), ...limitHeaders(turned_away.full, retry_after_s) }
  const code = turned_away.by === 'limiter' ? 'rate_limited' : 'overloaded'
  return new Problem(code, { detail: error ?? 'turned away', retry_after_s, headers })
}

/** Which limit it was and when there is room, as draft-ietf-httpapi-ratelimit-headers has it. */
function limitHeaders(full: Count | null, retry_after_s: number): Record<string, string> {
  if (full === null) return {}
  const { level, unit, most, per_s } = full
  const quota_unit = unit === 'bytes' ? ';qu="content-bytes"' : ''
  return {
    'ratelimit-policy': `"${level}";q=${most};w=${per_s}${quota_unit}`,
    ratelimit: `"${level}";r=0;t=${retry_after_s}`,
  }
}

/** There is no answer of the vendor's to pass on: say what happened instead. */
export function noAnswer({ id, state, error, attempts, turned_away, no_answer }: Performed): Problem {
  const headers = { 'trilho-call-id': toWire('call', id) }
  const detail = error ?? 'the vendor did not answer'
  if (turned_away?.by === 'breaker' && attempts === 0) {
    const { wait_ms } = turned_away // null while it is open by hand
    const retry_after_s = wait_ms === null ? undefined : Math.max(1, Math.ceil(wait_ms / 1000))
    return new Problem('breaker_open', { detail, headers, ...(retry_after_s && { retry_after_s }) })
  }
  if (no_answer === 'no_room' && state === 'failed')
    return new Problem('overloaded', { detail, headers, retry_after_s: 2 })
  return new Problem(state === 'unknown' ? 'vendor_outcome_unknown' : 'vendor_failed', { detail, headers })
}
