import { once } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import type { OpenConnection } from '../connections/connections.ts'
import { addReads, type Place, READS, type Reads } from './cache_queries.ts'
import type { CacheNote } from './cache_schema.ts'

/** What reads came to, per connection: counted in memory, written together every few seconds. */
type Counts = {
  add(connection: OpenConnection, note: CacheNote): void
  /** Writes what was counted so far. */
  flush(): Promise<void>
}

const EVERY_MS = 10_000
const NAMES: Record<CacheNote['result'], keyof Reads> = {
  hit: 'hits',
  miss: 'misses',
  revalidated: 'revalidated',
  stale: 'stale',
  bypassed: 'bypassed',
}

export const cacheCounts = once((app: App): Counts => {
  let waiting = new Map<string, Place & Reads>()
  let timer: NodeJS.Timeout | null = null

  const flush = async (): Promise<void> => {
    if (timer) clearTimeout(timer)
    timer = null
    const rows = [...waiting.values()]
    waiting = new Map()
    if (rows.length === 0) return
    await addReads(app.db.worker, rows).catch((err: unknown) =>
      app.log.warn({ err }, 'how often caches were hit was not kept'),
    )
  }

  const add = (connection: OpenConnection, { result, joined }: CacheNote): void => {
    const { tenant_id, id: connection_id, opened } = connection
    app.telemetry.count('trilho_cache_reads_total', { provider: opened.provider.id, result })
    const row = waiting.get(connection_id) ?? { tenant_id, connection_id, ...nothing() }
    row[NAMES[result]] += 1
    if (joined) row.joined += 1
    waiting.set(connection_id, row)
    timer ??= setTimeout(() => void flush(), EVERY_MS).unref()
  }

  return { add, flush }
})

const nothing = (): Reads => Object.fromEntries(READS.map((name) => [name, 0])) as Reads
