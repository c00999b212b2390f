import net from 'node:net'
import { serveOrders } from './programs.ts'
import { stripeRequests, type Target } from './stripe_messages.ts'

/**
 * The clients of a bench: each writes a request, waits for its answer, writes the next. Requests are built and
 * signed before the clock starts and sockets are written raw, so that the load takes little from what it measures.
 */
export type LoadOrder = {
  port: number
  clients: number
  /** Stripe's messages go to each in turn. */
  targets?: Target[]
  /** Part of every event's id. */
  run?: string
  /** One whole HTTP request, the same each time, instead of messages. */
  request?: string
  /** Ends after this many, or when the time is over. */
  most: number
  warm_ms: number
  measured_ms: number
}

export type LoadResult = {
  /** Answers a second in the measured time. */
  per_second: number
  /** All that were answered 2xx, warm-up included. */
  accepted: number
  other: number
}

let made = 0

async function load(order: LoadOrder): Promise<LoadResult> {
  const { port, clients, most, warm_ms, measured_ms } = order
  const requests = requestsOf(order)
  const started = performance.now()
  const [from, to] = [started + warm_ms, started + warm_ms + measured_ms]
  let [next, accepted, other, measured, last] = [0, 0, 0, 0, from]
  const take = (): Buffer | null => (performance.now() < to ? (requests[next++] ?? null) : null)
  const answered = (ok: boolean) => {
    if (ok) accepted += 1
    else other += 1
    const now = performance.now()
    if (now < from || now > to) return
    measured += 1
    last = now
  }
  await Promise.all(Array.from({ length: clients }, () => client(port, take, answered)))
  const ran_out = next >= most
  return { per_second: (measured * 1000) / ((ran_out ? last : to) - from), accepted, other }
}

function requestsOf({ request, targets = [], run = '', most }: LoadOrder): Buffer[] {
  if (request !== undefined) return Array<Buffer>(most).fill(Buffer.from(request))
  const from = made
  made += most
  return stripeRequests(targets, run, from, most)
}

function client(port: number, take: () => Buffer | null, answered: (ok: boolean) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    const write = () => {
      const request = take()
      if (request) socket.write(request)
      else socket.end(resolve)
    }
    let held: Buffer | null = null
    socket.on('connect', write)
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      const answer: Buffer = held ? Buffer.concat([held, chunk]) : chunk
      if (!isWhole(answer)) {
        held = answer
        return
      }
      held = null
      answered(answer[9] === 0x32) // 'HTTP/1.1 2'
      write()
    })
  })
}

function isWhole(answer: Buffer): boolean {
  const head_end = answer.indexOf('\r\n\r\n')
  if (head_end < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(answer.toString('latin1', 0, head_end))?.[1] ?? '0'
  return answer.length >= head_end + 4 + Number(length)
}

serveOrders('ready', load)
