import { setTimeout as sleep } from 'node:timers/promises'
import { judge } from '../../kit/replies.ts'
import { isSafe, mayRetry, parseRetryAfter, retryDelay } from '../../kit/retry.ts'
import {
  baseUrl,
  buildRequest,
  type HttpRequest,
  idempotencyHeader,
  maskReply,
  maskRequest,
  type Opened,
  type RecordedRequest,
} from '../../kit/transports/http.ts'
import type { EgressRequest, EgressResult } from '../../platform/egress/egress.ts'
import { toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { noteSeen, type OpenConnection } from '../connections/connections.ts'
import type { NewAttempt, Outcome } from './queries.ts'
import { recorder } from './record.ts'
import { needsToken, tokenOf } from './tokens.ts'

/**
 * One call from its first byte to its record. The row is committed as `started` before anything leaves, so a process
 * that dies in between leaves a trace; every attempt is kept, masked; what nobody saw the end of is `unknown`.
 */
export type Wanted = {
  operation: string | null
  request: HttpRequest
  /** How many times it may be tried again after the first. */
  retries: number
}

export type Response = Extract<EgressResult, { kind: 'response' }>

export type Performed = {
  id: string
  state: Outcome
  /** The vendor's last answer; null where there was none. */
  response: Response | null
  attempts: number
  duration_ms: number
  /** What went wrong, in words; null where nothing did. */
  error: string | null
}

/** A call takes no longer than this with all its attempts; `closeAbandonedCalls` rests on it. */
export const LONGEST_CALL_MS = 300_000

type Run = {
  app: App
  connection: OpenConnection
  id: string
  method: string
  began_ms: number
  wanted: Wanted
  repeatable: boolean
  number: number
}

type Verdict = { outcome: Outcome; status: number | null; error: string | null }
type Ended = Verdict & { response: Response | null; last: NewAttempt | null }

export async function perform(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  asked: Wanted,
): Promise<Performed> {
  const id = app.newId()
  const { wanted, repeatable } = withKey(connection.opened, asked, id)
  // Built before anything is written, so that a request that cannot be made is refused and leaves no row.
  const oauth = needsToken(connection)
  const first = buildRequest(
    oauth ? { ...connection.opened, token: 'pending' } : connection.opened,
    wanted.request,
  )
  const began_ms = app.clock.monotonic()
  const { method } = first
  const run: Run = { app, connection, id, method, began_ms, wanted, repeatable, number: 0 }
  const shown = toShown(connection.opened, first)
  await recorder(app).start({
    tenant_id: connection.tenant_id,
    id,
    connection_id: connection.id,
    operation: wanted.operation,
    method,
    path: pathOf(connection.opened, shown),
    actor: actor.id,
    request_id: actor.request_id,
  })
  const ended = oauth
    ? await attemptAllWithToken(run)
    : await attemptAll(run, connection.opened, first, shown)
  return finish(run, ended)
}

/**
 * A vendor with an idempotency header gets a key with every change, the call's own id where the caller has none: that
 * is what makes trying again safe. A vendor without one has to be asked what became of it.
 */
function withKey(opened: Opened, wanted: Wanted, id: string): { wanted: Wanted; repeatable: boolean } {
  const { request } = wanted
  const header = idempotencyHeader(opened.provider, opened.settings)
  if (header === null || isSafe(request.method)) return { wanted, repeatable: isSafe(request.method) }
  const named = Object.entries(request.headers ?? {}).find(([name]) => name.toLowerCase() === header)?.[1]
  const idempotency_key = request.idempotency_key ?? named ?? toWire('call', id)
  return { wanted: { ...wanted, request: { ...request, idempotency_key } }, repeatable: true }
}

const MOST_PATH = 2_000

function pathOf(opened: Opened, shown: RecordedRequest): string {
  const base = baseUrl(opened)
  const path = shown.url.startsWith(base) ? shown.url.slice(base.length) : shown.url
  return path.slice(0, MOST_PATH)
}

/** The token is fetched first, and once more where the vendor answers 401 to it. */
async function attemptAllWithToken(run: Run): Promise<Ended> {
  const { app, connection, wanted } = run
  let refused: string | undefined
  for (;;) {
    const found = await tokenOf(app, connection, refused)
    if (!found.ok)
      return { outcome: 'failed', status: null, error: found.because, response: null, last: null }
    const opened = { ...connection.opened, token: found.token }
    const request = buildRequest(opened, wanted.request)
    const ended = await attemptAll(run, opened, request, toShown(opened, request))
    if (ended.status !== 401 || refused !== undefined || found.token === undefined) return ended
    refused = found.token
    if (ended.last) await recorder(app).attempt(ended.last)
  }
}

async function attemptAll(
  run: Run,
  opened: Opened,
  request: EgressRequest,
  shown: RecordedRequest,
): Promise<Ended> {
  const { app, wanted, repeatable, method } = run
  for (let tried = 1; ; tried++) {
    run.number += 1
    const left_ms = LONGEST_CALL_MS - (app.clock.monotonic() - run.began_ms)
    const timeout_ms = Math.max(1, Math.min(request.timeout_ms, left_ms))
    const result = await app.egress.send({ ...request, timeout_ms })
    const retry_after_ms =
      result.kind === 'response' ? parseRetryAfter(result.headers['retry-after'], app.clock.now()) : null
    const verdict = toVerdict(opened, method, result)
    const last = toAttempt(run, opened, shown, result, verdict)
    const response = result.kind === 'response' ? result : null
    const ended = { ...verdict, response, last }
    const outcome = result.kind === 'response' ? { ...result, retry_after_ms } : result
    if (verdict.outcome === 'succeeded' || tried > wanted.retries || !mayRetry(method, outcome, repeatable))
      return ended
    const delay_ms = retryDelay(tried, { random: Math.random, retry_after_ms })
    if (delay_ms === null)
      return { ...ended, error: `${verdict.error}; it asks to wait ${waitInWords(retry_after_ms)}` }
    if (app.clock.monotonic() - run.began_ms + delay_ms >= LONGEST_CALL_MS) return ended
    await recorder(app).attempt(last)
    await sleep(delay_ms)
  }
}

const waitInWords = (wait_ms: number | null): string =>
  `${Math.ceil((wait_ms ?? 0) / 1000)} s before another try`

/** What one attempt came to, judged by the kit, in the words of the record. */
function toVerdict({ provider }: Opened, method: string, result: EgressResult): Verdict {
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
const MASKED_BYTES = KEPT_BODY_BYTES + 12_000

const cut = <T extends Buffer | string>(body: T): T =>
  (body.length > MASKED_BYTES ? body.slice(0, MASKED_BYTES) : body) as T
const kept = (text: string): Buffer => Buffer.from(text).subarray(0, KEPT_BODY_BYTES)

const toShown = (opened: Opened, request: EgressRequest): RecordedRequest =>
  maskRequest(opened, request.body === undefined ? request : { ...request, body: cut(request.body) })

function toAttempt(
  run: Run,
  opened: Opened,
  shown: RecordedRequest,
  result: EgressResult,
  { outcome, status, error }: Verdict,
): NewAttempt {
  const reply = result.kind === 'response' ? maskReply(opened, { ...result, body: cut(result.body) }) : null
  const total_ms = result.kind === 'response' ? result.timing.total_ms : result.total_ms
  return {
    tenant_id: run.connection.tenant_id,
    id: run.app.newId(),
    call_id: run.id,
    number: run.number,
    outcome,
    status,
    duration_ms: Math.round(total_ms),
    request_headers: JSON.stringify(shown.headers),
    request_body: shown.body === null ? null : kept(shown.body),
    response_headers: reply === null ? null : JSON.stringify(reply.headers),
    response_body: reply === null ? null : kept(reply.body),
    error,
  }
}

/** What the vendor did has happened whether or not we can write it down, so the caller is told in any case. */
async function finish(run: Run, ended: Ended): Promise<Performed> {
  const { app, connection, id } = run
  const { outcome: state, status, error, response, last } = ended
  const duration_ms = Math.round(app.clock.monotonic() - run.began_ms)
  const attempts = run.number
  const closed = { tenant_id: connection.tenant_id, id, state, status, attempts, duration_ms, error, last }
  await recorder(app)
    .close(closed)
    .catch((cause: unknown) =>
      app.log.error({ err: cause, call: toWire('call', id) }, 'a call was not closed on record'),
    )
  noteSeen(app, connection, seenBy(ended))
  report(run, ended, duration_ms)
  return { id, state, response, attempts, duration_ms, error }
}

/** A vendor that refuses one request is well; one that refuses our credentials, or does not answer, is not. */
function seenBy({ status, error, response, last }: Ended): { reached: boolean; note: string | null } {
  const well = status !== null && status < 500 && status !== 401 && status !== 403
  return { reached: response !== null, note: well ? null : (error ?? last?.error ?? 'no answer') }
}

function report(
  { app, connection, id, method, wanted, number }: Run,
  ended: Ended,
  duration_ms: number,
): void {
  const provider = connection.opened.provider.id
  const { outcome, status, error } = ended
  app.telemetry.count('trilho_calls_total', { provider, outcome })
  app.telemetry.observe('trilho_call_seconds', duration_ms / 1000, { provider })
  if (!app.log.isLevelEnabled('info')) return
  app.log.info(
    {
      crossing: 'call',
      call: toWire('call', id),
      connection: toWire('connection', connection.id),
      provider,
      operation: wanted.operation,
      method,
      outcome,
      status,
      attempts: number,
      duration_ms,
      error,
    },
    'call',
  )
}
