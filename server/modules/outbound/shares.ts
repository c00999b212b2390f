import type { Waiting } from '../../platform/queue_statements.ts'

/** Who gets how many places of a claim, from what each has in hand and weighs. */

export type Terms = {
  /** How many of a subscription may be in hand at most, in all processes together; null where it says nothing. */
  most: number | null
  /** Its turns for each turn of one that weighs 1. */
  weight: number
}

/** One place of so many in a claim is a retry's, while both wait. */
const RETRY_SHARE = 8

/** So many places of a claim for one of those who wait. */
export type Place<One> = { of: One; again: boolean; room: number }

export type Offer = Waiting & Terms & Open & { closed_ms: number }
/** Of a subscription: what is due, what it has in hand, and for how many more there is room. */
type Open = {
  tenant_id: string
  subscription_id: string
  first: boolean
  again: boolean
  held: number
  room: number
  /** Its weight beside the others of its tenant: 1 where all weigh alike. */
  share: number
  /** The turns it had for its share. */
  past: number
}

/** Sets the share of each: what it is of the weight of its tenant's that are due. */
export function weigh(due: Offer[]): Offer[] {
  const tenants = new Map<string, { count: number; weight: number }>()
  for (const { tenant_id, weight } of due) {
    const sum = tenants.get(tenant_id) ?? { count: 0, weight: 0 }
    tenants.set(tenant_id, { count: sum.count + 1, weight: sum.weight + weight })
  }
  for (const one of due) {
    const { count, weight } = tenants.get(one.tenant_id) ?? { count: 1, weight: one.weight }
    one.share = (count * one.weight) / weight
  }
  return due
}

/**
 * Whoever has the least in hand comes first; first attempts come before retries, which have a share of
 * their own. What is given to a tenant's subscriptions together is no more than there is room for its.
 */
export function shareOut<One extends Open>(
  offers: One[],
  { limit, retries, tenantRoom }: { limit: number; retries: number; tenantRoom: (id: string) => number },
): Place<One>[] {
  const left = new Map<string, number>()
  return placesOf(offers, limit, retries).flatMap((place) => {
    const { tenant_id } = place.of
    const free = left.get(tenant_id) ?? tenantRoom(tenant_id)
    const room = Math.min(place.room, free)
    left.set(tenant_id, free - room)
    return room > 0 ? { ...place, room } : []
  })
}

function placesOf<One extends Open>(offers: One[], limit: number, retries: number): Place<One>[] {
  const open = offers
    .filter(({ room }) => room > 0)
    .sort((a, b) => a.held / a.share - b.held / b.share || a.past - b.past)
  const firsts = open.filter(({ first }) => first)
  const agains = retries > 0 ? open.filter(({ again }) => again) : []
  const kept = agains.length > 0 && firsts.length > 0 ? Math.ceil(limit / RETRY_SHARE) : 0
  const reserved = each(Math.min(kept, retries), agains.slice(0, Math.min(kept, retries)), true)
  if (firsts.length === 0)
    return each(Math.min(limit, retries), agains.slice(0, Math.min(limit, retries)), true)
  return [...reserved, ...each(limit - reserved.length, firsts, false)]
}

/** Of so many places each has its share, and one at least. */
function each<One extends Open>(places: number, of: One[], again: boolean): Place<One>[] {
  const all = of.reduce((sum, { share }) => sum + share, 0)
  return of.map((one) => ({
    of: one,
    again,
    room: Math.min(one.room, Math.max(1, Math.ceil((places * one.share) / all))),
  }))
}
