import { coversPath, pathOf } from '../../kit/cache_key.ts'
import { baseUrl } from '../../kit/transports/http.ts'
import { forget, inTenant, once, remember, type Tx } from '../../platform/database/database.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { checkEnvironment, type OpenConnection, openConnection } from '../connections/connections.ts'
import { type NewEvent, whenPublished } from '../events/events.ts'
import { cachedOperations } from '../operations/operations.ts'
import { matches } from '../outbound/outbound.ts'
import { audit } from '../tenants/tenants.ts'
import { cacheCounts } from './cache_counts.ts'
import type { Place } from './cache_queries.ts'
import * as queries from './cache_queries.ts'
import type { CachePolicy, CacheReport, PurgeCache, PutCache } from './cache_schema.ts'
import { drop, storeOf } from './cache_store.ts'
import type { Performed } from './perform.ts'
import type { Wanted } from './pipeline.ts'

/** What may be kept of a connection's answers, what drops it, and what people see of it. */

const known = once((app: App) =>
  remember(app.db, {
    topic: 'cache_policies',
    load: (key) => {
      const [tenant_id = '', connection_id = ''] = key.split(' ')
      return inTenant(app.db, tenant_id, (tx) => queries.listPolicies(tx, { tenant_id, connection_id }))
    },
  }),
)

export const policiesOf = (app: App, { tenant_id, id }: OpenConnection): Promise<CachePolicy[]> =>
  known(app).get(`${tenant_id} ${id}`)

const EVERYTHING = '*'

/** What was kept under the policies before goes with them. */
export async function putCache(app: App, actor: Actor, wire_id: string, { policies }: PutCache) {
  const place = await placeOf(app, actor, wire_id)
  await inTenant(app.db, place.tenant_id, async (tx) => {
    await queries.putPolicies(tx, place, policies)
    await drop(app, tx, place, EVERYTHING)
    forget(tx, 'cache_policies', `${place.tenant_id} ${place.connection_id}`)
    forget(tx, 'cache_watched', place.tenant_id)
    await audit(tx, actor, 'cache.update', wire_id, { policies: policies.length })
  })
  return readCache(app, actor, wire_id)
}

export async function readCache(app: App, actor: Actor, wire_id: string): Promise<CacheReport> {
  const { tenant_id, id: connection_id } = await openConnection(
    app,
    actor.tenant_id,
    fromWire('connection', wire_id),
  )
  await cacheCounts(app).flush()
  const place = { tenant_id, connection_id }
  return inTenant(app.db, tenant_id, async (tx) => ({
    connection_id: wire_id,
    policies: await queries.listPolicies(tx, place),
    ...(await queries.readSpace(tx, place)),
  }))
}

/** By hand: everything, or the paths of a pattern. */
export async function purgeCache(app: App, actor: Actor, wire_id: string, { path = EVERYTHING }: PurgeCache) {
  const place = await placeOf(app, actor, wire_id)
  const purged = await inTenant(app.db, place.tenant_id, async (tx) => {
    await audit(tx, actor, 'cache.purge', wire_id, { path })
    return drop(app, tx, place, path)
  })
  return { purged }
}

async function placeOf(app: App, actor: Actor, wire_id: string): Promise<Place> {
  const connection = await openConnection(app, actor.tenant_id, fromWire('connection', wire_id))
  checkEnvironment(actor, connection.environment)
  return { tenant_id: connection.tenant_id, connection_id: connection.id }
}

/**
 * A change that the vendor took, or may have taken, drops what is kept of its address, and of those it names as the
 * place of the result: RFC 9111, section 4.4. Done before the caller knows, so that what it reads next is not older.
 */
export async function dropChanged(
  app: App,
  connection: OpenConnection,
  wanted: Wanted,
  performed: Performed,
): Promise<void> {
  if (performed.attempts === 0 || performed.state === 'refused') return
  const place = { tenant_id: connection.tenant_id, connection_id: connection.id }
  try {
    const paths = await keptPaths(app, connection, wanted, performed)
    if (paths.length === 0) return
    await inTenant(app.db, place.tenant_id, async (tx) => {
      for (const path of paths) await drop(app, tx, place, path)
    })
  } catch (err) {
    // What the vendor did has happened whether or not the cache could be told.
    app.log.error(
      { err, connection: toWire('connection', connection.id) },
      'a change did not reach the cache',
    )
  }
}

/** Those that the request changed and of which something may be kept. */
async function keptPaths(
  app: App,
  connection: OpenConnection,
  { request, operation }: Wanted,
  { response }: Performed,
): Promise<string[]> {
  const policies = await policiesOf(app, connection)
  const readers = await cachedOperations(app, connection)
  if (operation !== null && readers.includes(operation)) return [] // it only reads, whatever its method
  if (policies.length + readers.length === 0) return []
  const changed = [pathOf(request.path), ...resultPaths(connection, response?.headers ?? {})]
  // What an operation asks for is made from its input, so any path may be one of its.
  if (readers.length > 0) return changed
  return changed.filter((path) => policies.some((policy) => coversPath(policy.path, path)))
}

const OF_THE_RESULT = ['location', 'content-location']

/** The paths below our base URL that `Location` and `Content-Location` name. */
function resultPaths({ opened }: OpenConnection, headers: Readonly<Record<string, string>>): string[] {
  const named = OF_THE_RESULT.flatMap((name) => headers[name] ?? [])
  if (named.length === 0) return [] // not every transport has a base URL
  const base = `${baseUrl(opened)}/`
  return named.flatMap((to) => {
    const url = URL.parse(to, base)
    return url?.href.startsWith(base) ? [pathOf(url.href.slice(base.length - 1))] : []
  })
}

const watched = once((app: App) =>
  remember<queries.Watched[]>(app.db, {
    topic: 'cache_watched',
    load: (tenant_id) => inTenant(app.db, tenant_id, (tx) => queries.listWatched(tx, tenant_id)),
  }),
)

/** From now on, events drop what policies keep until they come: in the transaction that publishes them. */
export const dropOnEvents = (app: App): void =>
  whenPublished(app, (tx, events) => dropByEvents(app, tx, events))

async function dropByEvents(app: App, tx: Tx, events: readonly NewEvent[]): Promise<void> {
  const by_tenant = Map.groupBy(events, ({ tenant_id }) => tenant_id)
  // In one order everywhere, since each dropping locks its connection's row until the commit.
  for (const [tenant_id, published] of [...by_tenant].sort(([a], [b]) => (a < b ? -1 : 1))) {
    // Read through the transaction itself: to wait here for another connection could be to wait for ever.
    const policies = await watched(app).get(tenant_id, () => queries.listWatched(tx, tenant_id))
    for (const { connection_id, path, invalidate_on } of policies) {
      if (!published.some(({ type }) => invalidate_on.some((pattern) => matches(pattern, type)))) continue
      await drop(app, tx, { tenant_id, connection_id }, path)
    }
  }
}

/** Waits until what is kept is written and counted: before the database is closed. */
export async function drainCache(app: App): Promise<void> {
  const { flights, writing } = storeOf(app)
  await Promise.allSettled([...flights.values()].map(({ answer }) => answer))
  await Promise.allSettled(writing)
  await cacheCounts(app).flush()
}
