import { type Bulkhead, createBulkhead } from '../../kit/bulkhead.ts'
import { type CallLimits, callLimits } from '../../kit/call_limits.ts'
import { createLimiter, type Limiter } from '../../kit/limiter.ts'
import { once } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import type { OpenConnection } from '../connections/connections.ts'
import { newBreaker } from './breakers.ts'
import { type Place, pauseCalls, takeCalls } from './guard_queries.ts'

/** What stands between a call and its vendor, one of each per connection in this process. */
export type Guards = {
  version: number
  place: Place
  limits: CallLimits
  breaker: ReturnType<typeof newBreaker>
  bulkhead: Bulkhead
  limiter: Limiter
}

const MOST = 10_000

const kept = once((app: App) => {
  const guards = new Map<string, Guards>()
  // Another process was told to wait: what this one holds of the count is no longer worth anything.
  app.db.listen('trilho_config', (payload) => {
    if (payload.startsWith('paused ')) guards.get(payload.slice('paused '.length))?.limiter.drop()
  })
  return guards
})

/** Made anew when the connection changes: its limits may be others, and its vendor too. */
export function guardsOf(app: App, connection: OpenConnection): Guards {
  const guards = kept(app)
  const known = guards.get(connection.id)
  if (known?.version === connection.version) return known
  const made = makeGuards(app, connection)
  if (guards.size >= MOST) guards.delete(guards.keys().next().value ?? '')
  guards.set(connection.id, made)
  return made
}

function makeGuards(app: App, { tenant_id, id, version, opened, limits: own }: OpenConnection): Guards {
  const limits = callLimits(opened.provider, own)
  const { rates, concurrency, queue } = limits
  const place = { tenant_id, connection_id: id }
  return {
    version,
    place,
    limits,
    breaker: newBreaker(place, limits.breaker),
    bulkhead: createBulkhead({ most: concurrency, queue }),
    limiter: createLimiter({
      smallest: Math.min(...rates.map(({ calls }) => calls)),
      ask: (want, unused) => takeCalls(app.db.worker, place, rates, want, unused),
      monotonic: app.clock.monotonic,
    }),
  }
}

const LONGEST_PAUSE_MS = 24 * 60 * 60 * 1000

/** The vendor asked to wait: every process does. */
export async function pause(app: App, { place, limiter }: Guards, asked_ms: number): Promise<void> {
  const pause_ms = Math.min(asked_ms, LONGEST_PAUSE_MS)
  limiter.drop(pause_ms)
  await pauseCalls(app.db.worker, place, pause_ms)
  app.db.notify('trilho_config', `paused ${place.connection_id}`)
}
