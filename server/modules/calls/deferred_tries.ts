import { isSafe } from '../../kit/retry.ts'
import { type HttpRequest, idempotencyHeader } from '../../kit/transports/http.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem, willPass } from '../../platform/errors.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { type OpenConnection, useConnection } from '../connections/connections.ts'
import { publishChange } from '../events/events.ts'
import { saysNothing } from './again.ts'
import { performCached } from './cache.ts'
import { concludeCall } from './conclude.ts'
import { withDeadline } from './deadline.ts'
import { sealedAs } from './deferred.ts'
import * as queries from './deferred_queries.ts'
import { putWork } from './deferred_work.ts'
import { withDigits } from './digits.ts'
import { type Keeper, keeping } from './held.ts'
import type { Performed } from './perform.ts'
import { prepareCall } from './prepare.ts'
import { findCall, type Outcome } from './queries.ts'
import { recorder } from './record.ts'
import type { MakeCall } from './schema.ts'
import { findOpenEnd } from './settle_queries.ts'

/** One try of a deferred call, from what a process that died may have left to the next turn or the end. */
type Row = queries.DeferredRow

/** What a try came to; `again_ms` says when to try once more. */
type Tried = {
  state: Outcome
  status: number | null
  error: string | null
  report: string | null
  again_ms: number | null
  /** False where nothing was sent. */
  counts: boolean
  /** The try before by which it is unknown. */
  unknown_id?: string
}

/**
 * Does nothing where the call is over, or not due: whoever put it back in line has arranged for the next try. Of two
 * processes at one call only one sends.
 */
export async function tryDeferred(app: App, tenant_id: string, id: string): Promise<void> {
  const row = await inTenant(app.db, tenant_id, (tx) => queries.findDeferred(tx, tenant_id, id))
  if (!row || row.closed_at !== null || (row.state === 'queued' && !row.is_due)) return
  const left = row.state === 'started' ? await leftBehind(app, tenant_id, row) : null
  if (left?.kind === 'ended') {
    const { call_id } = left
    const tried = await withBefore(app, tenant_id, row, call_id, left.tried)
    return settle(app, tenant_id, row, call_id, tried)
  }
  if (left?.kind === 'unsent')
    return settle(app, tenant_id, row, left.call_id, await attempt(app, tenant_id, row, left.call_id))
  const call_id = app.newId()
  if (!(await inTenant(app.db, tenant_id, (tx) => queries.startTry(tx, tenant_id, row, call_id)))) return
  const begun = { ...row, tries: row.tries + 1 }
  await settle(app, tenant_id, begun, call_id, await attempt(app, tenant_id, begun, call_id))
}

type Left =
  | { kind: 'unsent'; call_id: string }
  | { kind: 'again' }
  | { kind: 'ended'; call_id: string; tried: Tried }

/**
 * A try that nobody settled: its process died, or has stalled. Its call says how far it came. One without a row sent
 * nothing, and is made under the same id, so that the one who stalled cannot make it as well.
 */
async function leftBehind(app: App, tenant_id: string, row: Row): Promise<Left> {
  const call_id = row.call_ids.at(-1) ?? ''
  const call = await inTenant(app.db, tenant_id, (tx) => findCall(tx, tenant_id, call_id))
  if (!call) return { kind: 'unsent', call_id }
  const { state, status, error, method } = call
  const seen = { status, report: null, again_ms: null, counts: true }
  if (state === 'succeeded' || state === 'refused') {
    const note = 'its answer went with the server that received it; the log of the call has the masked one'
    return { kind: 'ended', call_id, tried: { ...seen, state, error: error ?? note } }
  }
  const connection = await useConnection(app, row.actor, row.connection_id).catch(refused)
  const is_unsent = state === 'failed' && status === null
  const may = !(connection instanceof Problem) && (is_unsent || isRepeatable(connection, method))
  if (may && row.tries <= TIMES) return { kind: 'again' }
  const cut_off = 'the server stopped while this call was under way; ask the vendor what became of it'
  const outcome = state === 'started' ? (isSafe(method) ? 'failed' : 'unknown') : state
  return { kind: 'ended', call_id, tried: { ...seen, state: outcome, error: error ?? cut_off } }
}

const isRepeatable = ({ opened }: OpenConnection, method: string): boolean =>
  isSafe(method) || idempotencyHeader(opened.provider, opened.settings) !== null

