export type Memory<T> = {
  get(key: string): T | undefined
  set(key: string, value: T): void
  delete(key: string): void
}

/** Keeps the `limit` entries used last: a Map lists its keys in the order of their insertion. */
export function createMemory<T>(limit: number): Memory<T> {
  const entries = new Map<string, T>()
  const set = (key: string, value: T): void => {
    entries.delete(key)
    entries.set(key, value)
    if (entries.size <= limit) return
    const [oldest] = entries.keys()
    if (oldest !== undefined) entries.delete(oldest)
  }
  const get = (key: string): T | undefined => {
    const value = entries.get(key)
    if (value !== undefined) set(key, value)
    return value
  }
  return { get, set, delete: (key) => void entries.delete(key) }
}
