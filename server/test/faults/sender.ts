import { setTimeout as sleep } from 'node:timers/promises'
import Stripe from 'stripe'

/**
 * Those who hand something to the product, and their own lists of what it took. Like the real ones they repeat, with
 * the same ids, whatever was not answered 2xx.
 */
export type Sender = {
  /** Event ids of the webhooks answered 2xx, each with the payment it tells of. */
  accepted: Map<string, string>
  /** Wire ids of the events that the API said it published, each with its order. */
  published: Map<string, string>
  /** Calls that were answered, by their wire ids: the state the report gave. */
  called: Map<string, string>
  /** How often something had to be sent again. */
  repeats: number
  webhook(number: string): Promise<void>
  publish(number: string): Promise<void>
  /** Once: who asks a vendor does not ask again without knowing what became of it. */
  call(number: string): Promise<void>
}

export type Door = {
  /** Where the product listens now; it may move when it starts again. */
  url: () => string
  key: string
  source_path: string
  source_secret: string
  connection: string
}

const AGAIN_MS = 100
const PATIENCE_MS = 300_000
const REQUEST_MS = 90_000

type Answer = { status: number; body: Record<string, unknown> }

export function createSender(door: Door): Sender {
  const sender: Sender = {
    accepted: new Map(),
    published: new Map(),
    called: new Map(),
    repeats: 0,
    webhook: async (number) => {
      const event = stripeEvent(number)
      await persist(`webhook ${number}`, async () => {
        const answer = await post(`${door.url()}${door.source_path}`, event.body, {
          'stripe-signature': sign(event.body, door.source_secret),
        })
        if (!is2xx(answer)) return false
        sender.accepted.set(event.id, event.payment)
        return true
      })
    },
    publish: async (number) => {
      let key = `publish-${number}`
      const body = JSON.stringify({
        type: 'order.placed',
        data: { order: number, lane: number.split('-')[0] },
        entity_id: `order-${number}`,
      })
      await persist(`event ${number}`, async () => {
        const answer = await ask(door, '/v1/events', body, { 'idempotency-key': key })
        let id = is2xx(answer) ? String(answer?.body['id']) : null
        if (answer?.body['code'] === 'outcome_unknown') {
          const found = await findEvent(door, `order-${number}`)
          if (found === 'unanswered') return false
          id = found
          if (id === null) key += '-again' // it did not happen: a new key, as the answer says
        }
        if (id !== null) sender.published.set(id, number)
        return id !== null
      })
    },
    call: async (number) => {
      const body = JSON.stringify({ method: 'POST', path: '/orders', body: { order: number } })
      const answer = await ask(door, `/v1/connections/${door.connection}/calls`, body, {})
      if (is2xx(answer)) sender.called.set(String(answer?.body['id']), String(answer?.body['state']))
    },
  }

  async function persist(what: string, attempt: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    while (!(await attempt())) {
      if (performance.now() > deadline) throw new Error(`${what} was never answered 2xx`)
      sender.repeats += 1
      await sleep(AGAIN_MS)
    }
  }

  return sender
}

const is2xx = (answer: Answer | null): boolean =>
  answer !== null && answer.status >= 200 && answer.status < 300

const ask = (door: Door, path: string, body: string, headers: Record<string, string>) =>
  post(`${door.url()}${path}`, body, { authorization: `Bearer ${door.key}`, ...headers })

/**
 * The event about a thing, as a client whose request was cut off would look for it; null where there is none. Who gets
 * no answer knows neither.
 */
async function findEvent(door: Door, about: string): Promise<string | null | 'unanswered'> {
  const answer = await exchange(`${door.url()}/v1/search?q=${about}`, {
    headers: { authorization: `Bearer ${door.key}` },
  })
  if (!is2xx(answer)) return 'unanswered'
  const found = (answer?.body['data'] ?? []) as { kind: string; id: string }[]
  return found.find(({ kind }) => kind === 'event')?.id ?? null
}

const post = (url: string, body: string, headers: Record<string, string>) =>
  exchange(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })

/** Null where no answer came: refused, cut off, or too late. */
async function exchange(url: string, init: RequestInit): Promise<Answer | null> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_MS) })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  } catch {
    return null
  }
}

/** Signed anew for every attempt, as Stripe does, by Stripe's own library. */
const sign = (payload: string, secret: string): string =>
  Stripe.webhooks.generateTestHeaderString({ payload, secret })

function stripeEvent(number: string): { id: string; payment: string; body: string } {
  const id = `evt_${number}`
  const payment = `pi_${number}`
  const created = 1_767_366_000
  const object = {
    id: payment,
    object: 'payment_intent',
    amount: 15_050,
    amount_received: 15_050,
    currency: 'brl',
    created,
    livemode: false,
    status: 'succeeded',
    last_payment_error: null,
    latest_charge: `ch_${number}`,
    metadata: { reference: `order-${number}` },
    payment_method_types: ['card'],
  }
  const event = { id, object: 'event', created, livemode: false, type: 'payment_intent.succeeded' }
  return { id, payment, body: JSON.stringify({ ...event, data: { object } }) }
}
