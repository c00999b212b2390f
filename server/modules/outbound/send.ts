import { type Message, publish } from '../../kit/destinations/destinations.ts'
import { lazily } from '../../kit/filter.ts'
import type { EgressRequest, EgressResult } from '../../platform/egress/egress.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import type { Active } from './audience.ts'
import { MASK, ourHeaders } from './headers.ts'
import { laneKey } from './order.ts'
import { type Payload, type PayloadShape, plainBody, shapedBody } from './payload.ts'
import type { DueDelivery, Ended } from './queue_queries.ts'
import { heed, prove } from './receiver_auth.ts'
import { judge, judgeLanding, type Verdict } from './verdict.ts'

/** One event on its way to one subscription: prepared, sent, and judged. Nothing here touches the database. */

const KEEP_RESPONSE_BYTES = 8_192
const KEEP_REQUEST_BYTES = 65_536

/**
 * `webhook-id` is the event's: the same for every attempt, so that a receiver knows a copy. Null where no attempt was
 * made, since others were before it at what shapes payloads.
 */
export function send(
  app: App,
  item: DueDelivery,
  receiver: Active,
  payload: Payload,
  timeout_ms = timeoutOf(app, receiver),
): Promise<Ended | null> {
  const shape = receiver.payload
  if (shape !== null) return sendShaped(app, item, { ...receiver, payload: shape }, payload, timeout_ms)
  const body = plainBody(item.event_id, payload, receiver.content_type)
  return sendBody(app, item, receiver, payload, { body, timeout_ms })
}

/** The time that its shape takes is of the attempt's. */
async function sendShaped(
  app: App,
  item: DueDelivery,
  receiver: Active & { payload: PayloadShape },
  payload: Payload,
  timeout_ms: number,
): Promise<Ended | null> {
  const began = app.clock.monotonic()
  const event = { ...payload, event_id: item.event_id }
  const made = await shapedBody(app, { ...receiver, tenant_id: item.tenant_id }, event, timeout_ms)
  if (!made.ok && made.waited) return null
  if (!made.ok) {
    return {
      ...{ item, attempt_id: app.newId(), duration_ms: 0, event_type: payload.type },
      ...{ request_headers: '{}', request_body: null },
      ...judge(app, item, receiver, unsent(made.because)),
    }
  }
  const spent_ms = Math.ceil(app.clock.monotonic() - began)
  const left_ms = Math.max(1, timeout_ms - spent_ms)
  return sendBody(app, item, receiver, payload, { body: made.body, timeout_ms: left_ms })
}

async function sendBody(
  app: App,
  item: DueDelivery,
  receiver: Active,
  payload: Payload,
  { body, timeout_ms }: { body: string; timeout_ms: number },
): Promise<Ended> {
  const { type, version } = payload
  const timestamp = app.clock.now()
  const id = toWire('event', item.event_id)
  const subscription_id = toWire('subscription', item.subscription_id)
  const ours = ourHeaders({
    ...{ id, type, version, timestamp, body },
    content_type: receiver.content_type,
    secrets: secretsOf(receiver, timestamp),
    subscription_id,
    attempt: item.attempts,
  })
  const started = app.clock.monotonic()
  const verdict = await carry(app, item, receiver, {
    ...{ id, copy_id: `${id}.${subscription_id}`, type, timestamp, body, timeout_ms },
    headers: { ...receiver.headers, ...ours },
    key: receiver.broker && keyOf(receiver, payload),
  })
  return {
    item,
    attempt_id: app.newId(),
    duration_ms: Math.round(app.clock.monotonic() - started),
    request_headers: JSON.stringify({ ...masked(receiver.headers), ...ours }),
    request_body: receiver.payload && Buffer.from(body).subarray(0, KEEP_REQUEST_BYTES),
    event_type: type,
    ...verdict,
  }
}

/** By HTTP or through a broker: the same bytes under the same headers. */
async function carry(
  app: App,
  item: DueDelivery,
  receiver: Active,
  { timeout_ms, ...message }: Message & { timeout_ms: number },
): Promise<Verdict> {
  if (receiver.refused !== null) return judge(app, item, receiver, unsent(receiver.refused))
  if (receiver.broker) {
    const began = app.clock.monotonic()
    const landing = await publish(app.egress, { ...receiver.broker, message, timeout_ms })
    return judgeLanding(app, item, receiver, landing, app.clock.monotonic() - began)
  }
  const { headers, body } = message
  const { url, identity } = receiver
  const max_response_bytes = KEEP_RESPONSE_BYTES
  const plain = { url, method: 'POST', headers, body, timeout_ms, max_response_bytes }
  const request: EgressRequest = identity === undefined ? plain : { ...plain, identity }
  return judge(app, item, receiver, await post(app, receiver, request))
}

/** What a broker may keep an order by: the key of the lane; where there is none, what the event is about. */
function keyOf({ id, ordering }: Active, { type, data, entity_id = null }: Payload): string | null {
  const key = laneKey(ordering, { type, entity_id }, lazily(data))
  return key === '' ? toWire('subscription', id) : (key ?? entity_id)
}

export const timeoutOf = (app: App, { timeout_ms }: Active): number =>
  timeout_ms ?? app.config.delivery_timeout_ms

/** Sends it with what the receiver wants to see for each request. */
async function post(app: App, { prover }: Active, request: EgressRequest): Promise<EgressResult> {
  if (prover === null) return app.egress.send(request)
  const began = app.clock.monotonic()
  const proved = await prove(app, prover, request)
  const spent_ms = app.clock.monotonic() - began
  if (!proved.ok) return unsent(proved.because, spent_ms)
  const result = await app.egress.send({
    ...proved.request,
    timeout_ms: Math.max(1, request.timeout_ms - Math.ceil(spent_ms)),
  })
  if (result.kind === 'response') heed(app, prover, result.status, result.headers)
  return result
}

const unsent = (message: string, total_ms = 0): EgressResult => ({
  kind: 'error',
  code: 'aborted',
  sent: false,
  message,
  total_ms,
})

/** Old and new all sign while they overlap, the new one first, so that a receiver with any of them verifies. */
const secretsOf = ({ secret, previous }: Active, now: Date): string[] => {
  const open = previous.filter(({ until }) => until > now).map((one) => one.secret)
  return [...new Set([secret, ...open.reverse()])] // one may have been taken back into use
}

function masked(headers: Record<string, string>): Record<string, string> {
  const shown: Record<string, string> = {}
  for (const name in headers) shown[name] = MASK
  return shown
}
