import type { PayerAction, VendorPayment } from '../../kit/news.ts'
import { inTenant, sqlState, type Tx } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { type Answer, NOT_SENT } from '../calls/calls.ts'
import { accountOf } from '../connections/connections.ts'
import { type Draft, tell } from '../events/events.ts'
import { audit } from '../tenants/tenants.ts'
import type { CreatePayment } from './create_schema.ts'
import { wordOf } from './moves.ts'
import * as queries from './queries.ts'
import { must } from './queries.ts'
import { type Kept, sealRequest } from './request.ts'
import { type Decision, judged } from './risk.ts'
import { type Plan, planPayment } from './routing.ts'
import { insertTries } from './routing_queries.ts'
import { TAKEN } from './stuck.ts'
import { applyWord } from './told.ts'
import { moveOn, type Sending } from './tries.ts'
import { ask } from './vendor.ts'
import { PATIENCE_S, waitOf } from './waiting.ts'

/** A payment from what is asked of us to the vendor's answer. It is on record, and settled by itself, before it is sent. */

/** After an outcome that nobody saw: the vendor may still be at it. */
const SOON_S = 5

/** A payment, and what the payer has to do yet. */
export type Made = { row: queries.PaymentRow; action: PayerAction | null }

export async function createPayment(app: App, actor: Actor, input: CreatePayment): Promise<Made> {
  const place = { tenant_id: actor.tenant_id, id: app.newId() }
  const plan = await planPayment(app, actor, place.id, input)
  // Before it is on record: whatever is there unheld was approved, even where this process dies.
  const about = {
    tenant_id: place.tenant_id,
    payment_id: toWire('payment', place.id),
    connection_id: toWire('connection', plan.connection.id),
  }
  const decision = await judged(app, { ...input, ...about })
  const { connection, request, rest, next_on } = plan
  const kept = { request, account: accountOf(connection), rest, next_on }
  const row = await put(app, actor, place, { input, plan, kept, decision })
  if (decision !== 'approve') return { row, action: null }
  return send(app, actor, place, { number: row.try_number, connection, kept })
}

type Wanted = { input: CreatePayment; plan: Plan; kept: Kept; decision: Decision }

/** On record with the job that settles it, unless it is not to be sent: one that is declined has failed at once. */
async function put(
  app: App,
  actor: Actor,
  place: queries.Place,
  { input, plan, kept, decision }: Wanted,
): Promise<queries.PaymentRow> {
  const { tenant_id, id } = place
  const { money, capture = 'automatic', customer = null, description = null, due_date = null } = input
  const { connection, route_id, rest, tries } = plan
  const method = kept.request.method as queries.Method
  const about = { connection_id: connection.id, provider: connection.opened.provider.id, actor: actor.id }
  return tell(app, tenant_id, async (tx) => {
    const row = await queries.insertPayment(tx, {
      ...place,
      ...about,
      ...{ method, capture, customer, description, due_date, held: decision === 'review' },
      ...{ amount: money.amount, currency: money.currency },
      ...{ route_id, try_number: Math.max(1, tries.length), may_move_on: rest.length > 0 },
      metadata: JSON.stringify(input.metadata ?? {}),
      request: await sealRequest(app, tx, place, kept),
    })
    if (tries.length > 0) await insertTries(tx, place, tries)
    if (decision === 'approve') await queries.link(app, tx, place, { wait_s: PATIENCE_S })
    const { amount, currency } = money
    await audit(tx, actor, 'payment.create', toWire('payment', id), { amount, currency, method })
    return decision === 'decline' ? declined(tx, place) : { out: row, drafts: [] }
  })
}

/**
 * Asked under our id: however often it is sent, the vendor does it once. One that may go on to another connection is
 * asked in a single attempt, after which it is certain whether anything was sent.
 */
