import type { Permits, Wanted } from './permits.ts'
import type { Offer, Place } from './shares.ts'

/**
 * What a loop takes up of subscriptions that bound how many of theirs are under way: a permit for each, asked for before
 * the claim and given back where it took less, or when the item is no longer in hand.
 */

type Owned = { tenant_id: string; subscription_id: string }
type Bounded = Owned & { most: number | null }
type Taken<Item> = Bounded & { item: Item }

export function createBounds<Item extends Owned>(
  name: string,
  permits: Permits,
  hand: { remove: (item: Item) => void },
) {
  const permitted = new WeakSet<Item>()

  /** By subscription: so many of the permits are those of the items, the others are given back. */
  function keep(got: Map<string, number>, items: Item[]): void {
    for (const item of items) {
      const left = got.get(item.subscription_id)
      if (left === undefined) continue
      permitted.add(item)
      got.set(item.subscription_id, left - 1)
    }
    for (const [id, left] of got) permits.give(id, left)
  }

  /** The places that there are permits for, taken up by `claim`: what that does not take is given back. */
  async function claimed(
    places: Place<Offer>[],
    claim: (open: Place<Offer>[]) => Promise<Item[]>,
  ): Promise<{ open: Place<Offer>[]; items: Item[] }> {
    const { open, got } = await permit(name, permits, places)
    let items: Item[] = []
    try {
      if (open.length > 0) items = await claim(open)
    } finally {
      keep(got, items)
    }
    return { open, items }
  }

  /** Of what was taken already: what `fits`, asked of those alone that there are permits for. */
  async function fitting(
    all: Taken<Item>[],
    fits: (one: Taken<Item>) => boolean,
  ): Promise<{ kept: Item[]; over: Item[] }> {
    const got = await permitEach(name, permits, all)
    const parted = part(got, all, fits)
    keep(got, parted.kept)
    return parted
  }

  return {
    claimed,
    fitting,
    /** For how many more it is worth asking; as many as one likes where nothing is bounded. */
    room: ({ tenant_id, subscription_id, most }: Bounded): number =>
      most === null ? Number.POSITIVE_INFINITY : permits.room(name, { tenant_id, subscription_id, most }),
    /** The item is no longer in hand. */
    release(item: Item): void {
      hand.remove(item)
      if (permitted.delete(item)) permits.give(item.subscription_id, 1)
    },
    stands: (item: Item): boolean => !permitted.has(item) || permits.stands(item.subscription_id),
  }
}

function part<Item>(
  got: Map<string, number>,
  all: Taken<Item>[],
  fits: (one: Taken<Item>) => boolean,
): { kept: Item[]; over: Item[] } {
  const left = new Map(got)
  const kept: Item[] = []
  const over: Item[] = []
  for (const one of all) {
    const free = left.get(one.subscription_id) ?? 1
    const is_kept = free > 0 && fits(one)
    if (is_kept && one.most !== null) left.set(one.subscription_id, free - 1)
    ;(is_kept ? kept : over).push(one.item)
  }
  return { kept, over }
}

/** The places that may be asked for, and by subscription how many permits were got for them. */
async function permit(name: string, permits: Permits, places: Place<Offer>[]) {
  const bound = places.flatMap(({ of: { tenant_id, subscription_id, most }, room: count }) =>
    most === null ? [] : [{ tenant_id, subscription_id, most, count }],
  )
  const got = new Map<string, number>()
  if (bound.length === 0) return { open: places, got }
  const counts = await permits.take(name, bound)
  for (const [at, { subscription_id: id }] of bound.entries()) {
    got.set(id, (got.get(id) ?? 0) + (counts[at] ?? 0))
  }
  const given = counts.values()
  const open = places
    .map((place) => (place.of.most === null ? place : { ...place, room: given.next().value ?? 0 }))
    .filter(({ room }) => room > 0)
  return { open, got }
}

/** By subscription how many permits were got, where it bounds anything: one is wanted for each item. */
async function permitEach(name: string, permits: Permits, all: Bounded[]): Promise<Map<string, number>> {
  const wanted = new Map<string, Wanted>()
  for (const { tenant_id, subscription_id, most } of all) {
    if (most === null) continue
    const count = (wanted.get(subscription_id)?.count ?? 0) + 1
    wanted.set(subscription_id, { tenant_id, subscription_id, most, count })
  }
  if (wanted.size === 0) return new Map()
  const counts = await permits.take(name, [...wanted.values()])
  return new Map([...wanted.keys()].map((id, at) => [id, counts[at] ?? 0]))
}
