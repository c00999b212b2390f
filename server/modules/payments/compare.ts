import type { VendorPayment } from '../../kit/news.ts'
import { isTaken, meant, type Standing, wordOf } from './moves.ts'

/** What differs between a payment as the vendor lists it and as we have it. Pure. */
export const KINDS = [
  'missing_here',
  'missing_there',
  'status_differs',
  'amount_differs',
  'refund_differs',
] as const
export type DifferenceKind = (typeof KINDS)[number]

/** All that differs; what follows from another difference is not told beside it. */
export function differencesOf(ours: Standing, currency: string, theirs: VendorPayment): DifferenceKind[] {
  const word = meant(ours, wordOf(theirs, currency))
  if (stageOf(ours.status) !== stageOf(word.status)) return ['status_differs']
  const amount = BigInt(theirs.money.amount)
  const is_other =
    ours.settlement_id !== null && (word.settlement_id ?? ours.settlement_id) !== ours.settlement_id
  if (theirs.money.currency !== currency || is_other) return ['amount_differs']
  if (!isTaken(ours.status)) return amount === ours.amount ? [] : ['amount_differs']
  const is_same_amount =
    word.captured === undefined ? amount === ours.amount : word.captured === ours.captured
  const is_same_refund = word.refunded === undefined || word.refunded === ours.refunded
  return [
    ...(is_same_amount ? [] : (['amount_differs'] as const)),
    ...(is_same_refund ? [] : (['refund_differs'] as const)),
  ]
}

/** The parts of what was taken are compared by their amounts, and what was never paid is alike however it ended. */
function stageOf(status: Standing['status']): string {
  if (isTaken(status)) return 'taken'
  return status === 'authorized' || status === 'disputed' ? status : 'unpaid'
}

/** Whether money moved, or may: what nobody ever paid is not missed here. */
export const isMoney = ({ status }: VendorPayment): boolean =>
  isTaken(status) || status === 'authorized' || status === 'disputed'
