import { floorId } from '../../platform/ids.ts'
import type { Handlers, Job } from '../../platform/jobs/jobs.ts'
import { type Loop, startLoop, watchQueue } from '../../platform/queue.ts'
import { lookAt } from '../../platform/queue_look.ts'
import type { Records } from '../../platform/records.ts'
import type { App } from '../app.ts'
import { CATCH_UP, catchUp, catchUpAll, isAnyToCatchUp } from './catch_up.ts'
import { forgetCounts } from './forget_counts.ts'
import {
  claimLanes,
  type DueLane,
  deleteLanesBefore,
  extendLanes,
  keepRestoredFirst,
  readLanes,
  ringLanes,
  SOONEST_LANE,
} from './lane_queries.ts'
import { processLanes } from './lanes.ts'
import { processMessages, type React } from './process.ts'
import {
  type Bell,
  claimMessages,
  countQueuedBefore,
  type Due,
  type DueMessage,
  deleteSeenBefore,
  deleteSeenOf,
  extendMessages,
  readQueue,
  SOONEST_MESSAGE,
} from './queries.ts'
import { workOnRegistration } from './registration_work.ts'
import { REGISTRATION } from './registrations.ts'
import { countReplaysBefore } from './replay_queries.ts'
import { handlers as replayHandlers } from './replays.ts'
import { listWindows } from './source_queries.ts'
import { FIND_WAITING, findRung, findWaiting } from './waiting.ts'

/**
 * Claims messages and processes what each claim took as one group. Those whose entity is in order are worked on by a
 * loop of their own, lane after lane.
 */
export function startInbox(app: App, react: React): Loop {
  const lanes = startLanes(app, react)
  const messages = startLoop<Due>({
    name: 'inbox',
    capacity: 256,
    batch: 64,
    claim: (claim) => claimMessages(app.db.worker, claim),
    run: (items) => app.telemetry.span('messages', { messages: items.length }, () => hear(app, react, items)),
    extend: (items) => extendMessages(app.db.worker, items),
    look: lookAt(app.db.worker, SOONEST_MESSAGE),
    clock: app.clock,
    log: app.log,
  })
  // Until one message in order was heard of, a new one says nothing to the lanes. Empty: something was not heard.
  let is_ordered = false
  app.db.listen('trilho_inbox', (payload) => {
    if (payload !== 'new') is_ordered = true
    if (payload !== 'lane') messages.wake()
    if (is_ordered) lanes.wake()
  })
  const wakeBoth = () => {
    messages.wake()
    lanes.wake()
  }
  return {
    wake: wakeBoth,
    stop: async () => {
      await messages.stop()
      await lanes.stop()
    },
  }
}

async function hear(app: App, react: React, items: Due[]): Promise<number | null> {
  const bells = items.filter((item): item is Bell => item.lane !== null)
  if (bells.length > 0) {
    await findRung(app, bells)
    await ringLanes(app.db.worker, bells)
    app.db.notify('trilho_inbox', 'lane')
  }
  const messages = items.filter((item): item is DueMessage & { lane: null } => item.lane === null)
  return messages.length > 0 ? processMessages(app, react, messages) : null
}

function startLanes(app: App, react: React): Loop {
  let restored = false
  return startLoop<DueLane>({
    name: 'inbox_lanes',
    capacity: 64,
    batch: 32,
    claim: async (claim) => {
      if (!restored) await keepRestoredFirst(app.db.worker)
      restored = true
      return claimLanes(app.db.worker, claim)
    },
    run: (lanes) =>
      app.telemetry.span('lanes', { lanes: lanes.length }, () => processLanes(app, react, lanes)),
    extend: (lanes) => extendLanes(app.db.worker, lanes),
    look: lookAt(app.db.worker, SOONEST_LANE),
    clock: app.clock,
    log: app.log,
  })
}

export function watchInbox(app: App): void {
  watchQueue(app.telemetry, 'inbox', () => readQueue(app.db.worker))
  watchQueue(app.telemetry, 'inbox_lanes', () => readLanes(app.db.worker))
}

/** What this room does later. */
export const handlers = (app: App): Handlers =>
  new Map([
    ...replayHandlers(app),
    [REGISTRATION, (job: Job): Promise<void> => workOnRegistration(app, job)],
    [FIND_WAITING, (job: Job): Promise<void> => findWaiting(app, job)],
    [CATCH_UP, (job: Job): Promise<void> => catchUp(app, job)],
  ])

/** What this room keeps in partitions, and what of it must still be there. */
export const records = (app: App): Records[] => {
  const keep_days = app.config.retention_records_days
  return [
    {
      table: 'inbox',
      keep_days,
      held: async (id) =>
        (await countQueuedBefore(app.db.worker, id)) + (await countReplaysBefore(app.db.owner, id)),
    },
    { table: 'quarantine', keep_days, held: async () => 0 },
    { table: 'security_event', keep_days, held: async () => 0 },
  ]
}

const FORGET_BATCH = 10_000

/** Which events were seen is known for as long as their messages are kept. */
export const schedules = [
  {
    name: 'inbound.catch_up_all',
    cron: '* * * * *',
    time_zone: 'UTC',
    run: catchUpAll,
    sign: isAnyToCatchUp,
  },
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
  {
    name: 'inbound.forget_windows',
    cron: '11 * * * *',
    time_zone: 'UTC',
    run: async ({ db, clock }: App): Promise<void> => {
      for (const { window_hours, ...source } of await listWindows(db.owner)) {
        const before = floorId(new Date(clock.now().getTime() - window_hours * 3_600_000))
        while ((await deleteSeenOf(db.owner, source, before, FORGET_BATCH)) === FORGET_BATCH);
      }
    },
  },
  { name: 'inbound.forget_counts', cron: '41 4 * * *', time_zone: 'UTC', run: forgetCounts },
  {
    name: 'inbound.forget_lanes',
    cron: '37 4 * * *',
    time_zone: 'UTC',
    run: async (app: App): Promise<void> => {
      const before = new Date(app.clock.now().getTime() - app.config.retention_records_days * 86_400_000)
      let cursor = await deleteLanesBefore(app.db.owner, before, FORGET_BATCH)
      while (cursor) cursor = await deleteLanesBefore(app.db.owner, before, FORGET_BATCH, cursor)
    },
  },
]
