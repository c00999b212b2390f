import type { Handlers, Job } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import { decideBy } from '../inbound/inbound.ts'
import { ANY_UNENDED } from './authorization_queries.ts'
import { decide } from './authorize.ts'
import { SETTLE } from './queries.ts'
import { settle } from './settle.ts'
import { settleAuthorizations } from './sweep.ts'

/** What this room does later. */
export const handlers = (app: App): Handlers => new Map([[SETTLE, (job: Job) => settle(app, job)]])

/** What it has done by the clock. */
export const schedules = [
  {
    name: 'cards.settle_authorizations',
    cron: '*/5 * * * *',
    time_zone: 'UTC',
    run: settleAuthorizations,
    sign: () => ANY_UNENDED,
  },
]

/** In every process that takes webhooks in: what asks is answered by us. */
export const answerQuestions = (app: App): void => decideBy(app, (asked) => decide(app, asked))
