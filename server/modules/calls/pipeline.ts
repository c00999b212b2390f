import { vendorSeen } from '../../kit/breaker.ts'
import type { Count } from '../../kit/call_limits.ts'
import { LONGEST_DELAY_MS } from '../../kit/retry.ts'
import type { SettlePlan } from '../../kit/settles.ts'
import {
  type HttpRequest,
  isInDoubt,
  isTokenRefused,
  mirrored,
  type Opened,
  type RecordedRequest,
  signedRequest,
} from '../../kit/transports/http.ts'
import { referenceOf } from '../../kit/vendor_reference.ts'
import type { EgressRequest, EgressResult } from '../../platform/egress/egress.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import type { OpenConnection } from '../connections/connections.ts'
import { type Admitted, admit, authenticate } from './admit.ts'
import { stillUnknown, tryAgain } from './again.ts'
import { bytesOf, toAttempt, toShown, toVerdict, type Verdict, withHead } from './attempts.ts'
import { keepBodies } from './bodies.ts'
import { askBreaker, breakerInWords, type Pass, settleBreaker } from './breakers.ts'
import { isCutShort, isHungUp, leftOf, pauseBefore, whyHungUp } from './deadline.ts'
import { type Guards, limiterOf } from './guards.ts'
import { heed } from './heed.ts'
import { type Keeper, sendKeeping } from './held.ts'
import type { NewAttempt } from './queries.ts'
import { recorder } from './record.ts'
import { noteStanding, standIn } from './standby.ts'
import { isInVain, noteInVain } from './tokens.ts'
import { away, tooLate } from './turned_away.ts'

/**
 * The pipeline: breaker, bulkhead, limiter, authentication, sending, in this order, for every attempt of every call.
 * Nothing reaches a vendor beside it. What turns an attempt away sends nothing; the cheapest refusal comes first, and
 * the vendor's allowance is spent last.
 */
export type Wanted = {
  /** Under which it is put on record; one that is there already is not made again. A new one where absent. */
  id?: string
  /** When it got that, of the monotonic clock; now where absent. */
  made_ms?: number
  operation: string | null
  request: HttpRequest
  /** How many times it may be tried again after the first; what its connection says where absent. */
  retries?: number | undefined
  /** How long it stands in line where the limit is reached; 0 is refused at once. */
  patience_ms: number
  /** When its time is over, of the monotonic clock; five minutes after it got its id at the latest. */
  ends_ms?: number
  /** Aborted when nobody waits for it any more. */
  signal?: AbortSignal
  /** How its outcome is found out where nobody sees it. */
  plan?: SettlePlan
  /** Who answers for its answer from its end on, and lets it go. */
  keeper?: Keeper
  /** Whoever makes it tells of its end. */
  tells_itself?: boolean
  /** Ids by which it is found, beside what its record hides. */
  named_by?: readonly string[]
}

/** Who waits for a call, and until when. */
export type Waited = Pick<Wanted, 'ends_ms' | 'signal' | 'keeper'>

export type Response = Extract<EgressResult, { kind: 'response' }>

export type Built = { opened: Opened; request: EgressRequest; shown: RecordedRequest }

export type Run = {
  app: App
  connection: OpenConnection
  guards: Guards
  id: string
  method: string
  began_ms: number
  ends_ms: number
  wanted: Wanted
  repeatable: boolean
  keeper: Keeper
  /** As it is sent; made anew where the connection needs another access token. */
  built: Built
  /** The access token that the vendor did not take. */
  refused_token: string | undefined
  /** The one of now was given just before it was shown. */
  has_new_token: boolean
  /** Attempts sent so far. */
  number: number
  /** The vendor's own id of the last attempt that has one. */
  external_reference: string | null
  /** Which of the connection's addresses the last of them went to. */
  base: number
  /** The next has to go there too: one was heard, or may have been before this call. */
  stays: boolean
}

export type TurnedAway = {
  by: 'breaker' | 'bulkhead' | 'limiter' | 'authentication' | 'deadline' | 'caller'
  wait_ms: number | null
  /** Which limit it was; null where the vendor asks to wait, or where it was none. */
  full: Count | null
}

