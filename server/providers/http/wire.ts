import Type from 'typebox'
import type { WebhookMessage } from '../../kit/provider.ts'
import { standardPrefix } from '../../kit/signatures.ts'

/** Any JSON: what stands where is said by the settings of the source. */
export const AnyEvent = Type.Unknown()

/** Where the id of an event stands: Standard Webhooks has a header for it, others mostly `id`. */
export function placeOf({ settings, headers }: WebhookMessage): string {
  const place = settings['event_id']
  if (typeof place === 'string') return place
  return settings['signature'] === 'standard_webhooks' ? `header:${standardPrefix(headers)}-id` : 'id'
}

/** Text or a number at `data.order.id` of the body or `header:x-name`; null where neither stands there. */
export function valueAt(place: string, event: unknown, { headers }: WebhookMessage): string | null {
  const value = place.startsWith('header:')
    ? headers[place.slice(7).toLowerCase()]
    : memberAt(event, place.split('.'))
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : null
}

function memberAt(event: unknown, names: readonly string[]): unknown {
  let value = event
  for (const name of names) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

/** Unix times below this are seconds: as milliseconds they would lie in 1973. */
const SMALLEST_MS = 100_000_000_000

/** A number as it is, a time in milliseconds; null where the text is neither. */
export function positionOf(text: string | null, by: unknown): number | null {
  if (text === null) return null
  const number = /^[0-9]{1,16}(?:[.][0-9]+)?$/.test(text) ? Number(text) : null
  if (by === 'sequence') return number
  if (number !== null) return Math.floor(number < SMALLEST_MS ? number * 1000 : number)
  const time = Date.parse(text)
  return Number.isNaN(time) ? null : time
}
