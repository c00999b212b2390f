import type { PayerAction, VendorPayment, VendorRefund } from '../../kit/news.ts'
import { inTenant } from '../../platform/database/database.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import type { Job } from '../../platform/jobs/jobs.ts'
import type { Actor, App } from '../app.ts'
import { type OpenConnection, openConnection } from '../connections/connections.ts'
import { answered, openRequest } from './create.ts'
import { wordOf } from './moves.ts'
import * as queries from './queries.ts'
import { listOpenRefunds, type RefundRow } from './refund_queries.ts'
import { refundAnswered, sendRefund } from './refunds.ts'
import { applyWord, enqueueTurn, SETTLE, tell } from './told.ts'
import { type Answer, ask, never, toldBy } from './vendor.ts'

/**
 * What became of a payment that nobody saw the end of, found out by asking, again and again, until it is known. Never
 * a guess, and never a second charge: it is asked for by our id, or sent again under the very key it had.
 */

/** After these it is asked again, and then every six hours for as long as it takes. */
const WAITS_S = [5, 15, 60, 300, 900, 3_600, 3_600, 3_600]
const SLOWEST_S = 6 * 3_600

type Payload = { payment_id: string; tries: number; denied: number }

/** One turn of the chain. A job that is not the one of now was cut off, or somebody has asked meanwhile. */
export async function settle(app: App, { tenant_id, id, payload }: Job): Promise<void> {
  const { payment_id, tries, denied } = payload as Payload
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
  const wait_s = WAITS_S[tries] ?? SLOWEST_S
  await inTenant(app.db, tenant_id, async (tx) => {
    const next = asked.is_open ? app.newId() : null
    if (!(await queries.relink(tx, place, next, id)) || next === null) return
    await enqueueTurn(app, tx, place, next, { wait_s, tries: tries + 1, denied: asked.denied })
  })
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
  const sent_at = row.sent_at ?? timeOfId(place.id)
  const age_s = (app.clock.now().getTime() - sent_at.getTime()) / 1000
  const may_repeat =
    payments?.settles === 'idempotency_key' &&
    age_s < (payments.find_by_reference ? REPEAT_WITHIN_S : KEY_KEPT_S)
  const kept = await openRequest(app, place)
  const is_same = kept?.version === connection.version
  const key = toWire('payment', place.id)
  if (may_repeat && kept && is_same) {
    const answer = await ask<VendorPayment>(app, asker(connection), connection, {
      verb: 'create',
      input: kept.request,
      key,
    })
    const heard = never(answer)
    await answered(app, place, heard, 'answer')
    if (heard.kind !== 'unknown') return denied
  }
  const found = toldBy(
    await ask<VendorPayment | null>(app, asker(connection), connection, {
      verb: 'find_by_reference',
      input: { reference: key },
    }),
  )
  if (!found) return denied
  if (found.told) {
    await answered(app, place, { ...found, kind: 'told', told: found.told }, 'answer')
    return denied
  }
  const counts = payments?.settles === 'lookup' || age_s > INDEXED_S
  // Changed since, it may lead to another account, which knows nothing of it in truth.
  if (!counts || !is_same) return denied
  if (denied + 1 >= DENIALS) await answered(app, place, NEVER_HEARD, 'answer')
  return denied + 1
}

const NEVER_HEARD: Answer<VendorPayment> = {
  kind: 'refused',
  failure: { reason: 'not_found', code: null, message: 'the vendor knows nothing of it' },
  call_id: null,
}

async function settleRefund(
  app: App,
  connection: OpenConnection,
  place: queries.Place,
  refund: RefundRow,
): Promise<void> {
  const { payments } = connection.opened.provider
  const row = await inTenant(app.db, place.tenant_id, (tx) => queries.findPayment(tx, place))
  if (!row?.vendor_id) return
  const reference = toWire('refund', refund.id)
  const listed = toldBy(
    await ask<VendorRefund[]>(app, asker(connection), connection, {
      verb: 'refunds',
      input: { vendor_id: row.vendor_id },
    }),
  )
  const found = listed?.told.find(
    (one) => one.reference === reference || (refund.vendor_id !== null && one.vendor_id === refund.vendor_id),
  )
  if (listed && found) {
    const answer = { kind: 'told' as const, told: found, call_id: listed.call_id }
    await refundAnswered(app, { ...place, id: refund.id }, answer)
    return
  }
  const age_s = (app.clock.now().getTime() - timeOfId(refund.id).getTime()) / 1000
  if (refund.status !== 'processing') return
  if (payments?.settles === 'idempotency_key' && age_s < KEY_KEPT_S) {
    await sendRefund(app, asker(connection), connection, row, refund, 'answer')
  } else if (listed && age_s > KEY_KEPT_S) {
    const failure = { reason: 'not_found', code: null, message: 'the vendor knows nothing of it' } as const
    await refundAnswered(
      app,
      { ...place, id: refund.id },
      { kind: 'refused', failure, call_id: listed.call_id },
    )
  }
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
  const input = { vendor_id: row.vendor_id }
  const found = toldBy(await ask<VendorPayment>(app, actor, connection, { verb: 'find', input }))
  if (!found) return { action: null, seen: false }
  const { told, call_id } = found
  const cause = { cause: 'answer' as const, cause_id: call_id, asked_at: row.version }
  return tell(app, place.tenant_id, async (tx) => {
    // What moved while the vendor was asked may be newer than its answer.
    const seen = (await queries.lockPayment(tx, place))?.version === row.version
    const applied = await applyWord(tx, place, wordOf(told, row.currency), cause)
    return { out: { action: told.action ?? null, seen }, drafts: applied?.drafts ?? [] }
  })
}
