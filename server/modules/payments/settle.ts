import type { PayerAction, VendorPayment, VendorRefund } from '../../kit/news.ts'
import type { CreatePayment } from '../../kit/payments.ts'
import { inTenant } from '../../platform/database/database.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import type { Job } from '../../platform/jobs/jobs.ts'
import type { Actor, App } from '../app.ts'
import { type OpenConnection, openConnection } from '../connections/connections.ts'
import { answered, openRequest } from './create.ts'
import { isOver, wordOf } from './moves.ts'
import * as queries from './queries.ts'
import { listOpenRefunds, type RefundRow } from './refund_queries.ts'
import { askRefund, refundAnswered, sendRefund } from './refunds.ts'
import { findInStatement } from './statement.ts'
import { applyWord, enqueueTurn, SETTLE, type Turn, tell } from './told.ts'
import { type Answer, ask, never, toldBy } from './vendor.ts'
import { waitOf } from './waiting.ts'

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
      await enqueueTurn(app, tx, place, next, turn)
  })
}

/** Nothing is unknown of it, but its payer may pay yet. */
function lookAfter(row: queries.PaymentRow | undefined, looks: number, now: Date): Turn | null {
  const wait_s = row ? waitOf(row, looks, now) : null
  return wait_s === null ? null : { wait_s, looks: looks + 1 }
}

async function askAll(app: App, place: queries.Place, row: queries.PaymentRow, denied: number) {
  const connection = await openConnection(app, place.tenant_id, row.connection_id)
  if (connection.state !== 'enabled') return { denied, is_open: true }
  const heard =
    row.status === 'processing' ? await settleCreate(app, connection, { place, row }, denied) : denied
  const before = await inTenant(app.db, place.tenant_id, (tx) => listOpenRefunds(tx, place))
  for (const refund of before) await settleRefund(app, connection, place, refund)
  const { seen } = await refreshPayment(app, asker(connection), connection, place)
  const { now, open } = await inTenant(app.db, place.tenant_id, async (tx) => ({
    now: await queries.findPayment(tx, place),
    open: await listOpenRefunds(tx, place),
  }))
  return { denied: heard, is_open: !seen || now?.status === 'processing' || open.length > 0 }
}

export const asker = ({
  tenant_id,
  environment,
}: Pick<OpenConnection, 'tenant_id' | 'environment'>): Actor => ({
  kind: 'system',
  id: SETTLE,
  tenant_id,
  environment: environment === 'production' ? 'live' : 'test',
  scopes: [],
  ip: null,
  request_id: null,
})

/** A charge that nobody waits for any more is not made: from then on it is only looked for. */
const REPEAT_WITHIN_S = 15 * 60
/** Vendors keep keys for 24 hours or longer; without a look-up it is all there is to ask by. */
const KEY_KEPT_S = 23 * 3_600
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
  const is_same = kept?.version === connection.version
  const makeAgain = async (): Promise<boolean> =>
    kept !== null && is_same && (await sendAgain(app, connection, place, kept.request))
  if (may_repeat && (await makeAgain())) return denied
  const found =
    payments?.settles === 'statement'
      ? await findInStatement(app, asker(connection), connection, place, row)
      : await findAtVendor(app, connection, place, kept?.request.due_date)
  if (!found) return denied
  if (found.told) {
    await answered(app, place, { ...found, kind: 'told' }, 'answer')
    return denied
  }
  if (payments?.repeats && age_s < REPEAT_WITHIN_S) {
    await makeAgain()
    return denied
  }
  const counts = payments?.settles === 'lookup' || age_s > INDEXED_S
  // Changed since, it may lead to another account, which knows nothing of it in truth.
  if (!counts || !is_same) return denied
  if (denied + 1 >= DENIALS) await answered(app, place, NEVER_HEARD, 'answer')
  return denied + 1
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

/** Null where the vendor did not say. Who looks it up where it would stand may answer that nothing stands there. */
async function findAtVendor(
  app: App,
  connection: OpenConnection,
  place: queries.Place,
  due_date: string | undefined,
): Promise<{ told: VendorPayment; call_id: string } | { told: null } | null> {
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

const NEVER_HEARD = {
  kind: 'refused',
  failure: { reason: 'not_found', code: null, message: 'the vendor knows nothing of it' },
  call_id: null,
} as const

async function settleRefund(
  app: App,
  connection: OpenConnection,
  place: queries.Place,
  refund: RefundRow,
): Promise<void> {
  const { payments } = connection.opened.provider
  const row = await inTenant(app.db, place.tenant_id, (tx) => queries.findPayment(tx, place))
  if (!row?.vendor_id) return
  const own = { ...place, id: refund.id }
  const listed = await refundAtVendor(app, connection, row, refund)
  if (listed?.found) return void (await refundAnswered(app, own, listed.found))
  const age_s = (app.clock.now().getTime() - timeOfId(refund.id).getTime()) / 1000
  if (refund.status !== 'processing') return
  if (payments?.settles === 'idempotency_key' && age_s < KEY_KEPT_S) {
    await sendRefund(app, asker(connection), connection, row, refund, 'answer')
  } else if (payments?.repeats && listed && age_s < KEY_KEPT_S) {
    await repeatRefund(app, connection, row, refund)
  } else if (listed && age_s > KEY_KEPT_S) {
    await refundAnswered(app, own, { ...NEVER_HEARD, call_id: listed.call_id })
  }
}

type Listed = { found: (Answer<VendorRefund> & { kind: 'told' }) | null; call_id: string }

/** Among those of its payment; null where the vendor did not list them. */
async function refundAtVendor(
  app: App,
  connection: OpenConnection,
  { vendor_id, settlement_id }: queries.PaymentRow,
  refund: RefundRow,
): Promise<Listed | null> {
  const reference = toWire('refund', refund.id)
  const input = { vendor_id, ...(settlement_id !== null && { settlement_id }) }
  const listed = toldBy(
    await ask<VendorRefund[]>(app, asker(connection), connection, { verb: 'refunds', input }),
  )
  if (!listed) return null
  const { call_id } = listed
  const told = listed.told.find(
    (one) => one.reference === reference || (refund.vendor_id !== null && one.vendor_id === refund.vendor_id),
  )
  return { found: told ? { kind: 'told', told, call_id } : null, call_id }
}

/** A no may come of the first asking, of which the vendor had not told yet: then it is there now. */
async function repeatRefund(
  app: App,
  connection: OpenConnection,
  row: queries.PaymentRow,
  refund: RefundRow,
): Promise<void> {
  const heard = never(await askRefund(app, asker(connection), connection, row, refund))
  const listed = heard.kind === 'refused' ? await refundAtVendor(app, connection, row, refund) : null
  if (heard.kind === 'refused' && !listed) return
  await refundAnswered(app, { tenant_id: connection.tenant_id, id: refund.id }, listed?.found ?? heard)
}

/** What the payer has to do yet; `seen`: nothing is left to be seen by asking again. */
type Look = { action: PayerAction | null; seen: boolean }

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
    return { out: { action, seen }, drafts: applied?.drafts ?? [] }
  })
}

const expiryOf = ({ expires_at }: queries.PaymentRow) => expires_at?.toISOString()

/** Some vendors forget what was not paid in time. */
const FORGOTTEN = { status: 'expired' } as const
const isForgotten = (row: queries.PaymentRow, answer: Answer<unknown>, asked_at: Date): boolean =>
  row.status === 'pending' && isNotThere(answer) && isOver(expiryOf(row), asked_at)
