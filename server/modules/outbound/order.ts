import { createHash } from 'node:crypto'
import { Problem } from '../../platform/errors.ts'

/**
 * Order: none, over a whole subscription, or for each key, which is a path into the event. Only what has the same key
 * waits when one fails.
 */
export type Ordering = {
  per: 'subscription' | 'key'
  /** `entity_id`, `type` or `data.payment.id`; for `per: 'key'` alone. */
  key?: string
  /**
   * `block` tries the one in front until it is delivered or too old; `park` stops the key after so many attempts until
   * somebody decides; `skip` makes a dead letter of it and goes on.
   */
  on_failure: 'block' | 'park' | 'skip'
  /** Of `park` and `skip`; where it is not said, as many as the retry schedule has. */
  after_attempts?: number
}

const PATH = /^(type|entity_id|data(\.[^.\0]{1,100}){1,10})$/

export function checkOrdering(
  ordering: Omit<Ordering, 'on_failure'> & { on_failure?: Ordering['on_failure'] },
): Ordering {
  const { per, key, on_failure = 'block', after_attempts } = ordering
  if (per === 'key' && (key === undefined || !PATH.test(key))) {
    throw refused(
      'order.key',
      'must be entity_id, type or a path into the data of the event, such as data.payment.id',
    )
  }
  if (per === 'subscription' && key !== undefined) throw refused('order.key', 'is for order per key alone')
  if (on_failure === 'block' && after_attempts !== undefined) {
    throw refused('order.after_attempts', 'is for park and skip; what blocks is tried until it is delivered')
  }
  return {
    per,
    on_failure,
    ...(key !== undefined && { key }),
    ...(after_attempts !== undefined && { after_attempts }),
  }
}

const refused = (field: string, reason: string) =>
  new Problem('invalid_request', { field, detail: `${field} ${reason}` })

/** Longer ones, and those PostgreSQL cannot keep as text, are told apart by their hash. */
const MOST_KEY = 200

/**
 * The key of an event, or null where it keeps no order: without order, and where the path leads to no text, number or
 * truth value. What cannot be read keeps no order either, as it is delivered by every filter.
 */
export function laneKey(
  ordering: Ordering | null,
  { type, entity_id = null }: { type: string; entity_id?: string | null },
  data: () => unknown,
): string | null {
  if (!ordering) return null
  if (ordering.per === 'subscription') return ''
  const [head, ...path] = (ordering.key ?? '').split('.')
  const value = head === 'type' ? type : head === 'entity_id' ? entity_id : valueAt(data, path)
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return null
  const text = String(value)
  const plain = text.length <= MOST_KEY && !text.includes('\0') && text.isWellFormed()
  return plain ? text : `sha256:${createHash('sha256').update(text).digest('hex')}`
}

function valueAt(data: () => unknown, path: string[]): unknown {
  try {
    let value = data()
    for (const name of path) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
      value = (value as Record<string, unknown>)[name]
    }
    return value
  } catch {
    return undefined
  }
}
