import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { isPacked, textOf, unpack } from './bodies.ts'
import { type Settings, withDefaults } from './fields.ts'
import type { News } from './news.ts'
import {
  type FirstStep,
  type Handshake,
  type OrderBy,
  type Provider,
  perSettings,
  type WebhookMessage,
  type WebhookReply,
  type Webhooks,
} from './provider.ts'
import { inWords, readText, translated } from './reads.ts'
import {
  coversBody,
  credentialHeaders,
  type SignatureScheme,
  usesSecrets,
  type Verified,
  type VerifyInput,
  verify,
  type WebhookHeaders,
} from './signatures.ts'

/** A received webhook, from its bytes to news. The door verifies and takes the key; the worker translates. */
export type Received = {
  headers: WebhookHeaders
  body: Buffer
  settings: Settings
  read_back?: string | undefined
  /** What a reading of these bytes found, so that nobody reads them again. */
  whole?: Whole | undefined
}

export type Envelope = {
  /** What copies of one event share: the vendor's id of it, or the body's SHA-256 where there is none. */
  event_key: string
  /** The vendor's word for what happened. */
  event_type: string | null
  /** What the message is about: found by it, and carried by its events. */
  entity_id: string | null
  /** Why the body cannot be read, in words that name the field; null where it can. */
  problem: string | null
}

/** Where a message stands among those of its entity. */
export type Place = { entity_id: string; by: OrderBy; position: number }

/** What is read of a message before it is translated. */
export type Reading = { envelope: Envelope; place: Place | null; external_ids: string[]; whole: Whole }

export type Translated = { ok: true; news: News[] } | { ok: false; problem: string }

/**
 * Verifies over the bytes by the provider's own scheme, or the one the source's settings name. A compressed body is
 * judged by what it unpacks to, as nearly all senders sign, and where that is not it by the bytes as they came.
 */
export function verifyMessage(provider: Provider, received: Received & VerifyInput): Verified {
  const scheme = schemeOf(provider, received.settings)
  if (!isPacked(received.headers)) return verify(scheme, received)
  const unpacked = unpack(received.headers, received.body, MOST_UNPACKED)
  const verdict: Verified = unpacked.ok ? verify(scheme, { ...received, body: unpacked.body }) : UNPACKABLE
  if (verdict.ok || !['bad_signature', 'malformed'].includes(verdict.reason)) return verdict
  const as_it_came = verify(scheme, received)
  return as_it_came.ok ? as_it_came : verdict
}

const UNPACKABLE: Verified = { ok: false, reason: 'malformed', detail: 'the body cannot be unpacked' }

/** The headers by which a message verified and which are a secret themselves: not to be kept. */
export const secretHeaders = (provider: Provider, settings: Settings): readonly string[] =>
  credentialHeaders(schemeOf(provider, settings))

/** Whether the signature of the body stands in this header: no credential then, and it verifies again. */
export function isSignedIn(provider: Provider, settings: Settings, header: string): boolean {
  const scheme = schemeOf(provider, settings)
  return 'header' in scheme && scheme.header === header && coversBody(scheme)
}

/** Whether it is verified by a certificate: what tells of it is then kept with the message. */
export const isMutualTls = (provider: Provider, settings: Settings): boolean =>
  schemeOf(provider, settings).kind === 'mtls'

/** The address with its secret in it, where that is the proof of who calls; otherwise as it is. */
export function addressToTell(
  provider: Provider,
  { settings, secret, url }: { settings: Settings; secret: string | null; url: string },
): string {
  const scheme = schemeOf(provider, settings)
  if (scheme.kind !== 'address_token' || secret === null) return url
  const token = encodeURIComponent(secret)
  return scheme.in === 'path' ? `${url}/${token}` : `${url}?${scheme.name}=${token}`
}

/** Whether somebody must have a secret before its messages verify. */
export const needsSecret = (provider: Provider, settings: Settings): boolean =>
  usesSecrets(schemeOf(provider, settings))

/** What a message is verified by, in the word of the kit. */
export const schemeKind = (provider: Provider, settings: Settings): SignatureScheme['kind'] =>
  schemeOf(provider, settings).kind

function schemeOf(provider: Provider, settings: Settings): SignatureScheme {
  const webhooks = webhooksOf(provider)
  return perSettings(webhooks.signature, completed(webhooks, settings))
}

/**
 * What a vendor is answered that tries the address; null where it is no handshake. Like all that is answered before
 * anything is known of the sender it never throws.
 */
export function answerHandshake(
  provider: Provider,
  request: Received & Pick<Handshake, 'method' | 'query' | 'secrets'>,
): WebhookReply | null {
  const webhooks = webhooksOf(provider)
  if (!webhooks.challenge) return null
  const { method, query, secrets } = request
  try {
    return webhooks.challenge({ ...toMessage(webhooks, request, request.body), method, query, secrets })
  } catch {
    return null
  }
}

/**
 * Never throws: a genuine message that cannot be read, or that the provider's own functions trip over, has the key of
 * its bytes and says why. It must be stored all the same.
 */
export function readMessage(provider: Provider, received: Received): Reading {
  const webhooks = webhooksOf(provider)
  const whole = readWhole(webhooks, received)
  if (!whole.ok) return unread(received, whole, whole.problem)
  const { event, message } = whole
  try {
    const id = webhooks.event_id(event, message)
    const entity_id = cut(webhooks.entity_id?.(event, message) ?? null)
    const envelope = {
      event_key: id === null || id === '' ? bodyKey(plainBytes(received)) : storable(id),
      event_type: cut(webhooks.event_type(event, message)),
      entity_id,
      problem: null,
    }
    const place = entity_id ? placeIn(webhooks, entity_id, event, message) : null
    return { envelope, place, external_ids: idsIn(webhooks, event, message), whole }
  } catch (error) {
    return unread(received, whole, `${provider.id} could not name it: ${(error as Error).message}`)
  }
}

