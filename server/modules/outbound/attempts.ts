import { setTimeout as sleep } from 'node:timers/promises'
import { type Batch, createBatch } from '../../platform/batch.ts'
import { asWorker, type Db, isConnectionLoss, isUndone, type Tx } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import { OURS } from '../../platform/log.ts'
import { LEASE_MS } from '../../platform/queue.ts'
import type { App } from '../app.ts'
import { noteTraffic } from '../metrics/metrics.ts'
import { type Active, receiverOf, wakeDeliveries } from './audience.ts'
import { type Notice, noticeOf, type PrepareNotice } from './health.ts'
import type { Payload } from './payload.ts'
import { type DueDelivery, type Ended, noteTold } from './queue_queries.ts'
import { send, timeoutOf } from './send.ts'
import { ageOf } from './verdict.ts'

/** What deliveries in any order have in common: where one goes, what it came to, and getting that on record. */

type Wanted = { tenant_id: string; event_id: string }
/** How a worker gets at the events it sends; `assemble` hands in the events room's own look-up, which stands above us. */
export type ReadPayloads = (wanted: Wanted[]) => Promise<(Payload | null)[]>

/** Claims that were cut off before this delivery is worked on alone, so that it takes no other with it … */
const SUSPECT_CUTS = 2
/** … and before it is given up. Far above what restarts do, since a database that is away cuts claims off too. */
const MOST_CUTS = 20
/** How long what waits for its turn to be worked on alone is put back for: it may not wait in hand, where its lease ends. */
export const ALONE_AGAIN_MS = 1_000
/** And what others were before at being shaped. */
export const SHAPED_AGAIN_MS = 1_000
/** And where the subscription cannot be read. */
export const UNREAD_AGAIN_MS = 10_000

export type Attempts = {
  /** The receiver, null where the subscription is disabled or gone; where it cannot be read the work is put back, and fails. */
  receiverOf(
    item: { tenant_id: string; subscription_id: string },
    putBack: () => Promise<unknown>,
  ): Promise<Active | null>
  /** Makes one attempt, in at most `most_ms` from when it begins; null where its turn did not come, and none was made. */
  attempt(item: DueDelivery, receiver: Active | null, most_ms?: () => number): Promise<Ended | null>
  /** Runs what was cut off before alone, or puts it back where something like it runs; everything else at once. */
  alone<T>(cuts: number, work: () => Promise<T>, putBack: () => Promise<T>): Promise<T>
}

export function createAttempts(app: App, read: ReadPayloads): Attempts {
  const payloads = createBatch({ size: 128, parallel: 1, flush: read, isFinal: isConnectionLoss })
  let busy = false

  async function attempt(
    item: DueDelivery,
    receiver: Active | null,
    most_ms: () => number = () => Number.POSITIVE_INFINITY,
  ): Promise<Ended | null> {
    if (item.cuts >= MOST_CUTS) {
      return unsent(
        app,
        item,
        `given up: it was taken up ${item.cuts} times, and each time the work was cut off`,
      )
    }
    if (!receiver) return unsent(app, item, 'the subscription is disabled or gone')
    const age_s = ageOf(app, item)
    if (receiver.expire_after_s !== null && age_s >= receiver.expire_after_s) {
      return {
        ...unsent(app, item, `it is older than the ${receiver.expire_after_s} s it is worth`),
        state: 'expired',
      }
    }
    const payload = await payloads.add(item)
    if (!payload) return unsent(app, item, 'the event is past its retention')
    const timeout_ms = Math.floor(Math.min(timeoutOf(app, receiver), most_ms()))
    return timeout_ms > 0 ? send(app, item, receiver, payload, timeout_ms) : null
  }

  return {
    attempt,
    receiverOf: async ({ tenant_id, subscription_id }, putBack) => {
      try {
        return await receiverOf(app, tenant_id, subscription_id)
      } catch (error) {
        await putBack() // left to its lease, it would be taken for work that brings the process down
        throw error
      }
    },
    alone: async (cuts, work, putBack) => {
      if (cuts < SUSPECT_CUTS) return work()
      if (busy) return putBack()
      busy = true
      try {
        return await work()
      } finally {
        busy = false
      }
    },
  }
}

