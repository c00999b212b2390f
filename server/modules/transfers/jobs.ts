import type { Handlers, Job } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import { SETTLE } from './queries.ts'
import { settle } from './settle.ts'

/** What this room does later. */
export const handlers = (app: App): Handlers => new Map([[SETTLE, (job: Job) => settle(app, job)]])
