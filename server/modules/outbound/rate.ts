import { createBatch } from '../../platform/batch.ts'
import { isConnectionLoss } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import type { Active } from './audience.ts'
import { takeOf, type Wanted } from './rate_queries.ts'

/** So long at most, then it is asked again: a rate may be changed while its deliveries wait for the day that it was of. */
const MOST_WAIT_MS = 60_000

/** A subscription's own rate, kept by all workers together: how long until its next delivery may go, 0 for now. */
export function createRate(app: App): (receiver: Active, tenant_id: string) => Promise<number> {
  const { add } = createBatch<Wanted, number>({
    size: 128,
    parallel: 1,
    flush: (wanted) => takeOf(app.db.worker, wanted),
    isFinal: isConnectionLoss,
  })
  return async ({ id: subscription_id, rate }, tenant_id) =>
    rate === null ? 0 : Math.min(MOST_WAIT_MS, await add({ tenant_id, subscription_id, ...paceOf(rate) }))
}

/**
 * So that no span of `per_s` has more than `count` of them: what may go at once, which makes up for a worker that is late,
 * is taken off what follows. It is a tenth; of up to ten each goes by itself.
 */
export function paceOf({ count, per_s }: NonNullable<Active['rate']>): { gap_ms: number; burst: number } {
  const burst = Math.ceil(count / 10)
  return { gap_ms: (per_s * 1000) / (count - burst + 1), burst }
}
