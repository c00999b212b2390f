import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'
import type { Steps } from './steps.ts'
import { createVendor, type Vendor } from './vendor.ts'

/**
 * The world outside: subscribers and a vendor on a real socket, keeping their own lists of what reached them. A
 * delivery counts only if the `standardwebhooks` library verifies it.
 */
export type Arrived = {
  /** Path of the subscription. */
  path: string
  webhook_id: string
  /** What the message is about: the vendor's id of the payment, or the number of the order. */
  about: string
}

/** Milliseconds are waited before a good answer. */
export type Mood = 'well' | 'hang' | 'reset' | 'refuse' | number

export type Receiver = {
  url: string
  arrived: Arrived[]
  vendor: Vendor
  /** What no honest server sends: signatures that do not verify, bodies that cannot be read. */
  refused: string[]
  /** How deliveries are answered from then on. */
  behave(mood: () => Mood): void
  /** From then on deliveries to that path are verified with its secret. */
  trust(path: string, secret: string): void
  forget(): void
  close(): Promise<void>
}

type Body = { data: { payment?: { vendor_id: string }; order?: string } }

export async function startReceiver(steps: Steps): Promise<Receiver> {
  const secrets = new Map<string, string>()
  const arrived: Arrived[] = []
  const refused: string[] = []
  const vendor = createVendor()
  let moodNow: () => Mood = () => 'well'

  function take(path: string, request: IncomingMessage, body: string): void {
    const headers = request.headers as Record<string, string>
    const { data } = new Webhook(secrets.get(path) ?? '').verify(body, headers) as Body
    const about = data.payment?.vendor_id ?? data.order ?? ''
    arrived.push({ path, webhook_id: headers['webhook-id'] ?? '', about })
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? ''
    const body = (await buffer(request)).toString()
    const passage = steps.meet(`POST ${path}`)
    if (passage.lost) return void request.socket.destroy()
    const taken = vendor.isAt(path) ? vendor.take(path, request, body) : null
    try {
      if (!taken) take(path, request, body)
    } catch (error) {
      refused.push(`${path}: ${error}`)
    }
    if (passage.fails()) return void request.socket.destroy()
    if (taken) return vendor.answer(taken, response)
    const mood = moodNow()
    if (mood === 'hang') return
    if (mood === 'reset') return void request.socket.destroy()
    if (mood === 'refuse') return void response.writeHead(500).end()
    if (typeof mood === 'number') await sleep(mood)
    response.setHeader('content-type', 'application/json').end('{"ok":true}')
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => request.socket.destroy()) // cut off half-way: it did not arrive
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    arrived,
    vendor,
    refused,
    behave: (mood) => {
      moodNow = mood
    },
    trust: (path, secret) => void secrets.set(path, secret),
    forget: () => {
      for (const list of [arrived, refused]) list.length = 0
      vendor.forget()
    },
    close,
  }
}
