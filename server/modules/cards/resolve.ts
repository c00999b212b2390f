import type { VendorCard } from '../../kit/card_news.ts'
import { inTenant, sqlState, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { timeOfId } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { checkEnvironment, type OpenConnection } from '../connections/connections.ts'
import { tell } from '../events/events.ts'
import { audit } from '../tenants/tenants.ts'
import { PATIENCE_S } from './issue.ts'
import * as queries from './queries.ts'
import type { ResolveCard } from './schema.ts'
import { applyRefusal, applyTold, mustFind, wireOf } from './told.ts'
import { ask, openIfThere } from './vendor.ts'

/**
 * The way out where asking cannot say whether a card was issued: somebody who looked at the vendor says it, and it is on
 * record who. A card that is said to be there is read there; one that is said not to be, and is, becomes known by news.
 */
export async function resolve(
  app: App,
  actor: Actor,
  place: queries.Place,
  input: ResolveCard,
): Promise<queries.CardRow> {
  const row = await inTenant(app.db, place.tenant_id, (tx) => queries.findCard(tx, place))
  refuseUnlessUnknown(app, place, row)
  const connection = await openIfThere(app, place.tenant_id, row.connection_id)
  // Of one that was deleted nobody knows which world it was: it counts as the live one.
  checkEnvironment(actor, connection?.environment ?? 'production')
  const seen = input.outcome === 'issued' ? await look(app, actor, connection, row, input.vendor_id) : null
  return tell(app, place.tenant_id, async (tx) => {
    refuseUnlessUnknown(app, place, await queries.lockCard(tx, place))
    if (seen) await refuseClaimed(tx, place.tenant_id, row.provider, seen.vendor_id)
    await audit(tx, actor, 'card.resolve', wireOf(place), input)
    const cause = { cause: 'request', cause_id: actor.id } as const
    const failure = { reason: 'unknown', code: 'resolved_by_hand', message: input.note } as const
    const drafts = seen
      ? await applyTold(app, tx, place, seen, cause)
      : await applyRefusal(tx, place, failure, cause)
    await queries.relink(tx, place, null)
    return { out: await mustFind(tx, place), drafts }
  }).catch((error: unknown) => {
    // Somebody said the same of another card at this very moment.
    throw sqlState(error) === '23505' ? claimed(input.vendor_id) : error
  })
}

function refuseUnlessUnknown(
  app: App,
  place: queries.Place,
  row: queries.CardRow | undefined,
): asserts row is queries.CardRow {
  const wire_id = wireOf(place)
  if (!row) throw new Problem('not_found', { detail: `there is no card ${wire_id}` })
  if (row.status !== 'processing')
    throw new Problem('conflict', {
      detail: `${wire_id} is ${row.status}; only one whose outcome is unknown is resolved`,
    })
  const age_s = (app.clock.now().getTime() - timeOfId(row.id).getTime()) / 1000
  if (age_s < PATIENCE_S)
    throw new Problem('conflict', {
      detail: `${wire_id} is under way; it can be resolved ${PATIENCE_S} seconds after it was asked for`,
    })
}

/** The card as the vendor has it; refused where it is plainly not the one that was asked for. */
async function look(
  app: App,
  actor: Actor,
  connection: OpenConnection | null,
  row: queries.CardRow,
  vendor_id?: string,
): Promise<VendorCard> {
  if (!connection)
    throw new Problem('conflict', {
      detail: `the connection of ${wireOf(row)} was deleted: nothing could be asked of a card that was issued by it; cancel it at the vendor, and say failed`,
    })
  if (vendor_id === undefined)
    throw new Problem('invalid_request', {
      field: 'vendor_id',
      detail: "vendor_id is missing: the vendor's id of the card that was issued",
    })
  const question = { verb: 'find', input: { vendor_id } } as const
  const answer = await ask<VendorCard | null>(app, actor, connection, question)
  if (answer.kind === 'unknown')
    throw new Problem('vendor_failed', { detail: `the vendor did not say how ${vendor_id} is` })
  if (answer.kind === 'refused' || !answer.told)
    throw new Problem('conflict', { field: 'vendor_id', detail: `the vendor does not show ${vendor_id}` })
  const { reference, cardholder } = answer.told
  if ((reference ?? wireOf(row)) !== wireOf(row) || (cardholder ?? row.cardholder) !== row.cardholder)
    throw new Problem('conflict', {
      field: 'vendor_id',
      detail: `${vendor_id} was issued for ${reference ?? `the cardholder ${cardholder}`}`,
    })
  return answer.told
}

async function refuseClaimed(tx: Tx, tenant_id: string, provider: string, vendor_id: string): Promise<void> {
  const others = await queries.findByVendorId(tx, { tenant_id, provider, vendor_id })
  if (others.length > 0) throw claimed(vendor_id)
}

const claimed = (vendor_id: string | undefined): Problem =>
  new Problem('conflict', { field: 'vendor_id', detail: `${vendor_id} is another card already` })
