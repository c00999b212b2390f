import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'
import { bankingDemo } from './demo_banking.ts'
import { type Api, all, type Json, openHouse, round, say, until } from './demo_house.ts'

// npm run demo: the main job in a throw-away instance, told as a story, with the truth counted outside of it.
// npm run demo -- banking: banks and a Pix.

const EVENTS = 200
const COPIES = 40
const REORDERED = 30
const CALLS = 50
const STRIPE_SECRET = 'whsec_the_sandbox_signs_with_this'

type Sent = { event_id: string; kind: string; accepted: boolean; attempts: { status: number | null }[] }

async function main(): Promise<void> {
  const began = performance.now()
  const house = await openHouse()
  try {
    const receiver = await startReceiver()
    house.undo.push(receiver.stop)
    const told = await tell(house.api, house.url, house.sandbox_url, receiver)
    console.log(JSON.stringify({ ...told, seconds: round((performance.now() - began) / 1000) }))
    if (told.demo !== 'ok') process.exitCode = 1
  } finally {
    await house.close()
  }
}

async function tell(api: Api, url: string, sandbox_url: string, receiver: Receiver) {
  say(
    'A house of our own',
    `PostgreSQL, the API and the workers are up at ${url}; a tenant called Mercado Azul moved in.`,
  )
  const connection = await api('POST', '/v1/connections', {
    provider: 'stripe',
    name: 'Stripe',
    environment: 'development',
    settings: { base_url: `${sandbox_url}/stripe` },
    credentials: { secret_key: 'sk_test_demo' },
    limits: { breaker: { failures: 10 } }, // five calls meet a 500, and may all do so at once
  })
  const source = await api('POST', '/v1/sources', {
    provider: 'stripe',
    name: 'Stripe',
    secrets: [STRIPE_SECRET],
  })
  const subscription = await api('POST', '/v1/subscriptions', {
    name: 'Orders',
    url: receiver.url,
    event_types: ['payment.*'],
  })
  receiver.trust(String(subscription['secret']))

  const sent = await sendWebhooks(sandbox_url, String(source['url']))
  const received = sent.flatMap((one) => one.attempts).length
  const accepted = new Set(sent.filter((one) => one.accepted).map((one) => one.event_id))
  const answers = tally(sent)
  say(
    'Stripe calls',
    `${received} webhooks arrived, signed by Stripe's scheme, ${REORDERED} of them out of order.`,
  )

  const calls = await makeCalls(api, String(connection['id']))
  say(
    'We call Stripe',
    `${calls.succeeded} of ${CALLS} calls came back well, in ${calls.attempts} attempts: ${calls.retried} met a 500 or a 429 and were tried again.`,
  )

  await until(() => receiver.delivered.size >= accepted.size, 180_000)
  const messages = await all(api, '/v1/messages')
  const quarantined = (await all(api, '/v1/quarantine')).length
  const events = await all(api, '/v1/events')
  const deliveries = await settled(api)
  const duplicates = answers - accepted.size
  say(
    'At the door',
    `${accepted.size} were new and stored before Stripe was answered, ${duplicates} were copies, ${quarantined} was not Stripe at all and is kept apart with the reason.`,
  )
  const attempts = deliveries.reduce((sum, one) => sum + Number(one['attempts']), 0)
  say(
    'On to the order service',
    `${receiver.delivered.size} events arrived there, each signature verified; it refused ${receiver.refused} first attempts and got them again.`,
  )

  const lost = countLost(accepted, messages, events, receiver)
  say(
    'Nothing is lost',
    `Every event Stripe was told we have is in the inbox once and reached the order service: ${lost} missing.`,
  )
  const whole =
    received === accepted.size + duplicates + quarantined &&
    accepted.size === EVENTS &&
    events.length === EVENTS
  const well = whole && lost === 0 && receiver.forged === 0 && calls.succeeded === CALLS
  return {
    demo: well ? 'ok' : 'failed',
    received,
    accepted: accepted.size,
    duplicates,
    quarantined,
    events: events.length,
    delivered: receiver.delivered.size,
    attempts,
    calls: CALLS,
    lost,
  }
}

