import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'

/**
 * The proxy before the processes: webhooks go to those that take them, the rest to the API, in turn. Where a process
 * does not answer, the next one is asked; what one does answer is passed on as it is.
 */
export type Balancer = {
  url: string
  /** How many answers had each status. */
  statuses: Map<number, number>
  close(): Promise<void>
}

export type Upstreams = (role: 'api' | 'ingest') => string[]

const PATIENCE_MS = 15_000
const AGAIN_MS = 20
const OWN = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive'])

export async function startBalancer(upstreams: Upstreams): Promise<Balancer> {
  const dispatcher = new Agent({ connections: 32 })
  const statuses = new Map<number, number>()
  let turn = 0

  async function ask(incoming: IncomingMessage, body: Buffer) {
    const path = incoming.url ?? '/'
    const headers = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !OWN.has(name)))
    const method = (incoming.method ?? 'GET') as 'GET'
    for (const deadline = performance.now() + PATIENCE_MS; ; await sleep(AGAIN_MS)) {
      const urls = upstreams(path.startsWith('/webhooks/') ? 'ingest' : 'api')
      const url = urls[turn++ % urls.length]
      try {
        return await request(`${url}${path}`, { method, headers, body, dispatcher })
      } catch (error) {
        if (performance.now() > deadline) throw error
      }
    }
  }

  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const answer = await ask(incoming, await buffer(incoming))
    statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1)
    const type = answer.headers['content-type']
    outgoing.writeHead(answer.statusCode, typeof type === 'string' ? { 'content-type': type } : {})
    outgoing.end(Buffer.from(await answer.body.arrayBuffer()))
  }

  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    statuses,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      await dispatcher.destroy()
    },
  }
}
