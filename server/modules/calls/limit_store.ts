import type { Count, Place } from '../../kit/call_limits.ts'
import type { Asked, Granted } from '../../kit/limiter.ts'
import { type Db, once } from '../../platform/database/database.ts'
import type { Redis } from '../../platform/redis/redis.ts'
import type { App } from '../app.ts'
import { type PostgresStore, withFallback } from './limit_fallback.ts'
import {
  addRates,
  heedVendor,
  listVendorLimits,
  type Rings,
  readRings,
  takeRates,
  type VendorWord,
} from './limit_queries.ts'
import { redisStore } from './limit_redis.ts'

/** Where what all processes use of their limits is counted. */
export type LimitStore = {
  /** Takes from every count or from none. The counts of a call share its connection; none stands twice. */
  take(counts: readonly Count[], asked: Asked): Promise<Omit<Granted, 'smallest'>>
  /** What the vendor said, for all calls of this place. */
  heed(place: Place, word: VendorWord): Promise<void>
  /** What is used now, in the order of the counts. */
  read(counts: readonly Count[]): Promise<Rings>
  /** Writes down what would be lost with Redis or with this process. */
  flush(): Promise<void>
}

export const limitStore = once((app: App): LimitStore => {
  const { redis, db, clock } = app
  return limitStoreOf({ redis, worker: db.worker, now: clock.now })
})

export function limitStoreOf(at: { redis: Redis | undefined; worker: Db; now: () => Date }): LimitStore {
  const in_postgres = postgresStore(at.worker)
  const { redis, now } = at
  return redis ? withFallback(redis, { in_redis: redisStore(redis), in_postgres }, now) : in_postgres
}

function postgresStore(worker: Db): PostgresStore {
  return {
    take: (counts, asked) => takeRates(worker, counts, asked),
    heed: (place, word) => heedVendor(worker, place, word),
    read: (counts) => readRings(worker, counts),
    flush: async () => {},
    add: (missed) => addRates(worker, missed),
    words: (place) => listVendorLimits(worker, place),
  }
}
