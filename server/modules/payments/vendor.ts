import type { Actor, App, Cause } from '../app.ts'
import { type Answer, askVendor, byItself, type Report } from '../calls/calls.ts'
import type { OpenConnection } from '../connections/connections.ts'
import { SETTLE } from './queries.ts'

export type Question = {
  /** Without `payments.`. */
  verb: string
  input: unknown
  /** Ours, of the payment or refund: the vendor does it once under it, however often it is asked. */
  key?: string
  /** In one attempt, refused rather than kept waiting: after it, it is certain whether anything was sent. */
  once?: boolean
  /** How long the answer is waited for; `WHOLE_MS` where it is not said. */
  deadline_ms?: number
}

/** Whoever waits for the reply waits no longer than this; then the payment is settled by asking. */
export const WHOLE_MS = 40_000
/** Of it, for a second question that belongs to the first. */
export const leftUntil = (app: App, ends_ms: number): number =>
  Math.max(1_000, Math.round(ends_ms - app.clock.monotonic()))
const RETRIES = 2
const LINE_MS = 5_000

export const ask = <Told>(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  { verb, input, key, once = false, deadline_ms = WHOLE_MS }: Question,
): Promise<Answer<Told>> => {
  const knows_keys = key === undefined || connection.opened.provider.payments?.settles !== 'lookup'
  const patience = { deadline_ms, retries: once ? 0 : RETRIES, wait_ms: once ? null : LINE_MS }
  return askVendor(
    app,
    actor,
    connection,
    { operation: `payments.${verb}`, input, key, ...patience },
    // Who knows no keys may refuse the second attempt for what the first one did.
    (report) => isUnsure(report) || (!knows_keys && report.attempts > 1),
  )
}

/** These say nothing of the request itself: it is still under way there, or it was not looked at. */
const SAYS_NOTHING = new Set([401, 403, 408, 409, 425, 429])

/**
 * An attempt before the last may have been heard, though the last was not; a key in use is the same request's. A card
 * declined as a duplicate is declined.
 */
export const isUnsure = ({ state, status, attempts, refusal }: Report): boolean =>
  status === 409 ||
  (refusal?.reason === 'duplicate' && status !== 402) ||
  (attempts > 1 && (state === 'failed' || SAYS_NOTHING.has(status ?? 0)))

/** Of what was only read, nothing but what was told is of use. */
export const toldBy = <Told>(answer: Answer<Told>): { told: Told; call_id: string } | null =>
  answer.kind === 'told' ? answer : null

/** Who asks where nobody waits: this room's own job unless a `cause` is given. */
export const asker = (
  connection: Pick<OpenConnection, 'tenant_id' | 'environment'>,
  cause: Cause = { kind: 'job', id: SETTLE },
): Actor => byItself(connection, cause)
