import type { Handlers, Job } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import { SETTLE } from './queries.ts'
import { RECONCILE, reconcile, reconcileYesterday } from './reconcile.ts'
import { settle } from './settle.ts'

/** What this room does later. */
export const handlers = (app: App): Handlers =>
  new Map([
    [SETTLE, (job: Job) => settle(app, job)],
    [RECONCILE, (job: Job) => reconcile(app, job)],
  ])

/** What it has done by the clock. */
export const schedules = [
  { name: 'payments.reconcile_yesterday', cron: '35 * * * *', time_zone: 'UTC', run: reconcileYesterday },
]
