import net from 'node:net'

/**
 * Senders that keep to their own times: a request goes when it is due, whether those before it were answered or not, and
 * its wait counts from then. Else a server that stands still would be asked nothing meanwhile, and look fast.
 */
export type Pace = { port: number; per_second: number; warm_ms: number; measured_ms: number }

export type Times = { p50_ms: number; p95_ms: number; p99_ms: number; worst_ms: number }

export type Waits = Times & {
  /** Answered of those that were due in the measured time. */
  count: number
  /** Not answered 2xx. */
  other: number
}

/** More are not under way at once: what is due then waits for one of them, and that counts. */
const SOCKETS = 256

/** `requestOf`: the request of a number, and when it is due in milliseconds since 1970. */
export async function openLoop(
  { port, per_second, warm_ms, measured_ms }: Pace,
  requestOf: (n: number, due_ms: number) => Buffer,
): Promise<Waits> {
  const most = Math.ceil((per_second * (warm_ms + measured_ms)) / 1000)
  const free = await Promise.all(Array.from({ length: SOCKETS }, () => connect(port)))
  const line: number[] = []
  const waits: number[] = []
  let [next, answered, other] = [0, 0, 0]
  const began = performance.now()
  const dueAt = (n: number) => began + (n * 1000) / per_second
  const send = (socket: Sender, n: number): void => {
    socket.ask(requestOf(n, performance.timeOrigin + dueAt(n)), (ok) => {
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
      while (next < most && dueAt(next) <= performance.now()) {
        const socket = free.shift() // the one that rested longest: the server closes what rests for a minute
        if (socket) send(socket, next)
        else line.push(next)
        next += 1
      }
      if (answered === most) resolve()
      else setTimeout(tick, 1)
    }
    tick()
  })
  for (const socket of free) socket.end()
  return { ...partsOf(waits), count: waits.length, other }
}

/** The middle, the slow ends and the worst of times in milliseconds. */
export function partsOf(times: number[]): Times {
  const sorted = Float64Array.from(times).sort()
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
  return { p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99), worst_ms: at(1) }
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
