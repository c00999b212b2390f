import { createBatch } from '../../platform/batch.ts'
import { isConnectionLoss } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import { type Loop, startLoop } from '../../platform/queue.ts'
import { lookAt } from '../../platform/queue_look.ts'
import type { App } from '../app.ts'
import {
  ALONE_AGAIN_MS,
  type Attempts,
  createSettle,
  report,
  SHAPED_AGAIN_MS,
  UNREAD_AGAIN_MS,
} from './attempts.ts'
import { type Active, wakeLanes } from './audience.ts'
import { FAILING_AT, type Health, type PrepareNotice } from './health.ts'
import {
  claimLanes,
  claimLaneTurns,
  type DueLane,
  type Head,
  LANE_LEASE_MS,
  LANES,
  type LaneEnded,
  listWaitingLanes,
  listWaitingLanesAgain,
  putBackLanes,
  settleLanes,
} from './lane_queries.ts'
import type { Permits } from './permits.ts'
import type { Ended } from './queue_queries.ts'
import { createRate } from './rate.ts'
import { releaseUnlessPaused } from './release.ts'
import { termsOf } from './rooms.ts'
import { createTurns, type Turns } from './turns.ts'

/**
 * Deliveries in order. A worker takes a lane with its first few deliveries and sends them one after another; the first
 * that does not succeed keeps those behind it waiting, as its subscription says.
 *
 * A lease is a matter of the database's clock, and no fence reaches a POST already under way. So a POST is begun only
 * where it must end before the lease does, by this process's monotonic clock, counted from before the claim was asked
 * for; a worker that was held still sends nothing more of a lane that may be somebody else's by now.
 */

/** The longest a POST in order may take, whatever its subscription says: the lease outlives it. */
const MOST_MS = 12_000
/** What is left of the lease after a POST, to put it on record. */
const MARGIN_MS = 1_000

/** What the loops that deliver are made of. */
export type Beside = { attempts: Attempts; health: Health; permits: Permits; prepare: PrepareNotice }

export function startLanes(app: App, beside: Beside): Loop {
  const { attempts, permits } = beside
  const leases = createLeases(app)
  const run = createRun(app, beside, leases.left, {
    close: (id, ms) => turns.close(id, ms),
    stands: (lane) => turns.stands(lane),
  })
  const turns = createTurns<DueLane>({
    name: 'lane',
    capacity: app.config.worker_concurrency,
    clock: app.clock,
    take: (claim) =>
      leases.from(
        () => claimLanes(app.db.worker, claim),
        ({ items }) => items,
      ),
    takeTurns: (claim, who) =>
      leases.from(
        () => claimLaneTurns(app.db.worker, claim, who),
        (lanes) => lanes,
      ),
    waiting: (after, limit) => listWaitingLanes(app.db.worker, after, limit),
    waitingAgain: (known) => listWaitingLanesAgain(app.db.worker, known),
    giveBack: (lanes) => putBackLanes(app.db.worker, lanes, 0).then(() => wakeLanes(app)),
    termsOf: (tenant_id, subscription_id) => termsOf(app, tenant_id, subscription_id),
    isRetry: (lane) => lane.attempts > 1,
    permits,
    log: app.log,
  })
  const loop = startLoop<DueLane>({
    name: 'lane',
    capacity: app.config.worker_concurrency,
    batch: 64,
    claim: turns.claim,
    run: async ([lane]) => {
      if (!lane) return null
      try {
        return await attempts.alone(
          lane.cuts,
          () => traced(app, lane, () => run(lane)),
          async () => {
            await putBackLanes(app.db.worker, [lane], ALONE_AGAIN_MS)
            return ALONE_AGAIN_MS
          },
        )
      } finally {
        turns.release(lane)
      }
    },
    runEach: true,
    extend: async () => {}, // a lane is given back before its lease ends
    look: lookAt(app.db.worker, LANES.soonest),
    clock: app.clock,
    log: app.log,
  })
  permits.tell('lane', loop.wake)
  app.db.listen('trilho_delivery', (what) => what !== 'new' && loop.wake())
  return loop
}

/** Until when lanes are ours, by the monotonic clock. */
function createLeases({ clock }: App) {
  const until = new WeakMap<DueLane, number>()
  return {
    /** What a claim takes is leased from before it was asked for. */
    async from<T>(claim: () => Promise<T>, lanesOf: (claimed: T) => DueLane[]): Promise<T> {
      const ends = clock.monotonic() + LANE_LEASE_MS
      const claimed = await claim()
      for (const lane of lanesOf(claimed)) until.set(lane, ends)
      return claimed
    },
    left: (lane: DueLane): number => (until.get(lane) ?? 0) - clock.monotonic(),
  }
}

const createLaneSettle = (app: App, prepare: PrepareNotice) =>
  createSettle<LaneEnded>(app, prepare, {
    settle: async (db, batch) => {
      const mine = await settleLanes(db, batch)
      return batch.map((_one, at) => mine.has(at))
    },
    attemptsOf: ({ ended }) => ended,
  })

