import {
  ageOf_s,
  type CacheRules,
  freshFor_s,
  freshness,
  keep,
  refresh,
  standsIn,
  validatorsOf,
  variantOf,
  wantsOnlyKept,
} from '../../kit/cache.ts'
import { Problem } from '../../platform/errors.ts'
import type { Actor, App } from '../app.ts'
import type { OpenConnection } from '../connections/connections.ts'
import type { Place } from './cache_queries.ts'
import type { CacheNote } from './cache_schema.ts'
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

/** One read that a policy covers: from memory, from what other processes kept, from a call under way, or by a call. */
export type Read = {
  app: App
  actor: Actor
  connection: OpenConnection
  wanted: Wanted
  rules: CacheRules
  place: Place
  key: string
  /** At the vendor, without its query. */
  path: string
  /** The caller's headers. */
  sent: Readonly<Record<string, string>>
}

export async function readThrough(read: Read): Promise<Noted> {
  const stored = recall(read.app, read.key, read.sent)
  return (stored && usable(read, stored)) ?? joined(read)
}

/** What is kept, where it may be given out now; what is past its time is asked for behind the caller's back. */
function usable(read: Read, stored: Stored): Noted | null {
  const how = freshness(stored.kept, read.sent)
  if (how === 'fresh') return given(stored, 'hit')
  return how === 'stale' ? null : stale(read, stored)
}

function stale(read: Read, stored: Stored): Noted {
  if (!wantsOnlyKept(read.sent)) renewBehind(read)
  return given(stored, 'stale', 'while-revalidate')
}

/**
 * Shares the call of an identical read that nothing has spoiled since it began. Where its answer turns out to be for
 * others, by a header that `Vary` names, those of one kind share a call of their own. RFC 9111, section 4.
 */
async function joined(read: Read, variant: string | null = null): Promise<Noted> {
  const { app, wanted, sent } = read
  const { retries, patience_ms, ends_ms, request } = wanted
  const asks = [sent['cache-control'], sent['pragma']]
  const way = [retries, patience_ms, ends_ms, request.timeout_ms, ...asks, variant].join(' ')
  // One that would not hear that it is spoiled is joined by nobody.
  if (!app.db.listening()) return fly(read, app.newId())
  const known = storeOf(app).flights.get(`${read.key} ${way}`)
  if (!known) return fly(read, way)
  const answered = await known.answer
  const vary = answered.response?.headers['vary']
  const own = variantOf(vary, sent)
  if (own !== null && own === variantOf(vary, known.flight.sent))
    return { ...answered, cache: { ...answered.cache, joined: true } }
  return own === null || variant !== null ? fly(read, app.newId()) : joined(read, own)
}

const BEHIND = 'behind'

/** By a call of its own, whatever becomes of the one it is behind. */
function renewBehind(read: Read): void {
  const { app, key } = read
  if (storeOf(app).flights.has(`${key} ${BEHIND}`)) return
  const { id: _, tells_itself: _tells, ...wanted } = read.wanted
  fly({ ...read, wanted }, BEHIND).catch((err: unknown) =>
    app.log.warn({ err }, 'a stale answer was not renewed'),
  )
}

function fly(read: Read, way: string): Promise<Noted> {
  const { app, connection, path, key, sent } = read
  const { flights } = storeOf(app)
  const id = `${key} ${way}`
  const flight: Flight = { connection_id: connection.id, path, sent, spoiled: false }
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
  assertMayAsk(sent)
  return askVendor(read, flight, epoch, stored)
}

/** Throws where the caller wants nothing but what is kept. */
export function assertMayAsk(sent: Read['sent']): void {
  if (!wantsOnlyKept(sent)) return
  const detail = 'cache-control: only-if-cached, and nothing is kept for this request; ask without it'
  throw new Problem('not_cached', { field: 'headers.cache-control', detail })
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
  if (typeof kept === 'string') discard(read.app, read.place, read.key, epoch, stored)
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
    external_reference: null,
    turned_away: null,
    no_answer: null,
    cache: noteOf(result, { stored: true, age_s, ttl_s: freshFor_s(kept), detail }),
  }
}

export const noteOf = (result: CacheNote['result'], more: Partial<CacheNote> = {}): CacheNote => ({
  result,
  joined: false,
  stored: false,
  age_s: null,
  ttl_s: null,
  detail: null,
  ...more,
})
