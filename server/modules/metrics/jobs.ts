import { forgetOld } from './metrics.ts'

/** What this room has done by the clock. */
export const schedules = [{ name: 'metrics.forget', cron: '20 * * * *', time_zone: 'UTC', run: forgetOld }]
