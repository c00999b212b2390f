import type { Clock } from '../../platform/clock.ts'
import type { Claimed, Work } from '../../platform/queue.ts'
import type { Turn, Waiting } from '../../platform/queue_statements.ts'

/**
 * Who may be worked for next, so that a receiver that hangs, or a tenant with a million deliveries, delays nobody else.
 *
 * While there is little to do, work is taken as it falls due. As soon as more is due than is taken, or somebody has as
 * much in hand as there is room for, subscriptions take turns: those with the least in hand first, first attempts
 * before retries.
 *
 * A subscription may have in hand as much as is free, a tenant three times as much: one that hangs leaves half of the
 * places to the others, two leave a third, and so on; whoever is alone is hardly bounded.
 */
export type Owned = Work & { subscription_id: string }

export type Turns<Item extends Owned> = {
  claim(claim: Claim): Promise<Claimed<Item>>
  /** The item is no longer in hand. */
  release(item: Item): void
  /** Takes nothing more for a subscription for so long: it may send no faster. */
  close(subscription_id: string, for_ms: number): void
}

export type TurnOptions<Item extends Owned> = {
  capacity: number
  clock: Clock
  take: (claim: Claim) => Promise<Claimed<Item>>
  takeTurns: (claim: { id: string; limit: number }, turns: Turn[]) => Promise<Item[]>
  waiting: (after: string, limit: number) => Promise<Waiting[]>
  /** Puts back what was taken beyond the room there is. */
  giveBack: (items: Item[]) => Promise<void>
  /** How many of a subscription may be in hand at most in this process; null where it says nothing. */
  mostOf: (tenant_id: string, subscription_id: string) => Promise<number | null>
  /** Whether an item was attempted before. */
  isRetry: (item: Item) => boolean
}

/** More than an address has connections would only wait for one, with their timeouts running. */
const MOST_IN_HAND = 64

const START = '00000000-0000-0000-0000-000000000000'
/** Subscriptions looked at in one go. */
const MOST_LOOKED_AT = 1_000
/** A look that took long is not repeated before so many times its length. */
const REST = 4
const CHEAP_MS = 2
const LOOK_AGAIN_MS = 1_000
/** One place of so many in a claim is a retry's, while both wait. */
const RETRY_SHARE = 8

export function createTurns<Item extends Owned>(options: TurnOptions<Item>): Turns<Item> {
  const { capacity, clock, take, takeTurns, giveBack, mostOf, isRetry } = options
  const hand = createHand(capacity)
  const doors = createDoors(clock)
  const look = createLook(clock, options.waiting)
  const { roomOf, offerOf } = createRooms(hand, doors, mostOf)
  let fair = false
  /** Of one look at everybody: whether anything was taken, and whether anybody waits for room. */
  let round = { found: false, waits: false }

  /** As it falls due; what there is no room for goes back. */
  async function plainly(claim: Claim): Promise<Claimed<Item>> {
    const claimed = await take(claim)
    const kept: Item[] = []
    const over: Item[] = []
    for (const item of claimed.items) {
      const room = await roomOf(item.tenant_id, item.subscription_id)
      const fits = room > 0 && (!isRetry(item) || hand.retryRoom() > 0)
      if (fits) hand.add(item, isRetry(item))
      ;(fits ? kept : over).push(item)
    }
    if (over.length > 0) await giveBack(over)
    fair = over.length > 0 || claimed.items.length >= claim.limit
    return { ...claimed, items: kept, more: fair }
  }

  async function fairly(claim: Claim): Promise<Claimed<Item>> {
    const seen = await look()
    const offers = await Promise.all(seen.list.map((one) => offerOf(one, seen.age_ms)))
    const due = offers.filter((one) => one.first || one.again)
    const retries = hand.retryRoom()
    const turns = shareOut(due, { limit: claim.limit, retries })
    const items = turns.length > 0 ? await takeTurns(claim, turns) : []
    for (const item of items) hand.add(item, isRetry(item))
    const blocked = due.some(
      ({ closed_ms, room, first }) => closed_ms === 0 && (room === 0 || (!first && retries === 0)),
    )
    round = { found: round.found || items.length > 0, waits: round.waits || blocked || due.some(isClosed) }
    const { found, waits } = round
    if (seen.last) round = { found: false, waits: false }
    fair = !seen.last || found || waits
    // Another worker may be taking what was not given, and may yet die.
    const wait_ms = soonest(offers, seen, turns.length > items.length || !seen.whole)
    return { items, wait_ms, reached: null, more: !seen.last || found || !(waits || seen.whole), blocked }
  }

  return {
    claim: (claim) => (fair ? fairly(claim) : plainly(claim)),
    release: hand.remove,
    close: doors.close,
  }
}

