import {
  ageOf_s,
  type CacheRules,
  freshFor_s,
  freshness,
  keep,
  refresh,
  standsIn,
  validatorsOf,
} from '../../kit/cache.ts'
import { coversPath, headersOf, pathOf, readKey } from '../../kit/cache_key.ts'
import type { Operation } from '../../kit/provider.ts'
import { isSafe } from '../../kit/retry.ts'
import type { Actor, App } from '../app.ts'
import { type OpenConnection, readToken } from '../connections/connections.ts'
import { cacheCounts } from './cache_counts.ts'
import { dropChanged, policiesOf } from './cache_policies.ts'
import type { Place } from './cache_queries.ts'
import type { CacheNote, CachePolicy } from './cache_schema.ts'
import {
  discard,
  type Flight,
  look,
  MOST_ANSWER_BYTES,
  type Noted,
  recall,
  remember,
  type Stored,
  store,
  storeOf,
} from './cache_store.ts'
import { type Performed, perform } from './perform.ts'
import type { Wanted } from './pipeline.ts'
import { needsToken } from './tokens.ts'

/**
 * The first stage of a call: what a policy lets be kept is answered without asking the vendor, and identical reads
 * under way share one call. A hit crosses nothing, so it is counted and not recorded; it costs the vendor nothing,
 * needs no token, and is there while the breaker is open. Nothing is shared between tenants, connections, or the
 * credentials a connection had before and has now.
 */
export type Answered = Performed & {
  /** Null where no policy speaks of the request. */
  cache: CacheNote | null
}

type Read = {
  app: App
  actor: Actor
  connection: OpenConnection
  wanted: Wanted
  rules: CacheRules
  place: Place
  key: string
  path: string
  /** The caller's headers. */
  sent: Record<string, string>
}

/** As `perform`, through the cache. `skip`: neither answered from it nor kept. */
export async function performCached(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  wanted: Wanted,
  { operation = null, skip = false }: { operation?: Operation | null; skip?: boolean } = {},
): Promise<Answered> {
  const policies = await policiesOf(app, connection)
  const rules = rulesOf(policies, wanted, operation)
  if (rules === null) {
    const performed = await perform(app, actor, connection, wanted)
    if (!isSafe(wanted.request.method)) await dropChanged(app, connection, policies, wanted, performed)
    return { ...performed, cache: null }
  }
  const sent = headersOf(wanted.request)
  if (skip || passesBy(sent)) {
    const performed = await perform(app, actor, connection, wanted)
    return counted(app, connection, { ...performed, cache: noteOf('bypassed') })
  }
  const place = { tenant_id: connection.tenant_id, connection_id: connection.id }
  const key = readKey(await ownerOf(app, connection), wanted.request)
  const path = pathOf(wanted.request.path)
  const { signal: _, ...shared } = wanted // others may wait for what is asked here
  const read = { app, actor, connection, wanted: shared, rules, place, key, path, sent }
  return counted(app, connection, fromMemory(read) ?? (await joined(read)))
}

/** Whose answers: of this connection as it is set up now, and of whoever consented last. */
async function ownerOf(app: App, connection: OpenConnection): Promise<string> {
  const { tenant_id, id, version } = connection
  const token = needsToken(connection) ? await readToken(app, { tenant_id, connection_id: id }) : null
  return [FORMAT, tenant_id, id, version, token?.consented_at?.getTime()].join(' ')
}

/** Of what is kept: another one is another key. */
const FORMAT = 1

/** The first policy whose path fits; where none does, what the provider says of its operation. */
function rulesOf(
  policies: CachePolicy[],
  { request }: Wanted,
  operation: Operation | null,
): CacheRules | null {
  const path = pathOf(request.path)
  const own = isSafe(request.method) ? policies.find((policy) => coversPath(policy.path, path)) : undefined
  if (own) return own.enabled === false ? null : own
  return operation?.cache ?? null
}

const OF_THE_CALLERS_CACHE = [
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
]

/** A part of an answer, a question about the caller's own copy, or a wish that nothing be kept. */
const passesBy = (sent: Record<string, string>): boolean =>
  sent['range'] !== undefined ||
  OF_THE_CALLERS_CACHE.some((name) => sent[name] !== undefined) ||
  /\bno-store\b/i.test(sent['cache-control'] ?? '')

function counted(app: App, connection: OpenConnection, answered: Noted): Answered {
  cacheCounts(app).add(connection, answered.cache)
  return answered
}

function fromMemory(read: Read): Noted | null {
  const stored = recall(read.app, read.key, read.sent)
  return stored && usable(read, stored)
}

/** What is kept, where it may be given out now; what is past its time is asked for behind the caller's back. */
function usable(read: Read, stored: Stored): Noted | null {
  const how = freshness(stored.kept, read.sent)
  if (how === 'fresh') return given(stored, 'hit')
  return how === 'stale' ? null : stale(read, stored)
}

function stale(read: Read, stored: Stored): Noted {
  renewBehind(read)
  return given(stored, 'stale', 'while-revalidate')
}

/** Shares the call of an identical read that nothing has spoiled since it began. */
async function joined(read: Read): Promise<Noted> {
  const { app, wanted, sent } = read
  const { timeout_ms } = wanted.request
  const way = [
    wanted.retries,
    wanted.patience_ms,
    wanted.ends_ms,
    timeout_ms,
    sent['cache-control'],
    sent['pragma'],
  ].join(' ')
  const known = app.db.listening() ? storeOf(app).flights.get(`${read.key} ${way}`) : undefined
  if (!known) return fly(read, way)
  const answered = await known.answer
  return { ...answered, cache: { ...answered.cache, joined: true } }
}

