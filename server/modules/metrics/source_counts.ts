import { once, type Tx } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import { type Arrived, addArrivals, listArrivals, type SourceRow } from './source_queries.ts'
import { createTally } from './tally.ts'

/** Counting what comes to each source: nothing is written for any message, see `tally.ts`. */

export type Arrival = { tenant_id: string; source_id: string; outcome: Arrived; at: Date }

const counted = once((app: App) => createTally<SourceRow>(app, (rows) => addArrivals(app.db.worker, rows)))

export function noteSource(app: App, { at, ...about }: Arrival): void {
  const row = counted(app).of(`${about.source_id} ${about.outcome}`, () => ({
    ...about,
    count: 0,
    last_at: at,
  }))
  row.count += 1
  if (at > row.last_at) row.last_at = at
}

export const writeSources = (app: App): Promise<void> => counted(app).drain()

/** Since it was made; `last_received_at` is of those that were taken in. */
export type SourceCounts = {
  received: number
  duplicates: number
  quarantined: number
  refused: number
  last_received_at: Date | null
}

const NOTHING: SourceCounts = {
  received: 0,
  duplicates: 0,
  quarantined: 0,
  refused: 0,
  last_received_at: null,
}
const MEMBERS = {
  received: 'received',
  duplicate: 'duplicates',
  quarantined: 'quarantined',
  refused: 'refused',
} as const

/** Of each of these sources, by its id. What this process counted in the last seconds is among it after `writeCounts`. */
export async function countsOfSources(
  tx: Tx,
  tenant_id: string,
  ids: readonly string[],
): Promise<(id: string) => SourceCounts> {
  const found = new Map<string, SourceCounts>()
  for (const { source_id, outcome, count, last_at } of await listArrivals(tx, tenant_id, ids)) {
    const counts = found.get(source_id) ?? { ...NOTHING }
    counts[MEMBERS[outcome]] = count
    if (outcome === 'received') counts.last_received_at = last_at
    found.set(source_id, counts)
  }
  return (id) => found.get(id) ?? NOTHING
}
