import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

/** The customer's own server: takes what `standardwebhooks` verifies and keeps its own list of it. */
export type Shop = {
  url: string
  /** Vendor's id of the payment → the ids of the messages that told of it. */
  told: Map<string, Set<string>>
  /** Requests that verified, repetitions among them. */
  arrivals: number
  forged: number
  trust(secret: string): void
  close(): Promise<void>
}

type Body = { data: { payment: { vendor_id: string } } }

export async function openShop(): Promise<Shop> {
  const told = new Map<string, Set<string>>()
  let verifier: Webhook | null = null

  function take(headers: IncomingMessage['headers'], body: string): void {
    if (verifier === null) throw new Error('nobody is trusted yet')
    const { data } = verifier.verify(body, headers as Record<string, string>) as Body
    const { vendor_id } = data.payment
    shop.arrivals += 1
    told.set(vendor_id, (told.get(vendor_id) ?? new Set()).add(String(headers['webhook-id'])))
  }

  const server = createServer(async (request, response) => {
    const body = await text(request)
    try {
      take(request.headers, body)
      response.writeHead(204).end()
    } catch {
      shop.forged += 1
      response.writeHead(400).end()
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const shop: Shop = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/payments`,
    told,
    arrivals: 0,
    forged: 0,
    trust: (secret) => {
      verifier = new Webhook(secret)
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return shop
}
