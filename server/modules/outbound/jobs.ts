import { createBatch } from '../../platform/batch.ts'
import { isConnectionLoss } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import { type Loop, startLoop, watchQueue } from '../../platform/queue.ts'
import { lookAt } from '../../platform/queue_look.ts'
import type { Records } from '../../platform/records.ts'
import type { App } from '../app.ts'
import {
  ALONE_AGAIN_MS,
  createAttempts,
  createSettle,
  type ReadPayloads,
  report,
  SHAPED_AGAIN_MS,
  UNREAD_AGAIN_MS,
} from './attempts.ts'
import { ANY_COUNTED_LONG_AGO, addUpCounters } from './counter_queries.ts'
import { createHealth, type PrepareNotice } from './health.ts'
import { countLinedBefore, readLanes } from './lane_queries.ts'
import { type Beside, startLanes } from './lanes.ts'
import { ANY_PARKED_FOR_NOBODY } from './parked_queries.ts'
import {
  claimDeliveries,
  claimDeliveryTurns,
  countQueuedBefore,
  type DueDelivery,
  type Ended,
  extendDeliveries,
  listWaitingDeliveries,
  listWaitingDeliveriesAgain,
  putBackDeliveries,
  readQueue,
  SOONEST_DELIVERY,
  settleDeliveries,
} from './queue_queries.ts'
import { createRate } from './rate.ts'
import { releaseParked, releaseUnlessPaused } from './release.ts'
import { permitsOf, termsOf } from './rooms.ts'
import { forgetPreviousSecrets } from './secrets.ts'
import { createTurns, type Turns } from './turns.ts'

/** The two loops that deliver: what keeps no order, and what does. What each subscription allows at once they share. */
export function startDeliveries(app: App, read: ReadPayloads, prepare: PrepareNotice): Loop {
  const with_them = {
    attempts: createAttempts(app, read),
    health: createHealth(app, prepare),
    permits: permitsOf(app),
    prepare,
  }
  const loops = [startQueue(app, with_them), startLanes(app, with_them)]
  return {
    wake: () => {
      for (const loop of loops) loop.wake()
    },
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()))
      await with_them.permits.stop()
    },
  }
}

/** Claims deliveries, sends them, and records what came of it: many at a time, each at its own pace. */
function startQueue(app: App, beside: Beside): Loop {
  const { worker } = app.db
  const { attempts, permits } = beside
  const deliver = createDeliver(app, beside, {
    close: (id, ms) => turns.close(id, ms),
    stands: (item) => turns.stands(item),
  })
  const turns = createTurns<DueDelivery>({
    name: 'delivery',
    capacity: app.config.worker_concurrency,
    clock: app.clock,
    take: (claim) => claimDeliveries(worker, claim),
    takeTurns: (claim, who) => claimDeliveryTurns(worker, claim, who),
    waiting: (after, limit) => listWaitingDeliveries(worker, after, limit),
    waitingAgain: (known) => listWaitingDeliveriesAgain(worker, known),
    // Told to the others: whoever has room, or holds the permits, would not know of them.
    giveBack: async (items) => {
      await putBackDeliveries(worker, items, 0)
      app.db.notify('trilho_delivery', 'new')
    },
    termsOf: (tenant_id, subscription_id) => termsOf(app, tenant_id, subscription_id),
    isRetry: (item) => item.attempts > 1,
    permits,
    log: app.log,
  })
  const loop = startLoop<DueDelivery>({
    name: 'delivery',
    capacity: app.config.worker_concurrency,
    batch: 64,
    claim: turns.claim,
    run: async ([item]) => {
      if (!item) return null
      try {
        return await attempts.alone(
          item.cuts,
          () => traced(app, item, () => deliver(item)),
          () => putBackFor(app, item, ALONE_AGAIN_MS),
        )
      } finally {
        turns.release(item)
      }
    },
    runEach: true,
    extend: (items) => extendDeliveries(worker, items),
    look: lookAt(worker, SOONEST_DELIVERY),
    clock: app.clock,
    log: app.log,
  })
  permits.tell('delivery', loop.wake)
  app.db.listen('trilho_delivery', (what) => what !== 'lane' && loop.wake())
  return loop
}

