import type { Handlers, Job } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import { CHECK, check } from './health.ts'

/** What this room does later. */
export const handlers = (app: App): Handlers => new Map([[CHECK, (job: Job) => check(app, job)]])
