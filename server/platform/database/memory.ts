import type { Database, Tx } from './database.ts'

/**
 * Configuration kept in memory by a process. A change is told on `trilho_config` as `<topic> <key>`; while the
 * notification line is down nothing is served from here, and when it comes back everything is forgotten.
 */
export type Memory<Value> = {
  /** `load` where it has to be read another way now, such as through a transaction that is open. */
  get(key: string, load?: () => Promise<Value>): Promise<Value>
}

const changed = new WeakMap<Tx, Change[]>()
type Change = { topic: string; key: string }

/**
 * Tells every process to forget one thing when this transaction commits. It is said by the commit itself, so that no
 * crash comes between the two, and this process has forgotten it before the caller goes on.
 */
export function forget(tx: Tx, topic: string, key: string): void {
  changed.set(tx, [...(changed.get(tx) ?? []), { topic, key }])
}

/** What a transaction is to make forgotten, as the notification line says it. */
export const changesOf = (tx: Tx): string[] =>
  (changed.get(tx) ?? []).map(({ topic, key }) => `${topic} ${key}`)

export function remember<Value>(
  db: Database,
  options: { topic: string; load: (key: string) => Promise<Value>; max?: number },
): Memory<Value> {
  const { topic, load, max = 10_000 } = options
  const kept = new Map<string, Value>()
  const loading = new Map<string, Promise<Value>>()
  const readUnheard = inOneBreath<Value>()

  db.listen('trilho_config', (payload) => {
    if (payload === '') {
      kept.clear()
      loading.clear()
    } else if (payload.startsWith(`${topic} `)) {
      const key = payload.slice(topic.length + 1)
      kept.delete(key)
      loading.delete(key) // what is being read now may be the old value: it is answered, not kept
    }
  })

  async function read(key: string, own: () => Promise<Value>): Promise<Value> {
    const read_now = own()
    loading.set(key, read_now)
    try {
      const value = await read_now
      if (loading.get(key) === read_now && db.listening()) keep(key, value)
      return value
    } finally {
      if (loading.get(key) === read_now) loading.delete(key)
    }
  }

  function keep(key: string, value: Value): void {
    if (kept.size >= max) {
      const [oldest] = kept.keys()
      if (oldest !== undefined) kept.delete(oldest)
    }
    kept.set(key, value)
  }

  /** To the end of the line: a flood of keys nobody has pushes out what is not used, not what is. */
  function touch(key: string, value: Value): void {
    kept.delete(key)
    kept.set(key, value)
  }

  return {
    get: (key, own = () => load(key)) => {
      if (!db.listening()) return readUnheard(key, own)
      const value = kept.get(key)
      if (value !== undefined) {
        if (kept.size > max / 2) touch(key, value)
        return Promise.resolve(value)
      }
      return loading.get(key) ?? read(key, own)
    },
  }
}

/** Those who ask for a key in one breath share one reading, of which nothing is kept: a thousand of them ask for a few keys. */
function inOneBreath<Value>() {
  const shared = new Map<string, Promise<Value>>()
  return (key: string, read: () => Promise<Value>): Promise<Value> => {
    const known = shared.get(key)
    if (known) return known
    if (shared.size === 0) queueMicrotask(() => shared.clear())
    const reading = read()
    shared.set(key, reading)
    return reading
  }
}

/** Makes one value per owner and hands out the same one after that: what a room keeps for as long as its App lives. */
export function once<Owner extends object, Value>(make: (owner: Owner) => Value): (owner: Owner) => Value {
  const made = new WeakMap<Owner, Value>()
  return (owner) => {
    const known = made.get(owner)
    if (known !== undefined) return known
    const value = make(owner)
    made.set(owner, value)
    return value
  }
}
