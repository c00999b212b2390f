import type { VendorCard, VendorCardStatus } from '../../kit/card_news.ts'

/**
 * The one place that says what a card may become. A block is ours to keep: what a vendor's news says against it is
 * looked into, and a card that its vendor has open though we blocked it is blocked there again. News comes twice, late
 * and out of order; of itself it only leads out of what nobody knows, and to the end. Whatever else it says is asked
 * for, and an answer to a question that was asked after the last move is believed.
 */
export type Status = 'processing' | 'inactive' | 'active' | 'blocked' | 'canceled' | 'failed'
export const REASONS = ['customer', 'lost', 'stolen', 'fraud'] as const
/** `vendor`: somebody did it there, past us. */
export type Reason = (typeof REASONS)[number] | 'vendor'

export type Standing = { status: Status; reason: Reason | null }

/** What somebody asks of a card that is there. */
export type Act = 'activate' | 'block' | 'unblock' | 'cancel'
export const DONE: Record<Act, string> = {
  activate: 'activated',
  block: 'blocked',
  unblock: 'unblocked',
  cancel: 'canceled',
}

/** From these a card that was blocked is not opened again; it is canceled, and another one issued. */
const FOR_GOOD: readonly (Reason | null)[] = ['lost', 'stolen', 'fraud']

/** Nobody opens it again. */
export const isShutForGood = ({ status, reason }: Standing): boolean =>
  status === 'canceled' || (status === 'blocked' && FOR_GOOD.includes(reason))

const FROM: Record<Act, readonly Status[]> = {
  activate: ['inactive'],
  block: ['inactive', 'active', 'blocked'],
  unblock: ['blocked'],
  cancel: ['inactive', 'active', 'blocked'],
}

/** Why not, in words; null where it may. */
export function whyNot(act: Act, now: Standing): string | null {
  if (!FROM[act].includes(now.status))
    return now.status === 'processing' ? 'it is being settled, read it again' : `it is ${now.status}`
  if ((act === 'unblock' || act === 'block') && now.status === 'blocked' && FOR_GOOD.includes(now.reason))
    return `it is blocked as ${now.reason}, which stays; cancel it and issue another`
  return null
}

/** What is wanted of the vendor. */
export type Wanted = 'active' | 'blocked' | 'canceled'
export const WANTED: Record<Act, Wanted> = {
  activate: 'active',
  unblock: 'active',
  block: 'blocked',
  cancel: 'canceled',
}

type Wished = Standing & { wish: { status?: Wanted; reason?: Reason } | null }

/** A block that is under way counts as done: nothing opens what somebody just reported. */
export const standingOf = ({ status, reason, wish }: Wished): Standing =>
  wish?.status && wish.status !== 'active'
    ? { status: wish.status, reason: wish.reason ?? null }
    : { status, reason }

/** As the vendors call it. */
export const AT_VENDOR = { active: 'active', blocked: 'inactive', canceled: 'canceled' } as const

export type Next =
  | { kind: 'same' }
  | { kind: 'move'; after: Standing }
  /** It may be old: the vendor is asked. */
  | { kind: 'look' }
  /** The vendor has open what is blocked: it is told again. */
  | { kind: 'repair' }

const SAME: Next = { kind: 'same' }
const move = (status: Status, reason: Reason | null = null): Next => ({
  kind: 'move',
  after: { status, reason },
})

/** `told` is how the vendor says it is; `reason` its word for why it is canceled. */
export function nextOf(
  now: Wished & { vendor_id: string | null },
  told: { status: VendorCardStatus; reason?: string },
  is_answer: boolean,
): Next {
  const { status } = told
  if (now.status === 'canceled') return SAME
  if (status === 'canceled') return move('canceled', whyCanceled(now, told.reason))
  if (now.status === 'processing' || now.status === 'failed')
    return now.status === 'failed' && now.vendor_id !== null
      ? SAME
      : move(status === 'active' ? 'active' : 'inactive')
  if (status === 'pending') return SAME
  if ((status === 'active') === (now.status === 'active')) return SAME
  if (!is_answer) return { kind: 'look' }
  if (status === 'inactive') return move('blocked', 'vendor')
  return now.status === 'blocked' && now.reason !== 'vendor' ? { kind: 'repair' } : move('active')
}

/** News of what we asked for may come before its answer, and not every vendor says why. */
const whyCanceled = ({ wish }: Wished, word: string | undefined): Reason | null =>
  wish?.status === 'canceled' ? (wish.reason ?? null) : (REASONS.find((one) => one === word) ?? 'vendor')

/** What the vendor made of what it was asked for. */
export function fulfilled(
  now: Wished & { vendor_id: string | null },
  wish: { status: Wanted; reason?: Reason | undefined },
  told: { status: VendorCardStatus; reason?: string },
): Next {
  if (now.status === 'canceled') return SAME
  if (told.status !== AT_VENDOR[wish.status]) return nextOf(now, told, true)
  const after = { status: wish.status, reason: wish.status === 'active' ? null : (wish.reason ?? null) }
  return after.status === now.status && after.reason === now.reason ? SAME : { kind: 'move', after }
}

/** As vendors write it; a word that nobody knows is taken as it comes. */
const ON_ITS_WAY = ['pending', 'submitted', 'shipped', 'delivered', 'returned']
type Shipping = NonNullable<VendorCard['shipping']>

/** Of a card on its way, what was known already where what is told is older. */
export function shippingAfter(now: Shipping | null | undefined, told: Shipping): Shipping {
  const [before, after] = [now, told].map((one) => ON_ITS_WAY.indexOf(one?.status ?? ''))
  const is_older = after !== undefined && before !== undefined && after >= 0 && after < before
  return now && is_older ? now : told
}

/** What is told of a move; null: nothing. */
export function typeOf(before: Standing, after: Standing): string | null {
  if (after.status === 'failed') return 'card.failed'
  if (before.status === 'processing' || before.status === 'failed')
    return after.status === 'canceled' ? 'card.canceled' : 'card.issued'
  if (after.status === 'active') return before.status === 'blocked' ? 'card.unblocked' : 'card.activated'
  if (after.status === 'blocked') return 'card.blocked'
  return after.status === 'canceled' ? 'card.canceled' : null
}
