import type { EgressResult } from '../platform/egress/egress.ts'
import type { Provider } from './provider.ts'
import { parseReply } from './replies.ts'

/**
 * The circuit breaker of a connection. Closed, it counts failures in a row; open, nothing is sent for a while; then
 * half open, one attempt at a time, or as many as its limits say, is let through to see whether the vendor is back.
 */
export type BreakerState = {
  state: 'closed' | 'open' | 'half_open'
  reason: string
  /** When a first attempt is let through; null while open by hand. */
  next_attempt_at: Date | null
  /** While half open: the probes under way, each with when its process is taken for dead, in epoch milliseconds. */
  probes: Readonly<Record<string, number>>
}

export type Passage = { kind: 'pass' } | { kind: 'probe' } | { kind: 'refuse'; until: Date | null }

/**
 * What an attempt may do as far as is known here; who is to probe must still win the probe from the others. `most` are
 * let through at once while half open; null: the breaker is switched off.
 */
export function passage(breaker: BreakerState | null, most: number | null, now: Date): Passage {
  if (breaker === null || breaker.state === 'closed') return { kind: 'pass' }
  const by_hand = breaker.state === 'open' && breaker.next_attempt_at === null
  if (most === null && !by_hand) return { kind: 'pass' }
  const until = breaker.state === 'open' ? breaker.next_attempt_at : fullUntil(breaker, most ?? 1, now)
  if (by_hand || (until !== null && until > now)) return { kind: 'refuse', until }
  return { kind: 'probe' }
}

/** When the first of the probes under way is over, where there are as many as there may be. */
function fullUntil({ probes }: BreakerState, most: number, now: Date): Date | null {
  const alive = Object.values(probes).filter((until_ms) => until_ms > now.getTime())
  return alive.length < most ? null : new Date(Math.min(...alive))
}

const OUR_FAULTS = new Set(['refused_address', 'invalid_url', 'invalid_request', 'aborted', 'no_room'])

/**
 * What an attempt says about the vendor: at fault where there was no answer, a 5xx, or what its manifest declares as a
 * failure; any other answer says that it is there. Nothing where the fault is ours. `refused`: the answer was judged
 * to be a no, maybe one told with a 200.
 */
export function vendorSeen(
  provider: Pick<Provider, 'failures' | 'refusal'>,
  result: EgressResult,
  refused: boolean,
): 'well' | 'at_fault' | 'nothing' {
  if (result.kind === 'error') return OUR_FAULTS.has(result.code) ? 'nothing' : 'at_fault'
  const { status, body } = result
  if (status >= 500 || provider.failures?.statuses?.includes(status)) return 'at_fault'
  const codes = refused ? provider.failures?.codes : undefined
  if (codes === undefined) return 'well'
  const code = provider.refusal?.(status, parseReply(body)).code ?? null
  return code !== null && codes.includes(code) ? 'at_fault' : 'well'
}
