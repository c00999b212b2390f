import { floorId } from '../../platform/ids.ts'
import { type Loop, startLoop, watchQueue } from '../../platform/queue.ts'
import type { Records } from '../../platform/records.ts'
import type { App } from '../app.ts'
import { processMessages, type React } from './process.ts'
import {
  claimMessages,
  countQueuedBefore,
  type DueMessage,
  deleteSeenBefore,
  extendMessages,
  readQueue,
} from './queries.ts'

/** Claims messages and processes what each claim took as one group. */
export function startInbox(app: App, react: React): Loop {
  const loop = startLoop<DueMessage>({
    name: 'inbox',
    capacity: 256,
    batch: 64,
    claim: (claim) => claimMessages(app.db.worker, claim),
    run: (items) =>
      app.telemetry.span('messages', { messages: items.length }, () => processMessages(app, react, items)),
    extend: (items) => extendMessages(app.db.worker, items),
    clock: app.clock,
    log: app.log,
  })
  app.db.listen('trilho_inbox', loop.wake)
  return loop
}

export const watchInbox = (app: App): void =>
  watchQueue(app.telemetry, 'inbox', () => readQueue(app.db.worker))

/** What this room keeps in partitions, and what of it must still be there. */
export const records = (app: App): Records[] => {
  const keep_days = app.config.retention_records_days
  return [
    { table: 'inbox', keep_days, held: (id) => countQueuedBefore(app.db.worker, id) },
    { table: 'quarantine', keep_days, held: async () => 0 },
    { table: 'security_event', keep_days, held: async () => 0 },
  ]
}

const FORGET_BATCH = 10_000

/** Which events were seen is known for as long as their messages are kept. */
export const schedules = [
  {
    name: 'inbound.forget_seen',
    cron: '23 4 * * *',
    time_zone: 'UTC',
    run: async (app: App): Promise<void> => {
      const before = new Date(app.clock.now().getTime() - app.config.retention_records_days * 86_400_000)
      let deleted: number
      do deleted = await deleteSeenBefore(app.db.owner, floorId(before), FORGET_BATCH)
      while (deleted === FORGET_BATCH)
    },
  },
]
