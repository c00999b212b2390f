import type { PayerAction, VendorPayment } from '../../kit/news.ts'
import type { CreatePayment } from '../../kit/payments.ts'
import { inTenant } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { Job, Turn } from '../../platform/jobs/jobs.ts'
import type { Actor, App } from '../app.ts'
import { type Answer, never } from '../calls/calls.ts'
import type { OpenConnection } from '../connections/connections.ts'
import { tell } from '../events/events.ts'
import { answered } from './create.ts'
import { readDisputesOf } from './disputes.ts'
import { isOver, wordOf } from './moves.ts'
import * as queries from './queries.ts'
import { listOpenRefunds, noteWait as noteRefund } from './refund_queries.ts'
import { isSameAccount, type Kept, openRequest } from './request.ts'
import { stay } from './routing_queries.ts'
import { settleRefund } from './settle_refund.ts'
import { findInStatement } from './statement.ts'
import { CHANGED, GONE, KEY_KEPT_S, NEVER_HEARD } from './stuck.ts'
import { applyWord } from './told.ts'
import { ask, asker, toldBy } from './vendor.ts'
import { waitOf } from './waiting.ts'
import { openIfThere } from './world.ts'

/**
 * What became of a payment that nobody saw the end of, found out by asking, again and again, until it is known. Never
 * a guess, and never a second charge: it is asked for by our id, or sent again under the very key it had.
 */

/** After these it is asked again, and then every six hours for as long as it takes. */
const WAITS_S = [5, 15, 60, 300, 900, 3_600, 3_600, 3_600]
const SLOWEST_S = 6 * 3_600

type Payload = { payment_id: string; tries: number; denied: number; looks?: number }

/** One turn of the chain. A job that is not the one of now was cut off, or somebody has asked meanwhile. */
export async function settle(app: App, { tenant_id, id, payload }: Job): Promise<void> {
  const { payment_id, tries, denied, looks = 0 } = payload as Payload
  const place = { tenant_id, id: payment_id }
  const row = await inTenant(app.db, tenant_id, (tx) => queries.findPayment(tx, place))
  if (row?.job_id !== id) return
  // From here on this connection is asked, and no other: whoever sent it and comes back late may not move on.
  if (row.may_move_on && !(await inTenant(app.db, tenant_id, (tx) => stay(tx, place, id)))) return
  const asked = await askAll(app, place, row, denied).catch((err: unknown) => {
    app.log.warn(
      { crossing: 'payment', payment: toWire('payment', payment_id), err },
      'not settled this time',
    )
    return { denied, is_open: true }
  })
  await inTenant(app.db, tenant_id, async (tx) => {
    const now = await queries.findPayment(tx, place)
    const turn = asked.is_open
      ? { wait_s: WAITS_S[tries] ?? SLOWEST_S, tries: tries + 1, denied: asked.denied, looks }
      : lookAfter(now, looks, app.clock.now())
    const next = turn && app.newId()
    if ((await queries.relink(tx, place, next, id)) && turn && next)
      await queries.enqueueTurn(app, tx, place, next, turn)
  })
}

/** Nothing is unknown of it, but its payer may pay yet. */
function lookAfter(row: queries.PaymentRow | undefined, looks: number, now: Date): Turn | null {
  const wait_s = row ? waitOf(row, looks, now) : null
  return wait_s === null ? null : { wait_s, looks: looks + 1 }
}

async function askAll(app: App, place: queries.Place, row: queries.PaymentRow, denied: number) {
  const connection = await findConnection(app, place, row)
  if (!connection) return { denied, is_open: false }
  if (connection.state !== 'enabled') return { denied, is_open: true }
  const heard =
    row.status === 'processing' ? await settleCreate(app, connection, { place, row }, denied) : denied
  const before = await inTenant(app.db, place.tenant_id, (tx) => listOpenRefunds(tx, place))
  for (const refund of before) await settleRefund(app, connection, place, refund)
  const { seen } = await refreshPayment(app, asker(connection), connection, place)
  await readDisputesOf(app, asker(connection), connection, place)
  const { now, open } = await inTenant(app.db, place.tenant_id, async (tx) => ({
    now: await queries.findPayment(tx, place),
    open: await listOpenRefunds(tx, place),
  }))
  return { denied: heard, is_open: !seen || now?.status === 'processing' || open.length > 0 }
}

/** Null where it was deleted: then nobody can be asked any more, and what is unknown says so. */
async function findConnection(
  app: App,
  place: queries.Place,
  { connection_id }: queries.PaymentRow,
): Promise<OpenConnection | null> {
  const { tenant_id } = place
  const connection = await openIfThere(app, tenant_id, connection_id)
  if (!connection)
    await inTenant(app.db, tenant_id, async (tx) => {
      await queries.noteWait(tx, place, GONE)
      for (const { id } of await listOpenRefunds(tx, place)) await noteRefund(tx, { tenant_id, id }, GONE)
    })
  return connection
}

/** A charge that nobody waits for any more is not made: from then on it is only looked for. */
const REPEAT_WITHIN_S = 15 * 60
/** What a vendor searches by may be an hour behind: that it knows of nothing counts after this, and twice. */
const INDEXED_S = 2 * 3_600
const DENIALS = 2

