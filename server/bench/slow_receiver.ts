import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveOrders } from './programs.ts'

/**
 * A receiver of webhooks that can be told which paths to leave without an answer, and that says how long after its
 * event was made each first attempt at a path came: the envelope has the time.
 */
export type SlowOrder = { hang: string[]; for_ms: number; of: string }
export type SlowResult = { p50_ms: number; p99_ms: number; count: number }

let hang: string[] = []
let of = ''
let delays: number[] = []

const TIME = /"timestamp":"([^"]+)"/

const handle: RequestListener = (request, response) => {
  const path = request.url ?? ''
  const came = Date.now()
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (path === of && request.headers['trilho-attempt'] === '1') {
      const made = Date.parse(TIME.exec(Buffer.concat(chunks).toString('utf8', 0, 200))?.[1] ?? '')
      delays.push(came - made)
    }
    if (!hang.includes(path)) response.end('ok')
  })
}

/** Receivers are different servers: each has its own connections. */
async function listen(): Promise<number> {
  const server = createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
const ports = await Promise.all(Array.from({ length: 3 }, listen))

serveOrders(ports, async (order: SlowOrder): Promise<SlowResult> => {
  ;({ hang, of } = order)
  delays = []
  await new Promise((resolve) => setTimeout(resolve, order.for_ms))
  const sorted = delays.sort((a, b) => a - b)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { p50_ms: at(0.5), p99_ms: at(0.99), count: sorted.length }
})
