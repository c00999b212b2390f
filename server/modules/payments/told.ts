import { inTenant, type Tx } from '../../platform/database/database.ts'
import { enqueue } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import { indexerOf, publishAll } from '../events/events.ts'
import { audienceOf, wakeDeliveries } from '../outbound/outbound.ts'
import { isNews, nextOf, type Standing, type Word } from './moves.ts'
import * as queries from './queries.ts'
import { toPayment } from './schema.ts'

/** How what somebody says of a payment becomes true, and is told, in one transaction. */

export const SETTLE = 'payments.settle'

/** An event of ours. `entity_id`: all that is told of one payment keeps its order. */
export type Draft = { type: string; data: string; entity_id: string; found_by: string[] }

/** Runs `work` and publishes what it made true, in one commit. */
export async function tell<Out>(
  app: App,
  tenant_id: string,
  work: (tx: Tx) => Promise<{ out: Out; drafts: Draft[] }>,
): Promise<Out> {
  // Before a connection is held.
  const [audience, index] = [await audienceOf(app, [{ tenant_id }]), await indexerOf(app, tenant_id)]
  const { out, deliveries } = await inTenant(app.db, tenant_id, async (tx) => {
    const { out, drafts } = await work(tx)
    const external_ids = []
    const events = []
    for (const { type, data, entity_id, found_by } of drafts) {
      const id = app.newId()
      events.push({ tenant_id, id, type, data, entity_id, message_id: null })
      for (const value of [entity_id, ...found_by])
        external_ids.push({ tenant_id, value_hmac: index(value), kind: 'event', ref_id: id })
    }
    if (events.length === 0) return { out, deliveries: 0 }
    return { out, deliveries: await publishAll(app, tx, { events, external_ids }, audience) }
  })
  if (deliveries > 0) wakeDeliveries(app)
  return out
}

/**
 * Moves a payment by what is said of it; gives the event that tells of it, none where nothing changed that is worth
 * telling. `asked_at` is the version an answer was asked at: where it has moved since, the answer is news like any.
 */
export async function applyWord(
  tx: Tx,
  place: queries.Place,
  word: Word,
  cause: queries.Cause & { asked_at?: number },
): Promise<{ row: queries.PaymentRow; drafts: Draft[] } | null> {
  const row = await queries.lockPayment(tx, place)
  if (!row) return null
  const before = queries.standingOf(row)
  const after = nextOf(before, word, cause.asked_at === row.version)
  if (!after || !(await queries.movePayment(tx, place, row, after, cause))) return { row, drafts: [] }
  const moved = movedRow(row, after)
  return { row: moved, drafts: isNews(before, after) ? [paymentEvent(moved, cause)] : [] }
}

const movedRow = (row: queries.PaymentRow, after: Standing): queries.PaymentRow => ({
  ...row,
  status: after.status,
  vendor_id: after.vendor_id,
  captured: String(after.captured),
  refunded: String(after.refunded),
  failure: after.failure,
  settlement_id: after.settlement_id,
  expires_at: after.expires_at === null ? null : new Date(after.expires_at),
  pix_code: after.pix_code,
  held: false,
  version: row.version + 1,
})

/** Fields beside those of a vendor's own news are those of the payment as the API tells it. */
export function paymentEvent(row: queries.PaymentRow, { cause, cause_id }: queries.Cause): Draft {
  const {
    held: _held,
    updated_at: _at,
    completed_at: _done,
    pix_code: _code, // for the payer, and not for all who listen
    provider,
    connection_id,
    ...payment
  } = toPayment(row)
  const about = { provider, connection_id, cause, cause_id, payment: { ...payment, reference: payment.id } }
  const found_by = [row.vendor_id, row.settlement_id].filter((id) => id !== null)
  return { type: `payment.${row.status}`, data: JSON.stringify(about), entity_id: payment.id, found_by }
}

/** The job that asks next; what an earlier one would ask is out of date. */
export async function link(app: App, tx: Tx, place: queries.Place, turn: Turn): Promise<string> {
  const id = app.newId()
  await enqueueTurn(app, tx, place, id, turn)
  await queries.relink(tx, place, id)
  return id
}

/**
 * `tries`: how often it was asked; `denied`: how often the vendor knew nothing of it, long after; `looks`: how often it
 * was looked whether its payer has paid.
 */
export type Turn = { wait_s: number; tries?: number; denied?: number; looks?: number }

export async function enqueueTurn(
  app: App,
  tx: Tx,
  { tenant_id, id: payment_id }: queries.Place,
  id: string,
  { wait_s, tries = 0, denied = 0, looks = 0 }: Turn,
): Promise<void> {
  const due = new Date(app.clock.now().getTime() + wait_s * 1000)
  await enqueue(tx, { tenant_id, id, kind: SETTLE, payload: { payment_id, tries, denied, looks }, due })
}
