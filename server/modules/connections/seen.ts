import { inTenant, once } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import type { OpenConnection } from './connections.ts'
import * as queries from './queries.ts'

/** How the other side was found just now; `note` says in words what is wrong with it. */
export type Seen = { reached: boolean; note: string | null }

const SEEN_EVERY_MS = 30_000

/**
 * Keeps `health` and `last_seen` without a write per call: a change is written at once, the same again at most
 * every 30 s. Runs beside the call; a failure here is logged and costs the call nothing.
 */
export function noteSeen(app: App, connection: OpenConnection, { reached, note }: Seen): void {
  const seen = lastSeen(app)
  const { tenant_id, id, version } = connection
  const health = note === null ? 'healthy' : 'unhealthy'
  const now_ms = app.clock.monotonic()
  const before = seen.get(id)
  const same = before?.health === health && before.version === version
  if (same && now_ms - before.at_ms < SEEN_EVERY_MS) return
  seen.delete(id)
  seen.set(id, { health, version, at_ms: now_ms })
  if (seen.size > MOST_SEEN) seen.delete(seen.keys().next().value ?? '')
  const row = { health, health_note: note, ...(reached && { last_seen: app.clock.now() }) } as const
  inTenant(app.db, tenant_id, (tx) => queries.updateHealth(tx, { tenant_id, id, version }, row)).catch(
    (error: unknown) => {
      seen.delete(id)
      app.log.warn(
        { err: error, connection_id: toWire('connection', id) },
        'the health of a connection was not kept',
      )
    },
  )
}

const MOST_SEEN = 10_000
const lastSeen = once((_app: App) => new Map<string, { health: string; version: number; at_ms: number }>())
