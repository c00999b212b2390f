import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { serveOrders } from './programs.ts'

/**
 * Requests at a pace of their own, answered or not: each is timed from when it was to be sent, so that a door that
 * falls behind is not spared. Sockets are kept and each carries one request at a time.
 */
export type PaceOrder = { port: number; request: string; per_second: number; seconds: number }
export type PaceResult = { p50_ms: number; p99_ms: number }

async function pace({ port, request, per_second, seconds }: PaceOrder): Promise<PaceResult> {
  const bytes = Buffer.from(request)
  const idle: Line[] = []
  const all: Line[] = []
  const took: number[] = []
  const began = performance.now()
  const under_way: Promise<void>[] = []
  for (let n = 0; n < per_second * seconds; n++) {
    const due = began + (n * 1000) / per_second
    const early_ms = due - performance.now()
    if (early_ms > 0) await sleep(early_ms)
    const line = idle.pop() ?? (await openLine(port))
    if (!all.includes(line)) all.push(line)
    const from = Math.min(due, performance.now()) // a timer may fire a little early
    under_way.push(
      line.ask(bytes).then(() => {
        took.push(performance.now() - from)
        idle.push(line)
      }),
    )
  }
  await Promise.all(under_way)
  for (const line of all) line.close()
  took.sort((a, b) => a - b)
  const at = (part: number) => took[Math.min(took.length - 1, Math.floor(took.length * part))] ?? Number.NaN
  return { p50_ms: at(0.5), p99_ms: at(0.99) }
}

type Line = { ask(request: Buffer): Promise<void>; close(): void }

async function openLine(port: number): Promise<Line> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  let answered: (() => void) | null = null
  let failed: ((error: Error) => void) | null = null
  let held = Buffer.alloc(0)
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  socket.on('error', (error) => failed?.(error))
  socket.on('close', () => failed?.(new Error(`port ${port} hung up`)))
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk])
    const head_end = held.indexOf('\r\n\r\n')
    if (head_end < 0) return
    const head = held.toString('latin1', 0, head_end)
    if (held.length < head_end + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)) return
    held = Buffer.alloc(0)
    if (head.startsWith('HTTP/1.1 2')) answered?.()
    else failed?.(new Error(`port ${port} answered ${head.slice(0, 40)}`))
  })
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        answered = resolve
        failed = reject
        socket.write(request)
      }),
    close: () => {
      failed = null
      socket.destroy()
    },
  }
}

serveOrders('ready', pace)
