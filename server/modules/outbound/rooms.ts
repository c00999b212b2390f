import { randomUUID } from 'node:crypto'
import type { App } from '../app.ts'
import { receiverOf } from './audience.ts'
import { holdPermits } from './permit_queries.ts'
import { createPermits, type Permits } from './permits.ts'
import type { Terms } from './shares.ts'

/** How many of a subscription may be under way at once, and how many turns it gets. */

export async function termsOf(app: App, tenant_id: string, subscription_id: string): Promise<Terms> {
  const { max_concurrency: most = null, weight = 1 } =
    (await receiverOf(app, tenant_id, subscription_id)) ?? {}
  return { most, weight }
}

/** Of this process: both of its loops share them. */
export function permitsOf({ db, clock, log }: App): Permits {
  const holder = randomUUID()
  return createPermits({ hold: (wanted) => holdPermits(db.worker, holder, wanted), clock, log })
}
