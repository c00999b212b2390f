import type { App } from '../app.ts'
import { forgetOldAnswers } from './tenants.ts'

/** What this room has done by the clock: idempotency keys and their answers go after a day. */
export const schedules = [
  {
    name: 'tenants.forget_old_answers',
    cron: '17 * * * *',
    time_zone: 'UTC',
    run: async (app: App): Promise<void> => {
      const deleted = await forgetOldAnswers(app)
      if (deleted > 0) app.log.info({ deleted }, 'idempotency keys forgotten')
    },
  },
]
