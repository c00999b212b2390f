/**
 * Whether a vendor is well, judged with patience: one bad answer is a warning, three in a row are an outage, and who
 * was out must answer twice before he is trusted again. So a status does not flicker, and each change means something.
 */
export type HealthStatus = 'unknown' | 'healthy' | 'degraded' | 'unhealthy'
export type Health = { status: HealthStatus; streak: number }

/** `slow` is an answer in more than half of the time it was given. */
export type Finding = 'well' | 'slow' | 'failed'

const FAILURES_UNTIL_UNHEALTHY = 3
const SUCCESSES_UNTIL_HEALTHY = 2

/** `streak` counts what went the same way in a row: above zero what went well, below zero what did not. */
export function nextHealth(before: Health, found: Finding): Health {
  if (found === 'failed') {
    const streak = Math.min(before.streak, 0) - 1
    const out = before.status === 'unhealthy' || -streak >= FAILURES_UNTIL_UNHEALTHY
    return { status: out ? 'unhealthy' : 'degraded', streak }
  }
  const streak = Math.max(before.streak, 0) + 1
  const is_trusted = before.status === 'unknown' || before.status === 'healthy'
  const well = found === 'well' && (is_trusted || streak >= SUCCESSES_UNTIL_HEALTHY)
  return { status: well ? 'healthy' : 'degraded', streak }
}

export const findingOf = (ok: boolean, latency_ms: number, timeout_ms: number): Finding => {
  if (!ok) return 'failed'
  return latency_ms > timeout_ms / 2 ? 'slow' : 'well'
}
