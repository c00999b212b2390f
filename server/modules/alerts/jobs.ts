import type { App } from '../app.ts'
import { forgetOld, isThereAnything, watchHourly, watchMinutely } from './watch.ts'

/** What this room has done by the clock. */
export const schedules = [
  { name: 'alerts.watch', cron: '* * * * *', time_zone: 'UTC', run: watchMinutely, sign: isThereAnything },
  {
    name: 'alerts.watch_hourly',
    cron: '25 * * * *',
    time_zone: 'UTC',
    run: async (app: App) => {
      await watchHourly(app)
      await forgetOld(app)
    },
  },
]
