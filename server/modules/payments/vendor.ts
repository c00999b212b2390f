import type { Refusal } from '../../kit/news.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { makeOwnCall } from '../calls/calls.ts'
import type { OpenConnection } from '../connections/connections.ts'

/**
 * A question to the vendor, and what is certain after it. `refused` is certain too: nothing was done. Everything else
 * is `unknown`, and is asked for later.
 */
export type Answer<Told> =
  | { kind: 'told'; told: Told; call_id: string }
  | { kind: 'refused'; failure: Refusal; call_id: string | null }
  | { kind: 'unknown'; because: string; call_id: string | null }

export type Question = {
  /** Without `payments.`. */
  verb: string
  input: unknown
  /** Ours, of the payment or refund: the vendor does it once under it, however often it is asked. */
  key?: string
}

/** Whoever waits for the reply waits no longer than this; then the payment is settled by asking. */
const WHOLE_MS = 40_000
const RETRIES = 2

export async function ask<Told>(
  app: App,
  actor: Actor,
  { id, opened }: OpenConnection,
  { verb, input, key }: Question,
): Promise<Answer<Told>> {
  const operation = `payments.${verb}`
  if (!opened.provider.operations[operation])
    return { kind: 'unknown', because: `${opened.provider.id} has no operation ${operation}`, call_id: null }
  const wanted = {
    operation,
    input,
    retries: RETRIES,
    deadline_ms: WHOLE_MS,
    on_limit: 'wait' as const,
    wait_ms: LINE_MS,
    mapping: { in: [], out: [] }, // what a tenant maps is not ours to read
    skip_cache: true, // what was true a moment ago is no answer
    ...(key !== undefined && { idempotency_key: key }),
  }
  try {
    const report = JSON.parse(await makeOwnCall(app, actor, toWire('connection', id), wanted)) as Report
    const answer = toAnswer<Told>(report)
    // Who knows no keys may refuse the second attempt for what the first one did.
    const may_be_done =
      key !== undefined && report.attempts > 1 && opened.provider.payments?.settles === 'lookup'
    return may_be_done && answer.kind === 'refused'
      ? {
          kind: 'unknown',
          because: `refused at the second attempt: ${answer.failure.message}`,
          call_id: answer.call_id,
        }
      : answer
  } catch (error) {
    // What is thrown for the caller is thrown before anything is sent.
    if (error instanceof Problem) return { kind: 'refused', failure: notSent(error), call_id: null }
    throw error
  }
}

const LINE_MS = 5_000

const notSent = ({ code, occurrence }: Problem): Refusal => ({
  reason: code === 'rate_limited' ? 'rate_limited' : 'vendor_unavailable',
  code: NOT_SENT,
  message: occurrence.detail,
})

/** Of a failure: the vendor was never asked. */
export const NOT_SENT = 'not_sent'

type Report = {
  id: string
  state: 'succeeded' | 'refused' | 'failed' | 'unknown'
  status: number | null
  attempts: number
  error: string | null
  result?: unknown
  refusal?: Refusal
}

/** These say nothing of the request itself: it is still under way there, or it was not looked at. */
const SAYS_NOTHING = new Set([401, 403, 408, 409, 425, 429])

export function toAnswer<Told>(report: Report): Answer<Told> {
  const { id: call_id, state, status, error, result } = report
  const because = error ?? `the call is ${state}`
  if (state === 'succeeded' && result !== undefined) return { kind: 'told', told: result as Told, call_id }
  if (state === 'unknown' || state === 'succeeded' || isUnsure(report))
    return { kind: 'unknown', because, call_id }
  if (state === 'refused') {
    const failure = report.refusal ?? { reason: 'unknown', code: String(status), message: error }
    return { kind: 'refused', failure, call_id }
  }
  return {
    kind: 'refused',
    failure: { reason: 'vendor_unavailable', code: NOT_SENT, message: because },
    call_id,
  }
}

/**
 * An attempt before the last may have been heard, though the last was not; a key in use is the same request's. A card
 * declined as a duplicate is declined.
 */
const isUnsure = ({ state, status, attempts, refusal }: Report): boolean =>
  status === 409 ||
  (refusal?.reason === 'duplicate' && status !== 402) ||
  (attempts > 1 && (state === 'failed' || SAYS_NOTHING.has(status ?? 0)))

/** Of what was only read, nothing but what was told is of use. */
export const toldBy = <Told>(answer: Answer<Told>): { told: Told; call_id: string } | null =>
  answer.kind === 'told' ? answer : null

/** Of a question asked before: these were said of this time's asking, or of what the first one may have done. */
const OF_THIS_TIME: readonly string[] = [
  'rate_limited',
  'vendor_unavailable',
  'credentials_refused',
  'not_permitted',
  'state_conflict',
  'not_found',
]

/** That a question asked again was not sent, not looked at, or is too late now says nothing about the first one. */
export function never<Told>(answer: Answer<Told>): Answer<Told> {
  if (answer.kind !== 'refused') return answer
  const { reason, code, message } = answer.failure
  if (!OF_THIS_TIME.includes(reason) && code !== NOT_SENT) return answer
  return { kind: 'unknown', because: `asked again: ${message ?? reason}`, call_id: answer.call_id }
}
