import { setTimeout as sleep } from 'node:timers/promises'
import { createBatch } from '../../platform/batch.ts'
import { isConnectionLoss } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import { LEASE_MS, type Loop, startLoop, watchQueue } from '../../platform/queue.ts'
import type { Records } from '../../platform/records.ts'
import type { App } from '../app.ts'
import { receiverOf } from './audience.ts'
import { createHealth, type PublishNotice } from './health.ts'
import { forgetPreviousSecrets, releaseUnlessPaused } from './outbound.ts'
import {
  claimDeliveries,
  countQueuedBefore,
  type DueDelivery,
  type Ended,
  extendDeliveries,
  holdDeliveries,
  readQueue,
  settleDeliveries,
} from './queue_queries.ts'
import { type Payload, send } from './send.ts'

type Wanted = { tenant_id: string; event_id: string }
/** How a worker gets at the events it sends; `main` hands in the events room's own look-up, which stands above us. */
export type ReadPayloads = (wanted: Wanted[]) => Promise<(Payload | null)[]>

const SETTLE_AGAIN_MS = 200

/** Claims deliveries, sends them, and records what came of it: many at a time, each at its own pace. */
export function startDeliveries(app: App, read: ReadPayloads, publish: PublishNotice): Loop {
  const payloads = createBatch({ size: 128, parallel: 1, flush: read, isFinal: isConnectionLoss })
  const settle = createSettle(app)
  const hold = createHold(app)
  const health = createHealth(app, publish)

  /** Null where the delivery is to wait for its subscription. */
  async function attempt(item: DueDelivery): Promise<Ended | null> {
    const [receiver, payload] = await Promise.all([
      receiverOf(app, item.tenant_id, item.subscription_id),
      payloads.add(item),
    ])
    if (receiver?.state === 'paused') return null
    if (!receiver) return undeliverable(app, item, 'the subscription is disabled or gone')
    if (!payload) return undeliverable(app, item, 'the event is past its retention')
    return send(app, item, receiver, payload)
  }

  async function deliver(item: DueDelivery): Promise<number | null> {
    const result = await attempt(item)
    if (result === null) return hold(item)
    await health.tell(result)
    await settle(result)
    report(app, result)
    if (result.event_type !== null) await health.judge(result)
    return result.again_ms
  }

  const loop = startLoop<DueDelivery>({
    name: 'delivery',
    capacity: app.config.worker_concurrency,
    batch: 64,
    claim: (claim) => claimDeliveries(app.db.worker, claim),
    run: async ([item]) => (item ? traced(app, item, () => deliver(item)) : null),
    runEach: true,
    extend: (items) => extendDeliveries(app.db.worker, items),
    clock: app.clock,
    log: app.log,
  })
  app.db.listen('trilho_delivery', loop.wake)
  return loop
}

export const watchDeliveries = (app: App): void =>
  watchQueue(app.telemetry, 'delivery', () => readQueue(app.db.worker))

/** Records what came of attempts, many in one statement. */
function createSettle(app: App): (result: Ended) => Promise<void> {
  const ended = createBatch<Ended, void>({
    size: 128,
    parallel: 1, // what waits for a commit fills the next batch
    flush: async (batch) => {
      await settleDeliveries(app.db.worker, batch)
      return batch.map(() => undefined)
    },
    isFinal: isConnectionLoss,
  })
  return async (result) => {
    const deadline = app.clock.monotonic() + LEASE_MS
    for (;;) {
      try {
        return await ended.add(result)
      } catch (error) {
        // What was sent was sent: while our lease holds, a lost connection is waited out rather than sent again for.
        if (!isConnectionLoss(error) || app.clock.monotonic() > deadline) throw error
        await sleep(SETTLE_AGAIN_MS)
      }
    }
  }
}

/** Puts a delivery aside until its subscription is resumed, many in one statement. */
function createHold(app: App): (item: DueDelivery) => Promise<null> {
  const held = createBatch<DueDelivery, null>({
    size: 128,
    parallel: 1,
    flush: async (items) => {
      await holdDeliveries(app.db.worker, items)
      const subscriptions = new Map(items.map((item) => [item.subscription_id, item.tenant_id]))
      for (const [id, tenant_id] of subscriptions) await releaseUnlessPaused(app, tenant_id, id)
      return items.map(() => null)
    },
    isFinal: isConnectionLoss,
  })
  return held.add
}

const traced = <T>(app: App, { id, attempts }: DueDelivery, work: () => Promise<T>): Promise<T> =>
  app.telemetry.span('delivery', { delivery: toWire('delivery', id), attempt: attempts }, work)

const undeliverable = (app: App, item: DueDelivery, error: string): Ended => ({
  item,
  attempt_id: app.newId(),
  state: 'failed',
  again_ms: null,
  outcome: 'failed',
  status: null,
  duration_ms: 0,
  request_headers: '{}',
  response_headers: null,
  response_body: null,
  error,
  exhausted: false,
  disable: null,
  event_type: null,
})

/** The seeds' words for an attempt: more follow after `failed`, none after `expired`. */
const METRIC = { delivered: 'delivered', pending: 'failed', failed: 'expired' } as const

function report(app: App, { item, state, outcome, status, duration_ms, error }: Ended): void {
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
    },
    'delivery',
  )
}

export { handlers } from './replays.ts'

/** What this room has done by the clock. */
export const schedules = [
  { name: 'outbound.forget_secrets', cron: '*/15 * * * *', time_zone: 'UTC', run: forgetPreviousSecrets },
]

/** What this room keeps in partitions, and what of it must still be there. */
export const records = (app: App): Records[] => [
  {
    table: 'delivery',
    keep_days: app.config.retention_records_days,
    held: (id) => countQueuedBefore(app.db.worker, id),
  },
  { table: 'attempt', keep_days: app.config.retention_attempt_days, held: async () => 0 },
]