const BEHIND = 'behind'

function renewBehind(read: Read): void {
  const { app, key } = read
  if (storeOf(app).flights.has(`${key} ${BEHIND}`)) return
  fly(read, BEHIND).catch((err: unknown) => app.log.warn({ err }, 'a stale answer was not renewed'))
}

function fly(read: Read, way: string): Promise<Noted> {
  const { app, connection, path, key } = read
  const { flights } = storeOf(app)
  const id = `${key} ${way}`
  const flight: Flight = { connection_id: connection.id, path, spoiled: false }
  const answer = ask(read, flight, way === BEHIND).finally(() => {
    if (flights.get(id)?.flight === flight) flights.delete(id)
  })
  flights.set(id, { flight, answer })
  return answer
}

/** Another process may have what this one has not; the vendor is asked where it has not either. */
async function ask(read: Read, flight: Flight, is_behind: boolean): Promise<Noted> {
  const { app, place, key, sent } = read
  const { epoch, stored: shared } = await look(app, place, key, sent)
  const own = recall(app, key, sent)
  const stored = own && (!shared || own.call_id > shared.call_id) ? own : shared
  if (stored) {
    const how = freshness(stored.kept, sent)
    if (how !== 'stale' && !flight.spoiled) remember(app, place, key, stored)
    if (how === 'fresh') return given(stored, 'hit')
    if (how === 'while_asking' && !is_behind) return stale(read, stored)
  }
  return askVendor(read, flight, epoch, stored)
}

/** Asks the vendor, with the validators of what is kept, and keeps what it says. */
async function askVendor(read: Read, flight: Flight, epoch: string, old: Stored | null): Promise<Noted> {
  const { app, actor, connection, wanted, sent } = read
  const validators = old ? validatorsOf(old.kept, sent) : {}
  const headers = { ...wanted.request.headers, ...validators }
  const asking = old ? { ...wanted, request: { ...wanted.request, headers } } : wanted
  const performed = await perform(app, actor, connection, asking)
  if (old && performed.response?.status === 304) return confirmed(read, flight, epoch, old, performed)
  if (old && isTrouble(performed) && standsIn(old.kept)) {
    return given(old, 'stale', performed.response ? `status-${performed.response.status}` : 'no-answer')
  }
  const made = toStored(read, performed)
  if (typeof made === 'string') {
    if (old && !isTrouble(performed))
      discard(app, read.place, read.key, epoch, { path: read.path, call_id: performed.id })
    return { ...performed, cache: noteOf('miss', { detail: made }) }
  }
  return { ...performed, cache: keepIt(read, flight, epoch, made, 'miss') }
}

const isTrouble = ({ response }: Performed): boolean =>
  response === null || response.status >= 500 || response.status === 429 || response.status === 408

/** 304: what is kept is the answer, with what the vendor says of it now. */
function confirmed(
  read: Read,
  flight: Flight,
  epoch: string,
  old: Stored,
  performed: Performed & { response: Performed['response'] },
): Noted {
  const said = performed.response ?? old
  const answer = refresh(old, said)
  const kept = keep(read.rules, read.sent, answer)
  const { id, attempts, duration_ms } = performed
  const stored: Stored = { ...old, ...answer, call_id: id, kept: typeof kept === 'string' ? old.kept : kept }
  const cache =
    typeof kept === 'string'
      ? noteOf('revalidated', { detail: kept })
      : keepIt(read, flight, epoch, stored, 'revalidated')
  return { ...given(stored, 'revalidated'), attempts, duration_ms, cache }
}

function keepIt(
  { app, place, key }: Read,
  { spoiled }: Flight,
  epoch: string,
  stored: Stored,
  result: 'miss' | 'revalidated',
): CacheNote {
  if (spoiled) return noteOf(result, { detail: 'changed-meanwhile' })
  store(app, place, key, epoch, stored)
  return noteOf(result, { stored: true, ttl_s: freshFor_s(stored.kept) })
}

/** What is kept of an answer, or why nothing is. */
function toStored({ rules, sent, path }: Read, { id, state, error, response }: Performed): Stored | string {
  if (!response) return 'no-answer'
  const { status, headers, body, truncated } = response
  if (truncated || body.length > MOST_ANSWER_BYTES) return 'too-large'
  if (status < 300 && state !== 'succeeded') return 'refused' // a vendor's no in the clothes of a yes
  const kept = keep(rules, sent, response)
  return typeof kept === 'string' ? kept : { kept, path, call_id: id, state, error, status, headers, body }
}

/** As the call that brought it reported, without another one. */
function given(stored: Stored, result: CacheNote['result'], detail: string | null = null): Noted {
  const { kept, call_id, state, error, status, body } = stored
  const age_s = ageOf_s(kept)
  const headers = { ...stored.headers, age: String(age_s) }
  const timing = { first_byte_ms: 0, total_ms: 0 }
  return {
    id: call_id,
    state,
    response: { kind: 'response', status, headers, body, truncated: false, timing },
    attempts: 0,
    duration_ms: 0,
    error,
    turned_away: null,
    cache: noteOf(result, { stored: true, age_s, ttl_s: freshFor_s(kept), detail }),
  }
}

const noteOf = (result: CacheNote['result'], more: Partial<CacheNote> = {}): CacheNote => ({
  result,
  joined: false,
  stored: false,
  age_s: null,
  ttl_s: null,
  detail: null,
  ...more,
})