const unsent = (app: App, item: DueDelivery, error: string): Ended => ({
  item,
  attempt_id: app.newId(),
  state: 'failed',
  again_ms: null,
  outcome: 'failed',
  status: null,
  duration_ms: 0,
  timing: null,
  request_headers: '{}',
  request_body: null,
  response_headers: null,
  response_body: null,
  error,
  exhausted: false,
  disable: null,
  event_type: null,
})

const SETTLE_AGAIN_MS = 200

type Told = { item: DueDelivery; notice: Notice }

function toldOf(ended: Ended): Told[] {
  const notice = noticeOf(ended)
  return notice ? [{ item: ended.item, notice }] : []
}

/**
 * Records what came of attempts, many in one statement; what the tenant is to be told of, in a transaction with the
 * notice, so that a crash neither repeats it nor loses it. `settle` says which of them were still ours.
 */
export function createSettle<One>(
  app: App,
  prepare: PrepareNotice,
  options: {
    settle: (db: Db | Tx, batch: One[]) => Promise<boolean[]>
    attemptsOf: (one: One) => Ended[]
  },
): (one: One) => Promise<void> {
  const { settle, attemptsOf } = options
  const quiet: Batch<One, void> = createBatch<One, void>({
    size: 128,
    parallel: 1, // what waits for a commit fills the next batch
    flush: async (batch) => {
      await settle(app.db.worker, batch)
      return batch.map(() => undefined)
    },
    isFinal: isConnectionLoss,
  })

  async function telling(one: One, notices: Told[]): Promise<void> {
    const writes = await Promise.all(notices.map(({ notice }) => prepare(notice)))
    const made = await asWorker(app.db, async (tx) => {
      const [mine] = await settle(tx, [one])
      let deliveries = 0
      if (!mine) return 0
      for (const { item, notice } of notices) await noteTold(tx, item, notice.type !== 'delivery.recovered')
      for (const write of writes) deliveries += await write(tx)
      return deliveries
    })
    if (made > 0) wakeDeliveries(app)
  }

  return async (one) => {
    const notices = attemptsOf(one).flatMap(toldOf)
    const deadline = app.clock.monotonic() + LEASE_MS
    for (;;) {
      try {
        await (notices.length > 0 ? telling(one, notices) : quiet.add(one))
        return
      } catch (error) {
        // What was sent was sent: while our lease holds, a lost connection is waited out rather than sent again for. And a
        // notice goes into other lanes than the one that is settled: two that tell of each other may lock each other out.
        const passes = isConnectionLoss(error) || isUndone(error)
        if (!passes || app.clock.monotonic() > deadline) throw error
        await sleep(SETTLE_AGAIN_MS)
      }
    }
  }
}

/** Count, metric and log line of an attempt. */
export function report(app: App, ended: Ended): void {
  const { item, state, outcome, status, duration_ms, error, event_type } = ended
  const { tenant_id } = item
  noteTraffic(app, {
    tenant_id,
    direction: 'outbound',
    subject: event_type ?? 'unknown',
    outcome,
    duration_ms,
  })
  app.telemetry.count('webhook_deliveries_total', { status: METRIC[state] })
  app.telemetry.observe('trilho_delivery_seconds', duration_ms / 1000)
  app.log.info(
    {
      crossing: 'outbound',
      delivery: toWire('delivery', item.id),
      event: toWire('event', item.event_id),
      subscription: toWire('subscription', item.subscription_id),
      attempt: item.attempts,
      outcome,
      state,
      status,
      duration_ms,
      error,
      ...(error === null && ALL_OURS),
    },
    'delivery',
  )
}

/** Without an error, which quotes the receiver, all of the line is in our words. */
const ALL_OURS = { [OURS]: true }

/** The seeds' words for an attempt: more follow after `failed`, none after `expired`. */
const METRIC = { delivered: 'delivered', pending: 'failed', failed: 'expired', expired: 'expired' } as const
