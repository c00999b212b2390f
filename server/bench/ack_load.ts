import net from 'node:net'
import { serveOrders } from './programs.ts'
import { stripeRequests, type Target } from './stripe_messages.ts'

/**
 * Senders that keep to their own times: a message goes when it is due, whether those before it were answered or not, and
 * its wait counts from then. Else a server that stands still would be asked nothing meanwhile, and look fast.
 */
export type AckOrder = {
  port: number
  targets: Target[]
  /** Part of every event's id. */
  run: string
  per_second: number
  warm_ms: number
  measured_ms: number
}

export type AckResult = {
  p50_ms: number
  p95_ms: number
  p99_ms: number
  worst_ms: number
  /** Answered in the measured time. */
  count: number
  /** Not answered 2xx. */
  other: number
}

/** More are not under way at once: what is due then waits for one of them, and that counts. */
const SOCKETS = 256

async function load({ port, targets, run, per_second, warm_ms, measured_ms }: AckOrder): Promise<AckResult> {
  const requests = stripeRequests(targets, run, 0, Math.ceil((per_second * (warm_ms + measured_ms)) / 1000))
  const free = await Promise.all(Array.from({ length: SOCKETS }, () => connect(port)))
  const line: number[] = []
  const waits: number[] = []
  let [next, answered, other] = [0, 0, 0]
  const began = performance.now()
  const dueAt = (n: number) => began + (n * 1000) / per_second
  const send = (socket: Sender, n: number): void => {
    socket.ask(requests[n] as Buffer, (ok) => {
      answered += 1
      if (!ok) other += 1
      if (dueAt(n) - began >= warm_ms) waits.push(performance.now() - dueAt(n))
      const waiting = line.shift()
      if (waiting === undefined) free.push(socket)
      else send(socket, waiting)
    })
  }
  await new Promise<void>((resolve) => {
    const tick = () => {
      while (next < requests.length && dueAt(next) <= performance.now()) {
        const socket = free.pop()
        if (socket) send(socket, next)
        else line.push(next)
        next += 1
      }
      if (answered === requests.length) resolve()
      else setTimeout(tick, 1)
    }
    tick()
  })
  for (const socket of free) socket.end()
  waits.sort((a, b) => a - b)
  const at = (part: number) =>
    waits[Math.min(waits.length - 1, Math.floor(waits.length * part))] ?? Number.NaN
  return { p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99), worst_ms: at(1), count: waits.length, other }
}

type Sender = { ask(request: Buffer, answered: (ok: boolean) => void): void; end(): void }

function connect(port: number): Promise<Sender> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    let tell: (ok: boolean) => void = () => {}
    socket.on('error', reject)
    // Answers are far smaller than what comes at once.
    socket.on('data', (answer) => tell(answer[9] === 0x32)) // 'HTTP/1.1 2'
    socket.on('connect', () =>
      resolve({
        ask: (request, answered) => {
          tell = answered
          socket.write(request)
        },
        end: () => socket.destroy(),
      }),
    )
  })
}

serveOrders('ready', load)
