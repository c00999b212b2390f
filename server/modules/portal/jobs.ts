import type { App } from '../app.ts'
import { deleteExpired } from './queries.ts'

/** What this room has done by the clock: links that are over go. */
export const schedules = [
  {
    name: 'portal.forget_what_is_over',
    cron: '47 * * * *',
    time_zone: 'UTC',
    run: (app: App): Promise<void> => deleteExpired(app.db.owner, app.clock.now()),
  },
]
