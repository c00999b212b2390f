import { setTimeout as sleep } from 'node:timers/promises'
import { Cron } from 'croner'
import type { Clock } from '../clock.ts'
import type { Database, Tx } from '../database/database.ts'
import type { NewId } from '../ids.ts'
import type { Log } from '../log.ts'
import { type Loop, startLoop, watchQueue } from '../queue.ts'
import { lookAt } from '../queue_look.ts'
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

export { chainOf, type Turn } from './chain.ts'
export { enqueue } from './enqueue.ts'

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

export type { Sign } from './queries.ts'
/** In the transaction of what a job does, so that it is done once however often it is tried. */
export { endJob, jobsOf } from './queries.ts'
/** By kind. A turn of the clock makes a job only where the sign says that there is anything to do. */
export type Signs = ReadonlyMap<string, () => queries.Sign | Promise<queries.Sign>>

type Jobs = {
  db: Database
  clock: Clock
  log: Log
  telemetry: Telemetry
  newId: NewId
  handlers: Handlers
  signs?: Signs
}

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
      const { orders, ...claimed } = await queries.claimJobs(db.worker, claim)
      return { ...claimed, wait_ms: earliest(claimed.wait_ms, await turnOrders(jobs, orders)) }
    },
    run: async ([item]) => (item ? runJob(jobs, item) : null),
    runEach: true,
    extend: (items) => queries.extendJobs(db.worker, items),
    look: lookAt(db.worker, queries.SOONEST),
    clock,
    log,
  })
  db.listen('trilho_job', loop.wake)
  return loop
}

export const watchJobs = ({ telemetry, db }: Pick<Jobs, 'telemetry' | 'db'>): void =>
  watchQueue(telemetry, 'job', () => queries.readQueue(db.worker))

const earliest = (a: number | null, b: number | null) => (a === null ? b : b === null ? a : Math.min(a, b))

/** In how many milliseconds there is a job, or an order falls due. */
async function turnOrders(jobs: Jobs, { due, next_ms }: queries.Orders): Promise<number | null> {
  if (due.length === 0) return next_ms
  const now = jobs.clock.now()
  const turns = due.map((order) => ({
    ...order,
    // After its own turn at least: by a clock behind that of PostgreSQL, which called it due, it would come round again.
    next: nextTurn(order.cron, order.time_zone, new Date(Math.max(now.getTime(), Date.parse(order.due)))),
    job_id: jobs.newId(),
  }))
  if ((await turn(jobs, turns)) > 0) return 1
  const soonest_ms = Math.min(...turns.map(({ next }) => next.getTime() - now.getTime()))
  return earliest(soonest_ms, next_ms)
}

const SIGNS_MS = 5_000

/**
 * Signs are read as the owner, since they may be anywhere. Where they cannot be read in time, all orders make their jobs;
 * what was too late finds nothing to turn any more. Returns how many jobs there are, at least.
 */
async function turn({ db, log, signs }: Jobs, turns: queries.Turn[]): Promise<number> {
  const asked = turns.flatMap(({ kind }) => {
    const sign = signs?.get(kind)
    return sign ? [{ kind, sign }] : []
  })
  if (asked.length === 0) return queries.turnOrders(db.worker, turns, new Map())
  const looked = readSigns(asked).then((read) => queries.turnOrders(db.owner, turns, read))
  looked.catch(() => {}) // it may fail when nobody waits any more
  try {
    return await Promise.race([looked, sleep(SIGNS_MS, null, { ref: false }).then(tooLate)])
  } catch (err) {
    log.warn({ crossing: 'job', err }, 'whether there is anything to do by the clock could not be seen')
    await queries.turnOrders(db.worker, turns, new Map())
    return 1
  }
}

const readSigns = async (asked: { kind: string; sign: () => queries.Sign | Promise<queries.Sign> }[]) =>
  new Map(await Promise.all(asked.map(async ({ kind, sign }) => [kind, await sign()] as const)))

const tooLate = (): never => {
  throw new Error(`no answer in ${SIGNS_MS} ms`)
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
