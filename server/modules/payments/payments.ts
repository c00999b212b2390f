import { refuseCardNumbers } from '../../kit/card_numbers.ts'
import { drawPng, drawSvg } from '../../kit/qr.ts'
import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { type OpenConnection, useConnection } from '../connections/connections.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import { act, cancelHeld, confirm } from './acts.ts'
import * as create from './create.ts'
import type { CreatePayment } from './create_schema.ts'
import { listOfPayment } from './dispute_queries.ts'
import { toDispute } from './dispute_schema.ts'
import { readDisputesOf } from './disputes.ts'
import * as lists from './list_queries.ts'
import * as queries from './queries.ts'
import * as refunds from './refund_queries.ts'
import { markOf, reserveRefund, sendRefund } from './refunds.ts'
import { resolve } from './resolve.ts'
import { resolveRefund as resolveOfRefund } from './resolve_refund.ts'
import type { ResolvePayment, ResolveRefund } from './resolve_schema.ts'
import { listTries } from './routing_queries.ts'
import {
  type AskedPayment,
  type CancelPayment,
  type CapturePayment,
  type CreateRefund,
  type PaymentQuery,
  type QrQuery,
  type Refund,
  toMove,
  toPayment,
  toRefund,
  toTry,
} from './schema.ts'
import { refreshPayment as refresh } from './settle.ts'
import { leftUntil, WHOLE_MS } from './vendor.ts'
import { checkWorld } from './world.ts'

/**
 * Payments, alike for every provider. A payment is on record before its vendor is asked, moves by the table of
 * `moves.ts` alone, and is told of by one event per move, whether its news came by reply, by webhook or by asking. An
 * outcome that nobody saw leaves it `processing`, and it is asked for until it is known: never guessed, never charged
 * a second time.
 */

export const createPayment = async (app: App, actor: Actor, input: CreatePayment): Promise<AskedPayment> =>
  toAsked(await create.createPayment(app, actor, input))

const toAsked = ({ row, action }: create.Made): AskedPayment => ({ ...toPayment(row), action })

export async function listPayments(app: App, actor: Actor, input: PaymentQuery) {
  const { limit, before } = readPage('payment', input)
  const { limit: _l, cursor: _c, connection_id, ...rest } = input
  const wanted = {
    ...rest,
    ...(connection_id && { connection_id: fromWire('connection', connection_id, 'connection_id') }),
  }
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    lists.listPayments(tx, actor.tenant_id, wanted, limit, before),
  )
  return toPage('payment', rows, limit, toPayment)
}

const placeOf = ({ tenant_id }: Actor, wire_id: string): queries.Place => ({
  tenant_id,
  id: fromWire('payment', wire_id),
})

/** With what made it what it is. */
export async function readPayment(app: App, actor: Actor, wire_id: string) {
  const place = placeOf(actor, wire_id)
  return inTenant(app.db, actor.tenant_id, async (tx) => {
    const row = found(await queries.findPayment(tx, place), wire_id)
    const tries = row.route_id === null ? [] : await listTries(tx, place)
    const disputes = (await listOfPayment(tx, place)).map(toDispute)
    return {
      ...toPayment(row),
      disputes,
      tries: tries.map(toTry),
      moves: (await lists.listMoves(tx, place)).map(toMove),
    }
  })
}

function found(row: queries.PaymentRow | undefined, wire_id: string): queries.PaymentRow {
  if (row) return row
  throw new Problem('not_found', { detail: `there is no payment ${wire_id}` })
}

/** The code that a payment waits to be paid by, as a picture. */
export async function drawPayment(app: App, actor: Actor, wire_id: string, { format = 'svg' }: QrQuery) {
  const { status, pix_code } = await readPayment(app, actor, wire_id)
  if (pix_code === null)
    throw new Problem('conflict', { detail: `payment ${wire_id} is ${status} and has no Pix code to pay by` })
  return format === 'svg'
    ? { type: 'image/svg+xml', bytes: Buffer.from(drawSvg(pix_code)) }
    : { type: 'image/png', bytes: drawPng(pix_code) }
}

/** The payment and its vendor, opened for this actor. */
async function opened(app: App, actor: Actor, wire_id: string) {
  const place = placeOf(actor, wire_id)
  const row = await inTenant(app.db, actor.tenant_id, (tx) => queries.findPayment(tx, place))
  const connection = await useConnection(app, actor, found(row, wire_id).connection_id)
  return { place, connection }
}

function mustHave({ opened: { provider } }: OpenConnection, verb: string): void {
  if (provider.operations[`payments.${verb}`]) return
  throw new Problem('conflict', { detail: `${provider.id} has no operation payments.${verb}` })
}

