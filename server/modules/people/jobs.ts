import type { App } from '../app.ts'
import { WINDOW_MS } from './attempts.ts'
import { deleteOver } from './queries.ts'
import { idleSince } from './standing.ts'

/** What this room has done by the clock: sessions, links and failures that are over go. */
export const schedules = [
  {
    name: 'people.forget_what_is_over',
    cron: '37 * * * *',
    time_zone: 'UTC',
    run: (app: App): Promise<void> => {
      const now = app.clock.now()
      return deleteOver(app.db.owner, now, idleSince(now), new Date(now.getTime() - WINDOW_MS))
    },
  },
]
