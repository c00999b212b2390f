import { Cron } from 'croner'
import type { Clock } from '../clock.ts'
import type { Database, Tx } from '../database/database.ts'
import type { NewId } from '../ids.ts'
import type { Log } from '../log.ts'
import { type Loop, startLoop, watchQueue } from '../queue.ts'
import type { Telemetry } from '../telemetry.ts'
import * as queries from './queries.ts'

/**
 * What is to be done later, and what is to be done by the clock. A job is enqueued in the transaction that makes
 * it necessary and runs at least once; one that fails is tried again, ever more slowly, until it succeeds.
 */
export type Job = { tenant_id: string; id: string; payload: unknown; attempts: number }
export type Handlers = ReadonlyMap<string, (job: Job) => Promise<void>>

/** `cron` is read in `time_zone`, so that 08:00 stays 08:00 when the clocks change. */
export type Schedule = { tenant_id: string; name: string; cron: string; time_zone: string; kind: string }

export async function enqueue(tx: Tx, job: queries.NewJob): Promise<void> {
  await queries.insertJob(tx, job)
}

/** The next time a cron expression comes round after `after`. */
export function nextTurn(cron: string, time_zone: string, after: Date): Date {
  const next = new Cron(cron, { timezone: time_zone }).nextRun(after)
  if (!next) throw new Error(`the schedule ${cron} never comes round`)
  return next
}

/** An order of a tenant's own: its `payload` is that of every job it makes. Throws where `cron` is none. */
export async function stand(tx: Tx, clock: Clock, order: Schedule & { payload: object }): Promise<void> {
  const due = nextTurn(order.cron, order.time_zone, clock.now())
  await queries.upsertSchedule(tx, { ...order, due }, order.payload)
}

export const standDown = queries.deleteSchedule

type Jobs = { db: Database; clock: Clock; log: Log; telemetry: Telemetry; newId: NewId; handlers: Handlers }

export async function keepSchedules(db: Database, clock: Clock, schedules: Schedule[]): Promise<void> {
  for (const schedule of schedules) {
    const due = nextTurn(schedule.cron, schedule.time_zone, clock.now())
    await queries.upsertSchedule(db.worker, { ...schedule, due })
  }
}

export function startJobs(jobs: Jobs): Loop {
  const { db, clock, log } = jobs
  const loop = startLoop<queries.DueJob>({
    name: 'job',
    capacity: 16,
    batch: 8,
    claim: async (claim) => {
      const claimed = await queries.claimJobs(db.worker, claim)
      const turned = claimed.also !== null && claimed.also <= 0
      if (turned) await turnSchedules(jobs)
      return { ...claimed, wait_ms: turned ? 1 : earliest(claimed.wait_ms, claimed.also) }
    },
    run: async ([item]) => (item ? runJob(jobs, item) : null),
    runEach: true,
    extend: (items) => queries.extendJobs(db.worker, items),
    clock,
    log,
  })
  db.listen('trilho_job', loop.wake)
  return loop
}

export const watchJobs = ({ telemetry, db }: Pick<Jobs, 'telemetry' | 'db'>): void =>
  watchQueue(telemetry, 'job', () => queries.readQueue(db.worker))

const earliest = (a: number | null, b: number | null) => (a === null ? b : b === null ? a : Math.min(a, b))

async function turnSchedules({ db, clock, newId }: Jobs): Promise<void> {
  for (const row of await queries.listDueSchedules(db.worker)) {
    await queries.turnSchedule(db.worker, row, nextTurn(row.cron, row.time_zone, clock.now()), newId())
  }
}

const SLOWEST_MS = 3_600_000

/** In how many milliseconds the job is tried again; null where it is done. */
async function runJob({ db, log, handlers }: Jobs, item: queries.DueJob): Promise<number | null> {
  const handler = handlers.get(item.kind)
  try {
    if (!handler) throw new Error(`no handler for jobs of kind ${item.kind}: was a newer version here?`)
    await handler(item)
    await queries.deleteJob(db.worker, item)
    return null
  } catch (error) {
    const wait_ms = Math.min(10_000 * 2 ** Math.min(item.attempts - 1, 20), SLOWEST_MS)
    log.error(
      { crossing: 'job', kind: item.kind, attempt: item.attempts, wait_ms, err: error },
      'a job failed',
    )
    await queries.retryJob(db.worker, item, wait_ms, error instanceof Error ? error.message : String(error))
    return wait_ms
  }
}
