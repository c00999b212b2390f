import type { Landing } from '../../kit/destinations/destinations.ts'
import type { EgressResult } from '../../platform/egress/egress.ts'
import { timeOfId } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import type { Active } from './audience.ts'
import type { DueDelivery, Ended } from './queue_queries.ts'
import { nextWait, readRetryAfter, SCHEDULE_S } from './retry.ts'

/** What an attempt came to: delivered, to be tried again and when, or given up. */
export type Verdict = Omit<
  Ended,
  'item' | 'attempt_id' | 'duration_ms' | 'request_headers' | 'request_body' | 'event_type'
>

const UNANSWERED = {
  status: null,
  response_headers: null,
  response_body: null,
  disable: null,
} satisfies Partial<Verdict>

const DELIVERED = {
  outcome: 'delivered',
  state: 'delivered',
  again_ms: null,
  exhausted: false,
  error: null,
} as const

/** By what a receiver answered over HTTP. */
export function judge(app: App, item: DueDelivery, receiver: Active, result: EgressResult): Verdict {
  if (result.kind === 'error') {
    const next = again(app, item, receiver, null)
    const timing = inTotal(result.total_ms)
    return { ...UNANSWERED, ...next, timing, outcome: 'failed', error: storable(result.message) }
  }
  const { status } = result
  const asked = readDirective(status, result.headers['webhook-delivery'])
  const answer = {
    status,
    timing: JSON.stringify(rounded(result.timing)),
    response_headers: JSON.stringify(result.headers),
    response_body: result.body,
    disable: asked.disable,
  }
  if (status >= 200 && status < 300) return { ...answer, ...DELIVERED }
  const next = asked.stop ? GIVE_UP : again(app, item, receiver, result.headers['retry-after'] ?? null)
  return { ...answer, ...next, outcome: 'refused', error: asked.stop ?? inWords(status) }
}

/** By what a broker answered after so long; its words are kept where a receiver's body is. */
export function judgeLanding(
  app: App,
  item: DueDelivery,
  receiver: Active,
  landing: Landing,
  total_ms: number,
): Verdict {
  const unanswered = { ...UNANSWERED, timing: inTotal(total_ms) }
  if (landing.kind === 'accepted') {
    return { ...unanswered, ...DELIVERED, response_body: Buffer.from(JSON.stringify(landing.answer)) }
  }
  const next = again(app, item, receiver, null)
  const message = storable(landing.message)
  if (landing.kind === 'refused') return { ...unanswered, ...next, outcome: 'refused', error: message }
  const error = landing.sent ? `${message}; whether it arrived is not known` : message
  return { ...unanswered, ...next, outcome: 'failed', error }
}

const LONGEST_WORDS = 1_000

/** A stranger's words, as PostgreSQL keeps them: a NUL would fail the statement that settles them with others. */
const storable = (words: string): string =>
  words.replaceAll('\u0000', '').slice(0, LONGEST_WORDS).toWellFormed()

/** To a tenth of a millisecond. */
const rounded = (timing: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(timing).map(([step, ms]) => [step, Math.round(ms * 10) / 10]))

/** Of what was not answered over HTTP nothing but the whole is known. */
const inTotal = (total_ms: number): string => JSON.stringify(rounded({ total_ms }))

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
  if (receiver.expire_after_s !== null && ageOf(app, item) + wait_s >= receiver.expire_after_s) {
    return { state: 'expired', again_ms: null, exhausted: true }
  }
  return { state: 'pending', again_ms: wait_s * 1000, exhausted: false }
}

/** In seconds, by which it expires: from when it was made, or was last sent again by hand. */
export const ageOf = (app: App, { id, renewed_at }: DueDelivery): number =>
  (app.clock.now().getTime() - (renewed_at ?? timeOfId(id)).getTime()) / 1000

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
