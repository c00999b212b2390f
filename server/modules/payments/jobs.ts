import type { Handlers, Job } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import { settle } from './settle.ts'
import { SETTLE } from './told.ts'

/** What this room does later. */
export const handlers = (app: App): Handlers => new Map([[SETTLE, (job: Job) => settle(app, job)]])
