import { Problem } from '../../platform/errors.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { tell } from '../events/events.ts'
import { audit } from '../tenants/tenants.ts'
import * as queries from './queries.ts'
import { must } from './queries.ts'
import * as refunds from './refund_queries.ts'
import { applyRefund } from './refunds.ts'
import type { ResolveRefund } from './resolve_schema.ts'
import { PATIENCE_S } from './waiting.ts'

/**
 * The way out where the vendor cannot say whether it gave money back: as for a payment, somebody who looked at its
 * papers says it. Until then the amount stays reserved.
 */
export const resolveRefund = (
  app: App,
  actor: Actor,
  place: queries.Place,
  input: ResolveRefund,
): Promise<{ payment: queries.PaymentRow; refund: refunds.RefundRow }> =>
  tell(app, place.tenant_id, async (tx) => {
    const { tenant_id } = place
    const { payment_id } = must(await refunds.findRefund(tx, place))
    const payment = must(await queries.lockPayment(tx, { tenant_id, id: payment_id }))
    const refund = must(await refunds.findRefund(tx, place))
    refuseUnlessUnknown(app, refund)
    const { outcome, vendor_id, note } = input
    if (vendor_id !== undefined && (await refunds.isClaimed(tx, { tenant_id, id: payment_id }, vendor_id)))
      throw new Problem('conflict', {
        field: 'vendor_id',
        detail: `${vendor_id} is of another refund already`,
      })
    await audit(tx, actor, 'refund.resolve', toWire('refund', place.id), input)
    const failure = { reason: 'unknown', code: 'resolved_by_hand', message: note } as const
    const said = outcome === 'failed' ? { status: outcome, failure } : { status: outcome }
    const drafts = await applyRefund(app, tx, tenant_id, payment, refund, {
      ...said,
      ...(outcome === 'completed' && vendor_id !== undefined && { vendor_id }),
    })
    return { out: { payment, refund: must(await refunds.findRefund(tx, place)) }, drafts }
  })

/** A vendor that has it at work may yet tell; not so where nobody can ask any more, or it forgot. */
const LEAST_AGE_S: Partial<Record<refunds.RefundRow['status'], number>> = {
  processing: PATIENCE_S,
  pending: 24 * 3_600,
}

function refuseUnlessUnknown(app: App, { id, status }: refunds.RefundRow): void {
  const wire_id = toWire('refund', id)
  const least_s = LEAST_AGE_S[status]
  if (least_s === undefined)
    throw new Problem('conflict', {
      detail: `${wire_id} is ${status}; only one whose outcome is unknown is resolved`,
    })
  const age_s = (app.clock.now().getTime() - timeOfId(id).getTime()) / 1000
  if (age_s < least_s)
    throw new Problem('conflict', {
      detail: `${wire_id} is under way; it can be resolved ${least_s} seconds after it was sent`,
    })
}
