import type { App } from '../app.ts'
import { type Counted, dropArrivals, listCounted } from '../metrics/metrics.ts'
import { listDeleted } from './source_queries.ts'

const BATCH = 1_000
const NONE = '00000000-0000-0000-0000-000000000000'

/** What another process had counted of a source, and wrote once it was deleted. */
export async function forgetCounts({ db }: App): Promise<void> {
  let after: Counted | undefined = { tenant_id: NONE, source_id: NONE }
  while (after) {
    const counted: Counted[] = await listCounted(db.owner, after, BATCH)
    for (const place of await listDeleted(db.owner, counted)) await dropArrivals(db.owner, place)
    after = counted.at(-1)
  }
}