export type Ended = Verdict & {
  /** Why the last attempt had no answer. */
  no_answer: Extract<EgressResult, { kind: 'error' }>['code'] | null
  response: Response | null
  /** The attempt that is not on record yet. */
  last: NewAttempt | null
  turned_away: TurnedAway | null
  /** Turned away since the vendor, asked for a token, did not answer, or answered 5xx. */
  at_fault?: boolean
  /** The call's own time, its caller, or our memory ended it before the vendor could: no fault of the vendor. */
  cut_short: boolean
}

type Sent = Ended & { result: EgressResult; retry_after_ms: number | null }

/** Sends, and sends again where that is safe and asked for. Each attempt goes through every stage. */
export async function attemptAll(run: Run): Promise<Ended> {
  const { app, wanted, guards } = run
  guards.retries.called()
  let before: Ended | null = null
  for (let tried = 1; ; tried++) {
    const now = await attempt(run, before ? LONGEST_DELAY_MS : wanted.patience_ms)
    if (!('result' in now)) {
      const next = now.at_fault ? tryAgain(run, tried, { ...now, result: null, retry_after_ms: null }) : null
      if (typeof next === 'number') {
        await pauseBefore(run, next)
        continue
      }
      const error = [before?.error, now.error, next].filter(Boolean).join('; ')
      return { ...(before ?? now), error }
    }
    const { result, retry_after_ms: _, ...own } = now
    const ended: Ended = before?.outcome === 'unknown' ? stillUnknown(own) : own
    before = { ...ended, last: null }
    const is_refused = isTokenRefused(run.built.opened, result)
    if (is_refused && run.refused_token !== undefined && run.has_new_token) noteInVain(app, run.connection)
    // Once.
    if (is_refused && run.refused_token === undefined && !isInVain(app, run.connection)) {
      run.refused_token = run.built.opened.token
      const in_doubt = !run.repeatable && isInDoubt(run.built.opened, result)
      if (in_doubt || result.flowed?.begun) return renewed(run, ended, in_doubt)
      tried -= 1
      await recorder(app).attempt(now.last as NewAttempt)
      continue
    }
    const next = tryAgain(run, tried, now)
    if (next === null) return ended
    if (typeof next === 'string') return { ...ended, error: `${ended.error}; ${next}` }
    await recorder(app).attempt(now.last as NewAttempt)
    await pauseBefore(run, next)
  }
}

/**
 * What was streamed is gone, but whoever streams it again finds a token that serves. A change that may have been made is
 * not made again either; where that is what it said, a session for each would be too many.
 */
async function renewed(run: Run, ended: Ended, in_doubt: boolean): Promise<Ended> {
  if (in_doubt) noteInVain(run.app, run.connection)
  const now = await authenticate(run).catch((error) => notKept(run, error, 'a renewed access token'))
  if (!now) return ended
  const note =
    'turned_away' in now ? now.error : in_doubt ? IN_DOUBT : 'the access token is renewed, so send it again'
  return { ...ended, error: `${ended.error}; ${note}` }
}

const IN_DOUBT = 'in case the session had ended it is renewed; see what came of it before you send it again'

const LINE_MS = 30_000
const TOKEN_MS = 25_000

