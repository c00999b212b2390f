import type { Handlers, Job } from '../../platform/jobs/jobs.ts'
import { type Loop, startLoop, watchQueue } from '../../platform/queue.ts'
import { lookAt } from '../../platform/queue_look.ts'
import type { App } from '../app.ts'
import { consentHandlers, consentSchedules } from './consent_jobs.ts'
import { hearNews, NEWS, SYNC_SOON, syncOnNews } from './news.ts'
import { runSync } from './sync.ts'
import { claimSyncs, type DueSync, extendSyncs, readQueue, SOONEST_SYNC } from './sync_queries.ts'
import { syncOnSchedule } from './syncs.ts'
import { SYNC } from './vendor.ts'

/** Makes the syncs that are due. One that is stopped in the middle is gone on with by whoever comes next. */
export function startSyncs(app: App): Loop {
  const { db, clock, log } = app
  let stopping = false
  const loop = startLoop<DueSync>({
    name: 'bank_sync',
    capacity: 16,
    batch: 8,
    claim: (claim) => claimSyncs(db.worker, claim),
    run: async ([item]) => (item ? runSync(app, item, () => !stopping) : null),
    runEach: true,
    extend: (items) => extendSyncs(db.worker, items),
    look: lookAt(db.worker, SOONEST_SYNC),
    clock,
    log,
  })
  db.listen('trilho_job', loop.wake)
  return {
    wake: loop.wake,
    stop: async () => {
      stopping = true
      await loop.stop()
    },
  }
}

export const watchSyncs = (app: App): void =>
  watchQueue(app.telemetry, 'bank_sync', () => readQueue(app.db.worker))

/** What this room does later. */
export const handlers = (app: App): Handlers =>
  new Map([
    [SYNC, (job: Job) => syncOnSchedule(app, job)],
    [NEWS, (job: Job) => hearNews(app, job)],
    [SYNC_SOON, (job: Job) => syncOnNews(app, job)],
    ...consentHandlers(app),
  ])

export const schedules = consentSchedules
