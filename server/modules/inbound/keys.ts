import { hash } from 'node:crypto'
import { contentOf, type Place, plainBytes, type Reading } from '../../kit/messages.ts'
import { readJson } from '../../kit/wire_json.ts'
import type { NewMessage } from './queries.ts'
import type { Arrival } from './receive.ts'
import type { ActiveSource } from './sources.ts'

/** By what a message is known again, and among which it stands in line. */

const sha256 = (text: string | Buffer): Buffer => hash('sha256', text, 'buffer')

/**
 * What copies share, and by what a copy that differs is told: the body's hash. Where declared fields are the id, the
 * rest of the body may differ.
 */
export function identityOf(
  { provider, settings, options: { duplicates } }: ActiveSource,
  { envelope }: Reading,
  { headers, body }: Arrival,
): Pick<NewMessage, 'event_key' | 'fingerprint'> {
  const fingerprint = sha256(plainBytes({ headers, body }))
  if (duplicates.by === 'event_id') return { event_key: envelope.event_key, fingerprint }
  const values =
    duplicates.by === 'fields'
      ? valuesAt(contentOf(provider, { headers, body, settings }), duplicates.fields)
      : null
  if (!values) return { event_key: `sha256:${fingerprint.toString('hex')}`, fingerprint }
  const of_fields = sha256(values)
  return { event_key: `fields:${of_fields.toString('hex')}`, fingerprint: of_fields }
}

/** Of an event that was listed: any body of its id is a copy of it. */
export const ANY_BODY = Buffer.alloc(32)

const HASHED = /^(?:sha256|fields):/

/**
 * Of a body that is stored sealed: what few could have written is soon guessed by its hash, so that is kept as the blind
 * index of its tenant has it.
 */
export function blinded(message: NewMessage, index: (value: string) => Buffer): NewMessage {
  const { event_key, fingerprint } = message
  return {
    ...message,
    event_key: HASHED.test(event_key) ? `hmac:${index(event_key).toString('hex')}` : event_key,
    fingerprint: fingerprint.equals(ANY_BODY) ? ANY_BODY : index(fingerprint.toString('hex')),
  }
}

/** The values as JSON text; null where none of them stands there. */
function valuesAt(text: string, places: string[]): string | null {
  try {
    const event: unknown = readJson(text)
    const values = places.map((place) => memberAt(event, place.split('.')))
    return values.every((value) => value === undefined) ? null : JSON.stringify(values)
  } catch {
    return null
  }
}

function memberAt(event: unknown, names: readonly string[]): unknown {
  let value = event
  for (const name of names) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

const LONGEST_KEY = 255

/** A key of its own for another body under a known id: this body is known again too. */
export function changedKey({ event_key, fingerprint }: NewMessage): string {
  const mark = `#${fingerprint.toString('hex', 0, 16)}`
  return event_key.slice(0, LONGEST_KEY - mark.length).toWellFormed() + mark
}

/** Where a message stands in line: its lane, the same for all of its entity at this source, and its place there. */
export function laneOf(
  source: Pick<ActiveSource, 'id' | 'options' | 'provider'>,
  { place }: Reading,
): { lane: string | null; position: number | null } {
  if (!place || !isOrdered(source)) return { lane: null, position: null }
  return { lane: laneId(source.id, place), position: place.position }
}

/** Lanes cost statements, so a provider's own order is kept where the source asks for it. */
function isOrdered({ options, provider }: Pick<ActiveSource, 'options' | 'provider'>): boolean {
  const { by } = options.order
  return by === 'provider' || (by === 'settings' && typeof provider.webhooks?.order === 'function')
}

/** 128 bits of a hash: a collision would only make two entities wait for each other. */
function laneId(source_id: string, { entity_id }: Place): string {
  const hex = sha256(`${source_id} ${entity_id}`).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  )
}
