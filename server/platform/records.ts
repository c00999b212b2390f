import type { Clock } from './clock.ts'
import { type Database, dropPartition, makePartitions, partitionsBefore } from './database/database.ts'
import { floorId } from './ids.ts'
import type { Log } from './log.ts'

/** A partitioned table, how long its rows are kept, and the work that may still point into them. */
export type Records = {
  table: string
  keep_days: number
  /** How many pieces of work point at rows whose id is below this one. */
  held: (before_id: string) => Promise<number>
}

const DAY_MS = 86_400_000

/**
 * Makes the partitions of the coming days and drops those past their retention. A partition that work still points
 * into stays, and the log says what holds it back: dropping it would lose what was accepted.
 */
export async function keepRecords(
  options: { db: Database; clock: Clock; log: Log; ahead_days: number },
  records: Records[],
): Promise<void> {
  const { db, clock, log, ahead_days } = options
  const made = await makePartitions(db.owner, clock.now(), ahead_days)
  if (made > 0) log.info({ made }, 'partitions were made')
  for (const { table, keep_days, held } of records) {
    const before = new Date(Math.floor(clock.now().getTime() / DAY_MS) * DAY_MS - keep_days * DAY_MS)
    const old = await partitionsBefore(db.owner, table, before)
    if (old.length === 0) continue
    const holding = await held(floorId(before))
    if (holding > 0) {
      log.warn({ table, partitions: old.length, holding }, 'old partitions stay: work still points into them')
      continue
    }
    for (const name of old) await dropPartition(db.owner, table, name)
    log.info({ table, dropped: old.length }, 'old partitions were dropped')
  }
}
