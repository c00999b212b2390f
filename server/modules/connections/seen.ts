import { inTenant, once, type Tx } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import type { OpenConnection } from './connections.ts'
import * as queries from './queries.ts'

/** How the other side was found just now; `note` says in words what is wrong with it. */
export type Seen = { reached: boolean; note: string | null; refused?: boolean }

const SEEN_EVERY_MS = 30_000

/**
 * Keeps `health` and `last_seen` without a write per call: a change is written at once, the same again at most
 * every 30 s. Runs beside the call; a failure here is logged and costs the call nothing. One call is a hint, not a
 * judgement: only refused credentials make a connection unhealthy at once, and one success no longer healthy.
 */
export function noteSeen(app: App, connection: OpenConnection, { reached, note, refused }: Seen): void {
  const seen = lastSeen(app)
  const { tenant_id, id, version } = connection
  const health = note === null ? 'healthy' : refused ? 'unhealthy' : 'degraded'
  const now_ms = app.clock.monotonic()
  const before = seen.get(id)
  const same = before?.health === health && before.version === version
  if (same && now_ms - before.at_ms < SEEN_EVERY_MS) return
  seen.delete(id)
  seen.set(id, { health, version, at_ms: now_ms })
  if (seen.size > MOST_SEEN) seen.delete(seen.keys().next().value ?? '')
  const row = { health, health_note: note, last_seen: reached ? app.clock.now() : null } as const
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

/** What the scheduled checks made of it. Whatever a call finds next is a change. */
export async function setHealth(
  app: App,
  tx: Tx,
  at: { tenant_id: string; connection_id: string },
  found: queries.Found,
): Promise<void> {
  lastSeen(app).delete(at.connection_id)
  await queries.setHealth(tx, { tenant_id: at.tenant_id, id: at.connection_id }, found)
}