/** Works on a lane; in how many milliseconds it falls due again. */
function createRun(
  app: App,
  { attempts, health, prepare }: Beside,
  leaseLeft: (lane: DueLane) => number,
  { close, stands }: Pick<Turns<DueLane>, 'close' | 'stands'>,
): (lane: DueLane) => Promise<number | null> {
  const putBack = createPutBack(app)
  const rate = createRate(app)
  const settle = createLaneSettle(app, prepare)

  /** The attempts that the lease and the receiver allow, up to the first that did not end its delivery. */
  async function sendHeads(lane: DueLane, receiver: Active | null): Promise<Ended[]> {
    const longest_ms = Math.min(receiver?.timeout_ms ?? app.config.delivery_timeout_ms, MOST_MS)
    const most_ms = () => Math.min(longest_ms, leaseLeft(lane) - MARGIN_MS)
    const ended: Ended[] = []
    try {
      for (const head of lane.heads) {
        if (most_ms() < longest_ms || !stands(lane)) break
        const wait_ms = receiver?.rate ? await rate(receiver, lane.tenant_id) : 0
        if (wait_ms > 0) {
          close(lane.subscription_id, wait_ms)
          break
        }
        const one = await attempts.attempt(toDelivery(lane, head, ended.length), receiver, most_ms)
        if (!one) close(lane.subscription_id, SHAPED_AGAIN_MS)
        if (!one) break
        ended.push(one)
        await health.obey(one)
        if (one.state === 'pending' || one.exhausted || one.disable) break
      }
    } catch (error) {
      if (ended.length === 0) throw error // else what was sent is put on record first, and the next turn begins with this one
    }
    return ended
  }

  async function hold(lane: DueLane): Promise<null> {
    await settle({ ...untouched(lane), again_ms: null, attempts: lane.attempts - 1 })
    await releaseUnlessPaused(app, lane.tenant_id, lane.subscription_id)
    return null
  }

  return async (lane) => {
    const receiver = await attempts.receiverOf(lane, () => {
      close(lane.subscription_id, UNREAD_AGAIN_MS)
      return putBackLanes(app.db.worker, [lane], UNREAD_AGAIN_MS)
    })
    if (receiver?.state === 'paused') return hold(lane)
    const ended = await sendHeads(lane, receiver)
    if (ended.length === 0) return putBack(lane)
    const result = conclude(lane, ended, receiver)
    await settle(result)
    if (result.parked) await releaseUnlessPaused(app, lane.tenant_id, lane.subscription_id)
    for (const one of ended) {
      report(app, one)
      await health.judge(one)
    }
    return result.again_ms
  }
}

/** Only the one in front was attempted before, and cut off. */
const toDelivery = (lane: DueLane, { delivery_id, event_id }: Head, at: number) => ({
  tenant_id: lane.tenant_id,
  id: delivery_id,
  event_id,
  subscription_id: lane.subscription_id,
  claim: lane.claim,
  attempts: at === 0 ? lane.attempts : 1,
  cuts: at === 0 ? lane.cuts : 0,
  renewed_at: null, // what is sent again by hand stands in no lane
  told: at === 0 && (lane.told || lane.attempts - lane.cuts > FAILING_AT),
})

const untouched = (lane: DueLane): LaneEnded => ({
  lane,
  ended: [],
  through: null,
  done: 0,
  again_ms: 0,
  parked: false,
  attempts: lane.attempts,
  cuts: lane.cuts,
})

/** How far the lane came. A head whose attempts are over is passed by, or parks the lane, as its subscription says. */
function conclude(lane: DueLane, all: Ended[], receiver: Active | null): LaneEnded {
  const last = all.at(-1)
  const park =
    last?.exhausted === true && last.state === 'failed' && receiver?.ordering?.on_failure === 'park'
  const ended = park ? [...all.slice(0, -1), { ...last, state: 'pending' as const, again_ms: null }] : all
  const done = ended.filter(({ state }) => state !== 'pending').length
  const waits = done < ended.length
  const through = lane.heads[done - 1]?.seq ?? null
  return {
    ...untouched(lane),
    ended,
    through,
    done,
    parked: park,
    again_ms: waits ? (last?.again_ms ?? 0) : 0,
    attempts: waits ? (last?.item.attempts ?? 0) : 0,
    cuts: waits ? (last?.item.cuts ?? 0) : 0,
  }
}

/** Lanes of which nothing was sent, since too little was left of their leases. */
function createPutBack(app: App): (lane: DueLane) => Promise<number> {
  const { add } = createBatch<DueLane, number>({
    size: 128,
    parallel: 1,
    flush: async (lanes) => {
      await putBackLanes(app.db.worker, lanes, 0)
      return lanes.map(() => 0)
    },
    isFinal: isConnectionLoss,
  })
  return add
}

const traced = <T>(app: App, { subscription_id, attempts }: DueLane, work: () => Promise<T>): Promise<T> =>
  app.telemetry.span(
    'lane',
    { subscription: toWire('subscription', subscription_id), attempt: attempts },
    work,
  )
