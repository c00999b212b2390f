import { sqlState, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { tell } from '../events/events.ts'
import { audit } from '../tenants/tenants.ts'
import type { Word } from './moves.ts'
import * as queries from './queries.ts'
import { must } from './queries.ts'
import type { ResolvePayment } from './resolve_schema.ts'
import { listClaimed } from './statement_queries.ts'
import { applyWord } from './told.ts'
import { PATIENCE_S } from './waiting.ts'

/**
 * The way out where the vendor cannot say what became of a payment: somebody who looked at its papers says it, and it is
 * on record who. What the vendor tells later still goes before it.
 */
export const resolve = (
  app: App,
  actor: Actor,
  place: queries.Place,
  input: ResolvePayment,
): Promise<queries.PaymentRow> =>
  tell(app, place.tenant_id, async (tx) => {
    const row = await queries.lockPayment(tx, place)
    if (!row) throw new Problem('not_found', { detail: `there is no payment ${toWire('payment', place.id)}` })
    refuseUnlessUnknown(app, row)
    const word = wordFor(row, input)
    if (word.vendor_id !== undefined) await refuseClaimed(tx, place.tenant_id, row.provider, word.vendor_id)
    await audit(tx, actor, 'payment.resolve', toWire('payment', place.id), input)
    const { drafts } = must(await applyWord(tx, place, word, { cause: 'request', cause_id: actor.id }))
    return { out: must(await queries.findPayment(tx, place)), drafts }
  }).catch((error: unknown) => {
    // Somebody said the same of another payment at this very moment.
    throw sqlState(error) === '23505' ? claimed(input.vendor_id) : error
  })

async function refuseClaimed(tx: Tx, tenant_id: string, provider: string, vendor_id: string): Promise<void> {
  const others = await listClaimed(tx, tenant_id, provider, [vendor_id])
  if (others.size > 0) throw claimed(vendor_id)
}

const claimed = (vendor_id: string | undefined): Problem =>
  new Problem('conflict', { field: 'vendor_id', detail: `${vendor_id} is of another payment already` })

function refuseUnlessUnknown(app: App, row: queries.PaymentRow): void {
  const { id, status, held } = row
  const wire_id = toWire('payment', id)
  if (status !== 'processing' || held) {
    const why = held ? 'held: confirm or cancel it' : status
    throw new Problem('conflict', {
      detail: `${wire_id} is ${why}; only one whose outcome is unknown is resolved`,
    })
  }
  const age_s = (app.clock.now().getTime() - queries.sentAt(row).getTime()) / 1000
  if (age_s < PATIENCE_S)
    throw new Problem('conflict', {
      detail: `${wire_id} is under way; it can be resolved ${PATIENCE_S} seconds after it was sent`,
    })
}

function wordFor(
  { amount, capture }: queries.PaymentRow,
  { outcome, vendor_id, note }: ResolvePayment,
): Word {
  if (outcome === 'failed')
    return { status: 'failed', failure: { reason: 'unknown', code: 'resolved_by_hand', message: note } }
  if (vendor_id === undefined)
    throw new Problem('invalid_request', {
      field: 'vendor_id',
      detail: "vendor_id is missing: without the vendor's id nothing could be captured or refunded",
    })
  if (capture === 'manual') return { status: 'authorized', vendor_id }
  return { status: 'completed', vendor_id, captured: BigInt(amount) }
}