export async function send(app: App, actor: Actor, place: queries.Place, first: Sending): Promise<Made> {
  for (let now = first; ; ) {
    const { connection, kept } = now
    const is_last = (kept.rest ?? []).length === 0
    const question = { verb: 'create', input: kept.request, key: toWire('payment', place.id) }
    const answer = await ask<VendorPayment>(app, actor, connection, { ...question, once: !is_last })
    const next = await moveOn(app, actor, place, now, answer)
    if (next === 'overtaken') return { row: await readNow(app, place), action: null }
    if (next) {
      now = next
      continue
    }
    const row = await answered(app, place, answer, 'reply')
    return { row, action: (answer.kind === 'told' && answer.told.action) || null }
  }
}

/** Somebody else found out what became of it, or is at it. */
const readNow = (app: App, place: queries.Place): Promise<queries.PaymentRow> =>
  inTenant(app.db, place.tenant_id, async (tx) => must(await queries.findPayment(tx, place)))

/** What the vendor answered to a payment; where nobody knows it, it is asked for soon. */
export const answered = (
  app: App,
  place: queries.Place,
  answer: Answer<VendorPayment>,
  cause: 'reply' | 'answer',
): Promise<queries.PaymentRow> =>
  hear(app, place, answer, cause).catch((error: unknown) => {
    if (sqlState(error) !== '23505') throw error
    return noteTaken(app, place, answer)
  })

/** By an id that another payment has, nothing is known of this one: it stays open, and says so. */
async function noteTaken(
  app: App,
  place: queries.Place,
  answer: Answer<VendorPayment>,
): Promise<queries.PaymentRow> {
  const vendor_id = answer.kind === 'told' ? answer.told.vendor_id : null
  const about = { crossing: 'payment', payment: toWire('payment', place.id), vendor_id, call: answer.call_id }
  app.log.error(about, 'a vendor gave two payments one id')
  return inTenant(app.db, place.tenant_id, async (tx) => {
    await queries.noteWait(tx, place, TAKEN)
    return must(await queries.findPayment(tx, place))
  })
}

async function hear(
  app: App,
  place: queries.Place,
  answer: Answer<VendorPayment>,
  cause: 'reply' | 'answer',
): Promise<queries.PaymentRow> {
  const { tenant_id } = place
  return tell(app, tenant_id, async (tx) => {
    const row = must(await queries.lockPayment(tx, place))
    if (answer.kind === 'unknown') {
      if (cause === 'reply' && row.status === 'processing')
        await queries.link(app, tx, place, { wait_s: SOON_S })
      return { out: row, drafts: [] }
    }
    const word =
      answer.kind === 'told'
        ? wordOf(answer.told, row.currency)
        : { status: 'failed' as const, failure: answer.failure }
    const applied = must(await applyWord(tx, place, word, { cause, cause_id: answer.call_id }))
    const out = must(await queries.findPayment(tx, place))
    // Of one that news has moved on, the job may already be that of a refund or a capture.
    if (cause === 'reply' && row.status === 'processing') await lookLater(app, tx, place, out)
    return { out, drafts: applied.drafts }
  })
}

/** One that waits for its payer is looked at from time to time, in case nobody tells of it; any other is known. */
async function lookLater(app: App, tx: Tx, place: queries.Place, row: queries.PaymentRow): Promise<void> {
  // News of its dispute may have come before it was known whose it is.
  const wait_s = row.status === 'disputed' ? SOON_S : waitOf(row, 0, app.clock.now())
  if (wait_s === null) await queries.relink(tx, place, null)
  else await queries.link(app, tx, place, { wait_s })
}

/** The room of risk said no: the vendor is never asked. */
async function declined(tx: Tx, place: queries.Place): Promise<{ out: queries.PaymentRow; drafts: Draft[] }> {
  const failure = { reason: 'fraud_suspected', code: NOT_SENT, message: 'refused by our own rules' } as const
  const word = { status: 'failed', failure } as const
  const { drafts } = must(await applyWord(tx, place, word, { cause: 'risk', cause_id: null }))
  return { out: must(await queries.findPayment(tx, place)), drafts }
}
