import { GRACE_MS } from './moves.ts'
import type { PaymentRow } from './queries.ts'

/** Longer than any call may take: whoever finds it unanswered then finds no call of it under way. */
export const PATIENCE_S = 60

/**
 * A payment that waits for its payer hears of the money by webhook. In case none comes it is looked at too: seldom,
 * since vendors frown on being asked, and for the last time when its payer can pay no longer.
 */
const LOOKS_S = [600, 1_800, 3_600, 3 * 3_600, 6 * 3_600, 12 * 3_600, 24 * 3_600, 48 * 3_600]
/** Where it is over by our clock and the vendor has not said so yet. */
const AGAIN_S = 300

/** In how many seconds it is looked at after so many looks; null where nothing is waited for, or any longer. */
export function waitOf(
  { status, expires_at }: Pick<PaymentRow, 'status' | 'expires_at'>,
  looks: number,
  now: Date,
): number | null {
  if (status !== 'pending') return null
  const usual = LOOKS_S[looks] ?? null
  if (expires_at === null) return usual
  const over_ms = expires_at.getTime() + GRACE_MS - now.getTime()
  const over_s = over_ms < 0 ? AGAIN_S : Math.ceil(over_ms / 1000) + 1
  return usual === null ? over_s : Math.min(usual, over_s)
}
