import { createHash } from 'node:crypto'

/**
 * What a charge and a refund are called at the PSP follows from our reference, so that asking twice makes one. A txid
 * has 26 to 35 letters and digits and a refund's id 1 to 35. Charges with a due date stand at another address of the
 * API, and their txids end in `v`: by its txid alone it is known where a charge is asked for.
 */
const OF_PAYMENT = /^pay([0-7][0-9a-hjkmnp-tv-z]{25})(v?)$/
const HASHED = /^[0-9a-f]{32}(v?)$/

export const txidOf = (reference: string, is_due: boolean): string =>
  `${legible(reference, 'pay') ?? hashed(reference)}${is_due ? 'v' : ''}`

/** Ours of a charge that we made; nothing of any other. */
export function referenceOf(txid: string): string | undefined {
  const [, id] = OF_PAYMENT.exec(txid) ?? []
  return id === undefined ? undefined : `pay_${id}`
}

export const isDue = (txid: string): boolean => (OF_PAYMENT.exec(txid)?.[2] ?? HASHED.exec(txid)?.[1]) === 'v'

export const refundIdOf = (reference: string): string => legible(reference, 'rfd') ?? hashed(reference)

export function refundReferenceOf(id: string): string | undefined {
  const [, rest] = /^rfd([0-7][0-9a-hjkmnp-tv-z]{25})$/.exec(id) ?? []
  return rest === undefined ? undefined : `rfd_${rest}`
}

/** An id of ours without its line, so that people know it again at the PSP. */
const legible = (reference: string, prefix: string): string | null =>
  new RegExp(`^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`).test(reference) ? reference.replace('_', '') : null

const hashed = (reference: string): string =>
  createHash('sha256').update(reference).digest('hex').slice(0, 32)