/** The truth is outside: what Stripe was answered 2xx for, against what the inbox holds and the receiver got. */
function countLost(accepted: Set<string>, messages: Json[], events: Json[], receiver: Receiver): number {
  const message_of = new Map(messages.map((message) => [message['event_key'], message['id']]))
  const event_of = new Map(events.map((event) => [event['message_id'], event['id']]))
  return [...accepted].filter((key) => !receiver.delivered.has(String(event_of.get(message_of.get(key)))))
    .length
}

async function sendWebhooks(sandbox_url: string, url: string): Promise<Sent[]> {
  const faults = { duplicate: COPIES, reorder: REORDERED, bad_signature: 1 }
  const events = [
    'payment_intent.succeeded',
    'payment_intent.payment_failed',
    'payment_intent.processing',
    'payment_intent.canceled',
  ]
  const response = await fetch(`${sandbox_url}/stripe/_control/webhooks`, {
    method: 'POST',
    body: JSON.stringify({
      url,
      secret: STRIPE_SECRET,
      events,
      count: EVENTS,
      entities: 60,
      concurrency: 8,
      faults,
    }),
  })
  if (!response.ok) throw new Error(await response.text())
  return ((await response.json()) as { sent: Sent[] }).sent
}

/** How many posts were answered 2xx, copies among them. */
const tally = (sent: Sent[]) =>
  sent.flatMap((one) => one.attempts).filter(({ status }) => status !== null && status < 300).length

async function makeCalls(api: Api, connection: string) {
  const made = await Promise.all(
    Array.from({ length: CALLS }, (_, n) =>
      api('POST', `/v1/connections/${connection}/calls`, {
        operation: 'payments.create',
        input: { money: { amount: String(1000 + n), currency: 'BRL' }, reference: `order-${n}` },
        idempotency_key: `demo-${n}`,
        // Stripe's first 429 asks all of us to wait a second, also those who have not called yet.
        on_limit: 'wait',
        headers: faultOf(n),
      }),
    ),
  )
  const attempts = made.map((call) => Number(call['attempts']))
  return {
    succeeded: made.filter((call) => call['state'] === 'succeeded').length,
    attempts: attempts.reduce((sum, n) => sum + n, 0),
    retried: attempts.filter((n) => n > 1).length,
  }
}

function faultOf(n: number): Record<string, string> {
  if (n % 10 === 3) return { 'x-sandbox-fault': `status=500;times=1;key=demo-${n}` }
  if (n % 10 === 7) return { 'x-sandbox-fault': `status=429;retry_after=1;times=1;key=demo-${n}` }
  return {}
}

type Receiver = {
  url: string
  delivered: Set<string>
  refused: number
  forged: number
  trust(secret: string): void
  stop(): Promise<void>
}

/** Somebody else's server: verifies with the reference library, and fails every tenth message the first time. */
async function startReceiver(): Promise<Receiver> {
  const seen = new Set<string>()
  let verifier: Webhook | null = null
  const server = createServer(async (request, response) => {
    const body = await readBody(request)
    const id = String(request.headers['webhook-id'])
    try {
      verifier?.verify(body, request.headers as Record<string, string>)
    } catch {
      receiver.forged += 1
      return response.writeHead(400).end()
    }
    const is_first = !seen.has(id)
    seen.add(id)
    if (is_first && seen.size % 10 === 0) {
      receiver.refused += 1
      return response.writeHead(500).end()
    }
    receiver.delivered.add(id)
    return response.writeHead(204).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`,
    delivered: new Set(),
    refused: 0,
    forged: 0,
    trust: (secret) => {
      verifier = new Webhook(secret)
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return receiver
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>)
  return Buffer.concat(chunks).toString('utf8')
}

/** The deliveries once none is pending: the receiver has them a moment before they are on record. */
async function settled(api: Api): Promise<Json[]> {
  let deliveries = await all(api, '/v1/deliveries')
  const is_pending = (one: Json) => one['state'] === 'pending'
  for (let n = 0; n < 600 && deliveries.some(is_pending); n++) {
    await sleep(100)
    deliveries = await all(api, '/v1/deliveries')
  }
  return deliveries
}

await (process.argv[2] === 'banking' ? bankingDemo() : main())
