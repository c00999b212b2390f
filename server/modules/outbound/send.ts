import { formEncode } from '../../kit/transports/form.ts'
import { signStandardWebhook } from '../../kit/webhook_keys.ts'
import { readJson } from '../../kit/wire_json.ts'
import type { EgressRequest, EgressResult } from '../../platform/egress/egress.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import type { Active } from './audience.ts'
import { MASK } from './headers.ts'
import type { DueDelivery, Ended } from './queue_queries.ts'
import { heed, prove } from './receiver_auth.ts'
import { nextWait, readRetryAfter, SCHEDULE_S } from './retry.ts'

/** One POST of one event to one subscription: prepared, sent, and judged. Nothing here touches the database. */

export type Payload = { type: string; version: number; data: string }

const KEEP_RESPONSE_BYTES = 8_192

/** What is signed and sent, to the byte. The event's data goes out as it was stored. */
export const envelope = (event_id: string, { type, data }: Pick<Payload, 'type' | 'data'>): string =>
  `{"type":${JSON.stringify(type)},"timestamp":"${timeOfId(event_id).toISOString()}","data":${data}}`

/** The same as a form, every number as it was written. */
const form = (event_id: string, { type, data }: Pick<Payload, 'type' | 'data'>): string =>
  formEncode({ type, timestamp: timeOfId(event_id).toISOString(), data: readJson(data) })

/** `webhook-id` is the event's: the same for every attempt, so that a receiver knows a copy. */
export async function send(
  app: App,
  item: DueDelivery,
  receiver: Active,
  payload: Payload,
  timeout_ms = timeoutOf(app, receiver),
): Promise<Ended> {
  const is_form = receiver.content_type === 'form'
  const body = (is_form ? form : envelope)(item.event_id, payload)
  const id = toWire('event', item.event_id)
  const timestamp = app.clock.now()
  const ours = {
    'content-type': is_form ? 'application/x-www-form-urlencoded' : 'application/json',
    'user-agent': 'Trilho-Webhook/1.0',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(timestamp.getTime() / 1000)),
    'webhook-signature': signStandardWebhook({
      secrets: secretsOf(receiver, timestamp),
      id,
      timestamp,
      body,
    }),
    'trilho-event-type': payload.type,
    'trilho-event-version': String(payload.version),
    'trilho-subscription-id': toWire('subscription', item.subscription_id),
    'trilho-attempt': String(item.attempts),
  }
  const started = app.clock.monotonic()
  const result = await post(app, receiver, {
    url: receiver.url,
    method: 'POST',
    headers: { ...receiver.headers, ...ours },
    body,
    timeout_ms,
    max_response_bytes: KEEP_RESPONSE_BYTES,
  })
  const attempt = {
    item,
    attempt_id: app.newId(),
    duration_ms: Math.round(app.clock.monotonic() - started),
    request_headers: JSON.stringify({ ...masked(receiver.headers), ...ours }),
    event_type: payload.type,
    timing: null,
  }
  return judge(app, attempt, receiver, result)
}

export const timeoutOf = (app: App, { timeout_ms }: Active): number =>
  timeout_ms ?? app.config.delivery_timeout_ms

/** Sends it with what the receiver wants to see for each request. */
async function post(app: App, { prover }: Active, request: EgressRequest): Promise<EgressResult> {
  if (prover === null) return app.egress.send(request)
  const began = app.clock.monotonic()
  const proved = await prove(app, prover, request)
  const spent_ms = app.clock.monotonic() - began
  if (!proved.ok) {
    return { kind: 'error', code: 'aborted', sent: false, message: proved.because, total_ms: spent_ms }
  }
  const result = await app.egress.send({
    ...proved.request,
    timeout_ms: Math.max(1, request.timeout_ms - Math.ceil(spent_ms)),
  })
  if (result.kind === 'response') heed(app, prover, result.status, result.headers)
  return result
}

/** Old and new both sign while they overlap, so that a receiver with either verifies. */
const secretsOf = ({ secret, previous }: Active, now: Date): string[] =>
  previous && previous.until > now ? [secret, previous.secret] : [secret]

function masked(headers: Record<string, string>): Record<string, string> {
  const shown: Record<string, string> = {}
  for (const name in headers) shown[name] = MASK
  return shown
}

type Attempted = Pick<
  Ended,
  'item' | 'attempt_id' | 'duration_ms' | 'request_headers' | 'event_type' | 'timing'
>

