import type { Handlers, Job } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import { cameBack, keepConsents, revokeAtBank } from './consent_life.ts'
import { CAME_BACK, REVOKE } from './consents.ts'
import { FAREWELL, finishFarewell } from './farewell.ts'

/** What becomes of consents later, and by the clock. */
export const consentSchedules = [
  { name: 'banking.keep_consents', cron: '*/5 * * * *', time_zone: 'UTC', run: keepConsents },
]

export const consentHandlers = (app: App): Handlers =>
  new Map([
    [CAME_BACK, (job: Job) => cameBack(app, job)],
    [FAREWELL, (job: Job) => finishFarewell(app, job)],
    [REVOKE, (job: Job) => revokeAtBank(app, job)],
  ])
