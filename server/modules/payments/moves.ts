import type { PaymentStatus, Refusal, VendorPayment } from '../../kit/news.ts'

/**
 * The one place that says what a payment may become. Vendors' news comes twice, late and out of order; what is told
 * may only lead forward, so that old news changes nothing. An answer to a question that was asked after the last move
 * is newer than all of it, and may also correct what was believed.
 */
export type Status = 'processing' | PaymentStatus

/** What is known of a payment; amounts in minor units. */
export type Standing = {
  status: Status
  vendor_id: string | null
  amount: bigint
  captured: bigint
  refunded: bigint
  failure: Refusal | null
  /** The vendor's id of the money that came, where it is not the payment's own. */
  settlement_id: string | null
  /** When the payer can pay no longer, RFC 3339. */
  expires_at: string | null
  /** By which the payer pays, while it waits for that. */
  pix_code: string | null
}

/** What somebody says of it. Amounts that are absent were not spoken of. */
export type Word = {
  status: Status
  vendor_id?: string
  captured?: bigint
  refunded?: bigint
  failure?: Refusal
  settlement_id?: string
  expires_at?: string
  pix_code?: string
}

/** Money was taken; which of the three it is follows from how much of it was given back. */
const TAKEN: readonly Status[] = ['completed', 'partially_refunded', 'refunded']
export const isTaken = (status: Status): boolean => TAKEN.includes(status)

/**
 * `completed` stands for all of `TAKEN`. That money was taken is believed of a payment in any state: a slip may be
 * paid after it expired. `failed` is the end of one try where the vendor lets the payer try again.
 */
const FORWARD: Record<Status, readonly Status[]> = {
  processing: ['pending', 'authorized', 'completed', 'failed', 'canceled', 'expired', 'disputed'],
  pending: ['authorized', 'completed', 'failed', 'canceled', 'expired', 'disputed'],
  authorized: ['completed', 'canceled', 'expired', 'disputed'],
  failed: ['authorized', 'completed', 'canceled', 'expired', 'disputed'],
  canceled: ['completed', 'disputed'],
  expired: ['completed', 'disputed'],
  completed: ['disputed'],
  partially_refunded: ['disputed'],
  refunded: ['disputed'],
  disputed: [],
}

/** What an answer may do besides. Nothing takes back that money was taken. */
const CORRECTED: Partial<Record<Status, readonly Status[]>> = {
  authorized: ['failed'],
  failed: ['pending'],
  disputed: ['completed'],
}

/**
 * Some vendors have one word for money that was given back and for a hold that was let go: of what was taken, whole as far
 * as we know, it says the former.
 */
export function meant({ status }: Pick<Standing, 'status'>, { refunded, ...word }: Word): Word {
  if (refunded === undefined) return word
  if (word.status !== 'canceled') return { ...word, refunded }
  return status === 'completed' || status === 'refunded' ? { ...word, status: 'refunded', refunded } : word
}

/** What it is after `told`; null where nothing changes. */
export function nextOf(now: Standing, told: Word, is_answer = false): Standing | null {
  const word = meant(now, told)
  if (isOfAnother(now.vendor_id, word.vendor_id) || isOfAnother(now.settlement_id, word.settlement_id))
    return null
  const wanted = isTaken(word.status) ? 'completed' : word.status
  const may = [...FORWARD[now.status], ...(is_answer ? (CORRECTED[now.status] ?? []) : [])]
  const base = may.includes(wanted) ? wanted : now.status
  const captured = capturedAfter(now, word, base)
  const refunded = refundedAfter(now, word, captured, is_answer)
  const status = isTaken(base) ? takenStatus(captured, refunded) : base
  const failure = status === 'failed' ? (word.failure ?? now.failure) : null
  const vendor_id = now.vendor_id ?? word.vendor_id ?? null
  const settlement_id = now.settlement_id ?? word.settlement_id ?? null
  const expires_at = word.expires_at ?? now.expires_at
  const pix_code = status === 'pending' ? (word.pix_code ?? now.pix_code) : null
  const known = { settlement_id, expires_at, pix_code }
  const after = { ...now, status, vendor_id, captured, refunded, failure, ...known }
  return isSame(now, after) ? null : after
}

