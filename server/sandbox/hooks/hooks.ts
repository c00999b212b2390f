import Type, { type Static } from 'typebox'
import { Check, Errors } from 'typebox/value'
import { Agent, request as send } from 'undici'
import { json, readJson, type SandboxReply, type SandboxRequest, type Vendor } from '../wire.ts'
import { makeGitHub } from './github.ts'
import { askSlack, makeSlack } from './slack.ts'
import { askWhatsApp, makeWhatsApp } from './whatsapp.ts'

/**
 * Vendors of whom only the webhooks are simulated: GitHub, Slack, WhatsApp. `POST /<vendor>/_control/send` signs and
 * sends `count` messages, and more with another secret (`bad_signature`) or an hour late (`old_timestamp`, where the
 * vendor signs the time); `POST /<vendor>/_control/handshake` tries an address as the vendor does when it is set.
 * Both answer with what the receiver said.
 */
const Count = Type.Integer({ minimum: 0, maximum: 10_000 })
const Order = Type.Object(
  {
    url: Type.String({ minLength: 1 }),
    secret: Type.String({ minLength: 1 }),
    /** The vendor's word: `push`, `pull_request.opened`; `app_mention`; `received`, `delivered`. */
    type: Type.Optional(Type.String({ minLength: 1 })),
    /** Instead of one that is made up. */
    payload: Type.Optional(Type.Object({})),
    count: Type.Optional(Count),
    bad_signature: Type.Optional(Count),
    old_timestamp: Type.Optional(Count),
    verify_token: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)
export type Order = Static<typeof Order>

export type Made = { headers: Record<string, string>; body: string }
export type Seen = { status: number; text: string }

type Ask = {
  request: { method: 'GET' | 'POST'; headers: Record<string, string>; body?: string }
  query: string
  isRight(seen: Seen): boolean
}
type Sender = { make(order: Order, n: number, at_s: number): Made; ask?(order: Order, at_s: number): Ask }

const SENDERS: Record<string, Sender> = {
  github: { make: makeGitHub },
  slack: { make: makeSlack, ask: askSlack },
  whatsapp: { make: makeWhatsApp, ask: askWhatsApp },
}

export type Hooks = { vendors: [name: string, vendor: Vendor][]; close(): Promise<void> }

export function createHooks(): Hooks {
  const dispatcher = new Agent({ connections: 16 })
  const vendors = Object.entries(SENDERS).map(([name, sender]): [string, Vendor] => [
    name,
    (request) => control(sender, request, dispatcher),
  ])
  return { vendors, close: () => dispatcher.destroy() }
}

async function control(
  sender: Sender,
  { path, body }: SandboxRequest,
  dispatcher: Agent,
): Promise<SandboxReply> {
  const order = readJson(body)
  if (path !== '/_control/send' && !(path === '/_control/handshake' && sender.ask)) {
    return json(404, { error: 'Only the webhooks of this vendor are simulated: POST /_control/send' })
  }
  if (!Check(Order, order)) {
    const [first] = Errors(Order, order)
    return json(400, {
      error: `${first?.instancePath || 'the body'} ${first?.message ?? 'is not understood'}`,
    })
  }
  if (path === '/_control/send') return json(200, await sendAll(sender, order, dispatcher))
  const { request, query, isRight } = (sender.ask as NonNullable<Sender['ask']>)(order, seconds())
  const seen = await post(order.url + query, request, dispatcher)
  return json(200, { verified: isRight(seen), status: seen.status, body: seen.text })
}

async function sendAll(sender: Sender, order: Order, dispatcher: Agent) {
  const { count = 1, bad_signature = 0, old_timestamp = 0 } = order
  const forged = { ...order, secret: `${order.secret}_wrong` }
  const made = [
    ...Array.from({ length: count }, (_, n) => sender.make(order, n, seconds())),
    ...Array.from({ length: bad_signature }, (_, n) => sender.make(forged, n, seconds())),
    ...Array.from({ length: old_timestamp }, (_, n) => sender.make(order, n, seconds() - 3600)),
  ]
  const sent: (Made & Seen)[] = []
  for (const one of made) {
    sent.push({ ...one, ...(await post(order.url, { method: 'POST', ...one }, dispatcher)) })
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
