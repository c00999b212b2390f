import type { IncomingHttpHeaders } from 'node:http'

/** A request to one simulated vendor, its path counted from the vendor's own root. */
export type SandboxRequest = {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: Buffer
}

export type SandboxReply = {
  status: number
  headers?: Record<string, string>
  body: string | Buffer
}

export type Vendor = (request: SandboxRequest) => SandboxReply | Promise<SandboxReply>

export const json = (status: number, value: unknown, headers?: Record<string, string>): SandboxReply => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(value),
})

export const sleep = (delay_ms: number): Promise<void> =>
  delay_ms > 0 ? new Promise((resolve) => setTimeout(resolve, delay_ms)) : Promise.resolve()

/** The body as JSON, or null where it is none. */
export function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return null
  }
}

/** A number from a query, within bounds; the fallback where it is missing or no number. */
export function numberIn(query: URLSearchParams, name: string, fallback: number, most: number): number {
  const value = Number(query.get(name) ?? Number.NaN)
  return Number.isFinite(value) && value >= 0 ? Math.min(value, most) : fallback
}

/** Remembers the newest entries of a map and forgets the oldest, so that a long bench cannot fill the memory. */
export function remember<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, most: number): void {
  map.set(key, value)
  if (map.size <= most) return
  const oldest = map.keys().next()
  if (!oldest.done) map.delete(oldest.value)
}
