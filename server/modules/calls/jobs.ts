import { once, partitionsBefore } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { Handlers, Job } from '../../platform/jobs/jobs.ts'
import type { Records } from '../../platform/records.ts'
import type { App } from '../app.ts'
import { ANY_RENEWABLE } from '../connections/connections.ts'
import { closeAbandoned, TELL_LEFT } from './abandoned_queries.ts'
import { forgetBodies } from './bodies.ts'
import { listStates } from './breaker_queries.ts'
import { deleteExpired, deleteTooMuch } from './cache_queries.ts'
import { LONGEST_CALL_MS } from './deadline.ts'
import { countWaitingBefore } from './deferred_queries.ts'
import { renewIdle } from './idle_tokens.ts'
import { deleteIdle, deleteOldUsage } from './limit_queries.ts'
import { TELL } from './queries.ts'
import { settleCalls } from './settle.ts'
import { countUnsettledBefore, dropPlans } from './settle_queries.ts'
import { tellOfCall, tellOfLeft } from './told.ts'

const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS
/** Read by one statement. */
const SPAN_MS = HOUR_MS
/** Before the end of the last sweep, where clocks of servers differ. */
const AGAIN_MS = HOUR_MS
/** The first of a process looks at all that is kept, since nobody knows how long it was down; one that fails goes on where it stood. */
const sweeps = once((_app: App): { to_ms: number | null } => ({ to_ms: null }))
const GRACE_MS = 60_000

/**
 * Closes calls whose process died under them: older than any call may last and still `started`. Those that may have
 * acted become `unknown`. Returns how many there were. Safe to run in several processes at once.
 */
export async function closeAbandonedCalls(
  app: App,
  options: { older_than_ms?: number } = {},
): Promise<number> {
  const { older_than_ms = LONGEST_CALL_MS + GRACE_MS } = options
  const to_ms = app.clock.now().getTime() - older_than_ms
  const swept = sweeps(app)
  const since_ms = swept.to_ms === null ? await keptSince(app, to_ms) : swept.to_ms - AGAIN_MS
  let count = 0
  for (let from_ms = since_ms; from_ms < to_ms; from_ms += SPAN_MS) {
    const end_ms = Math.min(from_ms + SPAN_MS, to_ms)
    count += await closeBetween(app, from_ms, end_ms)
    swept.to_ms = end_ms
  }
  await dropPlans(app.db.worker, new Date(to_ms))
  return count
}

async function keptSince(app: App, to_ms: number): Promise<number> {
  const older = await partitionsBefore(app.db.owner, 'call', new Date(to_ms))
  return to_ms - Math.min(older.length + 1, app.config.retention_records_days) * DAY_MS
}

async function closeBetween(app: App, from_ms: number, to_ms: number): Promise<number> {
  const closed = await closeAbandoned(app.db.worker, new Date(from_ms), new Date(to_ms))
  if (closed.length > 0) app.db.notify('trilho_job', 'new')
  for (const { id, state } of closed) {
    const about = { crossing: 'call', call: toWire('call', id), outcome: state }
    app.log.warn(about, 'a call was cut off by a stopped server')
  }
  return closed.length
}

/** What PostgreSQL keeps of the answers of one connection, at most, from one run of the job to the next. */
const MOST_KEPT_BYTES = 100 * 1024 * 1024

/** Removes cached answers that are past their time, and the oldest of connections that have too many. */
export async function sweepCache(app: App, most_bytes = MOST_KEPT_BYTES): Promise<void> {
  while ((await deleteExpired(app.db.worker)) > 0);
  await deleteTooMuch(app.db.worker, most_bytes)
}

const USAGE_KEPT_MS = 400 * 24 * 60 * 60 * 1000
const AT_ONCE = 10_000

/** As long as the other metrics by the hour are kept; and what counts no longer goes at once. */
async function forgetUsage(app: App): Promise<void> {
  const before = new Date(app.clock.now().getTime() - USAGE_KEPT_MS)
  while ((await deleteOldUsage(app.db.worker, before, AT_ONCE)) > 0);
  await deleteIdle(app.db.worker)
}

/** What this room keeps in partitions. */
export const records = (app: App): Records[] => [
  {
    table: 'call',
    keep_days: app.config.retention_records_days,
    held: (before_id) => countUnsettledBefore(app.db.worker, before_id),
  },
  { table: 'call_body', keep_days: app.config.retention_records_days, held: async () => 0 },
  { table: 'call_attempt', keep_days: app.config.retention_attempt_days, held: async () => 0 },
  { table: 'call_mapping', keep_days: app.config.retention_attempt_days, held: async () => 0 },
  {
    table: 'deferred_call',
    keep_days: app.config.retention_records_days,
    held: (id) => countWaitingBefore(app.db.worker, id),
  },
]

export const schedules = [
  {
    name: 'calls.close_abandoned',
    cron: '*/5 * * * *',
    time_zone: 'UTC',
    run: async (app: App): Promise<void> => {
      try {
        await closeAbandonedCalls(app)
      } finally {
        await settleCalls(app) // also of what was found earlier, whatever became of the sweep
      }
    },
  },
  {
    name: 'calls.sweep_cache',
    cron: '*/30 * * * *',
    time_zone: 'UTC',
    run: (app: App): Promise<void> => sweepCache(app),
  },
  {
    name: 'calls.renew_tokens',
    cron: '*/5 * * * *',
    time_zone: 'UTC',
    run: renewIdle,
    sign: () => ANY_RENEWABLE,
  },
  {
    name: 'calls.forget_bodies',
    cron: '40 * * * *',
    time_zone: 'UTC',
    run: forgetBodies,
  },
  {
    name: 'calls.forget_usage',
    cron: '20 3 * * *',
    time_zone: 'UTC',
    run: forgetUsage,
  },
]

/** What this room does later. */
export const handlers = (app: App): Handlers =>
  new Map([
    [TELL, (job: Job) => tellOfCall(app, job)],
    [TELL_LEFT, (job: Job) => tellOfLeft(app, job)],
  ])

export { dropOnEvents } from './cache_policies.ts'

/** The state of each breaker that ever opened, asked at each scrape. */
export const watchBreakers = ({ telemetry, db }: App): void =>
  telemetry.gauges('integration_circuit_breaker', async () =>
    (await listStates(db.worker)).map(({ connection_id, state }) => [
      { connection: toWire('connection', connection_id), state },
      1,
    ]),
  )

export { startDeferred, watchDeferred } from './deferred_loop.ts'
