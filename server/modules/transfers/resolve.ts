import { sqlState } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import type { Actor, App } from '../app.ts'
import { tell } from '../events/events.ts'
import { audit } from '../tenants/tenants.ts'
import * as queries from './queries.ts'
import type { ResolveTransfer } from './schema.ts'
import { applyTold, BY_HAND, follow, PATIENCE_S, wireOf } from './told.ts'

/**
 * The way out where the bank cannot say what became of a transfer: somebody who looked at its papers says it, and it is on
 * record who. What the bank tells later still goes before it.
 */
export const resolve = (
  app: App,
  actor: Actor,
  place: queries.Place,
  { outcome, vendor_id, note }: ResolveTransfer,
): Promise<queries.TransferRow> =>
  tell(app, place.tenant_id, async (tx) => {
    const before = await queries.lockTransfer(tx, place)
    if (!before) throw new Problem('not_found', { detail: `there is no transfer ${wireOf(place)}` })
    refuseUnlessUnknown(app, before)
    if (vendor_id !== undefined && before.vendor_id !== null && vendor_id !== before.vendor_id)
      throw new Problem('conflict', { field: 'vendor_id', detail: `the bank calls it ${before.vendor_id}` })
    await audit(tx, actor, 'transfer.resolve', wireOf(place), { outcome, vendor_id, note })
    const failure = { reason: 'unknown', code: BY_HAND, message: note } as const
    const told = {
      ...{ status: outcome, word: null },
      ...(vendor_id !== undefined && { vendor_id }),
      ...(outcome === 'failed' && { failure }),
    }
    const { row, drafts } = await applyTold(tx, place, told, { cause: 'request', cause_id: actor.id })
    await follow(app, tx, place, row)
    return { out: row, drafts }
  }).catch((error: unknown) => {
    throw sqlState(error) === '23505'
      ? new Problem('conflict', { field: 'vendor_id', detail: `${vendor_id} is another transfer already` })
      : error
  })

/** What the bank has told an id of it can be asked about: only one it leaves open for so long is resolved. */
const STUCK_S = 24 * 3_600

function refuseUnlessUnknown(app: App, row: queries.TransferRow): void {
  const wire_id = wireOf(row)
  if (row.status !== 'processing')
    throw new Problem('conflict', {
      detail: `${wire_id} is ${row.status}; only one whose outcome is unknown is resolved`,
    })
  const age_s = (app.clock.now().getTime() - (row.sent_at?.getTime() ?? 0)) / 1000
  if (age_s < PATIENCE_S)
    throw new Problem('conflict', {
      detail: `${wire_id} is under way; it can be resolved ${PATIENCE_S} seconds after it was sent`,
    })
  if (row.vendor_id !== null && age_s < STUCK_S)
    throw new Problem('conflict', {
      detail: `the bank knows ${wire_id} as ${row.vendor_id}: refresh it, or cancel it; it can be resolved a day after it was sent`,
    })
}
