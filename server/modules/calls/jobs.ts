import { toWire } from '../../platform/ids.ts'
import type { Records } from '../../platform/records.ts'
import type { App } from '../app.ts'
import { LONGEST_CALL_MS } from './pipeline.ts'
import { closeAbandoned } from './queries.ts'

/** How far back a first run looks: a server that was down for a day still closes what it left. */
const LOOK_BACK_MS = 48 * 60 * 60 * 1000
const GRACE_MS = 60_000

/**
 * Closes calls whose process died under them: older than any call may last and still `started`. Those that may have
 * acted become `unknown`. Returns how many there were. Safe to run in several processes at once.
 */
export async function closeAbandonedCalls(
  app: App,
  options: { older_than_ms?: number } = {},
): Promise<number> {
  const { older_than_ms = LONGEST_CALL_MS + GRACE_MS } = options
  const now_ms = app.clock.now().getTime()
  const [from, to] = [new Date(now_ms - LOOK_BACK_MS), new Date(now_ms - older_than_ms)]
  const closed = await closeAbandoned(app.db.worker, from, to)
  for (const { id, state } of closed) {
    app.log.warn(
      { crossing: 'call', call: toWire('call', id), outcome: state },
      'a call was cut off by a stopped server',
    )
  }
  return closed.length
}

/** What this room keeps in partitions; nothing that waits points into them. */
export const records = (app: App): Records[] => [
  { table: 'call', keep_days: app.config.retention_records_days, held: async () => 0 },
  { table: 'call_attempt', keep_days: app.config.retention_attempt_days, held: async () => 0 },
]

export const schedules = [
  {
    name: 'calls.close_abandoned',
    cron: '*/5 * * * *',
    time_zone: 'UTC',
    run: async (app: App): Promise<void> => void (await closeAbandonedCalls(app)),
  },
]
