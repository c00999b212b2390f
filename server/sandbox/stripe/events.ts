import { createHmac } from 'node:crypto'
import { type Dispatcher, request as send } from 'undici'
import { sleep } from '../wire.ts'
import { seconds, stripeId } from './intents.ts'

/** Stripe's event object (docs.stripe.com/api/events/object) around what it is about. */
export type StripeEvent = {
  id: string
  object: 'event'
  type: string
  api_version: string
  created: number
  data: { object: unknown }
  livemode: false
  pending_webhooks: number
  request: { id: string | null; idempotency_key: string | null }
}

export const API_VERSION = '2026-10-28.endive'

export function newEvent(type: string, object: unknown, request: StripeEvent['request']): StripeEvent {
  return {
    id: stripeId('evt'),
    object: 'event',
    api_version: API_VERSION,
    created: seconds(),
    data: { object: structuredClone(object) },
    livemode: false,
    pending_webhooks: 1,
    request,
    type,
  }
}

/** `Stripe-Signature` as docs.stripe.com/webhooks#verify-manually: HMAC-SHA256 over `t.body`, in hex. */
export function stripeSignature(secret: string, body: string, at_s: number): string {
  return `t=${at_s},v1=${createHmac('sha256', secret).update(`${at_s}.${body}`).digest('hex')}`
}

export type Attempt = { status: number | null; error: string | null; duration_ms: number }

export type Sent = {
  event_id: string
  type: string
  entity_id: string | null
  kind: 'original' | 'copy' | 'bad_signature' | 'old_timestamp' | 'dropped'
  attempts: Attempt[]
  /** The receiver answered 2xx to one of the attempts. */
  accepted: boolean
}

export type Shipment = {
  url: string
  secret: string
  body: string
  event: StripeEvent
  kind: Sent['kind']
  attempts: number
  retry_delay_ms: number
  timeout_ms: number
}

/** Sends one event until it is accepted or its attempts are used up, and tells the truth about each. */
export async function ship(shipment: Shipment, dispatcher: Dispatcher): Promise<Sent> {
  const { event, kind } = shipment
  const attempts: Attempt[] = []
  const object = event.data.object as { id?: string } | null
  const sent: Sent = {
    event_id: event.id,
    type: event.type,
    entity_id: object?.id ?? null,
    kind,
    attempts,
    accepted: false,
  }
  if (kind === 'dropped') return sent
  while (!sent.accepted && attempts.length < shipment.attempts) {
    if (attempts.length > 0) await sleep(shipment.retry_delay_ms)
    const attempt = await post(shipment, dispatcher)
    attempts.push(attempt)
    sent.accepted = attempt.status !== null && attempt.status >= 200 && attempt.status < 300
  }
  return sent
}

async function post(shipment: Shipment, dispatcher: Dispatcher): Promise<Attempt> {
  const { url, body, timeout_ms, kind } = shipment
  const secret = kind === 'bad_signature' ? `${shipment.secret}_wrong` : shipment.secret
  const at_s = kind === 'old_timestamp' ? seconds() - 3600 : seconds()
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
    'stripe-signature': stripeSignature(secret, body, at_s),
  }
  const began = performance.now()
  const took = () => Math.round((performance.now() - began) * 10) / 10
  try {
    const options = {
      method: 'POST',
      headers,
      body,
      dispatcher,
      headersTimeout: timeout_ms,
      bodyTimeout: timeout_ms,
    } as const
    const reply = await send(url, options)
    await reply.body.dump()
    return { status: reply.statusCode, error: null, duration_ms: took() }
  } catch (cause) {
    return {
      status: null,
      error: cause instanceof Error ? cause.message : String(cause),
      duration_ms: took(),
    }
  }
}
