import { toWire } from '../../platform/ids.ts'
import type { Log } from '../../platform/log.ts'
import type { Claim, Claimed, Work } from '../../platform/queue.ts'
import type { Turn, Waiting } from '../../platform/queue_statements.ts'
import { createBounds } from './bounds.ts'
import { createDoors } from './doors.ts'
import { createHand } from './hand.ts'
import type { Permits } from './permits.ts'
import { type Offer, type Place, shareOut, type Terms, weigh } from './shares.ts'
import { createLook, type Look, type LookOptions } from './who_waits.ts'

/**
 * Who may be worked for next, so that a receiver that hangs, or a tenant with a million deliveries, delays nobody else.
 *
 * While there is little to do, work is taken as it falls due. As soon as more is due than is taken, or somebody has as
 * much in hand as there is room for, subscriptions take turns: those with the least in hand first, first attempts
 * before retries.
 *
 * A subscription may have in hand as much as is free, a tenant three times as much: one that hangs leaves half of the
 * places to the others, two leave a third, and so on; whoever is alone is hardly bounded.
 *
 * Weights move turns and places among the subscriptions of one tenant: what they share out is as much as if each of
 * them weighed 1, so that no tenant gets more than another by them. Of two with as much in hand for their weight, the
 * one that had fewer turns comes first.
 */
export type Owned = Work & { subscription_id: string }

export type Turns<Item extends Owned> = {
  claim(claim: Claim): Promise<Claimed<Item>>
  /** The item is no longer in hand. */
  release(item: Item): void
  /** Whether it may be sent still: where its subscription bounds how many are, it may have been given to somebody else. */
  stands(item: Item): boolean
  /** Takes nothing more for a subscription for so long: it may send no faster. */
  close(subscription_id: string, for_ms: number): void
}

export type TurnOptions<Item extends Owned> = LookOptions & {
  /** Of the loop, which asks for permits by it. */
  name: string
  capacity: number
  take: (claim: Claim) => Promise<Claimed<Item>>
  takeTurns: (claim: { id: string; limit: number }, turns: Turn[]) => Promise<Item[]>
  /** Puts back what was taken beyond the room there is. */
  giveBack: (items: Item[]) => Promise<void>
  termsOf: (tenant_id: string, subscription_id: string) => Promise<Terms>
  /** Whether an item was attempted before. */
  isRetry: (item: Item) => boolean
  permits: Permits
  log: Log
}

const LOOK_AGAIN_MS = 1_000
/** Of a thousand who wait a claim asks so many, some more than it has places for: what one had at the look may be gone. */
const MOST_ASKED = 128

export function createTurns<Item extends Owned>(options: TurnOptions<Item>): Turns<Item> {
  const { name, capacity, clock, take, takeTurns, isRetry, permits } = options
  const termsOf = createTerms(options)
  const giveBack = createGiveBack(options)
  const hand = createHand(capacity)
  const doors = createDoors(clock)
  const looks = createLook(options)
  const bounds = createBounds<Item>(name, permits, hand)
  const { handRoom, roomOf, offersOf } = createRooms(hand, doors, bounds.room, termsOf)
  const past = createPast()
  const fit = createFit({ hand, bounds, handRoom, termsOf, isRetry })
  const round = createRound()
  let fair = false

  /** As it falls due; what there is no room for goes back. */
  async function plainly(claim: Claim): Promise<Claimed<Item>> {
    const claimed = await take(claim)
    const { kept, over } = await fit(claimed.items)
    if (over.length > 0) await giveBack(over)
    fair = over.length > 0 || claimed.items.length >= claim.limit
    return { ...claimed, items: kept, more: fair }
  }

  async function fairly(claim: Claim): Promise<Claimed<Item>> {
    const seen = await looks.next()
    const offers = await offersOf(seen)
    const due = past.of(weigh(offers.filter((one) => one.first || one.again)))
    for (const one of due) one.room = roomOf(one)
    const retries = hand.retryRoom()
    const places = shareOut(due, { limit: claim.limit, retries, tenantRoom: hand.tenantRoom })
    const { open: asked, items } = await bounds.claimed(places.slice(0, MOST_ASKED), (open) =>
      takeTurns(claim, toTurns(open)),
    )
    for (const item of items) hand.add(item, isRetry(item))
    for (const { of } of places) if (of.most !== null) of.room = roomOf(of)
    const taken = countTaken(items)
    past.note(due, taken, seen.whole)
    const left_out = asked.length < due.filter(({ room }) => room > 0).length
    const struck = left_out && strikeOut(asked, taken, items.length < claim.limit)
    const blocked = due.some(
      ({ closed_ms, room, first }) => closed_ms === 0 && (room === 0 || (!first && retries === 0)),
    )
    if (blocked && items.length === 0) looks.stay()
    const { found, waits } = round.note(items.length > 0, blocked || due.some(isClosed), seen.last)
    const goes_on = !seen.last || found || struck
    fair = goes_on || waits
    // Another worker may be taking what was not given, and may yet die. Whoever waits for room is looked at when any is
    // made, and now and then all the same.
    const wait_ms = soonest(offers, seen, asked.length > items.length || waits || !seen.whole)
    return { items, wait_ms, reached: null, more: goes_on || !(waits || seen.whole), blocked }
  }

  return {
    claim: (claim) => (fair ? fairly(claim) : plainly(claim)),
    release: bounds.release,
    stands: bounds.stands,
    close: doors.close,
  }
}

