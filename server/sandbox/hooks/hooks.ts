import Type, { type Static } from 'typebox'
import { Check, Errors } from 'typebox/value'
import { Agent, request as send } from 'undici'
import { json, readJson, type SandboxReply, type SandboxRequest, type Vendor } from '../wire.ts'
import { createSns } from './aws_sns.ts'
import { createGitHub } from './github.ts'
import { createPubsub } from './google_pubsub.ts'
import { askEmpty, makeMailchimp, makeMandrill } from './mailchimp.ts'
import { createLists } from './mailchimp_lists.ts'
import { createWebhooks } from './mandrill_webhooks.ts'
import { createPayPal } from './paypal.ts'
import { createPlaid } from './plaid.ts'
import { askSlack, makeSlack } from './slack.ts'
import { createTwilio } from './twilio.ts'
import { askWhatsApp, makeWhatsApp } from './whatsapp.ts'

/**
 * Vendors of whom only the webhooks are simulated. `POST /<vendor>/_control/send` signs and sends `count` messages,
 * and more with another secret or key (`bad_signature`) or an hour late (`old_timestamp`, where the vendor signs the
 * time); `POST /<vendor>/_control/handshake` tries an address as the vendor does when it is set. Both answer with what
 * the receiver said. Who publishes keys (Plaid, PayPal, Amazon SNS, Google Pub/Sub) does so here, below `keys_at`, and
 * `POST /<vendor>/_control/outage` with a `status` has the keys answer that until it is null.
 */
