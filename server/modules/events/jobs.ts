import type { Records } from '../../platform/records.ts'
import type { App } from '../app.ts'
import { heldEvents } from '../outbound/outbound.ts'

/** What this room keeps in partitions, and what of it must still be there. */
export const records = (app: App): Records[] => [
  { table: 'event', keep_days: app.config.retention_events_days, held: (id) => heldEvents(app, id) },
  { table: 'external_id', keep_days: app.config.retention_records_days, held: async () => 0 },
]
