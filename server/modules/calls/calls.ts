import type { HttpRequest } from '../../kit/transports/http.ts'
import { inTenant } from '../../platform/database/database.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { useConnection } from '../connections/connections.ts'
import { readPage } from '../wire.ts'
import { type Answered, performCached } from './cache.ts'
import { drainCache } from './cache_policies.ts'
import { readDeferred, stepsOf } from './deferred_report.ts'
import { keepUsage } from './guards.ts'
import { pageOf, wantedOf } from './list.ts'
import type { Waiting } from './make.ts'
import { back, cacheStatus, noAnswer, onward, pathBehind, turnedAway } from './proxy.ts'
import * as queries from './queries.ts'
import { recorder } from './record.ts'
import type { CallQuery } from './record_schema.ts'
import { toAttempt, toCall } from './schema.ts'
import { drainTokens } from './tokens.ts'

/**
 * Asking a vendor through a connection: authenticated, within its time, tried again where that is safe, and on record
 * before the first byte leaves. The report says what happened; an outcome nobody saw is `unknown`, never a guess.
 */

export type Proxied = { status: number; headers: Record<string, string>; body: Buffer }

export type ProxyInput = {
  method: HttpRequest['method']
  /** As it came, `/v1/proxy/{connection}` included. */
  url: string
  headers: Readonly<Record<string, string | readonly string[] | undefined>>
  body: Buffer | null
} & Waiting

/** One request passed on and its answer passed back, both to the byte. No answer is a problem that says why. */
export async function proxy(app: App, actor: Actor, wire_id: string, input: ProxyInput): Promise<Proxied> {
  const connection = await useConnection(app, actor, fromWire('connection', wire_id, 'connection'))
  const key = input.headers['idempotency-key']
  const request: HttpRequest = {
    method: input.method,
    path: pathBehind(input.url),
    headers: onward(input.headers),
    ...(input.body !== null && { body: input.body }),
    ...(typeof key === 'string' && { idempotency_key: key }),
  }
  const answered = await performCached(app, actor, connection, {
    operation: null,
    request,
    patience_ms: 0,
    ...(input.signal && { signal: input.signal }),
    ...(input.keeper && { keeper: input.keeper }),
  })
  const refused = turnedAway(answered)
  if (refused) throw refused
  if (!answered.response) throw noAnswer(answered)
  const { status, headers, body } = answered.response
  return { status, headers: { ...back(headers), ...ours(answered) }, body }
}

const ours = ({ id, attempts, cache, response }: Answered): Record<string, string> => ({
  'trilho-call-id': toWire('call', id),
  'trilho-attempts': String(attempts),
  ...(cache && { 'cache-status': cacheStatus(cache, response?.headers['cache-status'], response?.status) }),
})

export async function listCalls(app: App, actor: Actor, input: CallQuery) {
  const place = readPage('call', input)
  const { tenant_id } = actor
  const wanted = wantedOf(input)
  await recorder(app).written()
  const { rows, next } = await inTenant(app.db, tenant_id, (tx) => pageOf(app, tx, tenant_id, wanted, place))
  return { data: rows.map(toCall), next_cursor: next && toWire('call', next) }
}

/** One that is made later is told of with all its tries, under its own id. */
export async function readCall(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('call', wire_id)
  const { tenant_id } = actor
  await recorder(app).written()
  return inTenant(app.db, tenant_id, async (tx) => {
    const row = await queries.findCall(tx, tenant_id, id)
    if (!row) return readDeferred(app, tx, tenant_id, wire_id)
    const attempts = await queries.listAttempts(tx, tenant_id, id)
    return { ...toCall(row), ...(await stepsOf(tx, tenant_id, id)), log: attempts.map(toAttempt) }
  })
}

/** Waits until what this process knows of calls is on record: for who reads what they just did. */
export const callsWritten = (app: App): Promise<void> => recorder(app).written()

/** Waits until every call that ended is on record and what is kept is written: before the database is closed. */
export async function drainCalls(app: App): Promise<void> {
  await drainCache(app)
  await Promise.all([recorder(app).drain(), drainTokens(app)])
  await keepUsage(app)
}

export { readBodies } from './bodies.ts'
export { ANY_NOT_CLOSED, listNotClosed, listOpenBreakers } from './breaker_queries.ts'
export {
  cancelCall,
  deferCall,
  insertPlanned,
  openReport,
  type Planned,
  planCall,
} from './deferred.ts'
export {
  cancelBatch,
  countDue,
  countStates,
  type DeferredState,
  findDeferred,
  listOfBatch,
  listWaiting,
  postponeCall,
  type Waiting,
} from './deferred_queries.ts'
export { DeferredCall, toDeferred } from './deferred_schema.ts'
export { tryDeferred } from './deferred_tries.ts'
export { putWork } from './deferred_work.ts'
export { withDigits } from './digits.ts'
export { exportCalls } from './export.ts'
export { ANY_SHARED_LIMIT, anyLimitSetSince, anyLimitUsedSince } from './limit_queries.ts'
export { limitStore } from './limit_store.ts'
export { listTightLimits } from './limits.ts'
export { listAttemptsOfCalls, listBelonging, listCallsOf, listCallsSince } from './live_queries.ts'
export { makeCall, makeOwnCall } from './make.ts'
export { mapOut } from './mapped.ts'
export { checkProbe, probe, testConnection } from './probe.ts'
export {
  type Answer,
  askVendor,
  byItself,
  isOfThisTime,
  NOT_SENT,
  never,
  type Report,
  toAnswer,
} from './questions.ts'
export { openReserve, type Reserve } from './reserve.ts'
export { MakeCall } from './schema.ts'
