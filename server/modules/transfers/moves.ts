import type { Refusal } from '../../kit/news.ts'
import type { VendorTransfer } from '../../kit/transfers.ts'

/**
 * The one place that says what a transfer may become. Until it is sent it is ours to hold and to give up; from then on
 * only the bank's word moves it, or that of somebody who looked at the bank's papers. Answers come late and twice: they
 * only lead forward, unless the bank was asked after the last move.
 */
export type Status =
  | 'awaiting_approval'
  | 'scheduled'
  | 'pending'
  | 'processing'
  | 'completed'
  | 'failed'
  | 'canceled'
  | 'returned'

/** Not sent: nobody has to be asked to give it up. */
export const HELD: readonly Status[] = ['awaiting_approval', 'scheduled', 'pending']
export const isHeld = (status: Status): boolean => HELD.includes(status)

/** What becomes of it while it is ours, and when it is sent. */
const OWN: Partial<Record<Status, readonly Status[]>> = {
  awaiting_approval: ['scheduled', 'pending', 'canceled'],
  scheduled: ['pending', 'canceled'],
  pending: ['processing', 'canceled', 'failed'],
  processing: ['pending'], // it was turned away on its way: nobody was asked
}

/** After it was sent. That money moved is believed of one that was given up for lost, too. */
const SENT: Partial<Record<Status, readonly Status[]>> = {
  processing: ['completed', 'failed', 'canceled', 'returned'],
  completed: ['returned'],
  failed: ['completed', 'returned'],
  canceled: ['completed', 'returned'],
}

/** What an answer to a question asked after the last move may do besides: it also corrects what somebody said. */
const CORRECTED: Partial<Record<Status, readonly Status[]>> = {
  completed: ['failed', 'canceled'],
  failed: ['processing'],
}

export const mayGo = (from: Status, to: Status): boolean => OWN[from]?.includes(to) ?? false

export type Standing = {
  status: Status
  vendor_id: string | null
  vendor_word: string | null
  receipt: string | null
  end_to_end_id: string | null
  returned: bigint
  failure: Refusal | null
}

/** What it is by the bank's word; null where nothing changes. */
export function nextOf(
  now: Standing & { amount: bigint },
  told: VendorTransfer,
  is_answer: boolean,
): Standing | null {
  if (isHeld(now.status) || isOfAnother(now.vendor_id, told.vendor_id)) return null
  const wanted = BY_WORD[told.status]
  const may = [...(SENT[now.status] ?? []), ...(is_answer ? (CORRECTED[now.status] ?? []) : [])]
  const moves = may.includes(wanted)
  // The word of an older answer is not the bank's word of now.
  const is_news = moves || (wanted === now.status && (is_answer || now.vendor_word === null))
  const status = moves ? wanted : now.status
  const after = {
    status,
    vendor_id: now.vendor_id ?? told.vendor_id ?? null,
    vendor_word: is_news ? (told.word ?? now.vendor_word) : now.vendor_word,
    receipt: told.receipt ?? now.receipt,
    end_to_end_id: now.end_to_end_id ?? told.end_to_end_id ?? null,
    returned: status === 'returned' ? BigInt(told.returned?.amount ?? now.amount) : 0n,
    failure: failureAfter(now, told, status, moves),
  }
  return isSame(now, after) ? null : after
}

const BY_WORD: Record<VendorTransfer['status'], Status> = {
  pending: 'processing',
  awaiting_release: 'processing',
  completed: 'completed',
  failed: 'failed',
  canceled: 'canceled',
  returned: 'returned',
}

const isOfAnother = (known: string | null, told: string | undefined): boolean =>
  known !== null && told !== undefined && known !== told

/** Why it failed or came back; a note that it is not known goes with the first answer. */
function failureAfter(now: Standing, told: VendorTransfer, status: Status, moves: boolean): Refusal | null {
  if (status !== 'failed' && status !== 'returned') return null
  return moves ? (told.failure ?? null) : now.failure
}

const isSame = (a: Standing, b: Standing): boolean =>
  a.status === b.status &&
  a.vendor_id === b.vendor_id &&
  a.vendor_word === b.vendor_word &&
  a.receipt === b.receipt &&
  a.end_to_end_id === b.end_to_end_id &&
  a.returned === b.returned &&
  (a.failure === null) === (b.failure === null)
