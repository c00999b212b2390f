import type { Turn, Waiting } from '../../platform/queue_statements.ts'

/** Who gets how many places of a claim, from what each has in hand and weighs. */

export type Terms = {
  /** How many of a subscription may be in hand at most in this process; null where it says nothing. */
  most: number | null
  /** Its turns for each turn of one that weighs 1. */
  weight: number
}

/** One place of so many in a claim is a retry's, while both wait. */
const RETRY_SHARE = 8

/** A turn in which nobody has said yet from where on there is something. */
export type Place = Omit<Turn, 'age_ms'>

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

/** By what each is of the weight of its tenant's that are due. */
export function weigh(due: Offer[]): Offer[] {
  const tenants = new Map<string, { count: number; weight: number }>()
  for (const { tenant_id, weight } of due) {
    const sum = tenants.get(tenant_id) ?? { count: 0, weight: 0 }
    tenants.set(tenant_id, { count: sum.count + 1, weight: sum.weight + weight })
  }
  return due.map((one) => {
    const { count, weight } = tenants.get(one.tenant_id) ?? { count: 1, weight: one.weight }
    return { ...one, share: (count * one.weight) / weight }
  })
}

/**
 * Whoever has the least in hand comes first; first attempts come before retries, which have a share of
 * their own. What is given to a tenant's subscriptions together is no more than there is room for its.
 */
export function shareOut(
  offers: Open[],
  { limit, retries, tenantRoom }: { limit: number; retries: number; tenantRoom: (id: string) => number },
): Place[] {
  const tenants = new Map(offers.map(({ subscription_id, tenant_id }) => [subscription_id, tenant_id]))
  const left = new Map([...new Set(tenants.values())].map((id) => [id, tenantRoom(id)]))
  return placesOf(offers, limit, retries).flatMap((turn) => {
    const tenant = tenants.get(turn.subscription_id) ?? ''
    const room = Math.min(turn.room, left.get(tenant) ?? 0)
    left.set(tenant, (left.get(tenant) ?? 0) - room)
    return room > 0 ? { ...turn, room } : []
  })
}

function placesOf(offers: Open[], limit: number, retries: number): Place[] {
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
function each(places: number, of: Open[], again: boolean): Place[] {
  const all = of.reduce((sum, { share }) => sum + share, 0)
  return of.map(({ subscription_id, room, share }) => ({
    subscription_id,
    again,
    room: Math.min(room, Math.max(1, Math.ceil((places * share) / all))),
  }))
}
