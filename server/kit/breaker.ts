import type { EgressResult } from '../platform/egress/egress.ts'

/**
 * The circuit breaker of a connection. Closed, it counts failures in a row; open, nothing is sent for a while; then
 * half open, one attempt at a time is let through to see whether the vendor is back.
 */
export type BreakerState = {
  state: 'closed' | 'open' | 'half_open'
  reason: string
  /** When a first attempt is let through; null while open by hand. */
  next_attempt_at: Date | null
  /** While half open and a probe is under way: when its process is taken for dead. */
  probe_until: Date | null
}

export type Passage = { kind: 'pass' } | { kind: 'probe' } | { kind: 'refuse'; until: Date | null }

/** What an attempt may do as far as is known here; who is to probe must still win the probe from the others. */
export function passage(breaker: BreakerState | null, is_on: boolean, now: Date): Passage {
  if (breaker === null || breaker.state === 'closed') return { kind: 'pass' }
  const by_hand = breaker.state === 'open' && breaker.next_attempt_at === null
  if (!is_on && !by_hand) return { kind: 'pass' }
  const until = breaker.state === 'open' ? breaker.next_attempt_at : breaker.probe_until
  if (by_hand || (until !== null && until > now)) return { kind: 'refuse', until }
  return { kind: 'probe' }
}

const OUR_FAULTS = new Set(['refused_address', 'invalid_url', 'aborted'])

/**
 * What an attempt says about the vendor: at fault where there was no answer, or a 5xx; a 4xx is an answer. Nothing
 * where the fault is ours.
 */
export function vendorSeen(result: EgressResult): 'well' | 'at_fault' | 'nothing' {
  if (result.kind === 'response') return result.status >= 500 ? 'at_fault' : 'well'
  return OUR_FAULTS.has(result.code) ? 'nothing' : 'at_fault'
}
