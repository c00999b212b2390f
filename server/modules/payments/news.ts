import type { VendorDispute, VendorPayment, VendorRefund } from '../../kit/news.ts'
import { createBatch } from '../../platform/batch.ts'
import { isConnectionLoss, once, type Tx } from '../../platform/database/database.ts'
import { parseWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import type { Draft } from '../events/events.ts'
import { applyDispute } from './dispute_news.ts'
import * as known from './known_queries.ts'
import { wordOf } from './moves.ts'
import * as queries from './queries.ts'
import * as refunds from './refund_queries.ts'
import { applyRefund } from './refunds.ts'
import { applyWord } from './told.ts'

/**
 * What webhooks tell of payments of ours. Whether one is ours is read before, for many messages at once; what is told
 * becomes true in the transaction that closes the message, so that neither is there without the other.
 */
export type Told = { tenant_id: string; provider: string; connection_id: string | null; message_id: string }

/** `key` names what is locked, so that who locks several does it in one order. */
type Deed<What = Draft> = { key: string; run(tx: Tx): Promise<What[]> }
/** An event that is of the entity its vendor names, where it names none of ours. */
type Fact = Pick<Draft, 'type' | 'data'> & Partial<Draft>

/** Null where it is no payment of ours; `strangers` is what is told of one that turns out to be none. */
export async function reactToPayment(
  app: App,
  payment: VendorPayment,
  about: Told,
  strangers: Fact,
): Promise<Deed<Fact> | null> {
  const place = await placeOf(app, about, payment.vendor_id, payment.reference)
  if (!place) return null
  if (place.is_left) return isMoney(payment) ? null : { key: place.id, run: async () => [] }
  if (isPaidTwice(place, payment)) return null
  const cause = { cause: 'news', cause_id: about.message_id } as const
  return {
    key: place.id,
    run: async (tx) => {
      const row = await queries.lockPayment(tx, place)
      if (!row || awaitsReply(row, payment)) return []
      if (isPaidTwice(row, payment)) return [strangers] // by what was told along with it
      const applied = await applyWord(tx, place, wordOf(payment, row.currency), cause)
      return applied?.drafts ?? []
    },
  }
}

/** Other money than that which paid it is to go back to its payer, so it is told of as a stranger. */
const isPaidTwice = (
  { settlement_id: known }: Pick<Whose, 'settlement_id'>,
  { settlement_id: told, ...payment }: VendorPayment,
): boolean => known !== null && told !== undefined && told !== known && isMoney(payment)

/** That one which was left for another took money after all was told to be impossible: then it is told of as a stranger. */
const isMoney = ({ status }: Pick<VendorPayment, 'status'>): boolean =>
  !['pending', 'failed', 'canceled', 'expired'].includes(status)

/**
 * Of one that may yet go on to another connection, who sent it decides by the reply, or the job that settles it by
 * asking: news that it has begun or was declined would only keep it here. That money was taken is believed at once.
 */
const awaitsReply = (row: queries.PaymentRow, payment: VendorPayment): boolean =>
  row.may_move_on && row.status === 'processing' && row.vendor_id === null && !isMoney(payment)

/** Null where it is no refund of a payment of ours. One that was not made through us moves nothing by itself. */
export async function reactToRefund(app: App, refund: VendorRefund, about: Told): Promise<Deed | null> {
  const id = parseWire('refund', refund.reference ?? '')
  const came_back = refund.status === 'failed' || refund.status === 'canceled'
  const place = refund.payment_id && (id || came_back) ? await placeOf(app, about, refund.payment_id) : null
  if (!place) return null
  if (!id) return lookAgain(app, place)
  const { tenant_id } = place
  return {
    key: place.id,
    run: async (tx) => {
      const payment = await queries.lockPayment(tx, place)
      const known = payment && (await refunds.findRefund(tx, { tenant_id, id }))
      if (!known || known.payment_id !== payment.id) return []
      const { status, vendor_id } = refund
      return applyRefund(app, tx, tenant_id, payment, known, { status, vendor_id })
    },
  }
}

/** Null where it is no dispute of a payment of ours. */
export async function reactToDispute(app: App, dispute: VendorDispute, about: Told): Promise<Deed | null> {
  const place = await placeOf(app, about, dispute.payment_id)
  if (!place) return null
  const cause = { cause: 'news', cause_id: about.message_id } as const
  return {
    key: place.id,
    run: async (tx) => {
      const payment = await queries.lockPayment(tx, place)
      return payment ? applyDispute(app, tx, about.tenant_id, payment, dispute, cause) : []
    },
  }
}

/** The vendor may have told of it as given back before, and news never lowers that: how much really is, it is asked. */
const lookAgain = (app: App, place: queries.Place): Deed => ({
  key: place.id,
  run: async (tx) => {
    if (await queries.lockPayment(tx, place)) await queries.link(app, tx, place, { wait_s: 0 })
    return []
  },
})

type Whose = queries.Place & Pick<known.Known, 'settlement_id'> & { is_left: boolean }

/**
 * By the vendor's id of it; by ours while the vendor has not told us its own. Null where that is not one alone.
 * `is_left`: it was sent there, and went on to another connection since; which of two it is of is not known either where
 * the source does not say whose it is.
 */
async function placeOf(
  app: App,
  { tenant_id, provider, connection_id }: Told,
  vendor_id: string,
  reference = '',
): Promise<Whose | null> {
  const id = parseWire('payment', reference)
  const found = await seekers(app).add({ tenant_id, provider, vendor_id, id })
  const isHere = (one: known.Known) => connection_id === null || one.connection_id === connection_id
  const [only, ...others] = found.filter((one) => isHere(one) && (one.named_by === 'vendor' || one.is_untold))
  const left = found.find((one) => one.named_by === 'ours' && one.try_number > 1)
  if (left && (!only || (connection_id === null && only.named_by === 'ours')))
    return { ...left, is_left: true }
  return only && others.length === 0 ? { ...only, is_left: false } : null
}

/** Messages are read many at a time; they ask together. */
const seekers = once((app: App) =>
  createBatch<known.Sought, known.Known[]>({
    size: 256,
    parallel: 2,
    isFinal: isConnectionLoss,
    flush: async (sought) => {
      const found = await known.findKnown(app.db.worker, sought)
      const by_place = sought.map((): known.Known[] => [])
      for (const one of found) by_place[one.at]?.push(one)
      return by_place
    },
  }),
)