/** Gives how often the vendor has known nothing of it. */
async function settleCreate(
  app: App,
  connection: OpenConnection,
  { place, row }: { place: queries.Place; row: queries.PaymentRow },
  denied: number,
): Promise<number> {
  const { payments } = connection.opened.provider
  const age_s = (app.clock.now().getTime() - queries.sentAt(row).getTime()) / 1000
  const may_repeat =
    payments?.settles === 'idempotency_key' &&
    age_s < (payments.find_by_reference ? REPEAT_WITHIN_S : KEY_KEPT_S)
  const kept = await openRequest(app, place)
  const is_same = isSameAccount(kept, connection)
  const makeAgain = async (): Promise<boolean> =>
    is_same && (await sendAgain(app, connection, place, kept.request))
  if (may_repeat && (await makeAgain())) return denied
  const found = await look(app, connection, { place, row }, kept)
  if (found?.told) {
    await answered(app, place, { ...found, kind: 'told' }, 'answer')
    return denied
  }
  await inTenant(app.db, place.tenant_id, (tx) => queries.noteWait(tx, place, is_same ? null : CHANGED))
  if (!found) return denied
  if (payments?.repeats && age_s < REPEAT_WITHIN_S) {
    await makeAgain()
    return denied
  }
  const counts = payments?.settles === 'lookup' || age_s > INDEXED_S
  // Another account knows nothing of it in truth.
  if (!counts || !is_same) return denied
  if (denied + 1 >= DENIALS) await answered(app, place, NEVER_HEARD, 'answer')
  return denied + 1
}

type Seen = { told: VendorPayment; call_id: string } | { told: null }

/** Null where the vendor did not say. A statement bears no reference of ours: only that of the very account is of use. */
async function look(
  app: App,
  connection: OpenConnection,
  { place, row }: { place: queries.Place; row: queries.PaymentRow },
  kept: Kept | null,
): Promise<Seen | null> {
  if (connection.opened.provider.payments?.settles !== 'statement')
    return findAtVendor(app, connection, place, kept?.request.due_date)
  return isSameAccount(kept, connection)
    ? findInStatement(app, asker(connection), connection, place, row)
    : null
}

/** Under the key it had. True where it is known now what became of it. */
async function sendAgain(
  app: App,
  connection: OpenConnection,
  place: queries.Place,
  input: CreatePayment,
): Promise<boolean> {
  const question = { verb: 'create', input, key: toWire('payment', place.id) }
  const heard = never(await ask<VendorPayment>(app, asker(connection), connection, question))
  await answered(app, place, heard, 'answer')
  return heard.kind !== 'unknown'
}

/** Who looks it up where it would stand may answer that nothing stands there. */
async function findAtVendor(
  app: App,
  connection: OpenConnection,
  place: queries.Place,
  due_date: string | undefined,
): Promise<Seen | null> {
  const answer = await ask<VendorPayment | null>(app, asker(connection), connection, {
    verb: 'find_by_reference',
    input: { reference: toWire('payment', place.id), ...(due_date !== undefined && { due_date }) },
  })
  if (answer.kind === 'told') return answer.told ? { ...answer, told: answer.told } : { told: null }
  const is_denied = connection.opened.provider.payments?.settles === 'lookup' && isNotThere(answer)
  return is_denied ? { told: null } : null
}

const isNotThere = (answer: Answer<unknown>): boolean =>
  answer.kind === 'told'
    ? answer.told === null
    : answer.kind === 'refused' && answer.failure.reason === 'not_found'

/** What the payer has to do yet; `seen`: nothing is left to be seen by asking again; `told`: as the vendor has it now. */
type Look = { action: PayerAction | null; seen: boolean; told?: VendorPayment }

/** As the vendor has it now, which is believed above all that came before the question. */
export async function refreshPayment(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: queries.Place,
): Promise<Look> {
  const row = await inTenant(app.db, place.tenant_id, (tx) => queries.findPayment(tx, place))
  if (!row?.vendor_id || !connection.opened.provider.payments?.find) return { action: null, seen: true }
  const created_at = queries.sentAt(row).toISOString()
  const input = { vendor_id: row.vendor_id, created_at }
  const asked_at = app.clock.now()
  const answer = await ask<VendorPayment | null>(app, actor, connection, { verb: 'find', input })
  const told = toldBy(answer)?.told ?? (isForgotten(row, answer, asked_at) ? FORGOTTEN : null)
  if (!told) return { action: null, seen: false }
  const cause = { cause: 'answer' as const, cause_id: answer.call_id, asked_at: row.version }
  return tell(app, place.tenant_id, async (tx) => {
    // What moved while the vendor was asked may be newer than its answer.
    const seen = (await queries.lockPayment(tx, place))?.version === row.version
    const word = 'money' in told ? wordOf(told, row.currency) : told
    const is_over = word.status === 'pending' && isOver(word.expires_at ?? expiryOf(row), asked_at)
    const applied = await applyWord(tx, place, is_over ? { ...word, status: 'expired' } : word, cause)
    const action = 'money' in told && !is_over ? (told.action ?? null) : null
    return { out: { action, seen, ...('money' in told && { told }) }, drafts: applied?.drafts ?? [] }
  })
}

const expiryOf = ({ expires_at }: queries.PaymentRow) => expires_at?.toISOString()

/** Some vendors forget what was not paid in time. */
const FORGOTTEN = { status: 'expired' } as const
const isForgotten = (row: queries.PaymentRow, answer: Answer<unknown>, asked_at: Date): boolean =>
  row.status === 'pending' && isNotThere(answer) && isOver(expiryOf(row), asked_at)
