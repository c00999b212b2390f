import { createBatch } from '../../platform/batch.ts'
import { isConnectionLoss } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import type { Active } from './audience.ts'
import { takeOf, type Wanted } from './rate_queries.ts'

/** A subscription's own rate, kept by all workers together: how long until its next delivery may go, 0 for now. */
export function createRate(app: App): (receiver: Active, tenant_id: string) => Promise<number> {
  const { add } = createBatch<Wanted, number>({
    size: 128,
    parallel: 1,
    flush: (wanted) => takeOf(app.db.worker, wanted),
    isFinal: isConnectionLoss,
  })
  return async ({ id, rate }, tenant_id) =>
    rate === null ? 0 : add({ tenant_id, subscription_id: id, gap_ms: (rate.per_s * 1000) / rate.count })
}