/** For how many more of a subscription there is room now. */
function createRooms(
  hand: ReturnType<typeof createHand>,
  doors: ReturnType<typeof createDoors>,
  mostOf: TurnOptions<Owned>['mostOf'],
) {
  async function roomOf(tenant_id: string, subscription_id: string): Promise<number> {
    if (doors.closedFor(subscription_id) > 0) return 0
    const most = await mostOf(tenant_id, subscription_id)
    const room = hand.room(tenant_id, subscription_id)
    return most === null ? room : Math.min(room, Math.max(0, most - hand.of(subscription_id)))
  }

  const offerOf = async (one: Waiting, age_ms: number): Promise<Offer> => ({
    ...one,
    first: one.first_ms !== null && one.first_ms <= age_ms,
    again: one.again_ms !== null && one.again_ms <= age_ms,
    closed_ms: doors.closedFor(one.subscription_id),
    held: hand.of(one.subscription_id),
    room: await roomOf(one.tenant_id, one.subscription_id),
  })

  return { roomOf, offerOf }
}

type Claim = { id: string; limit: number; from: Date | null }
type Offer = Waiting & Open & { closed_ms: number }
/** Of a subscription: what is due, what it has in hand, and for how many more there is room. */
type Open = { subscription_id: string; first: boolean; again: boolean; held: number; room: number }

const isClosed = ({ closed_ms }: Offer): boolean => closed_ms > 0

/** In how many milliseconds something may change that no end of work tells of. */
function soonest(offers: Offer[], { age_ms, rest_ms }: Seen, unsure: boolean): number | null {
  let least = unsure ? LOOK_AGAIN_MS : Number.POSITIVE_INFINITY
  if (rest_ms > 0) least = Math.min(least, rest_ms)
  for (const { first_ms, again_ms, closed_ms } of offers) {
    for (const ms of [first_ms, again_ms]) {
      if (ms !== null && ms > age_ms) least = Math.min(least, ms)
    }
    if (closed_ms > 0) least = Math.min(least, closed_ms)
  }
  return Number.isFinite(least) ? Math.max(1, least) : null
}

/** Subscriptions that may send nothing for a while. */
function createDoors(clock: Clock) {
  const closed = new Map<string, number>()
  return {
    close: (subscription_id: string, for_ms: number) =>
      void closed.set(subscription_id, clock.monotonic() + for_ms),
    /** Milliseconds. */
    closedFor(subscription_id: string): number {
      const ms = (closed.get(subscription_id) ?? 0) - clock.monotonic()
      if (ms <= 0) closed.delete(subscription_id)
      return Math.max(0, ms)
    },
  }
}

type Seen = {
  list: Waiting[]
  age_ms: number
  /** Until it may be looked at anew. */
  rest_ms: number
  /** Whether this is everybody who waits … */
  whole: boolean
  /** … or the end of them. */
  last: boolean
}

