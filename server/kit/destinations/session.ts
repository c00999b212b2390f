import type { Egress } from '../../platform/egress/egress.ts'

/** What every kind of destination is made of: where it is, a session with it, and what came of a message. */

export type DestinationAuth =
  | { type: 'basic'; username: string; password: string }
  | { type: 'bearer'; token: string }
  | { type: 'scram'; mechanism: 'sha-256' | 'sha-512'; username: string; password: string }
  | { type: 'aws'; access_key_id: string; secret_access_key: string; session_token?: string | undefined }

export type Message = {
  /** The same for every attempt, so that whoever reads knows a copy. */
  id: string
  type: string
  /** Of the attempt. */
  timestamp: Date
  /** Lower-case names; no line breaks. */
  headers: Record<string, string>
  body: string | Buffer
  /** What this message keeps an order by: those that share it stay together where the broker parts its messages. */
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
