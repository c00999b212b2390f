import type { Count } from '../../kit/call_limits.ts'
import type { Permit } from '../../kit/limiter.ts'
import { inSeconds, isHungUp, leftOf, whyHungUp } from './deadline.ts'
import type { Ended, Run, TurnedAway } from './pipeline.ts'

/** What an attempt came to that was never sent, and why, in words. */

/** Ended before it was sent. */
export const away = (
  by: TurnedAway['by'],
  error: string,
  wait_ms: number | null,
  full: Count | null = null,
): Ended => ({
  outcome: 'failed',
  status: null,
  error,
  response: null,
  last: null,
  turned_away: { by, wait_ms, full },
  no_answer: null,
  cut_short: false,
})

export const TOO_LATE = 'its time was over before it could be sent'

/** Nothing is sent for somebody who is gone, or past the call's time. */
export function tooLate(run: Run): Ended | null {
  if (isHungUp(run)) return away('caller', whyHungUp(run), null)
  return leftOf(run) > 0 ? null : away('deadline', TOO_LATE, null)
}

export function refusedByLimit(
  { app, connection }: Run,
  { full, wait_ms }: Extract<Permit, { ok: false }>,
): Ended {
  const { provider } = connection.opened
  app.telemetry.count('trilho_limit_hits_total', { provider: provider.id, level: full?.level ?? 'vendor' })
  const reason = full
    ? `the limit of ${fullInWords(full)} is reached`
    : 'the vendor asks this connection to wait'
  return away('limiter', `${reason}; there is room again in ${inSeconds(wait_ms)}`, wait_ms, full)
}

const fullInWords = ({ level, operation, unit, most, per_s }: Count): string =>
  `${level === 'operation' ? `the operation ${operation}` : `this ${level}`} (${most} ${unit} in ${per_s} s)`
