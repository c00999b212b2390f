import { setTimeout as sleep } from 'node:timers/promises'
import { createBatch } from '../../platform/batch.ts'
import { isConnectionLoss } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import { LEASE_MS, type Loop, startLoop, watchQueue } from '../../platform/queue.ts'
import type { Records } from '../../platform/records.ts'
import type { App } from '../app.ts'
import { disableSubscription, receiverOf } from './outbound.ts'
import {
  claimDeliveries,
  countQueuedBefore,
  type DueDelivery,
  type Ended,
  extendDeliveries,
  readQueue,
  settleDeliveries,
} from './queries.ts'
import { type Payload, send } from './send.ts'

type Wanted = { tenant_id: string; event_id: string }
/** How a worker gets at the events it sends; `main` hands in the events room's own look-up, which stands above us. */
export type ReadPayloads = (wanted: Wanted[]) => Promise<(Payload | null)[]>

const SETTLE_AGAIN_MS = 200

/** Claims deliveries, sends them, and records what came of it: many at a time, each at its own pace. */
export function startDeliveries(app: App, read: ReadPayloads): Loop {
  const payloads = createBatch({ size: 128, parallel: 1, flush: read, isFinal: isConnectionLoss })
  const settle = createSettle(app)

  async function attempt(item: DueDelivery): Promise<Ended> {
    const [receiver, payload] = await Promise.all([
      receiverOf(app, item.tenant_id, item.subscription_id),
      payloads.add(item),
    ])
    if (!receiver) return undeliverable(app, item, 'the subscription is disabled or gone')
    if (!payload) return undeliverable(app, item, 'the event is past its retention')
    return send(app, item, receiver, payload)
  }

  async function deliver(item: DueDelivery): Promise<number | null> {
    const result = await attempt(item)
    await settle(result)
    report(app, result)
    if (result.status === 410) {
      await disableSubscription(app, item.tenant_id, item.subscription_id, 'the receiver answered 410 Gone')
    }
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

/** What this room keeps in partitions, and what of it must still be there. */
export const records = (app: App): Records[] => [
  {
    table: 'delivery',
    keep_days: app.config.retention_records_days,
    held: (id) => countQueuedBefore(app.db.worker, id),
  },
  { table: 'attempt', keep_days: app.config.retention_attempt_days, held: async () => 0 },
]