/** Of another payment at the vendor, or of other money than that which paid this one. */
const isOfAnother = (known: string | null, told: string | undefined): boolean =>
  known !== null && told !== undefined && known !== told

/** A vendor says 0 for what is not captured yet. */
function capturedAfter(now: Standing, word: Word, base: Status): bigint {
  if (!isTaken(base) && base !== 'disputed') return now.captured
  if (word.captured !== undefined && word.captured > 0n) return word.captured
  return now.captured > 0n ? now.captured : now.amount
}

/** What was given back only grows, unless an answer says that some of it did not arrive. */
function refundedAfter(now: Standing, word: Word, captured: bigint, is_answer: boolean): bigint {
  const told = word.refunded ?? (word.status === 'refunded' ? captured : undefined)
  if (told === undefined) return now.refunded
  return is_answer || told > now.refunded ? told : now.refunded
}

function takenStatus(captured: bigint, refunded: bigint): Status {
  if (refunded === 0n) return 'completed'
  return refunded >= captured ? 'refunded' : 'partially_refunded'
}

const isSame = (a: Standing, b: Standing): boolean =>
  a.status === b.status &&
  a.vendor_id === b.vendor_id &&
  a.captured === b.captured &&
  a.refunded === b.refunded &&
  a.settlement_id === b.settlement_id &&
  a.expires_at === b.expires_at &&
  a.pix_code === b.pix_code

/** Whether others are to be told. */
export const isNews = (before: Standing, after: Standing): boolean =>
  before.status !== after.status || before.refunded !== after.refunded

/** Amounts of another currency are not ours to reckon with. */
export function wordOf(payment: VendorPayment, currency: string): Word {
  const { status, vendor_id, captured, refunded, failure, settlement_id, action } = payment
  const units = (money: VendorPayment['money'] | undefined) =>
    money?.currency === currency ? BigInt(money.amount) : undefined
  const [taken, given] = [units(captured), units(refunded)]
  return {
    status,
    vendor_id,
    ...(taken !== undefined && { captured: taken }),
    ...(given !== undefined && { refunded: given }),
    ...(failure && { failure }),
    ...(settlement_id !== undefined && { settlement_id }),
    ...(action?.pix_code !== undefined && { pix_code: action.pix_code }),
    ...(action?.expires_at !== undefined && { expires_at: action.expires_at }),
  }
}

/** Clocks differ, and the vendor may be a moment behind. */
export const GRACE_MS = 60_000

/** Vendors leave what was not paid in time as it was: what still waits when it was asked after that is over. */
export const isOver = (expires_at: string | null | undefined, asked_at: Date): boolean =>
  expires_at != null && asked_at.getTime() > Date.parse(expires_at) + GRACE_MS

/** As the vendors' word for a refund, and ours while nobody knows. */
export type RefundStatus = 'processing' | 'pending' | 'completed' | 'failed' | 'canceled'

/** A refund that went through may still come back from the payer's bank. */
const REFUND_FORWARD: Record<RefundStatus, readonly RefundStatus[]> = {
  processing: ['pending', 'completed', 'failed', 'canceled'],
  pending: ['completed', 'failed', 'canceled'],
  completed: ['failed', 'canceled'],
  failed: [],
  canceled: [],
}

/** One that failed without the vendor ever having told of it may be there after all: then the vendor is right. */
export const mayRefundBecome = (
  now: { status: RefundStatus; vendor_id: string | null },
  next: RefundStatus,
): boolean =>
  REFUND_FORWARD[now.status].includes(next) ||
  (now.status === 'failed' && now.vendor_id === null && next === 'completed')

/** What may still be asked back: what is under way counts as gone. */
export function leftToRefund(
  payment: Pick<Standing, 'captured' | 'refunded'>,
  ours: { settled: bigint; open: bigint },
): bigint {
  // What the vendor told may have ours in it or not: it is not less than either.
  const gone = [payment.refunded, ours.settled].reduce(larger)
  return [payment.captured - gone - ours.open, 0n].reduce(larger)
}

function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a
  return b
}
