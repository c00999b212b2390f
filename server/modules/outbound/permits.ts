import type { Clock } from '../../platform/clock.ts'
import type { Log } from '../../platform/log.ts'
import { type Claimed, PERMIT_LEASE_MS } from './permit_queries.ts'

/**
 * Permits to have a delivery of a subscription under way, where it says how many may be (`max_concurrency`). All processes
 * together hold no more than that: each holds its own under a lease, and takes up nothing without one. What is given back is
 * kept a moment, so that while there is more to send no statement is made for each delivery; subscriptions that bound
 * nothing are never asked about.
 *
 * A process that was held still for longer than its lease begins nothing more (`stands`); a request that is under way by then
 * ends all the same.
 */
type Owned = { tenant_id: string; subscription_id: string; most: number }
export type Wanted = Owned & { count: number }

export type Permits = {
  /** Of each how many it got, in the order asked. It never fails: where the database is away it gets none. */
  take(user: string, wanted: Wanted[]): Promise<number[]>
  give(subscription_id: string, count: number): void
  /** For how many more it is worth asking. Whoever finds none has its turn before others of this process. */
  room(user: string, of: Owned): number
  /** Whether what this process holds is surely its own still. */
  stands(subscription_id: string): boolean
  /** Calls whoever found no room, as soon as there is some. */
  tell(user: string, wake: () => void): void
  /** Gives everything back. */
  stop(): Promise<void>
}

export type PermitOptions = {
  hold: (wanted: Claimed[]) => Promise<number[]>
  clock: Clock
  log: Log
}

type Holding = {
  tenant_id: string
  subscription_id: string
  most: number
  held: number
  used: number
  /** More than are held, by those who wait for an answer. */
  asked: number
  until: number
  refused_until: number
  /** Who found no room, since when. */
  waiting: Map<string, number>
}

const HEARTBEAT_MS = 3_000
/** What is not used for so long goes to other processes. */
const SPARE_MS = 200
/** Where others hold what there is, they are not asked again before. */
const REFUSED_MS = 250
/** Whoever waits looks again more often than this, or waits no more. */
const WAITS_MS = 1_500

export function createPermits(options: PermitOptions): Permits {
  const { clock } = options
  const holdings = createHoldings(clock)
  const { free, firstOf } = holdings
  const wakes = new Map<string, () => void>()
  const say = createSay(options)
  const refresh = (which: (one: Holding) => boolean) => say(() => holdings.held().filter(which))
  let spare: NodeJS.Timeout | null = null
  const heartbeat = setInterval(() => void refresh(() => true), HEARTBEAT_MS)
  heartbeat.unref()

  function room(user: string, of: Owned): number {
    const one = holdings.of(of)
    const refused = clock.monotonic() < one.refused_until
    const first = firstOf(one.waiting)
    const left = (refused ? free(one) : one.most - one.used) - (first !== null && first !== user ? 1 : 0)
    if (left <= 0) one.waiting.set(user, clock.monotonic()) // a key that is there keeps its place
    return Math.max(0, left)
  }

  async function take(user: string, wanted: Wanted[]): Promise<number[]> {
    const asks = wanted.map((one) => ({ of: holdings.of(one), count: Math.min(one.count, room(user, one)) }))
    const short = asks.filter(({ of, count }) => count > free(of) && clock.monotonic() >= of.refused_until)
    for (const { of, count } of short) of.asked += count
    if (short.length > 0) await say(() => short.map(({ of }) => of))
    for (const { of, count } of short) of.asked -= count
    return asks.map(({ of, count }) => {
      const got = Math.min(count, free(of))
      of.used += got
      if (got > 0) of.waiting.delete(user)
      return got
    })
  }

  function give(subscription_id: string, count: number): void {
    const one = holdings.find(subscription_id)
    if (!one || count === 0) return
    one.used -= count
    const first = firstOf(one.waiting)
    if (first !== null) wakes.get(first)?.()
    spare ??= setTimeout(() => {
      spare = null
      void refresh(({ held, used }) => held > used)
    }, SPARE_MS)
    spare.unref()
  }

  return {
    ...{ take, give, room, stands: holdings.stands },
    tell: (user, wake) => void wakes.set(user, wake),
    stop: async () => {
      clearInterval(heartbeat)
      if (spare) clearTimeout(spare)
      await refresh(() => true)
    },
  }
}

/** What this process holds and who in it waits, by subscription. */
function createHoldings(clock: Clock) {
  const all = new Map<string, Holding>()

  function of({ tenant_id, subscription_id, most }: Owned): Holding {
    const known = all.get(subscription_id) ?? {
      ...{ tenant_id, subscription_id, most, held: 0, used: 0, asked: 0 },
      ...{ until: Number.NEGATIVE_INFINITY, refused_until: Number.NEGATIVE_INFINITY, waiting: new Map() },
    }
    known.most = most
    all.set(subscription_id, known)
    return known
  }

  /** Of those who wait and are there still the one that waits the longest. */
  function firstOf(waiting: Holding['waiting']): string | null {
    for (const [user, at] of waiting) {
      if (clock.monotonic() - at < WAITS_MS) return user
      waiting.delete(user)
    }
    return null
  }

  const isIdle = ({ held, used, asked, waiting }: Holding): boolean =>
    held === 0 && used === 0 && asked === 0 && firstOf(waiting) === null

  return {
    of,
    firstOf,
    find: (subscription_id: string) => all.get(subscription_id),
    free: (one: Holding): number =>
      one.until > clock.monotonic() ? Math.max(0, Math.min(one.held, one.most) - one.used) : 0,
    stands(subscription_id: string): boolean {
      const one = all.get(subscription_id)
      return one !== undefined && one.until > clock.monotonic() && one.held >= one.used
    },
    /** Those of which something is held; what is neither held nor waited for is forgotten. */
    held(): Holding[] {
      for (const one of all.values()) if (isIdle(one)) all.delete(one.subscription_id)
      return [...all.values()].filter(({ held }) => held > 0)
    },
  }
}

/** One statement after another: each says how many are wanted in all, so the last one said must be the last one done. */
function createSay({ hold, clock, log }: PermitOptions): (of: () => Holding[]) => Promise<void> {
  let turn: Promise<void> = Promise.resolve()

  async function send(of: Holding[]): Promise<void> {
    if (of.length === 0) return
    const sent = clock.monotonic()
    const wanted = of.map((one) => {
      const count = Math.min(one.used + one.asked, one.most)
      one.held = Math.min(one.held, count) // what is given back is not used meanwhile
      return { tenant_id: one.tenant_id, subscription_id: one.subscription_id, count, most: one.most }
    })
    const granted = await hold(wanted)
    for (const [at, one] of of.entries()) {
      one.held = granted[at] ?? 0
      one.until = sent + PERMIT_LEASE_MS
      if (one.held < (wanted[at]?.count ?? 0)) one.refused_until = sent + REFUSED_MS
    }
  }

  return (of) => {
    turn = turn.then(() => send(of())).catch((err) => log.warn({ err }, 'permits were not held'))
    return turn
  }
}
