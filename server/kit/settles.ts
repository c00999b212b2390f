import type { Payments, PaymentVerb } from './payments.ts'

/**
 * How an outcome nobody saw is found out, after a process died or a connection broke with the request already sent:
 * the same request again under its idempotency key, or another operation of the provider that only reads.
 */
export type Settles =
  /** Only while the vendor surely remembers the key: past that the request would be done a second time. */
  | { by: 'repeat'; within_h: number }
  /**
   * `input` makes what that operation takes; null where there is nothing to look by. Its `translate` gives null where
   * the vendor knows nothing of it.
   */
  | { by: 'lookup'; operation: string; input(input: unknown): unknown }

/** Vendors keep their keys for 24 hours or longer. */
const KEYS_KEPT_H = 23

const CHANGES = ['create', 'cancel', 'capture', 'refund']

/** What a provider's word for all of its payments (`settles`) means for one of its operations. */
export function settlesOf({ settles }: Payments, verb: PaymentVerb): Settles | undefined {
  if (!CHANGES.includes(verb)) return undefined
  if (settles === 'idempotency_key') return { by: 'repeat', within_h: KEYS_KEPT_H }
  if (settles !== 'lookup' || verb !== 'create') return undefined
  return { by: 'lookup', operation: 'payments.find_by_reference', input: byReference }
}

function byReference(input: unknown): unknown {
  const { reference, due_date } = input as { reference?: string; due_date?: string }
  return reference === undefined ? null : { reference, ...(due_date !== undefined && { due_date }) }
}

/** As it is kept beside a call: data alone, made from what the operation was given. */
export type SettlePlan =
  | { by: 'repeat'; within_h: number }
  | { by: 'lookup'; operation: string; input: unknown }

export function planOf(settles: Settles | undefined, input: unknown): SettlePlan | null {
  if (settles?.by !== 'lookup') return settles ?? null
  const found = settles.input(input)
  return found === null ? null : { by: 'lookup', operation: settles.operation, input: found }
}
