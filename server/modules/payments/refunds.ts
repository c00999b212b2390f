import type { Refusal, VendorRefund } from '../../kit/news.ts'
import { inTenant, sqlState, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { type Answer, never } from '../calls/calls.ts'
import { accountOf, type OpenConnection } from '../connections/connections.ts'
import { type Draft, indexerOf, tell } from '../events/events.ts'
import { audit } from '../tenants/tenants.ts'
import { isAgainst, isInquiry } from './dispute_moves.ts'
import { listOfPayment } from './dispute_queries.ts'
import { isTaken, leftToRefund, mayRefundBecome, type RefundStatus } from './moves.ts'
import * as queries from './queries.ts'
import { must } from './queries.ts'
import * as refunds from './refund_queries.ts'
import type { CreateRefund } from './schema.ts'
import { TAKEN } from './stuck.ts'
import { applyWord } from './told.ts'
import { ask } from './vendor.ts'
import { PATIENCE_S } from './waiting.ts'

/** Refunds: reserved under the lock of their payment before the vendor is asked, so that all of them never exceed it. */

const SOON_S = 5

/** What a connection's account is known again by; the account itself is nowhere beside the vault. */
export const markOf = async (app: App, connection: OpenConnection): Promise<Buffer> =>
  (await indexerOf(app, connection.tenant_id))(accountOf(connection))

/** On record, with what it takes away from what is left, for that account alone; the vendor has not been asked. */
export function reserveRefund(
  app: App,
  actor: Actor,
  place: queries.Place,
  { amount, reason }: CreateRefund,
  account: Buffer | null,
): Promise<{ payment: queries.PaymentRow; refund: refunds.RefundRow }> {
  const { tenant_id } = place
  return inTenant(app.db, tenant_id, async (tx) => {
    const payment = must(await queries.lockPayment(tx, place))
    await refuseUnlessTaken(tx, place, payment)
    const left = leftToRefund(queries.standingOf(payment), await refunds.sumRefunds(tx, place))
    const wanted = amount === undefined ? left : BigInt(amount)
    if (wanted === 0n || wanted > left)
      throw new Problem('conflict', {
        field: 'amount',
        detail: `payment ${toWire('payment', place.id)} has ${left} ${payment.currency} left to refund`,
      })
    const row = { tenant_id, id: app.newId(), payment_id: place.id, amount: String(wanted), account }
    const refund = await refunds.insertRefund(tx, { ...row, reason: reason ?? null, actor: actor.id })
    await queries.link(app, tx, place, { wait_s: PATIENCE_S })
    await audit(tx, actor, 'payment.refund', toWire('payment', place.id), {
      refund: toWire('refund', row.id),
      amount: row.amount,
    })
    return { payment, refund }
  })
}

/** While a bank only inquires, the money is still ours to give back: that is how most inquiries are ended. */
async function refuseUnlessTaken(
  tx: Tx,
  place: queries.Place,
  { status }: queries.PaymentRow,
): Promise<void> {
  if (isTaken(status)) return
  const against = status === 'disputed' ? (await listOfPayment(tx, place)).filter(isAgainst) : []
  if (against.length > 0 && against.every(isInquiry)) return
  throw new Problem('conflict', {
    detail: `payment ${toWire('payment', place.id)} is ${status}: there is nothing to refund`,
  })
}

/** Asked under our id: however often it is sent, the vendor does it once. */
export async function sendRefund(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  payment: queries.PaymentRow,
  refund: refunds.RefundRow,
  cause: 'reply' | 'answer' = 'reply',
): Promise<refunds.RefundRow> {
  const answer = await askRefund(app, actor, connection, payment, refund)
  const heard = cause === 'answer' ? never(answer) : answer
  return refundAnswered(app, { tenant_id: connection.tenant_id, id: refund.id }, heard, cause)
}

export function askRefund(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  { vendor_id, settlement_id, currency }: queries.PaymentRow,
  { id, amount, reason }: refunds.RefundRow,
): Promise<Answer<VendorRefund>> {
  const reference = toWire('refund', id)
  const money = { amount, currency }
  const more = { ...(reason !== null && { reason }), ...(settlement_id !== null && { settlement_id }) }
  const input = { vendor_id, money, reference, ...more }
  return ask<VendorRefund>(app, actor, connection, { verb: 'refund', input, key: reference })
}

/** What the vendor said of a refund; where nobody knows it, it is asked for soon. */
export const refundAnswered = (
  app: App,
  place: queries.Place,
  answer: Answer<VendorRefund>,
  cause: 'reply' | 'answer' = 'answer',
): Promise<refunds.RefundRow> =>
  hear(app, place, answer, cause).catch((error: unknown) => {
    if (sqlState(error) !== '23505') throw error
    return noteTaken(app, place, answer)
  })

/** By an id that another refund has, nothing is known of this one: its amount stays reserved, and it says so. */
async function noteTaken(
  app: App,
  place: queries.Place,
  answer: Answer<VendorRefund>,
): Promise<refunds.RefundRow> {
  const vendor_id = answer.kind === 'told' ? answer.told.vendor_id : null
  const about = { crossing: 'payment', refund: toWire('refund', place.id), vendor_id, call: answer.call_id }
  app.log.error(about, 'a vendor gave two refunds one id')
  return inTenant(app.db, place.tenant_id, async (tx) => {
    await refunds.noteWait(tx, place, TAKEN)
    return must(await refunds.findRefund(tx, place))
  })
}

async function hear(
  app: App,
  place: queries.Place,
  answer: Answer<VendorRefund>,
  cause: 'reply' | 'answer',
): Promise<refunds.RefundRow> {
  const { tenant_id } = place
  return tell(app, tenant_id, async (tx) => {
    const { payment_id } = must(await refunds.findRefund(tx, place))
    const payment = must(await queries.lockPayment(tx, { tenant_id, id: payment_id }))
    const refund = must(await refunds.findRefund(tx, place))
    if (answer.kind === 'unknown') {
      if (cause === 'reply' && refund.status === 'processing')
        await queries.link(app, tx, { tenant_id, id: payment_id }, { wait_s: SOON_S })
      return { out: refund, drafts: [] }
    }
    const said =
      answer.kind === 'told'
        ? { status: answer.told.status, vendor_id: answer.told.vendor_id }
        : { status: 'failed' as const, failure: answer.failure }
    const drafts = await applyRefund(app, tx, tenant_id, payment, refund, said)
    return { out: must(await refunds.findRefund(tx, place)), drafts }
  })
}

type Said = { status: RefundStatus; vendor_id?: string; failure?: Refusal }

/** Moves a refund, and its payment with it, whose lock the caller holds. */
export async function applyRefund(
  app: App,
  tx: Tx,
  tenant_id: string,
  payment: queries.PaymentRow,
  refund: refunds.RefundRow,
  { status, vendor_id = refund.vendor_id ?? undefined, failure }: Said,
): Promise<Draft[]> {
  if (!mayRefundBecome(refund, status)) return []
  const after = { status, vendor_id: vendor_id ?? null, failure: failure ?? null }
  const place = { tenant_id, id: refund.id }
  if (!(await refunds.moveRefund(tx, place, refund.status, after))) return []
  const of_payment = { tenant_id, id: payment.id }
  const told = refundEvent({ ...refund, ...after }, payment)
  if (status === 'failed' || status === 'canceled') {
    // The vendor may have told of it as given back before: how much really is, it is asked at once.
    if (refund.vendor_id !== null || vendor_id !== undefined)
      await queries.link(app, tx, of_payment, { wait_s: 0 })
    return [told]
  }
  if (status !== 'completed') return []
  const { settled } = await refunds.sumRefunds(tx, of_payment)
  // More than ours was given back, past us: whether this one is among it, the vendor is asked.
  if (BigInt(payment.refunded) > settled) await queries.link(app, tx, of_payment, { wait_s: 0 })
  const word = { status: payment.status, refunded: settled }
  const cause = { cause: 'refund', cause_id: toWire('refund', refund.id) } as const
  const applied = await applyWord(tx, of_payment, word, cause)
  return [told, ...(applied?.drafts ?? [])]
}

function refundEvent(refund: refunds.RefundRow, payment: queries.PaymentRow): Draft {
  const payment_id = toWire('payment', payment.id)
  const id = toWire('refund', refund.id)
  const { vendor_id, status, failure, amount, reason } = refund
  const data = {
    provider: payment.provider,
    connection_id: toWire('connection', payment.connection_id),
    refund: {
      id,
      payment_id,
      vendor_id,
      status,
      money: { amount, currency: payment.currency },
      reason,
      failure,
    },
  }
  const found_by = [id, vendor_id, payment.vendor_id].filter((value) => value !== null)
  const type = status === 'completed' ? 'refund.completed' : 'refund.failed'
  return { type, data: JSON.stringify(data), entity_id: payment_id, found_by }
}