/** Without an amount all that was authorized; what is left over is released by the vendor. */
export async function capturePayment(app: App, actor: Actor, wire_id: string, input: CapturePayment) {
  const { place, connection } = await opened(app, actor, wire_id)
  mustHave(connection, 'capture')
  const row = await act(app, actor, connection, place, {
    verb: 'capture',
    from: ['authorized'],
    input: ({ amount, currency }) => ({ money: moneyToCapture(input.amount, amount, currency) }),
  })
  return toPayment(row)
}

function moneyToCapture(wanted: string | undefined, amount: string, currency: string) {
  if (wanted !== undefined && BigInt(wanted) > BigInt(amount))
    throw new Problem('conflict', { field: 'amount', detail: `only ${amount} ${currency} are authorized` })
  return { amount: wanted ?? amount, currency }
}

/** A hold is released. What was taken is refunded instead. */
export async function cancelPayment(app: App, actor: Actor, wire_id: string, { reason }: CancelPayment) {
  refuseCardNumbers({ reason })
  const { place, connection } = await opened(app, actor, wire_id)
  const held = await cancelHeld(app, actor, place)
  if (held) return toPayment(held)
  mustHave(connection, 'cancel')
  const row = await act(app, actor, connection, place, {
    verb: 'cancel',
    from: ['pending', 'authorized', 'failed'],
    input: ({ amount, currency }) => ({
      money: { amount, currency },
      ...(reason !== undefined && { reason }),
    }),
  })
  return toPayment(row)
}

/** For one whose outcome nobody saw and its vendor cannot tell. */
export async function resolvePayment(app: App, actor: Actor, wire_id: string, input: ResolvePayment) {
  refuseCardNumbers({ note: input.note })
  const place = placeOf(actor, wire_id)
  const row = await inTenant(app.db, actor.tenant_id, (tx) => queries.findPayment(tx, place))
  await checkWorld(app, actor, found(row, wire_id).connection_id)
  return toPayment(await resolve(app, actor, place, input))
}

/** Sends a payment that was held for somebody to look at. */
export async function confirmPayment(app: App, actor: Actor, wire_id: string) {
  const { place, connection } = await opened(app, actor, wire_id)
  return toAsked(await confirm(app, actor, connection, place))
}

/** Asks the vendor how the payment is, and believes it. */
export async function refreshPayment(app: App, actor: Actor, wire_id: string) {
  const { place, connection } = await opened(app, actor, wire_id)
  const ends_ms = app.clock.monotonic() + WHOLE_MS
  const { action } = await refresh(app, actor, connection, place)
  await readDisputesOf(app, actor, connection, place, leftUntil(app, ends_ms))
  return { ...(await readPayment(app, actor, wire_id)), action }
}

/** Without an amount all that is left. Several at once never exceed the payment. */
export async function createRefund(
  app: App,
  actor: Actor,
  wire_id: string,
  input: CreateRefund,
): Promise<Refund> {
  refuseCardNumbers({ reason: input.reason })
  const { place, connection } = await opened(app, actor, wire_id)
  mustHave(connection, 'refund')
  const { payment, refund } = await reserveRefund(app, actor, place, input, await markOf(app, connection))
  return toRefund(await sendRefund(app, actor, connection, payment, refund), payment.currency)
}

/** For one whose outcome nobody saw and its vendor cannot tell. */
export async function resolveRefund(
  app: App,
  actor: Actor,
  wire_id: string,
  input: ResolveRefund,
): Promise<Refund> {
  refuseCardNumbers({ note: input.note })
  const place = { tenant_id: actor.tenant_id, id: fromWire('refund', wire_id) }
  const of = await inTenant(app.db, actor.tenant_id, async (tx) => {
    const refund = await refunds.findRefund(tx, place)
    return refund && queries.findPayment(tx, { ...place, id: refund.payment_id })
  })
  if (!of) throw new Problem('not_found', { detail: `there is no refund ${wire_id}` })
  await checkWorld(app, actor, of.connection_id)
  const { payment, refund } = await resolveOfRefund(app, actor, place, input)
  return toRefund(refund, payment.currency)
}

export async function listRefunds(app: App, actor: Actor, wire_id: string, input: PageInput) {
  const { limit, before } = readPage('refund', input)
  const place = placeOf(actor, wire_id)
  return inTenant(app.db, actor.tenant_id, async (tx) => {
    const { currency } = found(await queries.findPayment(tx, place), wire_id)
    const rows = await refunds.listRefunds(tx, place, limit, before)
    return toPage('refund', rows, limit, (row) => toRefund(row, currency))
  })
}

export { findDispute } from './dispute_queries.ts'
export { acceptDispute, listDisputes, readDispute, submitEvidence } from './disputes.ts'
export { reactToDispute, reactToPayment, reactToRefund } from './news.ts'
export { findPayment } from './queries.ts'
export { findRefund } from './refund_queries.ts'
export { judgePaymentsBy } from './risk.ts'
export { createRoute, deleteRoute, listRoutes, previewRoute, readRoute, updateRoute } from './routing.ts'
export * from './search_queries.ts'