/** Works on one delivery; in how many milliseconds it falls due again. */
function createDeliver(
  app: App,
  { attempts, health, prepare }: Beside,
  { close, stands }: Pick<Turns<DueDelivery>, 'close' | 'stands'>,
): (item: DueDelivery) => Promise<number | null> {
  const settle = createSettle<Ended>(app, prepare, {
    settle: async (db, batch) => {
      const mine = await settleDeliveries(db, batch)
      return batch.map(({ item }) => mine.has(item.id))
    },
    attemptsOf: (ended) => [ended],
  })
  const hold = createHold(app)
  const rate = createRate(app)

  return async (item) => {
    const receiver = await attempts.receiverOf(item, () => {
      close(item.subscription_id, UNREAD_AGAIN_MS)
      return putBackFor(app, item, UNREAD_AGAIN_MS)
    })
    if (receiver?.state === 'paused') return hold(item)
    const wait_ms = receiver?.rate ? await rate(receiver, item.tenant_id) : 0
    if (wait_ms > 0) {
      close(item.subscription_id, wait_ms) // nothing more of it is taken before there is a turn again
      return putBackFor(app, item, wait_ms)
    }
    if (!stands(item)) return putBackFor(app, item, 0)
    const result = await attempts.attempt(item, receiver)
    if (!result) {
      close(item.subscription_id, SHAPED_AGAIN_MS)
      return putBackFor(app, item, SHAPED_AGAIN_MS)
    }
    await health.obey(result)
    await settle(result)
    report(app, result)
    await health.judge(result)
    return result.again_ms
  }
}

async function putBackFor(app: App, item: DueDelivery, wait_ms: number): Promise<number> {
  await putBackDeliveries(app.db.worker, [item], wait_ms)
  return wait_ms
}

export function watchDeliveries(app: App): void {
  watchQueue(app.telemetry, 'delivery', () => readQueue(app.db.worker))
  watchQueue(app.telemetry, 'lane', () => readLanes(app.db.worker))
}

/** Puts a delivery aside until its subscription is resumed, many in one statement. */
function createHold(app: App): (item: DueDelivery) => Promise<null> {
  const held = createBatch<DueDelivery, null>({
    size: 128,
    parallel: 1,
    flush: async (items) => {
      await putBackDeliveries(app.db.worker, items, null)
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

export { handlers } from './replays.ts'

const MINUTES_AT_ONCE = 20_000

async function addUp({ db }: App): Promise<void> {
  while ((await addUpCounters(db.owner, MINUTES_AT_ONCE)) === MINUTES_AT_ONCE);
}

/** What this room has done by the clock. */
export const schedules = [
  { name: 'outbound.forget_secrets', cron: '*/15 * * * *', time_zone: 'UTC', run: forgetPreviousSecrets },
  {
    name: 'outbound.release_parked',
    cron: '*/15 * * * *',
    time_zone: 'UTC',
    run: releaseParked,
    sign: () => ANY_PARKED_FOR_NOBODY,
  },
  {
    name: 'outbound.add_up_counters',
    cron: '9 * * * *',
    time_zone: 'UTC',
    run: addUp,
    sign: () => ANY_COUNTED_LONG_AGO,
  },
]

/** What this room keeps in partitions, and what of it must still be there. */
export const records = (app: App): Records[] => [
  {
    table: 'delivery',
    keep_days: app.config.retention_records_days,
    held: async (id) =>
      (await countQueuedBefore(app.db.worker, id)) + (await countLinedBefore(app.db.worker, id)),
  },
  { table: 'attempt', keep_days: app.config.retention_attempt_days, held: async () => 0 },
]