function judge(app: App, attempt: Attempted, receiver: Active, result: EgressResult): Ended {
  const { item } = attempt
  if (result.kind === 'error') {
    return {
      ...attempt,
      ...again(app, item, receiver, null),
      outcome: 'failed',
      status: null,
      response_headers: null,
      response_body: null,
      error: result.message,
      disable: null,
    }
  }
  const { status } = result
  const asked = readDirective(status, result.headers['webhook-delivery'])
  const answer = {
    ...attempt,
    status,
    timing: JSON.stringify(rounded(result.timing)),
    response_headers: JSON.stringify(result.headers),
    response_body: result.body,
    disable: asked.disable,
  }
  if (status >= 200 && status < 300) {
    return {
      ...answer,
      outcome: 'delivered',
      state: 'delivered',
      again_ms: null,
      exhausted: false,
      error: null,
    }
  }
  const next = asked.stop ? GIVE_UP : again(app, item, receiver, result.headers['retry-after'] ?? null)
  return { ...answer, ...next, outcome: 'refused', error: asked.stop ?? inWords(status) }
}

/** To a tenth of a millisecond. */
const rounded = (timing: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(timing).map(([step, ms]) => [step, Math.round(ms * 10) / 10]))

const GIVE_UP = { state: 'failed', again_ms: null, exhausted: false } as const

/** What the answer asks for beyond this attempt: to end the delivery, and why the subscription is to be disabled. */
function readDirective(
  status: number,
  header: string | undefined,
): { stop: string | null; disable: string | null } {
  const directive = header?.trim().toLowerCase()
  if (status === 410) {
    return {
      stop: 'the receiver answered 410 Gone, so the subscription was disabled',
      disable: 'the receiver answered 410 Gone',
    }
  }
  if (directive === 'disable') {
    return {
      stop: `the receiver answered ${status} with webhook-delivery: disable, so the subscription was disabled`,
      disable: 'the receiver answered with webhook-delivery: disable',
    }
  }
  if (directive === 'abort-message') {
    return { stop: `the receiver answered ${status} with webhook-delivery: abort-message`, disable: null }
  }
  return { stop: null, disable: null }
}

function again(
  app: App,
  item: DueDelivery,
  receiver: Active,
  retry_after: string | null,
): Pick<Ended, 'state' | 'again_ms' | 'exhausted'> {
  const now = app.clock.now()
  const elapsed_s = (now.getTime() - timeOfId(item.id).getTime()) / 1000
  const { schedule_s, most_attempts } = planOf(receiver)
  const attempts = item.attempts - item.cuts
  if (attempts >= most_attempts) return { ...GIVE_UP, exhausted: true }
  const wait_s = nextWait({
    schedule_s,
    attempts: Math.min(attempts, schedule_s.length),
    elapsed_s,
    asked_s: readRetryAfter(retry_after, now),
    random: Math.random(),
  })
  if (wait_s === null) return { ...GIVE_UP, exhausted: true }
  if (receiver.expire_after_s !== null && elapsed_s + wait_s >= receiver.expire_after_s) {
    return { state: 'expired', again_ms: null, exhausted: true }
  }
  return { state: 'pending', again_ms: wait_s * 1000, exhausted: false }
}

/** The one schedule that retries for ever needs a step to repeat. */
const NO_SCHEDULE_S = [60]

/** What blocks its key is tried until it is delivered, or too old. */
function planOf({ retry_schedule_s, ordering }: Active): {
  schedule_s: readonly number[]
  most_attempts: number
} {
  const schedule_s = retry_schedule_s ?? SCHEDULE_S
  if (ordering?.on_failure === 'block') {
    return {
      schedule_s: schedule_s.length > 0 ? schedule_s : NO_SCHEDULE_S,
      most_attempts: Number.POSITIVE_INFINITY,
    }
  }
  const most_attempts = ordering?.after_attempts ?? schedule_s.length + 1
  return {
    schedule_s: most_attempts > 1 && schedule_s.length === 0 ? NO_SCHEDULE_S : schedule_s,
    most_attempts,
  }
}

function inWords(status: number): string {
  if (status >= 300 && status < 400)
    return `the receiver answered ${status}: redirects are not followed; subscribe with the final address`
  if (status === 429) return 'the receiver answered 429: it asks for fewer requests'
  if (status === 503) return 'the receiver answered 503: it is overloaded or down for maintenance'
  if (status === 502 || status === 504)
    return `the receiver answered ${status}: a proxy before it got no answer from it`
  return `the receiver answered ${status}`
}