/** Who waits. A look that was dear is used for a while; where there are very many, each look shows the next of them. */
function createLook(clock: Clock, waiting: (after: string, limit: number) => Promise<Waiting[]>) {
  let after = START
  let seen = {
    list: [] as Waiting[],
    at: Number.NEGATIVE_INFINITY,
    rest_until: Number.NEGATIVE_INFINITY,
    whole: true,
    last: true,
  }
  return async (): Promise<Seen> => {
    const began = clock.monotonic()
    if (began >= seen.rest_until) {
      const list = await waiting(after, MOST_LOOKED_AT)
      const at = clock.monotonic()
      const last = list.length < MOST_LOOKED_AT
      const whole = last && after === START
      const dear = at - began > CHEAP_MS && whole
      seen = { list, at, rest_until: dear ? at + REST * (at - began) : at, whole, last }
      after = last ? START : (list.at(-1)?.subscription_id ?? START)
    }
    const now = clock.monotonic()
    return {
      list: seen.list,
      age_ms: now - seen.at,
      rest_ms: Math.max(0, seen.rest_until - now),
      whole: seen.whole,
      last: seen.last,
    }
  }
}

/** Whoever has the least in hand comes first; first attempts come before retries, which have a share of their own. */
export function shareOut(offers: Open[], { limit, retries }: { limit: number; retries: number }): Turn[] {
  const open = offers.filter(({ room }) => room > 0).sort((a, b) => a.held - b.held)
  const firsts = open.filter(({ first }) => first)
  const agains = retries > 0 ? open.filter(({ again }) => again) : []
  const kept = agains.length > 0 && firsts.length > 0 ? Math.ceil(limit / RETRY_SHARE) : 0
  const each = (places: number, of: Open[], again: boolean): Turn[] => {
    const share = Math.max(1, Math.ceil(places / Math.max(1, of.length)))
    return of.map(({ subscription_id, room }) => ({ subscription_id, again, room: Math.min(room, share) }))
  }
  const reserved = each(Math.min(kept, retries), agains.slice(0, Math.min(kept, retries)), true)
  if (firsts.length === 0)
    return each(Math.min(limit, retries), agains.slice(0, Math.min(limit, retries)), true)
  return [...reserved, ...each(limit - reserved.length, firsts, false)]
}

/** What this process has in hand, by subscription and tenant. */
function createHand(capacity: number) {
  const of_subscription = new Map<string, number>()
  const of_tenant = new Map<string, number>()
  const retrying = new WeakSet<object>()
  let total = 0
  let retries = 0

  function count(counts: Map<string, number>, key: string, more: number): void {
    const now = (counts.get(key) ?? 0) + more
    if (now > 0) counts.set(key, now)
    else counts.delete(key)
  }

  function move(item: Owned, by: 1 | -1): void {
    total += by
    count(of_subscription, item.subscription_id, by)
    count(of_tenant, item.tenant_id, by)
  }

  return {
    of: (subscription_id: string) => of_subscription.get(subscription_id) ?? 0,
    /** As many more as leave free what it may have; the first one always fits. */
    room(tenant_id: string, subscription_id: string): number {
      const free = capacity - total
      const own = of_subscription.get(subscription_id) ?? 0
      const tenant = of_tenant.get(tenant_id) ?? 0
      const by_subscription = own === 0 ? Math.max(1, free >> 1) : (free - own) >> 1
      const by_tenant = tenant === 0 ? Math.max(1, (3 * free) >> 2) : (3 * free - tenant) >> 2
      return Math.max(0, Math.min(free, by_subscription, by_tenant, MOST_IN_HAND - own))
    },
    /** Retries have half of the places at most, so that first attempts always find some. */
    retryRoom: () => Math.max(0, Math.max(1, capacity >> 1) - retries),
    add(item: Owned, is_retry: boolean): void {
      move(item, 1)
      if (!is_retry) return
      retrying.add(item)
      retries += 1
    },
    remove(item: Owned): void {
      move(item, -1)
      if (retrying.delete(item)) retries -= 1
    },
  }
}
