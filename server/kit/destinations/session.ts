import type { ClientIdentity, Egress } from '../../platform/egress/egress.ts'

/** What every kind of destination is made of: where it is, a session with it, and what came of a message. */

export type DestinationAuth =
  | { type: 'basic'; username: string; password: string }
  | { type: 'bearer'; token: string }
  /** A certificate of ours, shown where the broker asks for one; and a login, where it wants both. */
  | { type: 'mtls'; identity: ClientIdentity; username?: string | undefined; password?: string | undefined }
  | { type: 'scram'; mechanism: 'sha-256' | 'sha-512'; username: string; password: string }
  | { type: 'aws'; access_key_id: string; secret_access_key: string; session_token?: string | undefined }

/** What is logged in with, by itself or beside a certificate. */
export function loginOf(auth: DestinationAuth | null): { username: string; password: string } | null {
  if (auth?.type === 'basic') return auth
  if (auth?.type !== 'mtls' || auth.username === undefined) return null
  return { username: auth.username, password: auth.password ?? '' }
}

export const identityOf = (auth: DestinationAuth | null): ClientIdentity | null =>
  auth?.type === 'mtls' ? auth.identity : null

export type Message = {
  /** The same for every attempt, so that whoever reads knows a copy. */
  id: string
  /** Of this message at its subscription: by it a broker leaves out copies itself. Two subscriptions may write to one place. */
  copy_id: string
  type: string
  /** Of the attempt. */
  timestamp: Date
  /** Lower-case names; no line breaks. */
  headers: Record<string, string>
  body: string | Buffer
  /** What this message is about, or keeps an order by: those that share it stay together where the broker parts its messages. */
  key: string | null
}

/** What became of a message. An `error` that was `sent` may have arrived: it is sent again, under the same id. */
export type Landing =
  | { kind: 'accepted'; answer: Record<string, string | number | boolean> }
  | { kind: 'refused'; message: string }
  | { kind: 'error'; sent: boolean; message: string }

/** Where on the server: a topic, a stream, an exchange and a routing key. */
export type Target = Record<string, string>

export type Opening = { egress: Egress; auth: DestinationAuth | null; timeout_ms: number }

export type Session = {
  /** Throws where the confirmation did not come: an error whose `sent` is false never left. */
  publish(target: Target, message: Message, timeout_ms: number): Promise<Landing>
  /** Settles when nothing more can be published. */
  ended: Promise<unknown>
  /** Whether it keeps the process alive. */
  hold(is_held: boolean): void
  end(): void
}

export type Destination = {
  kind: 'amqp' | 'kafka' | 'nats' | 'redis' | 'sqs'
  /** As it is kept and shown. */
  url: string
  /** Those who publish here with the same credentials share a session. */
  server: string
  target: Target
  takes: readonly DestinationAuth['type'][]
  open(opening: Opening): Promise<Session>
}

/** The destination, or why the address is none, in words. */
export type Reader = (text: string) => Destination | string

/**
 * A topic, subject, stream or routing key that is another for each event: `{type}` is its type, `{family}` the first word
 * of it and `{name}` the rest, so that `{family}s.{name}` of `payment.completed` is `payments.completed`; `{key}` the key.
 * Other braces stay.
 */
export function placeFor(template: string, { type, key }: Pick<Message, 'type' | 'key'>): string {
  const [family = '', ...rest] = type.split('.')
  const words: Record<string, string> = { type, family, name: rest.join('.') || type, key: key ?? '' }
  return template.replace(/[{](type|family|name|key)[}]/g, (_all, word: string) => words[word] ?? '')
}

/** As it might come to be, for what can be said of it before there is an event. */
export const examplePlace = (template: string): string =>
  placeFor(template, { type: 'type.of_event', key: '{key}' })

/** As it is kept and shown: with its braces, which a URL would spell otherwise. */
export const shownUrl = ({ href }: URL): string => href.replaceAll('%7B', '{').replaceAll('%7D', '}')

type Lost = Error & { sent: boolean }

/** To be thrown: no confirmation came. */
export const lost = (sent: boolean, message: string): Lost => Object.assign(new Error(message), { sent })

export const wasSent = (error: unknown): boolean => (error as Partial<Lost>)?.sent !== false

/** A path or a query as it is meant; null where it is written wrongly. */
export function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** Why a query holds what the kind does not know, or null. */
export function unknownOption(url: URL, known: readonly string[]): string | null {
  const unknown = [...url.searchParams.keys()].find((name) => !known.includes(name))
  if (unknown === undefined) return null
  return `?${unknown} is not known here; there is ${known.map((name) => `?${name}`).join(' and ')}`
}