type Owner = Pick<Owned, 'tenant_id' | 'subscription_id'>

/**
 * Where the terms of one cannot be read, it is taken as if it had none, and fails by itself when it is worked on: a claim
 * that failed would hold up everybody. Told once, until they can be read again.
 */
function createTerms({ termsOf, log }: Pick<TurnOptions<Owned>, 'termsOf' | 'log'>) {
  const unread = new Set<string>()
  return async ({ tenant_id, subscription_id }: Owner): Promise<Terms> => {
    try {
      const terms = await termsOf(tenant_id, subscription_id)
      unread.delete(subscription_id)
      return terms
    } catch (err) {
      const subscription = toWire('subscription', subscription_id)
      if (!unread.has(subscription_id)) log.error({ err, subscription }, 'a subscription could not be read')
      unread.add(subscription_id)
      return { most: null, weight: 1 }
    }
  }
}

/** It never fails: what is in hand already must come to the loop, which alone says when that is in hand no longer. */
function createGiveBack<Item extends Owned>({ giveBack, log }: Pick<TurnOptions<Item>, 'giveBack' | 'log'>) {
  return async (items: Item[]): Promise<void> => {
    try {
      await giveBack(items)
    } catch (err) {
      log.warn({ err, items: items.length }, 'what there is no room for was left to its lease')
    }
  }
}

function createRooms(
  hand: ReturnType<typeof createHand>,
  doors: ReturnType<typeof createDoors>,
  permitRoom: ReturnType<typeof createBounds<Owned>>['room'],
  termsOf: (one: Owner) => Promise<Terms>,
) {
  function handRoom({ tenant_id, subscription_id }: Owner, share: number): number {
    if (doors.closedFor(subscription_id) > 0) return 0
    return hand.room(tenant_id, subscription_id, share)
  }

  /** For how many more of a subscription there is room now, as far as this process knows. */
  function roomOf(one: Pick<Offer, 'tenant_id' | 'subscription_id' | 'most' | 'share'>): number {
    const room = handRoom(one, one.share)
    return room === 0 ? 0 : Math.min(room, permitRoom(one))
  }

  const toOffer = async (one: Waiting): Promise<Offer> => ({
    ...one,
    ...(await termsOf(one)),
    ...{ first: false, again: false, closed_ms: 0, held: 0, share: 1, past: 0, room: 0 },
  })

  /** Made once for a look, with the terms of then: there is a claim every few milliseconds, and a thousand who wait. */
  let made: { list: Waiting[]; offers: Offer[] } = { list: [], offers: [] }

  async function offersOf({ list, age_ms }: Look): Promise<Offer[]> {
    if (list !== made.list) made = { list, offers: await Promise.all(list.map(toOffer)) }
    for (const one of made.offers) {
      one.first = one.first_ms !== null && one.first_ms <= age_ms
      one.again = one.again_ms !== null && one.again_ms <= age_ms
      one.closed_ms = doors.closedFor(one.subscription_id)
      one.held = hand.of(one.subscription_id)
    }
    return made.offers
  }

  return { handRoom, roomOf, offersOf }
}

