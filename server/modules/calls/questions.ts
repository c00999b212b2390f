import type { Refusal } from '../../kit/news.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import type { Actor, App, Cause } from '../app.ts'
import { accountOf, type OpenConnection } from '../connections/connections.ts'
import { makeOwnCall } from './make.ts'

/**
 * What a room that moves money asks of a vendor, and what is certain after it. `refused` is certain too: nothing was done.
 * Everything else is `unknown`, and is asked for later. Only the account that was opened is asked: a connection that leads
 * to another one meanwhile is not used, so that nothing is charged, given back or found at an account it is not of.
 */
export type Answer<Told> =
  | { kind: 'told'; told: Told; call_id: string }
  /** `status`: the vendor's, null where it was not asked at all; absent where that is not known for certain. */
  | { kind: 'refused'; failure: Refusal; call_id: string | null; status?: number | null }
  /** `status`: with which the vendor answered last, where it did. */
  | { kind: 'unknown'; because: string; call_id: string | null; status?: number | null }

export type Question = {
  operation: string
  input: unknown
  /** Ours: the vendor does it once under it, however often it is asked. */
  key?: string | undefined
  retries: number
  /** How long the answer is waited for; then it is found out by asking. */
  deadline_ms: number
  /** How long it may stand in line for a limit; null where it is refused rather than kept waiting. */
  wait_ms: number | null
}

export type Report = {
  id: string
  state: 'succeeded' | 'refused' | 'failed' | 'unknown'
  status: number | null
  attempts: number
  error: string | null
  result?: unknown
  refusal?: Refusal
}

/** Whether an end that reads as a no may be none: each room knows what its vendors mean by which. */
export type IsUnsure = (report: Report) => boolean

/** Of a failure: the vendor was never asked. */
export const NOT_SENT = 'not_sent'

export async function askVendor<Told>(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  { operation, input, key, retries, deadline_ms, wait_ms }: Question,
  isUnsure: IsUnsure,
): Promise<Answer<Told>> {
  const { id, opened } = connection
  if (!opened.provider.operations[operation])
    return { kind: 'unknown', because: `${opened.provider.id} has no operation ${operation}`, call_id: null }
  const wanted = {
    ...{ operation, input, retries, deadline_ms },
    ...(wait_ms === null ? { on_limit: 'refuse' as const } : { on_limit: 'wait' as const, wait_ms }),
    mapping: { in: [], out: [] }, // what a tenant maps is not ours to read
    skip_cache: true, // what was true a moment ago is no answer
    ...(key !== undefined && { idempotency_key: key }),
  }
  try {
    const report = await makeOwnCall(app, actor, toWire('connection', id), wanted, accountOf(connection))
    return toAnswer(JSON.parse(report) as Report, isUnsure)
  } catch (error) {
    // What is thrown for the caller is thrown before anything is sent.
    if (error instanceof Problem)
      return { kind: 'refused', failure: notSent(error), call_id: null, status: null }
    throw error
  }
}

const notSent = ({ code, occurrence }: Problem): Refusal => ({
  reason: code === 'rate_limited' ? 'rate_limited' : 'vendor_unavailable',
  code: NOT_SENT,
  message: occurrence.detail,
})

export function toAnswer<Told>(report: Report, isUnsure: IsUnsure): Answer<Told> {
  const { id: call_id, state, status, error, result, attempts } = report
  const because = error ?? `the call is ${state}`
  if (state === 'succeeded' && result !== undefined) return { kind: 'told', told: result as Told, call_id }
  if (state === 'unknown' || state === 'succeeded' || isUnsure(report))
    return { kind: 'unknown', because, call_id, status }
  if (state === 'refused') {
    const failure = report.refusal ?? { reason: 'unknown', code: String(status), message: error }
    return { kind: 'refused', failure, call_id, ...(attempts === 1 && { status }) }
  }
  const failure = { reason: 'vendor_unavailable', code: NOT_SENT, message: because } as const
  return { kind: 'refused', failure, call_id, status }
}

/** These were said of this time's asking, or of what the question asked before may have done. */
const OF_THIS_TIME: readonly string[] = [
  'rate_limited',
  'vendor_unavailable',
  'credentials_refused',
  'not_permitted',
  'state_conflict',
  'not_found',
]

/** A no that says nothing of what was asked for. */
export const isOfThisTime = ({ reason, code }: Refusal): boolean =>
  OF_THIS_TIME.includes(reason) || code === NOT_SENT

/** That a question asked again was not sent, not looked at, or is too late now says nothing about the first one. */
export function never<Told>(answer: Answer<Told>): Answer<Told> {
  if (answer.kind !== 'refused' || !isOfThisTime(answer.failure)) return answer
  const { reason, message } = answer.failure
  return { kind: 'unknown', because: `asked again: ${message ?? reason}`, call_id: answer.call_id }
}

/** Who asks where nobody waits: no key of the tenant's, but what made the room ask. */
export const byItself = (
  { tenant_id, environment }: Pick<OpenConnection, 'tenant_id' | 'environment'>,
  cause: Cause,
): Actor => ({
  kind: 'system',
  id: cause.id,
  tenant_id,
  environment: environment === 'production' ? 'live' : 'test',
  scopes: [],
  ip: null,
  request_id: null,
  cause,
})