const Count = Type.Integer({ minimum: 0, maximum: 10_000 })
const OrderBody = Type.Object(
  {
    url: Type.String({ minLength: 1 }),
    secret: Type.Optional(Type.String({ minLength: 1 })),
    /** The vendor's word: `push`, `pull_request.opened`; `app_mention`; `received`, `delivered`. */
    type: Type.Optional(Type.String({ minLength: 1 })),
    /** Instead of one that is made up. */
    payload: Type.Optional(Type.Object({})),
    count: Type.Optional(Count),
    bad_signature: Type.Optional(Count),
    old_timestamp: Type.Optional(Count),
    verify_token: Type.Optional(Type.String()),
    /** PayPal's id of the webhook. */
    webhook_id: Type.Optional(Type.String()),
    /** The ARN, of Amazon SNS. */
    topic: Type.Optional(Type.String()),
    signature_version: Type.Optional(Type.Union([Type.Literal('1'), Type.Literal('2')])),
    /** Of the token, of Google Pub/Sub. */
    audience: Type.Optional(Type.String()),
    service_account: Type.Optional(Type.String()),
    /** Where receivers reach this vendor for its keys, if not at the host that this order came to. */
    keys_at: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)
export type Order = Static<typeof OrderBody> & { secret: string }
/** One message of an order; `forged` has it signed by somebody else. */
export type Making = Order & { keys_at: string; forged: boolean }

/** `url` where it is sent to another address than the order's. */
export type Made = { headers: Record<string, string>; body: string; url?: string }
export type Seen = { status: number; text: string }

type Ask = {
  request: { method: 'GET' | 'HEAD' | 'POST'; headers: Record<string, string>; body?: string }
  query: string
  isRight(seen: Seen): boolean
}
type Sender = {
  make(order: Making, n: number, at_s: number): Made
  ask?(order: Order, at_s: number): Ask
  /** What the vendor itself serves: its keys, its webhooks. */
  answer?(request: SandboxRequest): SandboxReply | null
}

const senders = (): Record<string, Sender> => ({
  aws_sns: createSns(),
  github: createGitHub(),
  google_pubsub: createPubsub(),
  mailchimp: { make: makeMailchimp, ask: askEmpty('GET'), answer: createLists() },
  mandrill: { make: makeMandrill, ask: askEmpty('HEAD'), answer: createWebhooks() },
  paypal: createPayPal(),
  plaid: createPlaid(),
  slack: { make: makeSlack, ask: askSlack },
  twilio: createTwilio(),
  whatsapp: { make: makeWhatsApp, ask: askWhatsApp },
})

/** Where they are mounted. */
export const HOOKED = [
  '/aws_sns',
  '/github',
  '/google_pubsub',
  '/mailchimp',
  '/mandrill',
  '/paypal',
  '/plaid',
  '/slack',
  '/twilio',
  '/whatsapp',
]

export type Hooks = { vendors: [name: string, vendor: Vendor][]; close(): Promise<void> }

export function createHooks(): Hooks {
  const dispatcher = new Agent({ connections: 16 })
  const vendors = Object.entries(senders()).map(([name, sender]): [string, Vendor] => {
    let outage: number | null = null
    return [
      name,
      (request) => {
        if (!request.path.startsWith('/_control/')) return serveKeys(sender, request, outage)
        if (request.path !== '/_control/outage') return control(name, sender, request, dispatcher)
        const { status } = (readJson(request.body) ?? {}) as { status?: unknown }
        outage = typeof status === 'number' ? status : null
        return json(200, { status: outage })
      },
    ]
  })
  return { vendors, close: () => dispatcher.destroy() }
}

function serveKeys(sender: Sender, request: SandboxRequest, outage: number | null): SandboxReply {
  const reply = sender.answer?.(request)
  if (!reply) return NOTHING_ELSE
  return outage === null ? reply : json(outage, { error: 'The sandbox was told to withhold the keys' })
}

const NOTHING_ELSE = json(404, {
  error: 'Only the webhooks of this vendor are simulated: POST /_control/send',
})

async function control(
  name: string,
  sender: Sender,
  { path, body, headers }: SandboxRequest,
  dispatcher: Agent,
): Promise<SandboxReply> {
  const order = readJson(body)
  if (path !== '/_control/send' && !(path === '/_control/handshake' && sender.ask)) return NOTHING_ELSE
  if (!Check(OrderBody, order)) {
    const [first] = Errors(OrderBody, order)
    return json(400, {
      error: `${first?.instancePath || 'the body'} ${first?.message ?? 'is not understood'}`,
    })
  }
  const whole = { secret: '', keys_at: `http://${headers.host}/${name}`, forged: false, ...order }
  if (path === '/_control/send') return json(200, await sendAll(sender, whole, dispatcher))
  const { request, query, isRight } = (sender.ask as NonNullable<Sender['ask']>)(whole, seconds())
  const seen = await post(order.url + query, request, dispatcher)
  return json(200, { verified: isRight(seen), status: seen.status, body: seen.text })
}

async function sendAll(sender: Sender, order: Making, dispatcher: Agent) {
  const { count = 1, bad_signature = 0, old_timestamp = 0 } = order
  const forged = { ...order, secret: `${order.secret}_wrong`, forged: true }
  const made = [
    ...Array.from({ length: count }, (_, n) => sender.make(order, n, seconds())),
    ...Array.from({ length: bad_signature }, (_, n) => sender.make(forged, n, seconds())),
    ...Array.from({ length: old_timestamp }, (_, n) => sender.make(order, n, seconds() - 3600)),
  ]
  const sent: (Made & Seen)[] = []
  for (const one of made) {
    const { headers, body, url = order.url } = one
    sent.push({ ...one, ...(await post(url, { method: 'POST', headers, body }, dispatcher)) })
  }
  return { accepted: sent.filter(({ status }) => status >= 200 && status < 300).length, sent }
}

const seconds = () => Math.floor(Date.now() / 1000)

/** Status 0 where nobody answered. */
async function post(
  url: string,
  { method, headers, body }: Ask['request'],
  dispatcher: Agent,
): Promise<Seen> {
  try {
    const reply = await send(url, { method, headers, body: body ?? null, dispatcher, headersTimeout: 20_000 })
    return { status: reply.statusCode, text: await reply.body.text() }
  } catch (cause) {
    return { status: 0, text: cause instanceof Error ? cause.message : String(cause) }
  }
}
