import type { VendorTransfer } from '../../kit/transfers.ts'
import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import type { Actor, App } from '../app.ts'
import { NOT_SENT } from '../calls/calls.ts'
import type { OpenConnection } from '../connections/connections.ts'
import { tell } from '../events/events.ts'
import { audit } from '../tenants/tenants.ts'
import { isHeld } from './moves.ts'
import * as queries from './queries.ts'
import { must } from './queries.ts'
import { applyTold, follow, go, PATIENCE_S, SOON_S, wireOf } from './told.ts'
import { ask } from './vendor.ts'

/** One that was not sent is given up at once; of any other the bank decides. */
export async function cancel(
  app: App,
  actor: Actor,
  connection: () => Promise<OpenConnection>,
  place: queries.Place,
): Promise<queries.TransferRow> {
  const held = await cancelHeld(app, actor, place)
  return held ?? cancelSent(app, actor, await connection(), place)
}

/** Null where it was sent. */
const cancelHeld = (app: App, actor: Actor, place: queries.Place): Promise<queries.TransferRow | null> =>
  tell(app, place.tenant_id, async (tx) => {
    const row = must(await queries.lockTransfer(tx, place))
    if (!isHeld(row.status)) return { out: null, drafts: [] }
    const gone = must(await go(tx, place, row, 'canceled', { cause: 'request', cause_id: actor.id }))
    await queries.relink(tx, place, null)
    await audit(tx, actor, 'transfer.cancel', wireOf(place))
    return { out: gone.row, drafts: gone.drafts }
  })

async function cancelSent(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: queries.Place,
): Promise<queries.TransferRow> {
  const { provider } = connection.opened
  if (!provider.operations['transfers.cancel'])
    throw new Problem('conflict', { detail: `${provider.id} has no operation transfers.cancel` })
  const { vendor_id, method } = await begin(app, actor, place)
  const input = { vendor_id, method }
  const answer = await ask<VendorTransfer>(app, actor, connection, { verb: 'cancel', input })
  if (answer.kind !== 'told') {
    await inTenant(app.db, place.tenant_id, (tx) => queries.link(app, tx, place, { wait_s: SOON_S }))
    if (answer.kind === 'unknown')
      throw new Problem('vendor_outcome_unknown', {
        detail: `whether ${wireOf(place)} was canceled is not known: ${answer.because}; the bank is asked, read it again`,
      })
    const { code, message, reason } = answer.failure
    throw new Problem(code === NOT_SENT ? 'vendor_failed' : 'conflict', {
      detail: `the bank did not cancel ${wireOf(place)}: ${message ?? reason}`,
    })
  }
  const { told, call_id } = answer
  const row = await tell(app, place.tenant_id, async (tx) => {
    const applied = await applyTold(tx, place, told, { cause: 'reply', cause_id: call_id })
    await follow(app, tx, place, applied.row)
    return { out: applied.row, drafts: applied.drafts }
  })
  if (row.status !== 'canceled')
    throw new Problem('conflict', {
      detail: `the bank did not cancel ${wireOf(place)}: ${told.word ?? row.status}`,
    })
  return row
}

/** From now on nobody lets it go; what comes of it is looked at whether or not this process lives to see it. */
const begin = (
  app: App,
  actor: Actor,
  place: queries.Place,
): Promise<{ vendor_id: string; method: queries.TransferRow['method'] }> =>
  inTenant(app.db, place.tenant_id, async (tx) => {
    const { status, vendor_id, method } = must(await queries.lockTransfer(tx, place))
    if (status !== 'processing' || vendor_id === null) {
      const why =
        status === 'processing' ? 'the bank has not told of it yet, read it again' : `it is ${status}`
      throw new Problem('conflict', { detail: `${wireOf(place)} cannot be canceled: ${why}` })
    }
    await queries.noteCancel(tx, place)
    await queries.link(app, tx, place, { wait_s: PATIENCE_S })
    await audit(tx, actor, 'transfer.cancel', wireOf(place))
    return { vendor_id, method }
  })
