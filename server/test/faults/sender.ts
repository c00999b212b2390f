import Stripe from 'stripe'
import { ask, type Door, exchange, is2xx, persist, post } from './asking.ts'
import { type Caller, createCaller } from './caller.ts'

/**
 * Those who hand something to the product, and their own lists of what it took. Like the real ones they repeat, with
 * the same ids, whatever was not answered 2xx.
 */
export type Sender = Omit<Caller, 'calling'> & {
  /** Event ids of the webhooks answered 2xx, each with the payment it tells of. */
  accepted: Map<string, string>
  /** Event ids of the numbered messages answered 2xx, each with what it is about. */
  stepped: Map<string, string>
  /** Wire ids of the events that the API said it published, each with its order. */
  published: Map<string, string>
  /** How often something had to be sent again. */
  repeats: number
  /** What each kind of them does, once. */
  send: Caller['calling'] & Record<'webhook' | 'ordered' | 'publish', (number: string) => Promise<void>>
}

const SHUFFLED = [2, 1, 3]

export function createSender(door: Door): Sender {
  const repeated = () => {
    sender.repeats += 1
  }
  const { calling, ...lists } = createCaller(door, repeated)
  const sender: Sender = {
    ...lists,
    accepted: new Map(),
    stepped: new Map(),
    published: new Map(),
    repeats: 0,
    send: {
      ...calling,
      webhook: async (number) => {
        const event = stripeEvent(number)
        const attempt = async () => {
          const answer = await post(`${door.url()}${door.source_path}`, event.body, {
            'stripe-signature': sign(event.body, door.source_secret),
          })
          if (!is2xx(answer)) return false
          sender.accepted.set(event.id, event.payment)
          return true
        }
        await persist(`webhook ${number}`, attempt, repeated)
      },
      /** Of one entity, the second before the first. */
      ordered: async (number) => {
        for (const n of SHUFFLED) {
          const id = `step-${number}-${n}`
          const body = JSON.stringify({ id, type: 'step', entity: `lane-${number}`, n, order: id })
          const attempt = async () =>
            is2xx(await post(`${door.url()}${door.ordered_path}`, body, { 'x-token': door.ordered_token }))
          await persist(`message ${id}`, attempt, repeated)
          sender.stepped.set(id, id)
        }
      },
      publish: async (number) => {
        let key = `publish-${number}`
        const data = { order: number, lane: number.split('-')[0] }
        const body = { type: 'order.placed', data, entity_id: `order-${number}` }
        const attempt = async () => {
          const answer = await ask(door, '/v1/events', body, { 'idempotency-key': key })
          let id = is2xx(answer) ? String(answer.body['id']) : null
          if (answer?.body['code'] === 'outcome_unknown') {
            const found = await findEvent(door, `order-${number}`)
            if (found === 'unanswered') return false
            id = found
            if (id === null) key += '-again' // it did not happen: a new key, as the answer says
          }
          if (id !== null) sender.published.set(id, number)
          return id !== null
        }
        await persist(`event ${number}`, attempt, repeated)
      },
    },
  }
  return sender
}

/**
 * The event about a thing, as a client whose request was cut off would look for it; null where there is none. Who gets
 * no answer knows neither.
 */
async function findEvent(door: Door, about: string): Promise<string | null | 'unanswered'> {
  const answer = await exchange(`${door.url()}/v1/search?q=${about}`, {
    headers: { authorization: `Bearer ${door.key}` },
  })
  if (!is2xx(answer)) return 'unanswered'
  const found = (answer.body['data'] ?? []) as { kind: string; id: string }[]
  return found.find(({ kind }) => kind === 'event')?.id ?? null
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
