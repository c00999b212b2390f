import Type, { type Static } from 'typebox'
import { Check, Errors } from 'typebox/value'
import type { Dispatcher } from 'undici'
import { json, readJson, type SandboxReply, sleep } from '../wire.ts'
import { API_VERSION, newEvent, type Sent, type Shipment, type StripeEvent, ship } from './events.ts'
import { type Intent, type IntentStatus, newIntent, stripeId } from './intents.ts'

/**
 * What the sandbox can be told to send. `POST /stripe/_control/webhooks` makes `count` distinct events of the
 * given types over `entities` payment intents (in turn, each with its `metadata.sequence` from 1), signs and sends them,
 * and answers with the truth: each event, how it was sent and what the receiver said.
 * The faults are counts: how many are also sent as copies, swapped with a neighbour, never sent, signed with
 * another secret, or signed an hour ago. `first` makes a run repeatable: event ids are `evt_<run>_<n>`.
 */
const Count = Type.Integer({ minimum: 0, maximum: 100_000 })

const Orders = Type.Object(
  {
    url: Type.String({ minLength: 1 }),
    secret: Type.String({ minLength: 1 }),
    events: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 100 })),
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    entities: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    run: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9]{1,40}$' })),
    concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 256 })),
    attempts: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    retry_delay_ms: Type.Optional(Type.Integer({ minimum: 0, maximum: 60_000 })),
    timeout_ms: Type.Optional(Type.Integer({ minimum: 1, maximum: 120_000 })),
    faults: Type.Optional(
      Type.Object(
        {
          latency_ms: Type.Optional(Type.Integer({ minimum: 0, maximum: 60_000 })),
          duplicate: Type.Optional(Count),
          reorder: Type.Optional(Count),
          drop: Type.Optional(Count),
          bad_signature: Type.Optional(Count),
          old_timestamp: Type.Optional(Count),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
)
type Orders = Static<typeof Orders>

const SendOne = Type.Object(
  {
    url: Type.String({ minLength: 1 }),
    secret: Type.String({ minLength: 1 }),
    type: Type.String({ minLength: 1 }),
    object: Type.Unknown(),
    id: Type.Optional(Type.String({ pattern: '^evt_\\w+$' })),
  },
  { additionalProperties: false },
)

export async function sendWebhooks(body: Buffer, dispatcher: Dispatcher): Promise<SandboxReply> {
  const orders = readJson(body)
  if (!Check(Orders, orders)) return misread(Orders, orders)
  const shipments = reorder(plan(orders), orders.faults?.reorder ?? 0)
  const sent = await sendAll(shipments, orders, dispatcher)
  return json(200, { summary: summarize(sent), sent })
}

/** One event around the caller's own object, once: `POST /stripe/_control/send`. */
export async function sendOne(body: Buffer, dispatcher: Dispatcher): Promise<SandboxReply> {
  const order = readJson(body)
  if (!Check(SendOne, order)) return misread(SendOne, order)
  const event = newEvent(order.type, order.object, { id: null, idempotency_key: null })
  if (order.id) event.id = order.id
  return json(200, await ship(toShipment(order, event, 'original'), dispatcher))
}

function misread(schema: typeof Orders | typeof SendOne, value: unknown): SandboxReply {
  const [first] = Errors(schema, value)
  return json(400, { error: `${first?.instancePath || 'the body'} ${first?.message ?? 'is not understood'}` })
}

const toShipment = (
  to: Pick<Orders, 'url' | 'secret' | 'attempts' | 'retry_delay_ms' | 'timeout_ms'>,
  event: StripeEvent,
  kind: Sent['kind'],
): Shipment => ({
  url: to.url,
  secret: to.secret,
  event,
  kind,
  body: JSON.stringify(event, null, 2), // Stripe indents its webhooks, so a re-serialised body does not verify
  attempts: to.attempts ?? 1,
  retry_delay_ms: to.retry_delay_ms ?? 200,
  timeout_ms: to.timeout_ms ?? 20_000,
})

/** Refused and dropped ones are events of their own, so that `count` good ones always go out. */
function plan(orders: Orders): Shipment[] {
  const { duplicate = 0, bad_signature = 0, old_timestamp = 0, drop = 0 } = orders.faults ?? {}
  const count = orders.count ?? orders.events?.length ?? 1
  const make = eventMaker(orders)
  const batch = (n: number, kind: Sent['kind']) =>
    Array.from({ length: n }, () => toShipment(orders, make(), kind))
  const originals = batch(count, 'original')
  const copies = Array.from({ length: duplicate }, (_, n) => {
    const copied = originals[Math.floor((n * originals.length) / duplicate) % originals.length] as Shipment
    return { ...copied, kind: 'copy' as const }
  })
  const others = [
    ...batch(bad_signature, 'bad_signature'),
    ...batch(old_timestamp, 'old_timestamp'),
    ...batch(drop, 'dropped'),
  ]
  return [...originals, ...copies, ...others]
}

const STATUS_OF: Record<string, IntentStatus> = {
  'payment_intent.created': 'requires_payment_method',
  'payment_intent.requires_action': 'requires_action',
  'payment_intent.processing': 'processing',
  'payment_intent.amount_capturable_updated': 'requires_capture',
  'payment_intent.payment_failed': 'requires_payment_method',
  'payment_intent.succeeded': 'succeeded',
  'payment_intent.canceled': 'canceled',
}

function eventMaker(orders: Orders): () => StripeEvent {
  const types = orders.events ?? ['payment_intent.succeeded']
  const entities = Math.min(orders.entities ?? 100_000, 100_000)
  const run = orders.run ?? stripeId('run').slice(5, 17)
  const intents = new Map<number, Intent>()
  let made = 0
  return () => {
    const n = made++
    const entity = n % entities
    const intent = intents.get(entity) ?? newIntent({ metadata: { run } }, 1000 + entity, 'brl')
    intents.set(entity, intent)
    const sequence = Math.floor(n / entities)
    const type = types[(entities < (orders.count ?? 1) ? sequence : n) % types.length] as string
    advance(intent, type, sequence + 1)
    const event = newEvent(type, intent, { id: null, idempotency_key: null })
    return { ...event, id: `evt_${run}_${n}`, api_version: API_VERSION }
  }
}

function advance(intent: Intent, type: string, sequence: number): void {
  intent.status = STATUS_OF[type] ?? intent.status
  intent.amount_received = intent.status === 'succeeded' ? intent.amount : 0
  intent.amount_capturable = intent.status === 'requires_capture' ? intent.amount : 0
  intent.last_payment_error =
    type === 'payment_intent.payment_failed'
      ? {
          type: 'card_error',
          code: 'card_declined',
          decline_code: 'generic_decline',
          message: 'Your card was declined.',
        }
      : null
  intent.metadata = { ...intent.metadata, sequence: String(sequence) }
}

/** Swaps neighbours, spread evenly: the second of each pair arrives first. */
function reorder(shipments: Shipment[], times: number): Shipment[] {
  const step = Math.max(2, Math.floor(shipments.length / Math.max(1, times)))
  const moved = [...shipments]
  for (let n = 0; n < times && n * step + 1 < moved.length; n++) {
    const at = n * step
    ;[moved[at], moved[at + 1]] = [moved[at + 1] as Shipment, moved[at] as Shipment]
  }
  return moved
}

async function sendAll(shipments: Shipment[], orders: Orders, dispatcher: Dispatcher): Promise<Sent[]> {
  const sent: Sent[] = []
  const queue = shipments.values()
  const sender = async () => {
    for (const shipment of queue) {
      await sleep(orders.faults?.latency_ms ?? 0)
      sent.push(await ship(shipment, dispatcher))
    }
  }
  await Promise.all(Array.from({ length: orders.concurrency ?? 8 }, sender))
  return sent
}

function summarize(sent: Sent[]): Record<string, unknown> {
  const by_status: Record<string, number> = {}
  for (const { attempts } of sent) {
    for (const { status } of attempts) by_status[status ?? 'none'] = (by_status[status ?? 'none'] ?? 0) + 1
  }
  const of = (kind: Sent['kind']) => sent.filter((one) => one.kind === kind).length
  return {
    originals: of('original'),
    copies: of('copy'),
    bad_signature: of('bad_signature'),
    old_timestamp: of('old_timestamp'),
    dropped: of('dropped'),
    posts: sent.reduce((sum, one) => sum + one.attempts.length, 0),
    accepted: sent.filter((one) => one.accepted).length,
    by_status,
  }
}
