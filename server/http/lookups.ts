import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database/database.ts'

const MOST = 10_000
/** NOTIFY drops an entry long before this; it is the bound for a line that is dead and does not know it yet. */
const STALE_MS = 30_000

export type Lookups<T> = (key: string, load: () => Promise<T | null>) => Promise<T | null>

/**
 * Remembers what was looked up, and that it was not there, until any process says that configuration changed
 * (`trilho_config`). While the line those words come over is down, nothing is served from memory. What was
 * read before a change and arrives after it is handed out once and not remembered.
 */
export function createLookups<T>(db: Pick<Database, 'listen' | 'listening'>, clock: Clock): Lookups<T> {
  const entries = new Map<string, { value: T | null; at_ms: number }>()
  let generation = 0
  db.listen('trilho_config', () => {
    entries.clear()
    generation += 1
  })
  return async (key, load) => {
    const known = entries.get(key)
    if (known && db.listening() && clock.monotonic() - known.at_ms < STALE_MS) return known.value
    const begun = { generation, at_ms: clock.monotonic() }
    const value = await load()
    if (begun.generation !== generation || !db.listening()) return value
    const oldest = entries.size >= MOST ? entries.keys().next() : null
    if (oldest && !oldest.done) entries.delete(oldest.value)
    entries.delete(key)
    entries.set(key, { value, at_ms: begun.at_ms })
    return value
  }
}
