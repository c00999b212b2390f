import { once } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import { floorTo, type Grain } from './spans.ts'
import { createTally } from './tally.ts'
import { ALL_SUBJECTS, addTraffic, type Direction, type TrafficRow } from './traffic_queries.ts'

/** Counting webhooks in both directions: nothing is written for any of them, see `tally.ts`. */

export type Crossed = {
  tenant_id: string
  direction: Direction
  /** Of what came in the provider, of what went out the type of the event: few by nature. */
  subject: string
  /** The state of a message, `duplicate` or `quarantined`; the outcome of an attempt. */
  outcome: string
  duration_ms: number
}

const GRAINS: readonly Grain[] = ['five_minutes', 'hour', 'day']

type Counted = Omit<TrafficRow, 'grain' | 'at'> & { at_ms: number }

const counted = once((app: App) =>
  createTally<Counted>(app, (rows) => addTraffic(app.db.worker, rowsOf(rows))),
)

export function noteTraffic(app: App, { duration_ms, ...crossed }: Crossed): void {
  const at_ms = floorTo(app.clock.now().getTime(), 'five_minutes')
  const { tenant_id, direction, subject, outcome } = crossed
  const row = counted(app).of(`${tenant_id} ${direction} ${outcome} ${at_ms} ${subject}`, () => ({
    ...crossed,
    at_ms,
    count: 0,
    total_ms: 0,
  }))
  row.count += 1
  row.total_ms += Math.max(0, Math.round(duration_ms))
}

export const writeTraffic = (app: App): Promise<void> => counted(app).drain()

/** Each once by every grain, of its subject and of all together. */
function rowsOf(counted: Counted[]): TrafficRow[] {
  const rows = new Map<string, TrafficRow>()
  for (const { at_ms, ...one } of counted) {
    for (const subject of [one.subject, ALL_SUBJECTS]) {
      for (const grain of GRAINS) add(rows, { ...one, subject, grain, at: new Date(floorTo(at_ms, grain)) })
    }
  }
  return [...rows.values()]
}

function add(rows: Map<string, TrafficRow>, row: TrafficRow): void {
  const { tenant_id, grain, at, direction, outcome, subject } = row
  const key = `${grain} ${at.getTime()} ${tenant_id} ${direction} ${outcome} ${subject}`
  const known = rows.get(key)
  if (known) {
    known.count += row.count
    known.total_ms += row.total_ms
  } else rows.set(key, row)
}
