/** When a delivery is attempted again. Pure: the clock and the dice are handed in. */

/** The wait before each retry, of Standard Webhooks: ten attempts over three days. */
export const SCHEDULE_S: readonly number[] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]

/** The longest that a receiver may ask for. */
const MOST_ASKED_S = 86_400

/**
 * Seconds until the next attempt, or null where none is left. `attempts` have been made, `elapsed_s` after the
 * delivery began. Each retry falls anywhere within its own step of the schedule (full jitter), so that the deliveries
 * one outage failed do not come back together; and its step begins where the one before it ends, so that the whole
 * still takes as long as the schedule says.
 */
export function nextWait(plan: {
  schedule_s: readonly number[]
  attempts: number
  elapsed_s: number
  /** What the receiver asks for in `Retry-After`: no attempt comes sooner. */
  asked_s: number
  random: number
}): number | null {
  const { schedule_s, attempts, elapsed_s, asked_s, random } = plan
  const step_s = schedule_s[attempts - 1]
  if (step_s === undefined) return null
  const begins_s = schedule_s.slice(0, attempts - 1).reduce((sum, one) => sum + one, 0)
  // One that was sent again by hand has attempts whose steps it never waited for.
  const left_s = Math.min(Math.max(0, begins_s - elapsed_s), schedule_s[attempts - 2] ?? 0)
  return Math.max(left_s + step_s * random, Math.min(asked_s, MOST_ASKED_S))
}

/** `Retry-After` in seconds from now: a number of them, or a date of HTTP. 0 where it says nothing we can read. */
export function readRetryAfter(value: string | null, now: Date): number {
  if (value === null) return 0
  const text = value.trim()
  if (/^\d{1,9}$/.test(text)) return Number(text)
  if (!/^[A-Z][a-z]{2,8},? .*GMT$/.test(text)) return 0
  const at = Date.parse(text)
  return Number.isNaN(at) ? 0 : Math.max(0, (at - now.getTime()) / 1000)
}