/** One attempt through all stages. */
async function attempt(run: Run, patience_ms: number): Promise<Ended | Sent> {
  const { app, guards } = run
  const pass = await askBreaker(app, guards.breaker, leaseOf(run, patience_ms))
  if (!pass.ok) {
    const wait_ms = pass.until === null ? null : pass.until.getTime() - app.clock.now().getTime()
    return away('breaker', breakerInWords(pass), wait_ms)
  }
  const entered = guards.bulkhead.enter(Math.min(LINE_MS, leftOf(run)), run.wanted.signal)
  if (entered !== true && !(await entered)) {
    await settle(run, pass, null)
    if (isHungUp(run)) return away('caller', whyHungUp(run), null)
    return away(
      'bulkhead',
      'too many calls of this connection are under way, and the line for them is full',
      1000,
    )
  }
  let seen: Ended | Sent | null = null
  let admitted: Admitted | null = null
  const { number } = run
  try {
    const ready = tooLate(run) ?? (await admit(run, Math.min(patience_ms, leftOf(run))))
    if ('turned_away' in ready) {
      seen = ready
      return seen
    }
    admitted = ready
    seen = tooLate(run) ?? (await send(run, ready.built))
    return seen
  } finally {
    const limiter = limiterOf(guards, run.wanted.operation)
    if (admitted && run.number === number) limiter.letGo(admitted.place)
    else if (admitted && seen === null) limiter.unsent()
    guards.bulkhead.leave()
    const settling = settle(run, pass, seen)
    if (settling) await settling
  }
}

async function send(run: Run, built: Built): Promise<Sent> {
  const { app, guards, method } = run
  const { opened, request, shown } = await sealed(app, standIn(run, built))
  const { operation } = run.wanted
  run.number += 1
  const timeout_ms = Math.min(request.timeout_ms, Math.ceil(leftOf(run)) || 1)
  const { signal } = run.wanted
  const answer = await sendKeeping(run, opened, { ...request, timeout_ms, ...(signal && { signal }) })
  const came = mirrored(opened, request, answer)
  const cut_short = isCutShort(run, came, timeout_ms < request.timeout_ms)
  const result = cut_short && isHungUp(run) ? { ...came, message: whyHungUp(run) } : came
  noteStanding(run, result)
  const verdict = toVerdict(opened, method, result)
  const reference = referenceOf(opened, request, result)
  if (reference !== null) run.external_reference = reference
  const seen = { result, reference, shown: withHead(opened, request, shown, result) }
  const last = toAttempt(run, opened, seen, verdict)
  const response = result.kind === 'response' ? result : null
  const { keep_bodies_days } = run.connection
  if (keep_bodies_days !== null && !request.stream)
    await keepBodies(run, keep_bodies_days, { opened, request, response })
  const limiter = limiterOf(guards, operation)
  const bytes = bytesOf(request, result)
  if (bytes === null) limiter.unsent()
  else limiter.spend(bytes)
  const heard = response && heed(app, guards, operation, response)
  if (heard?.keeping)
    await heard.keeping.catch((error) => notKept(run, error, 'what the vendor said of its limits'))
  return {
    ...verdict,
    response,
    last,
    turned_away: null,
    no_answer: result.kind === 'error' ? result.code : null,
    result,
    retry_after_ms: heard?.retry_after_ms ?? null,
    cut_short,
  }
}

/** With the signature of this attempt, where the connection signs. */
async function sealed(app: App, built: Built): Promise<Built> {
  const { opened, request } = built
  const signed = await signedRequest(opened, request, app.clock.now())
  return signed === null ? built : { opened, request: signed, shown: toShown(opened, signed) }
}

/** Tells the breaker. What the vendor did has happened whether or not that can be kept. */
function settle(run: Run, pass: Pass, came: Ended | Sent | null): Promise<void> | undefined {
  const seen = came === null || came.cut_short ? 'nothing' : seenBy(run, came)
  const settling = settleBreaker(run.app, run.guards.breaker, pass, seen, came?.error ?? null)
  return settling?.catch((error) => notKept(run, error, 'the state of a breaker'))
}

function seenBy({ connection }: Run, came: Ended | Sent): ReturnType<typeof vendorSeen> {
  if (!('result' in came)) return came.at_fault ? 'at_fault' : 'nothing'
  return vendorSeen(connection.opened.provider, came.result, came.outcome === 'refused')
}

const notKept = ({ app, connection }: Run, err: unknown, what: string): void =>
  app.log.error({ err, connection: toWire('connection', connection.id) }, `${what} was not kept`)

/** How long a probe may take before its process is taken for dead. */
const leaseOf = ({ built }: Run, patience_ms: number): number =>
  built.request.timeout_ms + LINE_MS + patience_ms + TOKEN_MS
