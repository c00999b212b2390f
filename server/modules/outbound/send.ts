import { signStandardWebhook } from '../../kit/webhook_keys.ts'
import type { EgressResult } from '../../platform/egress/egress.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import type { DueDelivery, Ended } from './queries.ts'

/** One POST of one event to one subscription: prepared, sent, and judged. Nothing here touches the database. */

export type Receiver = { url: string; secrets: string[] }
export type Payload = { type: string; data: string }

/** Waits before each attempt, of Standard Webhooks: ten attempts over three days. */
const SCHEDULE_S = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
const KEEP_RESPONSE_BYTES = 8_192
const MOST_WAIT_S = 86_400

/** What is signed and sent, to the byte. The event's data goes out as it was stored. */
export const envelope = (event_id: string, { type, data }: Payload): string =>
  `{"type":${JSON.stringify(type)},"timestamp":"${timeOfId(event_id).toISOString()}","data":${data}}`

/** `webhook-id` is the event's: the same for every attempt, so that a receiver knows a copy. */
export async function send(
  app: App,
  item: DueDelivery,
  receiver: Receiver,
  payload: Payload,
): Promise<Ended> {
  const body = envelope(item.event_id, payload)
  const id = toWire('event', item.event_id)
  const timestamp = app.clock.now()
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Trilho-Webhook/1.0',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(timestamp.getTime() / 1000)),
    'webhook-signature': signStandardWebhook({ secrets: receiver.secrets, id, timestamp, body }),
    'trilho-event-type': payload.type,
    'trilho-subscription-id': toWire('subscription', item.subscription_id),
    'trilho-attempt': String(item.attempts),
  }
  const started = app.clock.monotonic()
  const result = await app.egress.send({
    url: receiver.url,
    method: 'POST',
    headers,
    body,
    timeout_ms: app.config.delivery_timeout_ms,
    max_response_bytes: KEEP_RESPONSE_BYTES,
  })
  return judge(item, app.newId(), headers, result, Math.round(app.clock.monotonic() - started))
}

function judge(
  item: DueDelivery,
  attempt_id: string,
  headers: Record<string, string>,
  result: EgressResult,
  duration_ms: number,
): Ended {
  const attempt = { item, attempt_id, duration_ms, request_headers: JSON.stringify(headers) }
  if (result.kind === 'error') {
    return {
      ...attempt,
      ...again(item, null),
      outcome: 'failed',
      status: null,
      response_headers: null,
      response_body: null,
      error: result.message,
    }
  }
  const { status } = result
  const answer = { status, response_headers: JSON.stringify(result.headers), response_body: result.body }
  if (status >= 200 && status < 300) {
    return { ...attempt, ...answer, outcome: 'delivered', state: 'delivered', again_ms: null, error: null }
  }
  const next = status === 410 ? GIVE_UP : again(item, result.headers['retry-after'] ?? null)
  return { ...attempt, ...answer, ...next, outcome: 'refused', error: inWords(status) }
}

const GIVE_UP = { state: 'failed', again_ms: null } as const

/** When the next attempt is due: the schedule with a fifth of jitter, or later where the receiver asks for it. */
function again(item: DueDelivery, retry_after: string | null): Pick<Ended, 'state' | 'again_ms'> {
  const wait_s = SCHEDULE_S[item.attempts]
  if (wait_s === undefined) return GIVE_UP
  const asked_s = retry_after && /^\d{1,9}$/.test(retry_after) ? Number(retry_after) : 0
  const jittered_s = wait_s * (0.8 + Math.random() * 0.4)
  return { state: 'pending', again_ms: Math.max(jittered_s, Math.min(asked_s, MOST_WAIT_S)) * 1000 }
}

function inWords(status: number): string {
  if (status === 410) return 'the receiver answered 410 Gone, so the subscription was disabled'
  if (status >= 300 && status < 400)
    return `the receiver answered ${status}: redirects are not followed; subscribe with the final address`
  return `the receiver answered ${status}`
}
