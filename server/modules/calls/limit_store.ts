import type { Count, Place } from '../../kit/call_limits.ts'
import type { Asked, Granted } from '../../kit/limiter.ts'
import { once } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import { heedVendor, type Rings, readRings, takeRates, type VendorWord } from './limit_queries.ts'

/** Where what all processes use of their limits is counted. */
export type LimitStore = {
  /** Takes from every count or from none. The counts of a call share its connection; none stands twice. */
  take(counts: readonly Count[], asked: Asked): Promise<Omit<Granted, 'smallest'>>
  /** What the vendor said, for all calls of this place. */
  heed(place: Place, word: VendorWord): Promise<void>
  /** What is used now, in the order of the counts. */
  read(counts: readonly Count[]): Promise<Rings>
}

export const limitStore = once((app: App): LimitStore => {
  const db = app.db.worker
  return {
    take: (counts, asked) => takeRates(db, counts, asked),
    heed: (place, word) => heedVendor(db, place, word),
    read: (counts) => readRings(db, counts),
  }
})
