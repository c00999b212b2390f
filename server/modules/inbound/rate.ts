import { countsOf } from '../../kit/call_limits.ts'
import { createLimiter, type Limiter } from '../../kit/limiter.ts'
import { once } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import type { App } from '../app.ts'
import { limitStore } from '../calls/calls.ts'
import type { Options } from './options.ts'
import { tellSeldom, turnAway } from './refusals.ts'
import type { ActiveSource } from './sources.ts'

/**
 * How much a source takes, where it says so: never more in any period of that length, by all processes together. They
 * share the counts that calls are limited by, and each holds a few of them, so that most requests cost no statement and
 * one that is refused costs none at all.
 */

type Wanted = NonNullable<Options['rate_limit']>
type Kept = { wanted: Wanted; limiter: Limiter }

const MOST_SOURCES = 10_000
const kept = once((_app: App) => new Map<string, Kept>())

/** Throws where the source has taken as much as it may. */
export async function refuseTooMany(
  app: App,
  source: ActiveSource,
  wanted: Wanted,
  ip: string | null,
): Promise<void> {
  const permit = await limiterOf(app, source, wanted).take(0)
  if (permit.ok) return
  const { wire_id } = source
  turnAway(app, source, 'rate_limited')
  const { requests, per_s } = wanted
  const detail = `${wire_id} takes ${requests} requests in ${per_s} s (options.rate_limit)`
  tellSeldom(app, source, 'webhook.rate_limited', ip, detail)
  throw new Problem('rate_limited', { detail, retry_after_s: permit.wait_ms / 1000 })
}

/** Made anew when the source is told another rate. */
function limiterOf(app: App, { tenant_id, id }: ActiveSource, wanted: Wanted): Limiter {
  const sources = kept(app)
  const known = sources.get(id)
  if (known?.wanted.requests === wanted.requests && known.wanted.per_s === wanted.per_s) return known.limiter
  const { requests: calls, per_s } = wanted
  const place = { tenant_id, connection_id: id, operation: '' } // the id of no connection: the counts are its own
  const counts = countsOf('connection', place, [{ calls, per_s }])
  const store = limitStore(app)
  const limiter = createLimiter({
    ask: async (asked) => ({ ...(await store.take(counts, asked)), smallest: calls }),
    monotonic: app.clock.monotonic,
    tally: { calls: 0, bytes: 0, refused: 0 },
  })
  if (sources.size >= MOST_SOURCES) sources.clear()
  sources.set(id, { wanted, limiter })
  return limiter
}
