import { setTimeout as sleep } from 'node:timers/promises'

/** How those outside ask the product: with patience where they may repeat, and knowing what it is to get no answer. */
export type Door = {
  /** Where the product listens now; it may move when it starts again. */
  url: () => string
  key: string
  source_path: string
  source_secret: string
  /** Of a source whose messages are numbered, and what they are let in by. */
  ordered_path: string
  ordered_token: string
  /** Whose vendor knows no idempotency key. */
  connection: string
  /** Whose vendor does everything once for each key. */
  keyed: string
  /** Whose vendor wants an access token, good for seconds. */
  oauth: string
}

export type Answer = { status: number; body: Record<string, unknown> }

const AGAIN_MS = 100
const PATIENCE_MS = 300_000
const REQUEST_MS = 90_000

/** Until it is true; `again` is told of each time that it was not. */
export async function persist(
  what: string,
  attempt: () => Promise<boolean>,
  again: () => void,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await attempt())) {
    if (performance.now() > deadline) throw new Error(`${what} was never answered 2xx`)
    again()
    await sleep(AGAIN_MS)
  }
}

export const is2xx = (answer: Answer | null): answer is Answer =>
  answer !== null && answer.status >= 200 && answer.status < 300

export const ask = (door: Door, path: string, body: object | string, headers: Record<string, string> = {}) =>
  post(`${door.url()}${path}`, typeof body === 'string' ? body : JSON.stringify(body), {
    authorization: `Bearer ${door.key}`,
    ...headers,
  })

export const post = (url: string, body: string, headers: Record<string, string>) =>
  exchange(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })

/** Null where no answer came: refused, cut off, or too late. */
export async function exchange(url: string, init: RequestInit): Promise<Answer | null> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_MS) })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  } catch {
    return null
  }
}