/** What the body holds, as JSON text where it is a form or XML; empty where it cannot be unpacked. Never throws. */
export function contentOf(provider: Provider, received: Received): string {
  const whole = readWhole(webhooksOf(provider), received)
  return whole.ok ? whole.message.text : ''
}

export const readEnvelope = (provider: Provider, received: Received): Envelope =>
  readMessage(provider, received).envelope

/** One without a position, where the others have one, has no place among them. */
function placeIn(
  webhooks: Webhooks,
  entity_id: string,
  event: unknown,
  message: WebhookMessage,
): Place | null {
  const by = webhooks.order === undefined ? null : perSettings(webhooks.order, message.settings)
  if (by === null) return null
  if (by === 'arrival') return { entity_id, by, position: 0 }
  const position = webhooks.position?.(event, message) ?? null
  return position !== null && Number.isSafeInteger(position) && position > 0
    ? { entity_id, by, position }
    : null
}

const MOST_IDS = 20

const idsIn = (webhooks: Webhooks, event: unknown, message: WebhookMessage): string[] =>
  (webhooks.external_ids?.(event, message) ?? []).flatMap((id) => cut(id || null) ?? []).slice(0, MOST_IDS)

const unread = (received: Received, whole: Whole, problem: string): Reading => ({
  envelope: { event_key: bodyKey(plainBytes(received)), event_type: null, entity_id: null, problem },
  place: null,
  external_ids: [],
  whole,
})

/** What is to be done before the message is believed; nothing where it cannot be read, which `translateMessage` tells. */
export function firstStep(provider: Provider, received: Received): FirstStep | null {
  const webhooks = webhooksOf(provider)
  if (!webhooks.first) return null
  const whole = readWhole(webhooks, received)
  if (!whole.ok) return null
  try {
    return webhooks.first(whole.event, whole.message)
  } catch (error) {
    return { doubt: `${provider.id} could not say how to ask for it: ${(error as Error).message}` }
  }
}

/** What the message means. A message that means nothing to us is no news, not a problem. */
export function translateMessage(provider: Provider, received: Received): Translated {
  const webhooks = webhooksOf(provider)
  const whole = readWhole(webhooks, received)
  if (!whole.ok) return whole
  const news = translated(() => webhooks.translate(whole.event, whole.message))
  return news.ok ? { ok: true, news: news.value } : news
}

function webhooksOf(provider: Provider): Webhooks {
  if (!provider.webhooks) throw new Error(`${provider.id} sends no webhooks`)
  return provider.webhooks
}

const completed = (webhooks: Webhooks, settings: Settings) => withDefaults(webhooks.fields, settings)

/** Past the door nothing is larger than it let in. */
const MOST_UNPACKED = 64 * 1024 * 1024

function toMessage(
  webhooks: Webhooks,
  { headers, settings, read_back }: Received,
  body: Buffer,
): WebhookMessage {
  const complete = completed(webhooks, settings)
  const form = webhooks.form ? perSettings(webhooks.form, complete) : null
  return { headers, text: textOf(headers, body, form), settings: complete, read_back }
}

/** A body unpacked, as JSON text, and as the event that its provider reads; or why it is none. */
export type Whole = { ok: true; message: WebhookMessage; event: unknown } | { ok: false; problem: string }

/** Never throws. */
export function readWhole(webhooks: Webhooks, received: Received): Whole {
  const { whole, read_back } = received
  if (!whole) return readBytes(webhooks, received)
  return whole.ok ? { ...whole, message: { ...whole.message, read_back } } : whole
}

function readBytes(webhooks: Webhooks, received: Received): Whole {
  const unpacked = unpack(received.headers, received.body, MOST_UNPACKED)
  if (!unpacked.ok) return { ok: false, problem: `the body cannot be unpacked: ${unpacked.detail}` }
  try {
    const message = toMessage(webhooks, received, unpacked.body)
    if (!isUtf8(unpacked.body) && message.text === unpacked.body.toString()) return NOT_UTF8
    const event = readText(webhooks.reads, message.text)
    return event.ok
      ? { ok: true, message, event: event.value }
      : { ok: false, problem: inWords(event.errors) }
  } catch (error) {
    return { ok: false, problem: `the body ${(error as Error).message}` }
  }
}

/**
 * What the body unpacks to, by which copies are told: one that is sent again is often packed anew, and the time that is
 * written into gzip makes other bytes of it. As it came where it cannot be unpacked.
 */
export function plainBytes({ headers, body }: Pick<Received, 'headers' | 'body'>): Buffer {
  if (!isPacked(headers)) return body
  const unpacked = unpack(headers, body, MOST_UNPACKED)
  return unpacked.ok ? unpacked.body : body
}

const NOT_UTF8: Whole = { ok: false, problem: 'the body is not valid UTF-8' }

const LONGEST_KEY = 255

const bodyKey = (body: Buffer) => `sha256:${createHash('sha256').update(body).digest('hex')}`

/** PostgreSQL takes no NUL and an index no long key; neither may cost a message. */
const storable = (id: string) => (id.length <= LONGEST_KEY && isText(id) ? id : bodyKey(Buffer.from(id)))

const isText = (text: string) => !text.includes('\0') && text.isWellFormed()

const cut = (text: string | null) =>
  text === null ? null : text.replaceAll('\0', '').toWellFormed().slice(0, LONGEST_KEY).toWellFormed()
