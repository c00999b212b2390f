import { isSafe } from '../../kit/retry.ts'
import {
  baseUrl,
  buildRequest,
  type HttpRequest,
  idempotencyHeader,
  type Opened,
  type RecordedRequest,
} from '../../kit/transports/http.ts'
import { toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { noteSeen, type OpenConnection } from '../connections/connections.ts'
import { toShown } from './attempts.ts'
import { dropChanged } from './cache_policies.ts'
import { endOf } from './deadline.ts'
import { guardsOf } from './guards.ts'
import { handOver, type Keeper, keeping } from './held.ts'
import { observe } from './observe.ts'
import { attemptAll, type Ended, type Response, type Run, type TurnedAway, type Wanted } from './pipeline.ts'
import type { Outcome } from './queries.ts'
import { recorder } from './record.ts'
import { keepPlan } from './settle_plan.ts'
import { needsToken } from './tokens.ts'
import { toldOf } from './told.ts'

/**
 * One call from its first byte to its record. The row is committed as `started` before anything leaves, so a process
 * that dies in between leaves a trace; every attempt is kept, masked; what nobody saw the end of is `unknown`.
 */
export type Performed = {
  id: string
  state: Outcome
  /** The vendor's last answer; null where there was none. */
  response: Response | null
  attempts: number
  duration_ms: number
  /** What went wrong, in words; null where nothing did. */
  error: string | null
  /** The vendor's own id of it; null where it told none. */
  external_reference: string | null
  /** Which stage kept the last attempt from being sent. */
  turned_away: TurnedAway | null
  /** Why the last attempt had no answer. */
  no_answer: Ended['no_answer']
}

export const perform = (
  app: App,
  actor: Actor,
  connection: OpenConnection,
  asked: Wanted,
): Promise<Performed> =>
  keeping(app, connection.tenant_id, async (keeper) => {
    const performed = await performKept(app, actor, connection, asked, keeper)
    if (asked.keeper) handOver(keeper, asked.keeper)
    return performed
  })

async function performKept(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  asked: Wanted,
  keeper: Keeper,
): Promise<Performed> {
  const id = asked.id ?? app.newId()
  const guards = await guardsOf(app, connection)
  const timed = withTimeout(asked, guards.limits.timeout_ms)
  const { wanted, repeatable, stays } = withKey(connection.opened, timed, id)
  // Built before anything is written, so that a request that cannot be made is refused and leaves no row.
  const { opened, request } = draft(connection, wanted.request)
  const run: Run = {
    app,
    connection,
    guards,
    id,
    method: request.method,
    began_ms: app.clock.monotonic(),
    ends_ms: endOf(app, wanted),
    wanted,
    keeper,
    repeatable,
    built: { opened, request, shown: toShown(opened, request) },
    refused_token: undefined,
    has_new_token: false,
    number: 0,
    external_reference: null,
    base: 0,
    stays,
  }
  const { plan } = wanted
  if (plan && !isSafe(run.method))
    await keepPlan(app, connection.tenant_id, id, { plan, request: wanted.request })
  await recorder(app).start({
    tenant_id: connection.tenant_id,
    id,
    connection_id: connection.id,
    operation: wanted.operation,
    method: run.method,
    path: pathOf(opened, run.built.shown),
    actor: actor.id,
    request_id: actor.request_id,
    cause_kind: actor.cause?.kind ?? actor.kind,
    cause_id: actor.cause?.id ?? null,
    parent_id: actor.parent_id ?? null,
    found: [...run.built.shown.found, ...(asked.named_by ?? [])],
  })
  const ended = await attemptAll(run).catch(async (error: unknown) => {
    await conclude(run, {
      ...NOT_SENT,
      outcome: run.number > 0 && !isSafe(run.method) ? 'unknown' : 'failed',
    })
    throw error
  })
  return conclude(run, ended)
}

/** What it changed, or may have, is dropped from the cache before anybody is told. */
async function conclude(run: Run, ended: Ended): Promise<Performed> {
  const performed = await finish(run, ended)
  if (!isSafe(run.method)) await dropChanged(run.app, run.connection, run.wanted, performed)
  return performed
}

/** The request before anything is obtained for it. Throws the Problem of one that cannot be made. */
export function draft(connection: OpenConnection, asked: HttpRequest) {
  const opened = needsToken(connection) ? { ...connection.opened, token: UNFETCHED } : connection.opened
  return { opened, request: buildRequest(opened, asked) }
}

/** Stands in the request until the limiter has let it through: a call that is refused fetches no token. */
const UNFETCHED = 'pending'

const NOT_SENT: Omit<Ended, 'outcome'> = {
  status: null,
  error: 'something failed on our side; the log has it',
  response: null,
  last: null,
  turned_away: null,
  no_answer: null,
  cut_short: false,
}

/** The connection's own, unless the call or its operation has one. */
const withTimeout = (wanted: Wanted, timeout_ms: number | null): Wanted =>
  timeout_ms === null || wanted.request.timeout_ms !== undefined
    ? wanted
    : { ...wanted, request: { ...wanted.request, timeout_ms } }

/**
 * A vendor with an idempotency header gets a key with every change, the call's own id where the caller has none: that
 * is what makes trying again safe. A vendor without one has to be asked what became of it. A key that was brought may
 * have been heard before this call: it stays where that was.
 */
function withKey(
  opened: Opened,
  wanted: Wanted,
  id: string,
): { wanted: Wanted } & Pick<Run, 'repeatable' | 'stays'> {
  const { request } = wanted
  const header = idempotencyHeader(opened.provider, opened.settings)
  if (header === null || isSafe(request.method))
    return { wanted, repeatable: isSafe(request.method), stays: false }
  const named = Object.entries(request.headers ?? {}).find(([name]) => name.toLowerCase() === header)?.[1]
  const brought = request.idempotency_key ?? named
  const idempotency_key = brought ?? toWire('call', id)
  const keyed = { ...wanted, request: { ...request, idempotency_key } }
  return { wanted: keyed, repeatable: true, stays: brought !== undefined }
}

const MOST_PATH = 2_000

function pathOf(opened: Opened, shown: RecordedRequest): string {
  const base = baseUrl(opened)
  const path = shown.url.startsWith(base) ? shown.url.slice(base.length) : shown.url
  return path.slice(0, MOST_PATH)
}

/**
 * What the vendor did has happened whether or not we can write it down, so the caller is told at once and the close is
 * on its way: a process that dies in those milliseconds leaves the call `unknown` on record, to be settled by asking.
 */
async function finish(run: Run, ended: Ended): Promise<Performed> {
  const { app, connection, id } = run
  const { outcome: state, status, error, response, last, turned_away, no_answer } = ended
  const duration_ms = Math.round(app.clock.monotonic() - run.began_ms)
  const { number: attempts, external_reference } = run
  const { tenant_id } = connection
  const record = { tenant_id, id, state, status, attempts, duration_ms, error, external_reference }
  const { operation, tells_itself = false } = run.wanted
  const told = tells_itself ? null : toldOf(app, connection, { ...record, operation })
  const closed = told === null ? record : { ...record, told }
  const far_behind = recorder(app).close(closed, last)
  if (far_behind) await far_behind
  const met = attempts > 0 || turned_away?.by === 'authentication'
  // A check that went well is noted by whoever made it, with what it found.
  const is_noted = run.wanted.operation === 'health' && state === 'succeeded'
  if (met && !ended.cut_short && !is_noted) noteSeen(app, connection, seenBy(ended))
  observe(run, ended, duration_ms)
  const came_to = { state, error, response, turned_away, no_answer }
  return { id, ...came_to, attempts, duration_ms, external_reference }
}

/** A vendor that refuses one request is well; one that refuses our credentials, or does not answer, is not. */
function seenBy({ status, error, response, last, turned_away }: Ended) {
  const refused = status === 401 || status === 403 || turned_away?.by === 'authentication'
  const well = status !== null && status < 500 && !refused
  return { reached: response !== null, note: well ? null : (error ?? last?.error ?? 'no answer'), refused }
}
