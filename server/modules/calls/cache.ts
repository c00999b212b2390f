import { type CacheRules, sameAsCallers } from '../../kit/cache.ts'
import { coversPath, headersOf, pathOf, readKey } from '../../kit/cache_key.ts'
import { isSafe } from '../../kit/retry.ts'
import type { Actor, App } from '../app.ts'
import { type OpenConnection, readToken } from '../connections/connections.ts'
import { noteCache } from '../metrics/metrics.ts'
import { cacheCounts } from './cache_counts.ts'
import { policiesOf } from './cache_policies.ts'
import { assertMayAsk, noteOf, readThrough } from './cache_reads.ts'
import type { CacheNote, CachePolicy } from './cache_schema.ts'
import type { Noted } from './cache_store.ts'
import { type Performed, perform } from './perform.ts'
import type { Wanted } from './pipeline.ts'
import type { Named } from './prepare.ts'
import { needsToken, placeOf } from './tokens.ts'

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

/** As `perform`, through the cache. `skip`: neither answered from it nor kept. */
export async function performCached(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  wanted: Wanted,
  { named = null, skip = false }: { named?: Named | null; skip?: boolean } = {},
): Promise<Answered> {
  const policies = await policiesOf(app, connection)
  const rules = rulesOf(policies, wanted, named)
  const sent = headersOf(wanted.request)
  if (rules === null) {
    assertMayAsk(sent)
    return { ...(await perform(app, actor, connection, wanted)), cache: null }
  }
  if (skip || passesBy(sent)) {
    assertMayAsk(sent)
    const performed = await perform(app, actor, connection, wanted)
    return counted(app, connection, { ...performed, cache: noteOf('bypassed') })
  }
  const { 'if-none-match': callers, ...headers } = sent
  const { signal: _, keeper: __, ...shared } = wanted // others may wait for what is asked here
  const asked = callers === undefined ? shared : { ...shared, request: { ...wanted.request, headers } }
  const noted = await readThrough({
    app,
    actor,
    connection,
    wanted: asked,
    rules,
    place: { tenant_id: connection.tenant_id, connection_id: connection.id },
    key: readKey(await ownerOf(app, connection), asked.request),
    path: pathOf(wanted.request.path),
    sent: headers,
  })
  return counted(app, connection, callers === undefined ? noted : unlessSame(noted, callers))
}

/** The caller has a copy of its own: 304 where it is the answer. RFC 9110, section 13.1.2. */
function unlessSame(noted: Noted, callers: string): Noted {
  const { response } = noted
  if (!response || !sameAsCallers(response, callers)) return noted
  return { ...noted, response: { ...response, status: 304, body: Buffer.alloc(0) } }
}

/** Whose answers: of this connection as it is set up now, and of whoever consented last. */
async function ownerOf(app: App, connection: OpenConnection): Promise<string> {
  const { tenant_id, id, version } = connection
  const token = needsToken(connection) ? await readToken(app, placeOf(connection)) : null
  return [FORMAT, tenant_id, id, version, token?.consented_at?.getTime()].join(' ')
}

/** Of what is kept: another one is another key. */
const FORMAT = 1

/** The first policy whose path fits; where none does, what the operation says of itself. */
function rulesOf(policies: CachePolicy[], { request }: Wanted, named: Named | null): CacheRules | null {
  const path = pathOf(request.path)
  const own = isSafe(request.method) ? policies.find((policy) => coversPath(policy.path, path)) : undefined
  if (own) return own.enabled === false ? null : own
  return named?.operation?.cache ?? named?.stored?.definition.cache ?? null
}

const LEFT_TO_THE_VENDOR = ['range', 'if-range', 'if-match', 'if-modified-since', 'if-unmodified-since']

/** A part of an answer, a condition that is the vendor's to judge, or a wish that nothing be kept. */
const passesBy = (sent: Record<string, string>): boolean =>
  LEFT_TO_THE_VENDOR.some((name) => sent[name] !== undefined) ||
  /\bno-store\b/i.test(sent['cache-control'] ?? '')

function counted(app: App, connection: OpenConnection, answered: Noted): Answered {
  const { result } = answered.cache
  cacheCounts(app).add(connection, answered.cache)
  if (result !== 'bypassed') noteCache(app, connection.tenant_id, connection.id, result !== 'miss')
  return answered
}
