/**
 * What really crossed the sandbox's sockets, kept apart from the product so that a demo or a fault test can
 * compare the two. Only the newest entries are kept; `total` counts them all.
 */
export type Received = {
  n: number
  at: string
  method: string
  url: string
  /** What was answered; 0 where the connection was cut instead. */
  status: number
  fault: string | null
}

export type Truth = {
  note(entry: Omit<Received, 'n' | 'at'>): void
  read(prefix: string, limit: number): { total: number; data: Received[] }
  clear(): void
}

const MOST = 20_000

export function createTruth(): Truth {
  let total = 0
  const ring: (Omit<Received, 'at'> & { at_ms: number })[] = []
  return {
    note(entry) {
      // A ring: shifting an array of this size on every request would cost more than the request.
      ring[total % MOST] = { n: total + 1, at_ms: Date.now(), ...entry }
      total += 1
    },
    read(prefix, limit) {
      const ordered = ring.toSorted((a, b) => a.n - b.n).filter((entry) => entry.url.startsWith(prefix))
      const data = ordered
        .slice(-limit)
        .map(({ at_ms, ...entry }) => ({ ...entry, at: new Date(at_ms).toISOString() }))
      return { total, data }
    },
    clear() {
      total = 0
      ring.length = 0
    },
  }
}
