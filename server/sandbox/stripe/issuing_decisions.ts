import { type Dispatcher, request as send } from 'undici'
import { newEvent, stripeSignature } from './events.ts'
import { seconds } from './intents.ts'
import type { Authorization, Purchases } from './issuing_authorizations.ts'

/** The real-time endpoint, asked whether an authorization may be. */

/** `amount`: as much of it as was approved, where the request lets that be said. */
export type Decided = { approved: boolean; reason: string; amount?: number }

/** docs.stripe.com/issuing/controls/real-time-authorizations; the setting for no answer in time is to decline. */
export async function decided(
  state: Purchases,
  authorization: Authorization,
  request: object,
): Promise<Decided> {
  const endpoint = state.decider()
  if (!endpoint) return { approved: true, reason: 'webhook_approved' }
  authorization.pending_request = { ...request, amount_details: null }
  const event = newEvent('issuing_authorization.request', authorization, { id: null, idempotency_key: null })
  const body = JSON.stringify(event, null, 2)
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'stripe-signature': stripeSignature(endpoint.secret, body, seconds()),
  }
  try {
    const signal = AbortSignal.timeout(state.patience_ms)
    const reply = await send(endpoint.url, {
      method: 'POST',
      headers,
      body,
      dispatcher: state.dispatcher,
      signal,
    })
    return readDecision(authorization, reply, await reply.body.text())
  } catch {
    return { approved: false, reason: 'webhook_timeout' }
  }
}

function readDecision(
  authorization: Authorization,
  { statusCode, headers }: Dispatcher.ResponseData,
  text: string,
): Decided {
  try {
    const {
      approved,
      amount,
      metadata = {},
    } = JSON.parse(text) as {
      approved?: unknown
      amount?: unknown
      metadata?: Record<string, string>
    }
    const is_json = String(headers['content-type']).startsWith('application/json')
    if (statusCode !== 200 || !headers['stripe-version'] || !is_json || typeof approved !== 'boolean')
      return { approved: false, reason: 'webhook_error' }
    const is_controllable = authorization.pending_request?.['is_amount_controllable'] === true
    if (amount !== undefined && !(is_controllable && Number.isInteger(amount) && Number(amount) > 0))
      return { approved: false, reason: 'webhook_error' }
    authorization.metadata = { ...authorization.metadata, ...metadata }
    return {
      approved,
      reason: approved ? 'webhook_approved' : 'webhook_declined',
      ...(approved && amount !== undefined && { amount: Number(amount) }),
    }
  } catch {
    return { approved: false, reason: 'webhook_error' }
  }
}