async function attempt(app: App, tenant_id: string, row: Row, call_id: string): Promise<Tried> {
  const { request } = row
  if (request === null) throw new Error(`deferred call ${row.id} waits without its request`)
  const plain = await inTenant(app.db, tenant_id, (tx) =>
    app.vault.open(tx, tenant_id, sealedAs('request', row.id), request),
  )
  const text = plain.toString()
  const input = withDigits(JSON.parse(text) as MakeCall, text)
  return keeping(app, tenant_id, (keeper) => attemptKept(app, row, input, { call_id, keeper }))
}

async function attemptKept(app: App, row: Row, input: MakeCall, by: By): Promise<Tried> {
  const { actor } = row
  const { call_id, keeper } = by
  const made = await make(app, row, input, by).catch(refused)
  const so_far = { tries: row.tries, age_ms: app.clock.now().getTime() - timeOfId(row.id).getTime() }
  if (made instanceof Problem) {
    const again = willPass(made) ? againIn(so_far, input, notPrepared(made)) : OVER
    const failed = { state: 'failed', status: null, error: made.message, report: null, ...again } as const
    return withBefore(app, keeper.tenant_id, row, call_id, failed)
  }
  const { prepared, performed, repeatable } = made
  const { state, error } = performed
  const status = performed.response?.status ?? null
  const again = againIn(so_far, input, cameTo(performed, repeatable))
  const tried: Tried = { state, status, error, report: null, ...again }
  const told = await withBefore(app, keeper.tenant_id, row, call_id, tried)
  const own = told.state === 'unknown' ? { state: told.state, error: told.error } : {}
  const report = await concludeCall(app, actor, prepared, { ...performed, ...own, id: row.id })
  return told.state === 'succeeded' && state !== 'succeeded' ? told : { ...told, report }
}

/** The last try may have come to nothing while one before it, under the same key, was acted on. */
async function withBefore(
  app: App,
  tenant_id: string,
  row: Row,
  call_id: string,
  last: Tried,
): Promise<Tried> {
  const { state, status, error, again_ms } = last
  if (again_ms !== null || !saysNothing(state, status)) return last
  await recorder(app).written()
  const others = row.call_ids.filter((id) => id !== call_id)
  const before = await inTenant(app.db, tenant_id, (tx) => findOpenEnd(tx, tenant_id, others))
  if (!before || (before.state === 'started' && isSafe(before.method))) return last
  const found_out = { ...last, state: 'succeeded', status: before.status, error: before.error } as const
  if (before.state === 'succeeded') return found_out
  const why = `${error}; the vendor may have acted on a try before`
  return { ...last, state: 'unknown', error: why, unknown_id: before.id }
}

/** What is the caller's to mend, or will pass; whatever else goes wrong is ours, and the work on it is tried again. */
function refused(error: unknown): Problem {
  if (error instanceof Problem) return error
  throw error
}

type By = { call_id: string; keeper: Keeper }

async function make(app: App, row: Row, input: MakeCall, { call_id, keeper }: By) {
  const { id, connection_id } = row
  const waited = withDeadline(app, input, { keeper })
  const actor = { parent_id: toWire('call', id), ...row.actor }
  const connection = await useConnection(app, actor, connection_id)
  const prepared = await prepareCall(app, actor, connection, input, { id: call_id, waited })
  const request = withKey(connection, prepared.wanted.request, toWire('call', id))
  const tells_itself = row.batch_id === null
  const wanted = { ...prepared.wanted, id: call_id, request, tells_itself }
  const { skip_cache: skip = false } = input
  const performed = await performCached(app, actor, prepared.connection, wanted, {
    named: prepared.named,
    skip,
  })
  return { prepared, performed, repeatable: isRepeatable(connection, request.method) }
}

/** The same for every try; the caller's own where it brings one, in whichever way. */
function withKey({ opened }: OpenConnection, request: HttpRequest, usual: string): HttpRequest {
  const header = idempotencyHeader(opened.provider, opened.settings)
  const is_named = Object.keys(request.headers ?? {}).some((name) => name.toLowerCase() === header)
  return is_named ? request : { ...request, idempotency_key: request.idempotency_key ?? usual }
}

const TIMES = 5
const AFTER_MS = 10_000
const LONGEST_MS = 6 * 60 * 60 * 1000
/** One that finds no room waits at most this long in all. */
const PATIENCE_MS = 24 * 60 * 60 * 1000
const MOST_WAIT_MS = 60_000

/** What decides whether there is another try. */
type Came = {
  state: Outcome
  status: number | null
  /** In which time there may be room; null where that is not what it lacked. */
  room_in_ms: number | null
  /** The vendor did nothing, or it may be sent twice. */
  repeatable: boolean
}

