import { isDeepStrictEqual } from 'node:util'
import { type Bulkhead, createBulkhead } from '../../kit/bulkhead.ts'
import {
  type CallLimits,
  type Count,
  callLimits,
  countsOf,
  type Place,
  type Rate,
} from '../../kit/call_limits.ts'
import { createFailover, type Failover } from '../../kit/failover.ts'
import { createLimiter, type Limiter, type Tally } from '../../kit/limiter.ts'
import { createRetryBudget, type RetryBudget } from '../../kit/retry_budget.ts'
import { once } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import type { OpenConnection } from '../connections/connections.ts'
import { storedRates } from '../operations/operations.ts'
import { newBreaker } from './breakers.ts'
import { addUsage } from './limit_queries.ts'
import { limitStore } from './limit_store.ts'
import { countsAbove } from './shared_limits.ts'
import { fallbacksOf } from './standby.ts'

/** What stands between a call and its vendor, one of each per connection in this process. */
export type Guards = {
  version: number
  /** What stored operations limit. */
  stored: CallLimits['operations']
  place: Place
  limits: CallLimits
  breaker: ReturnType<typeof newBreaker>
  bulkhead: Bulkhead
  retries: RetryBudget
  failover: Failover
  /** Of calls whose operation has no limits of its own. */
  limiter: Limiter
  by_operation: ReadonlyMap<string, Limiter>
  tally: Tally
}

const MOST = 10_000
const NONE: Tally = { calls: 0, bytes: 0, refused: 0 }
const USAGE_EVERY_MS = 10_000

type Kept = {
  guards: Map<string, Guards>
  /** Pushed out of memory with numbers that are not on record yet. */
  gone: Guards[]
}

const kept = once((app: App): Kept => {
  const guards = new Map<string, Guards>()
  app.db.listen('trilho_config', (payload) => {
    const [topic, key = ''] = payload.split(' ')
    // Another process was told to wait: what this one holds of the count is no longer worth anything.
    if (topic === 'paused') dropAll(guards.get(key))
    // Limits above this connection have changed; what happened while the line was down is not known.
    if (topic === 'rates' || payload === '')
      for (const one of guards.values()) for (const limiter of limitersOf(one)) limiter.relearn()
  })
  setInterval(() => void keepUsage(app), USAGE_EVERY_MS).unref()
  return { guards, gone: [] }
})

function dropAll(guards: Guards | undefined): void {
  if (guards) for (const limiter of limitersOf(guards)) limiter.drop()
}

/** Made anew when the connection changes, or the limits of its stored operations: its vendor may be another, too. */
export async function guardsOf(app: App, connection: OpenConnection): Promise<Guards> {
  const stored = await storedRates(app, connection)
  const { guards, gone } = kept(app)
  const known = guards.get(connection.id)
  if (known?.version === connection.version && isDeepStrictEqual(known.stored, stored)) return known
  const made = makeGuards(app, connection, stored, known?.tally ?? { ...NONE })
  if (!known && guards.size >= MOST) {
    const [oldest] = guards.values()
    if (oldest) gone.push(oldest)
    guards.delete(oldest?.place.connection_id ?? '')
  }
  guards.set(connection.id, made)
  return made
}

function makeGuards(
  app: App,
  { tenant_id, id, version, opened, limits: own }: OpenConnection,
  stored: Guards['stored'],
  tally: Tally,
): Guards {
  const limits = callLimits(opened.provider, own, stored)
  const { rates, operations, concurrency, queue } = limits
  const place = { tenant_id, connection_id: id, operation: '' }
  const connection = countsOf('connection', place, rates)
  const limiterOf = (counts: readonly Count[]) => limiterFor(app, counts, tally)
  const ofOperation = ([operation, rates]: [string, readonly Rate[]]): [string, Limiter] => [
    operation,
    limiterOf([...countsOf('operation', { ...place, operation }, rates), ...connection]),
  ]
  return {
    version,
    stored,
    place,
    limits,
    breaker: newBreaker(place, limits.breaker),
    bulkhead: createBulkhead({ most: concurrency, queue }),
    failover: createFailover(1 + fallbacksOf(opened.settings).length, app.clock.monotonic),
    retries: createRetryBudget(limits.retry_budget, app.clock.monotonic),
    limiter: limiterOf(connection),
    by_operation: new Map(Object.entries(operations).map(ofOperation)),
    tally,
  }
}

/** What the tenant and the installation set above the connection is looked up with each block, so it may change. */
function limiterFor(app: App, counts: readonly Count[], tally: Tally): Limiter {
  const store = limitStore(app)
  const tenant_id = counts[0]?.tenant_id ?? ''
  return createLimiter({
    tally,
    monotonic: app.clock.monotonic,
    ask: async (asked) => {
      const all = [...counts, ...(await countsAbove(app, tenant_id))]
      const smallest = Math.min(...all.filter(({ unit }) => unit === 'calls').map(({ most }) => most))
      return { ...(await store.take(all, asked)), smallest }
    },
  })
}

/** The limiter that a call of this operation has to pass. */
export const limiterOf = ({ limiter, by_operation }: Guards, operation: string | null): Limiter =>
  (operation === null ? undefined : by_operation.get(operation)) ?? limiter

/** Writes down what this process used of its limits since the last time; bytes that others must know of too. */
export async function keepUsage(app: App): Promise<void> {
  const { guards, gone } = kept(app)
  const all = [...guards.values(), ...gone.splice(0)]
  await Promise.allSettled(all.flatMap(limitersOf).map((limiter) => limiter.flush()))
  await limitStore(app).flush()
  const used = all
    .filter(({ tally }) => tally.calls + tally.bytes + tally.refused > 0)
    .map(({ place, tally }) => ({ ...place, ...tally, tally }))
  if (used.length === 0) return
  for (const { tally } of used) Object.assign(tally, NONE)
  await addUsage(app.db.worker, used).catch((error: unknown) => {
    app.log.warn({ err: error }, 'the use of limits was not kept; it is tried again')
    for (const { tally, calls, bytes, refused } of used) {
      tally.calls += calls
      tally.bytes += bytes
      tally.refused += refused
    }
  })
}

const limitersOf = ({ limiter, by_operation }: Guards): Limiter[] => [limiter, ...by_operation.values()]
