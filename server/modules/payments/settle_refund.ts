import type { VendorRefund } from '../../kit/news.ts'
import { inTenant } from '../../platform/database/database.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { type Answer, never } from '../calls/calls.ts'
import type { OpenConnection } from '../connections/connections.ts'
import * as queries from './queries.ts'
import { noteWait, type RefundRow } from './refund_queries.ts'
import { askRefund, markOf, refundAnswered, sendRefund } from './refunds.ts'
import { CHANGED, KEY_KEPT_S, NEVER_HEARD } from './stuck.ts'
import { ask, asker, toldBy } from './vendor.ts'

/** What became of a refund that nobody saw the end of. As of a payment: asked for, or sent again under its key, where it was sent before. */

export async function settleRefund(
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
  if (refund.status !== 'processing') return
  // Another account knows nothing of it in truth, and gives nothing back of what it never took.
  const is_same = refund.account?.equals(await markOf(app, connection)) ?? false
  await inTenant(app.db, place.tenant_id, (tx) => noteWait(tx, own, is_same ? null : CHANGED))
  if (!is_same) return
  const age_s = (app.clock.now().getTime() - timeOfId(refund.id).getTime()) / 1000
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

/** In these words a vendor may also say that it has it already. */
const SAYS_LITTLE: readonly string[] = ['invalid_request', 'unknown']

/**
 * A no may come of the first asking, of which the vendor had not told yet: then it is there now, or will be once its list
 * is up to date. Where it never is, the vendor is believed to know nothing of it in the end.
 */
async function repeatRefund(
  app: App,
  connection: OpenConnection,
  row: queries.PaymentRow,
  refund: RefundRow,
): Promise<void> {
  const heard = never(await askRefund(app, asker(connection), connection, row, refund))
  const listed = heard.kind === 'refused' ? await refundAtVendor(app, connection, row, refund) : null
  const is_clear = listed && heard.kind === 'refused' && !SAYS_LITTLE.includes(heard.failure.reason)
  if (heard.kind === 'refused' && !listed?.found && !is_clear) return
  await refundAnswered(app, { tenant_id: connection.tenant_id, id: refund.id }, listed?.found ?? heard)
}
