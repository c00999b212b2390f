/**
 * Values kept within a number of bytes: the ones used longest ago make room. Each belongs to an owner, and an owner's
 * are found without looking at the others'.
 */
export type CacheMemory<Value> = {
  get(key: string): Value | undefined
  /** What is larger than an eighth of the room is not kept: it would push out everything else. */
  set(key: string, entry: { owner: string; value: Value; bytes: number }): void
  delete(key: string): void
  /** Of one owner, those that `is` names. */
  drop(owner: string, is: (value: Value) => boolean): void
  clear(): void
  bytes(): number
  size(): number
}

type Entry<Value> = { owner: string; value: Value; bytes: number }

export function createCacheMemory<Value>(most_bytes: number): CacheMemory<Value> {
  const entries = new Map<string, Entry<Value>>() // in the order of their last use
  const owned = new Map<string, Set<string>>()
  let bytes = 0

  const remove = (key: string): void => {
    const entry = entries.get(key)
    if (!entry) return
    entries.delete(key)
    bytes -= entry.bytes
    const keys = owned.get(entry.owner)
    keys?.delete(key)
    if (keys?.size === 0) owned.delete(entry.owner)
  }

  const makeRoom = (): void => {
    while (bytes > most_bytes) remove(entries.keys().next().value ?? '')
  }

  return {
    get: (key) => {
      const entry = entries.get(key)
      if (!entry) return undefined
      entries.delete(key)
      entries.set(key, entry)
      return entry.value
    },
    set: (key, entry) => {
      remove(key)
      if (entry.bytes > most_bytes / 8) return
      entries.set(key, entry)
      const keys = owned.get(entry.owner) ?? new Set()
      owned.set(entry.owner, keys.add(key))
      bytes += entry.bytes
      makeRoom()
    },
    delete: remove,
    drop: (owner, is) => {
      for (const key of [...(owned.get(owner) ?? [])]) {
        const entry = entries.get(key)
        if (entry && is(entry.value)) remove(key)
      }
    },
    clear: () => {
      entries.clear()
      owned.clear()
      bytes = 0
    },
    bytes: () => bytes,
    size: () => entries.size,
  }
}
