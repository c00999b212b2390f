import { toWire } from '../../platform/ids.ts'
import type { Job } from '../../platform/jobs/jobs.ts'
import type { Records } from '../../platform/records.ts'
import type { App } from '../app.ts'
import { listStates } from './breaker_queries.ts'
import { deleteExpired, deleteTooMuch } from './cache_queries.ts'
import { LONGEST_CALL_MS } from './deadline.ts'
import { DEFERRED_JOB } from './deferred.ts'
import { countWaitingBefore } from './deferred_queries.ts'
import { tryDeferred } from './deferred_tries.ts'
import { renewIdle } from './idle_tokens.ts'
import { deleteIdle, deleteOldUsage } from './limit_queries.ts'
import { closeAbandoned } from './queries.ts'
import { settleCalls } from './settle.ts'
import { countUnsettledBefore, dropPlans } from './settle_queries.ts'

/** How far back a first run looks: a server that was down for a day still closes what it left. */
const LOOK_BACK_MS = 48 * 60 * 60 * 1000
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
  const now_ms = app.clock.now().getTime()
  const [from, to] = [new Date(now_ms - LOOK_BACK_MS), new Date(now_ms - older_than_ms)]
  const closed = await closeAbandoned(app.db.worker, from, to)
  await dropPlans(app.db.worker, to)
  for (const { id, state } of closed) {
    app.log.warn(
      { crossing: 'call', call: toWire('call', id), outcome: state },
      'a call was cut off by a stopped server',
    )
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
  { table: 'call_attempt', keep_days: app.config.retention_attempt_days, held: async () => 0 },
  {
    table: 'deferred_call',
    keep_days: app.config.retention_records_days,
    held: (id) => countWaitingBefore(app.db.worker, id),
  },
]

/** The jobs of this room, by kind. */
export const handlers = (app: App): [string, (job: Job) => Promise<void>][] => [
  [DEFERRED_JOB, ({ tenant_id, payload }) => tryDeferred(app, tenant_id, (payload as { id: string }).id)],
]

export const schedules = [
  {
    name: 'calls.close_abandoned',
    cron: '*/5 * * * *',
    time_zone: 'UTC',
    run: async (app: App): Promise<void> => void (await closeAbandonedCalls(app)),
  },
  {
    name: 'calls.settle',
    cron: '* * * * *',
    time_zone: 'UTC',
    run: settleCalls,
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
  },
  {
    name: 'calls.forget_usage',
    cron: '20 3 * * *',
    time_zone: 'UTC',
    run: forgetUsage,
  },
]

export { dropOnEvents } from './cache_policies.ts'

/** The state of each breaker that ever opened, asked at each scrape. */
export const watchBreakers = ({ telemetry, db }: App): void =>
  telemetry.gauges('integration_circuit_breaker', async () =>
    (await listStates(db.worker)).map(({ connection_id, state }) => [
      { connection: toWire('connection', connection_id), state },
      1,
    ]),
  )
