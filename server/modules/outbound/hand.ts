type Held = { tenant_id: string; subscription_id: string }

/** More than an address has connections would only wait for one, with their timeouts running. */
const MOST_IN_HAND = 64

/** What this process has in hand, by subscription and tenant. */
export function createHand(capacity: number) {
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

  function move(item: Held, by: 1 | -1): void {
    total += by
    count(of_subscription, item.subscription_id, by)
    count(of_tenant, item.tenant_id, by)
  }

  function tenantRoom(tenant_id: string): number {
    const free = capacity - total
    const tenant = of_tenant.get(tenant_id) ?? 0
    return tenant === 0 ? Math.max(1, (3 * free) >> 2) : (3 * free - tenant) >> 2
  }

  return {
    of: (subscription_id: string) => of_subscription.get(subscription_id) ?? 0,
    /** As many more as leave free what it may have, `share` times as much; the first one always fits. */
    room(tenant_id: string, subscription_id: string, share: number): number {
      const free = capacity - total
      const own = of_subscription.get(subscription_id) ?? 0
      const more = Math.floor((share * free - own) / (1 + share))
      const by_subscription = own === 0 ? Math.max(1, more) : more
      return Math.max(0, Math.min(free, by_subscription, tenantRoom(tenant_id), MOST_IN_HAND - own))
    },
    tenantRoom,
    /** Retries have half of the places at most, so that first attempts always find some. */
    retryRoom: () => Math.max(0, Math.max(1, capacity >> 1) - retries),
    add(item: Held, is_retry: boolean): void {
      move(item, 1)
      if (!is_retry) return
      retrying.add(item)
      retries += 1
    },
    remove(item: Held): void {
      move(item, -1)
      if (retrying.delete(item)) retries -= 1
    },
  }
}
