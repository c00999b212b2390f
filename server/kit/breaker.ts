import type { EgressResult } from '../platform/egress/egress.ts'
import type { Provider } from './provider.ts'
import { parseReply } from './replies.ts'

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
