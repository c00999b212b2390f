import { countWorkers, once } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import { receiverOf } from './audience.ts'
import type { Terms } from './shares.ts'

/**
 * How many of a subscription this process may have in hand, what it allows being shared by the processes that work, and
 * how many turns it gets.
 */

/** How long the count of workers is believed. */
const BELIEVED_MS = 5_000

export async function termsOf(app: App, tenant_id: string, subscription_id: string): Promise<Terms> {
  const { max_concurrency: most = null, weight = 1 } =
    (await receiverOf(app, tenant_id, subscription_id)) ?? {}
  if (most === null) return { most, weight }
  return { most: Math.max(1, Math.floor(most / (await workers(app)()))), weight }
}

const workers = once((app: App) => {
  let asked_at = Number.NEGATIVE_INFINITY
  let count: Promise<number> = Promise.resolve(1)
  return (): Promise<number> => {
    if (app.clock.monotonic() - asked_at > BELIEVED_MS) {
      asked_at = app.clock.monotonic()
      count = countWorkers(app.db.worker).then(
        (found) => Math.max(1, found),
        () => 1,
      )
    }
    return count
  }
})
