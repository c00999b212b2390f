import type { TSchema } from 'typebox'
import type { AuthorizationQuestion, Verdict } from './card_news.ts'
import type { CatchUp } from './catch_up.ts'
import type { Field, Settings } from './fields.ts'
import type { News } from './news.ts'
import type { PerSettings } from './provider.ts'
import type { Registration } from './registration.ts'
import type { SignatureScheme } from './signatures.ts'

/** What a provider says of the webhooks it sends: data and pure functions, like the rest of it. */

/** One received message, for the translations that need more than the parsed body. */
export type WebhookMessage = {
  /** Names in lower case. */
  headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The body as it came; of a form what it holds, as JSON (`form` of `Webhooks`). */
  text: string
  settings: Settings
  /** What the vendor said when it was asked before the message was believed, as JSON text (`first` of `Webhooks`). */
  read_back?: string | undefined
}

/**
 * What is done before a message is believed: an address the vendor wants visited; a question through the connection of
 * the source, whose answer `translate` finds in `read_back`, where nothing signs; or nothing can be asked, and so it is
 * not believed.
 */
export type FirstStep =
  | { visit: string }
  | { ask: { operation: string; input: unknown } | { path: string } }
  | { doubt: string }

/** What a vendor is answered. `body` goes out as it is. */
export type WebhookReply = {
  status: number
  content_type: string
  body: string
  headers?: Readonly<Record<string, string>>
}

/** A request by which a vendor tries an address before it uses it. A GET or HEAD is not signed; a POST has verified. */
export type Handshake = WebhookMessage & {
  method: string
  query: Readonly<Record<string, string>>
  secrets: readonly string[]
}

export type Webhooks<Event = unknown> = {
  signature: PerSettings<SignatureScheme>
  /** Settings of a source, beside its secrets. */
  fields: readonly Field[]
  /** Where bodies may be forms: the event is the JSON in the field `json_in`, or the fields themselves without it. */
  form?: PerSettings<{ json_in: string | null }>
  /** How the vendor is told the address; absent where that is done in its own pages. */
  registration?: Registration
  /** The answer to a handshake, which is not stored; null where the request is none. */
  challenge?(handshake: Handshake): WebhookReply | null
  /** What the vendor must be answered once a message is stored; otherwise our own JSON with the message's id. */
  reply?: WebhookReply
  /**
   * Of a vendor that waits for a decision: what this message asks, null where it asks nothing, and how a decision is
   * told. Whoever decides stands above; the message is stored before.
   */
  decides?: {
    question(event: Event, message: WebhookMessage): AuthorizationQuestion | null
    answer(verdict: Verdict): WebhookReply
  }
  reads: TSchema
  /** The vendor's id of the event, by which copies are known; null where the message has none. */
  event_id(event: Event, message: WebhookMessage): string | null
  event_type(event: Event, message: WebhookMessage): string | null
  /** What the message is about: found by it, and carried by its events. */
  entity_id?(event: Event, message: WebhookMessage): string | null
  /** By what the messages of one entity stand in line; absent or null: they are processed side by side. */
  order?: PerSettings<OrderBy | null>
  /** The number a `sequence` counts by, or the vendor's time in milliseconds; null where this message has none. */
  position?(event: Event, message: WebhookMessage): number | null
  /** Other ids that stand in it and by which people look for it, such as an order's or a customer's. */
  external_ids?(event: Event, message: WebhookMessage): (string | null | undefined)[]
  /** What the same id with another body is: a copy that differs, and is flagged, or more to tell (Pix). */
  same_id?: 'flag' | 'news'
  /** What is done before the message is believed; null where nothing is. */
  first?(event: Event, message: WebhookMessage): FirstStep | null
  /** Where the vendor keeps its events and lists them. */
  catch_up?: CatchUp
  translate(event: Event, message: WebhookMessage): News[]
}

/**
 * `sequence` counts from 1 without a gap, so a missing number can be waited for; `time` only sorts what waits and
 * tells what came late; `arrival` is the order in which we answered.
 */
export type OrderBy = 'sequence' | 'time' | 'arrival'
