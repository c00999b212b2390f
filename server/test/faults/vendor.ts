import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A vendor who takes orders at three places: one where nobody knows idempotency keys, one where each key is served
 * once, and one behind access tokens that are good for seconds. It keeps its own list of what it did, and can be
 * told to answer as no vendor should.
 */
export type Mood = (typeof MOODS)[number]

export const MOODS = [
  'well',
  /** Acts, and answers after who asked has hung up. */
  'late',
  'hang',
  'reset',
  /** Acts, and sends less than it says, or more. */
  'truncate',
  'lie',
  /** Acts, and sends more than anybody reads. */
  'flood',
  /** Sends elsewhere, to an address within, and does nothing. */
  'inward',
  'refuse',
  'busy',
] as const

export type Vendor = {
  /** Orders it was asked for where nobody knows keys, done or not. */
  asked: string[]
  /** Orders that it did. */
  acted: string[]
  /** What no honest caller sends. */
  refused: string[]
  behave(mood: () => Mood): void
  /** Whether it is this vendor's path. */
  isAt(path: string): boolean
  /** What it does by itself, before anything is answered. */
  take(path: string, request: IncomingMessage, body: string): Taken
  answer(taken: Taken, response: ServerResponse): Promise<void>
  forget(): void
}

export type Taken = { status: number; body: object; mood: Mood }

const TOKEN_S = 3
const LATE_MS = 3_500
const CHUNK = Buffer.alloc(1 << 20, ' ')
const CHUNKS = 16
const ELSEWHERE = { location: 'http://169.254.169.254/latest' }

export function createVendor(): Vendor {
  const asked: string[] = []
  const acted: string[] = []
  const refused: string[] = []
  const keys = new Set<string>()
  const tokens = new Map<string, number>()
  let moodNow: () => Mood = () => 'well'

  function take(path: string, { headers }: IncomingMessage, body: string): Taken {
    if (path === '/oauth/token') return { ...grant(), mood: 'well' }
    if (!path.endsWith('/orders')) return { ...OK, mood: 'well' } // asked whether it is well
    const { order } = JSON.parse(body) as { order: string }
    const mood = moodNow()
    if (path.startsWith('/vendor/')) asked.push(order)
    if (path.startsWith('/oauth/') && !isLetIn(headers)) return { status: 401, body: {}, mood: 'well' }
    if (mood === 'inward' || mood === 'refuse' || mood === 'busy') return { ...OK, mood }
    if ((mood === 'hang' || mood === 'reset') && Math.random() < 0.5) return { ...OK, mood }
    if (path.startsWith('/keyed/') && isServed(headers, order)) return { ...OK, mood }
    acted.push(order)
    return { ...OK, mood }
  }

  function grant() {
    const access_token = `token-${crypto.randomUUID()}`
    tokens.set(access_token, Date.now() + TOKEN_S * 1_000)
    return { status: 200, body: { access_token, token_type: 'Bearer', expires_in: TOKEN_S } }
  }
  const isLetIn = ({ authorization = '' }: IncomingHttpHeaders) =>
    (tokens.get(authorization.replace('Bearer ', '')) ?? 0) > Date.now()

  function isServed(headers: IncomingHttpHeaders, order: string): boolean {
    const key = String(headers['idempotency-key'] ?? '')
    if (key === '') refused.push(`order ${order} came without an idempotency key`)
    if (keys.has(key)) return true
    keys.add(key)
    return false
  }

  return {
    ...{ asked, acted, refused, take, answer },
    isAt: (path) => /^\/(vendor|keyed|oauth)\//.test(path),
    behave: (mood) => {
      moodNow = mood
    },
    forget: () => {
      for (const list of [asked, acted, refused]) list.length = 0
      keys.clear()
    },
  }
}

const OK = { status: 200, body: { ok: true } }
const JSON_TYPE = { 'content-type': 'application/json' }

async function answer({ status, body, mood }: Taken, response: ServerResponse): Promise<void> {
  const { socket } = response
  const text = JSON.stringify(body)
  if (mood === 'hang') return
  if (mood === 'reset') return void socket?.resetAndDestroy()
  if (mood === 'inward') return void response.writeHead(302, ELSEWHERE).end()
  if (mood === 'refuse') return void response.writeHead(500).end()
  if (mood === 'busy') return void response.writeHead(429, { 'retry-after': '1' }).end()
  if (mood === 'late') await sleep(LATE_MS)
  if (mood === 'truncate') return void socket?.end(headOf(text.length + 100) + text)
  if (mood === 'lie') return void socket?.end(headOf(2) + text)
  if (mood === 'flood') return flood(response)
  response.writeHead(status, JSON_TYPE).end(text)
}

const headOf = (length: number) =>
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`

async function flood(response: ServerResponse): Promise<void> {
  response.writeHead(200, JSON_TYPE)
  const chunks = Readable.from(Array(CHUNKS).fill(CHUNK))
  await pipeline(chunks, response).catch(() => {}) // hung up on
}