const SOON_MS = 1_000
/** What turns a try away, and waiting alone mends nothing: there are only so many more. */
const NOT_FOR_ROOM = new Set(['authentication', 'deadline'])

function cameTo(performed: Performed, repeatable: boolean): Came {
  const { state, response, attempts, turned_away } = performed
  const no_room = attempts === 0 && turned_away !== null && !NOT_FOR_ROOM.has(turned_away.by)
  const room_in_ms = no_room ? (turned_away.wait_ms ?? SOON_MS) : null
  const status = response?.status ?? null
  return { state, status, room_in_ms, repeatable: repeatable || didNothing(performed) }
}

/** It was not reached, or says itself that it may be asked again: as the attempts of one try go by, see `mayRetry`. */
const didNothing = ({ state, response }: Pick<Performed, 'state' | 'response'>): boolean =>
  response === null
    ? state === 'failed'
    : (state === 'refused' && response.status === 429) || (state === 'failed' && response.status === 503)

const NO_ROOM = new Set(['rate_limited', 'breaker_open', 'overloaded'])

/** Its mapping could not be done for now, so its vendor was not asked. */
function notPrepared({ code, occurrence }: Problem): Came {
  const wait_ms = (occurrence.retry_after_s ?? 0) * 1_000 || SOON_MS
  return { state: 'failed', status: null, room_in_ms: NO_ROOM.has(code) ? wait_ms : null, repeatable: true }
}

type Again = Pick<Tried, 'again_ms' | 'counts'>

const OVER: Again = { again_ms: null, counts: true }

function againIn(
  { tries, age_ms }: { tries: number; age_ms: number },
  { retry_later = {} }: MakeCall,
  { state, status, room_in_ms, repeatable }: Came,
): Again {
  const { times = TIMES, after_ms = AFTER_MS } = retry_later
  if (room_in_ms !== null && age_ms < PATIENCE_MS) {
    // Each try is on record, so of many that wait for the same room those that have waited longest look least often.
    const wait_ms = Math.max(room_in_ms, age_ms / 4, 100)
    return { again_ms: Math.min(wait_ms, MOST_WAIT_MS), counts: false }
  }
  const is_over = state === 'succeeded' || (state === 'refused' && status !== 429)
  if (is_over || tries > times || !repeatable) return OVER
  return { again_ms: Math.min(after_ms * 2 ** (tries - 1), LONGEST_MS), counts: true }
}

/** Longer reports are not kept; the log of the call has the beginning. */
const MOST_REPORT = 1_000_000

async function settle(app: App, tenant_id: string, row: Row, call_id: string, tried: Tried): Promise<void> {
  const { again_ms, status, error, counts } = tried
  const place = { tenant_id, id: row.id, call_id }
  if (again_ms === null) return close(app, row, place, tried)
  await inTenant(app.db, tenant_id, async (tx) => {
    const due = await queries.requeue(tx, place, { status, error, again_ms, counts })
    if (due && row.batch_id === null) await putWork(tx, { tenant_id, id: row.id, kind: 'call', due })
  })
  app.db.notify('trilho_call', 'new')
}

type Place = { tenant_id: string; id: string; call_id: string }

/** The end, and the event that tells of it, in one transaction. A batch tells of its calls itself. */
async function close(
  app: App,
  row: Row,
  place: Place,
  { state, status, error, report, unknown_id }: Tried,
): Promise<void> {
  const { tenant_id, id } = place
  const is_long = report !== null && report.length > MOST_REPORT
  const note = is_long ? 'the report was longer than 1 MB and was not kept' : null
  const ended = { state, status, error: error ?? note }
  const work = async (tx: Tx) => {
    const plain = report === null || is_long ? null : Buffer.from(report)
    const sealed = plain && (await app.vault.seal(tx, tenant_id, sealedAs('report', id), plain))
    return queries.closeDeferred(tx, place, { ...ended, report: sealed, unknown_id: unknown_id ?? null })
  }
  if (row.batch_id !== null) return void (await inTenant(app.db, tenant_id, work))
  const entity_id = toWire('call', id)
  const connection_id = toWire('connection', row.connection_id)
  const data = { call_id: entity_id, connection_id, operation: row.operation, ...ended }
  const type = state === 'succeeded' ? 'call.completed' : 'call.failed'
  await publishChange(app, { tenant_id, type, entity_id, data }, work)
}
