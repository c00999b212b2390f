import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FaultPostgres, install } from './installation.ts'
import { startProduct } from './product.ts'

/**
 * Sockets that never finish their request, beside senders that do: each is held open and given one more byte of a header
 * now and then. The senders are to be answered as if the others were not there.
 */
export type LorisTrial = {
  sockets: number
  /** How long they are held; over 90 s the product is seen to end them. */
  held_ms: number
  tell: (line: string) => void
}

export type LorisTally = {
  sockets: number
  /** Messages answered 200 while they were held. */
  accepted: number
  /** Of these, how long 99 of 100 took at most. */
  p99_ms: number
  /** Sockets that the product ended: a request must be whole within a minute. */
  ended: number
  broken: string[]
}

const DRIP_MS = 5_000
const SENDERS = 8
/** Longer is not answered: the sender's own patience. */
const PATIENCE_MS = 10_000
/** When a request that is not whole is ended at the latest: it may take a minute, which is looked at every half. */
const ENDED_MS = 95_000

export async function holdSockets(postgres: FaultPostgres, trial: LorisTrial): Promise<LorisTally> {
  const installation = await install(postgres.url)
  const { env, database_url, sender } = installation
  const product = await startProduct({ ...env, DATABASE_URL: database_url })
  const sockets: Drip[] = []
  try {
    installation.at(product)
    const port = Number(new URL(product.url).port)
    const broken = await openAll(sockets, port, trial.sockets)
    trial.tell(`  ${sockets.length} sockets hold their requests back`)
    const dripping = setInterval(() => {
      for (const socket of sockets) socket.drip()
    }, DRIP_MS)
    const waits = await sendFor(trial.held_ms, (number) => sender.send.webhook(number))
    clearInterval(dripping)
    const ended = sockets.filter((socket) => socket.isEnded()).length
    if (trial.held_ms > ENDED_MS && ended < sockets.length)
      broken.push(`${sockets.length - ended} sockets were never ended`)
    if (sender.repeats > 0) broken.push(`${sender.repeats} messages had to be sent again`)
    const p99_ms = waits.sort((a, b) => a - b)[Math.floor(waits.length * 0.99)] ?? 0
    return {
      sockets: sockets.length,
      accepted: sender.accepted.size,
      p99_ms: Math.round(p99_ms),
      ended,
      broken,
    }
  } finally {
    for (const socket of sockets) socket.close()
    product.kill()
    await product.ended
    await installation.close()
  }
}

/** For so long, one after another and several at a time; how long each took. */
async function sendFor(held_ms: number, send: (number: string) => Promise<void>): Promise<number[]> {
  const until = performance.now() + held_ms
  const waits: number[] = []
  let count = 0
  const loop = async () => {
    do {
      const began = performance.now()
      count += 1
      await Promise.race([send(String(count)), sleep(PATIENCE_MS)])
      waits.push(performance.now() - began)
      await sleep(20)
    } while (performance.now() < until)
  }
  await Promise.all(Array.from({ length: SENDERS }, loop))
  return waits
}

type Drip = { drip(): void; isEnded(): boolean; close(): void }

async function openAll(sockets: Drip[], port: number, count: number): Promise<string[]> {
  const failures: string[] = []
  const AT_ONCE = 200
  for (let from = 0; from < count; from += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - from) }, () => openOne(port))
    for (const result of await Promise.allSettled(some)) {
      if (result.status === 'fulfilled') sockets.push(result.value)
      else failures.push(String(result.reason))
    }
  }
  return failures.length === 0 ? [] : [`${failures.length} sockets were not taken: ${failures[0]}`]
}

function openOne(port: number): Promise<Drip> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1' })
    let is_ended = false
    socket.on('error', reject)
    socket.on('close', () => {
      is_ended = true
    })
    socket.resume()
    socket.on('connect', () => {
      socket.write('POST /webhooks/stripe/slow HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ')
      resolve({
        drip: () => void (is_ended || socket.write('a')),
        isEnded: () => is_ended,
        close: () => socket.destroy(),
      })
    })
  })
}
