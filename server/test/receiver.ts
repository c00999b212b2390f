import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { undoAfter } from './harness.ts'

export type Arrival = { path: string; headers: IncomingHttpHeaders; body: string; at: number }
export type Answer = { status: number; headers?: OutgoingHttpHeaders; after_ms?: number }

/** A receiver of webhooks that notes what arrives and answers at each path as it was told. */
export type Receiver = {
  base: string
  at(path: string): Arrival[]
  /** One answer for each arrival at the path, the last one for all that follow; 200 where nothing was said. */
  answer(path: string, ...answers: Answer[]): void
}

export async function startReceiver(): Promise<Receiver> {
  const arrivals: Arrival[] = []
  const planned = new Map<string, Answer[]>()
  const server = createServer(async (request, response) => {
    const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>)
    const path = request.url ?? ''
    const body = Buffer.concat(chunks).toString()
    arrivals.push({ path, headers: request.headers, body, at: performance.now() })
    const answers = planned.get(path) ?? []
    const {
      status,
      headers = {},
      after_ms = 0,
    } = (answers.length > 1 ? answers.shift() : answers[0]) ?? {
      status: 200,
    }
    setTimeout(() => response.writeHead(status, headers).end('noted'), after_ms)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  undoAfter(async () => {
    server.closeAllConnections()
    server.close()
  })
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    at: (path) => arrivals.filter((one) => one.path === path),
    answer: (path, ...answers) => void planned.set(path, answers),
  }
}
