/** What a payment or refund waits for that nobody saw the end of, and what is said of it. */

/** Vendors keep keys for 24 hours or longer; without a look-up it is all there is to ask by. */
export const KEY_KEPT_S = 23 * 3_600

export const NEVER_HEARD = {
  kind: 'refused',
  failure: { reason: 'not_found', code: null, message: 'the vendor knows nothing of it' },
  call_id: null,
} as const

/** It is not sent where it leads to now, and what is said there is not believed: the money would be another's. */
export const CHANGED = {
  reason: 'unknown',
  code: 'connection_changed',
  message:
    'its connection was given other settings or credentials since it was sent, and the vendor does not show it there; set them back for it to be settled, or say by /resolve what became of it',
} as const

export const GONE = {
  reason: 'unknown',
  code: 'connection_deleted',
  message: 'its connection was deleted before its outcome was known; say by /resolve what became of it',
} as const

export const TAKEN = {
  reason: 'duplicate',
  code: 'vendor_id_taken',
  message:
    'the vendor answered with an id that another payment or refund has; look at its papers, and say by /resolve what became of this one',
} as const
