import type { Handlers, Job } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import { cameBack, keepConsents, lookAtOnce } from './consent_life.ts'
import { ANY_CONSENT_DUE } from './consent_queries.ts'
import { CAME_BACK, LOOK } from './consents.ts'
import { FAREWELL, finishFarewell } from './farewell.ts'
import { REVOKE, revokeLater } from './revocations.ts'

/** What becomes of consents later, and by the clock. */
export const consentSchedules = [
  {
    name: 'banking.keep_consents',
    cron: '*/5 * * * *',
    time_zone: 'UTC',
    run: keepConsents,
    sign: () => ANY_CONSENT_DUE,
  },
]

export const consentHandlers = (app: App): Handlers =>
  new Map([
    [CAME_BACK, (job: Job) => cameBack(app, job)],
    [FAREWELL, (job: Job) => finishFarewell(app, job)],
    [LOOK, (job: Job) => lookAtOnce(app, job)],
    [REVOKE, (job: Job) => revokeLater(app, job)],
  ])
