import { hidePersonal } from '../../kit/personal.ts'
import { judge } from '../../kit/replies.ts'
import { maskReply, maskRequest, type Opened, type RecordedRequest } from '../../kit/transports/http.ts'
import type { EgressRequest, EgressResult } from '../../platform/egress/egress.ts'
import type { Run } from './pipeline.ts'
import type { NewAttempt, Outcome } from './queries.ts'

/** What one attempt came to, and what is kept of it. */
export type Verdict = { outcome: Outcome; status: number | null; error: string | null }

/** Judged by the kit, in the words of the record. */
export function toVerdict({ provider }: Opened, method: string, result: EgressResult): Verdict {
  const judged = judge(provider, method, result)
  const { outcome, status } = judged
  switch (judged.outcome) {
    case 'succeeded':
      return { outcome, status, error: null }
    case 'refused':
      return { outcome, status, error: `the vendor answered ${status}${HINTS[judged.status] ?? ''}` }
    case 'failed':
      return { outcome, status, error: judged.because }
    case 'unknown':
      return { outcome, status, error: `${judged.because}; the vendor may have acted on it` }
  }
}

const HINTS: Record<number, string> = {
  401: ': it does not take the credentials of this connection',
  403: ': the credentials of this connection may not do this',
  429: ': too many requests',
}

/** Bodies are kept up to here; the caller gets them whole. */
const KEPT_BODY_BYTES = 64 * 1024
/** What is masked reaches further than what is kept, so that no secret is cut in half at the end and shown. */
export const MASKED_BYTES = KEPT_BODY_BYTES + 12_000

const cut = <T extends Buffer | string>(body: T): T =>
  (body.length > MASKED_BYTES ? body.slice(0, MASKED_BYTES) : body) as T
const kept = (text: string): Buffer => Buffer.from(text).subarray(0, KEPT_BODY_BYTES)

export const toShown = (opened: Opened, request: EgressRequest): RecordedRequest =>
  maskRequest(opened, request.body === undefined ? request : { ...request, body: cut(request.body) })

/** What was streamed is known once it has passed. */
export function withHead(
  opened: Opened,
  request: EgressRequest,
  shown: RecordedRequest,
  { flowed }: EgressResult,
): RecordedRequest {
  if (!flowed || flowed.sent_bytes === 0) return shown
  return toShown(opened, { ...request, body: Buffer.concat(flowed.sent_head) })
}

/** What an attempt moved, in both directions; null where no byte of it can have left. */
export function bytesOf({ body }: EgressRequest, result: EgressResult): number | null {
  const { flowed } = result
  if (flowed) return flowed.sent_bytes + flowed.received_bytes
  if (result.kind === 'error' && !result.sent) return null
  const sent = typeof body === 'string' ? Buffer.byteLength(body) : (body?.length ?? 0)
  return sent + (result.kind === 'response' ? result.body.length : 0)
}

export function toAttempt(
  run: Run,
  opened: Opened,
  { shown, result, reference }: { shown: RecordedRequest; result: EgressResult; reference: string | null },
  { outcome, status, error }: Verdict,
): NewAttempt {
  const reply = result.kind === 'response' ? maskReply(opened, { ...result, body: cut(result.body) }) : null
  const named = reference === null ? [] : [reference]
  const found = [...named, ...(reply?.found ?? []), ...(result.flowed ? shown.found : [])]
  const total_ms = result.kind === 'response' ? result.timing.total_ms : result.total_ms
  return {
    tenant_id: run.connection.tenant_id,
    id: run.app.newId(),
    call_id: run.id,
    number: run.number,
    outcome,
    status,
    duration_ms: Math.round(total_ms),
    request_headers: hidePersonal(JSON.stringify(shown.headers), []),
    request_body: shown.body === null ? null : kept(shown.body),
    response_headers: reply === null ? null : hidePersonal(JSON.stringify(reply.headers), []),
    response_body: reply === null ? null : kept(reply.body),
    error,
    ...(found.length > 0 && { found }),
  }
}