/** Takes into hand what there is room for, and tells what there is none for. */
function createFit<Item extends Owned>(from: {
  hand: ReturnType<typeof createHand>
  bounds: ReturnType<typeof createBounds<Item>>
  handRoom: ReturnType<typeof createRooms>['handRoom']
  termsOf: (one: Owner) => Promise<Terms>
  isRetry: (item: Item) => boolean
}) {
  const { hand, bounds, handRoom, termsOf, isRetry } = from
  return async (items: Item[]): Promise<{ kept: Item[]; over: Item[] }> => {
    const toBounded = async (item: Item) => {
      const { tenant_id, subscription_id } = item
      return { item, tenant_id, subscription_id, most: (await termsOf(item)).most }
    }
    return bounds.fitting(await Promise.all(items.map(toBounded)), ({ item }) => {
      const fits = handRoom(item, 1) > 0 && (!isRetry(item) || hand.retryRoom() > 0)
      if (fits) hand.add(item, isRetry(item))
      return fits
    })
  }
}

/** By subscription. */
function countTaken(items: Owned[]): Map<string, number> {
  const taken = new Map<string, number>()
  for (const { subscription_id: id } of items) taken.set(id, (taken.get(id) ?? 0) + 1)
  return taken
}

/**
 * Whoever was asked in vain is not asked again before the next look, so that those who were left out have their turn.
 * Whether there was one.
 */
function strikeOut(asked: Place<Offer>[], taken: Map<string, number>, all: boolean): boolean {
  const isTaken = ({ of }: Place<Offer>) => taken.has(of.subscription_id)
  const count = all ? asked.length : asked.findLastIndex(isTaken)
  const in_vain = asked.slice(0, count).filter((place) => !isTaken(place))
  for (const { of, again } of in_vain) of[again ? 'again_ms' : 'first_ms'] = null
  return in_vain.length > 0
}

/** Of those who are looked at by pages, so many. */
const MOST_REMEMBERED = 100_000

/** Of one look at everybody, in however many parts: whether anything was taken, and whether anybody waits for room. */
function createRound() {
  let so_far = { found: false, waits: false }
  return {
    note(found: boolean, waits: boolean, last: boolean): typeof so_far {
      const now = { found: so_far.found || found, waits: so_far.waits || waits }
      so_far = last ? { found: false, waits: false } : now
      return now
    },
  }
}

/** Turns that those who wait had, for their share. Whoever is new to waiting has had as many as the one with the fewest. */
function createPast() {
  let had = new Map<string, number>()
  return {
    of(due: Offer[]): Offer[] {
      let least = Number.POSITIVE_INFINITY
      for (const one of due) {
        one.past = had.get(one.subscription_id) ?? Number.POSITIVE_INFINITY
        least = Math.min(least, one.past)
      }
      for (const one of due) one.past = Number.isFinite(one.past) ? one.past - least : 0
      return due
    },
    /** `whole`: nobody else waits. */
    note(due: Offer[], taken: Map<string, number>, whole: boolean): void {
      if (whole || had.size > MOST_REMEMBERED) had = new Map()
      for (const { subscription_id: id, past, share } of due) {
        had.set(id, past + (taken.get(id) ?? 0) / share)
      }
    },
  }
}

/** What is older than the first that was seen of it is dead, or came since, and the next look sees it. */
const toTurns = (places: Place<Offer>[]): Turn[] =>
  places.map(({ of, again, room }) => {
    const first_ms = of.at_ms + ((again ? of.again_ms : of.first_ms) ?? 0)
    return { subscription_id: of.subscription_id, again, room, since_ms: first_ms - 1 } // it is rounded
  })

const isClosed = ({ closed_ms }: Offer): boolean => closed_ms > 0

/** In how many milliseconds something may change that no end of work tells of. */
function soonest(offers: Offer[], { age_ms, rest_ms }: Look, unsure: boolean): number | null {
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
