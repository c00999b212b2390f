import type { VendorAuthorization } from '../../kit/card_news.ts'
import { inTenant } from '../../platform/database/database.ts'
import type { Actor, App } from '../app.ts'
import { type OpenConnection, openConnection } from '../connections/connections.ts'
import { tell } from '../events/events.ts'
import { changeAuthorization, findAuthorization, listUnended, touchUnended } from './authorization_queries.ts'
import { lockCard, type Place } from './queries.ts'
import { applyAuthorization } from './takings.ts'
import { ask, asker } from './vendor.ts'

/**
 * Authorizations whose end the vendor has not told, those we answered and those it holds: its webhook may not have come,
 * or nobody set it up. They are asked for, after longer and longer waits, so that none is held for ever. Tenants are
 * looked after beside each other, so that a busy or slow issuer delays nobody else's.
 */
const MOST = 500
const SHARE = 100
const BY_CLOCK = { kind: 'schedule', id: 'cards.settle_authorizations' } as const

export async function settleAuthorizations(app: App): Promise<void> {
  const places = await listUnended(app.db.worker, MOST, SHARE)
  const by_tenant = Map.groupBy(places, ({ tenant_id }) => tenant_id)
  await Promise.all([...by_tenant.values()].map((own) => settleInTurn(app, own)))
}

async function settleInTurn(app: App, places: readonly Place[]): Promise<void> {
  for (const place of places)
    await settleOne(app, place).catch((err: unknown) =>
      app.log.warn({ crossing: 'card', err }, 'an authorization was not settled this time'),
    )
}

async function settleOne(app: App, place: Place): Promise<void> {
  const row = await inTenant(app.db, place.tenant_id, async (tx) => {
    await touchUnended(tx, place) // whatever comes of it, others are asked for before it is again
    return findAuthorization(tx, place)
  })
  if (row?.status !== 'asked' && row?.status !== 'pending') return
  const connection = await openConnection(app, place.tenant_id, row.connection_id)
  if (connection.state !== 'enabled') return
  await refreshAuthorization(app, asker(connection, BY_CLOCK), connection, place)
}

/** As the vendor has it now. One that it knows nothing of never came to be. */
export async function refreshAuthorization(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: Place,
): Promise<void> {
  const { tenant_id } = place
  const row = await inTenant(app.db, tenant_id, (tx) => findAuthorization(tx, place))
  if (!row) return
  // By the second, as vendors date their news: what they tell within it is not older.
  const told_at = new Date(Math.floor(app.clock.now().getTime() / 1000) * 1000).toISOString()
  const question = { verb: 'find_authorization', input: { vendor_id: row.vendor_id } } as const
  const answer = await ask<VendorAuthorization | null>(app, actor, connection, question)
  const is_there = answer.kind === 'told' && answer.told !== null
  const is_none = answer.kind === 'refused' && answer.failure.reason === 'not_found'
  if (!is_there && !is_none) return
  await tell(app, tenant_id, async (tx) => {
    const card = await lockCard(tx, { tenant_id, id: row.card_id })
    const now = card && (await findAuthorization(tx, place))
    if (!card || !now) return { out: null, drafts: [] }
    if (is_there && answer.told) {
      const drafts = await applyAuthorization(app, tx, tenant_id, card, { ...answer.told, told_at })
      return { out: null, drafts }
    }
    if (now.status === 'asked')
      await changeAuthorization(tx, place, now.version, { status: 'expired', amount: '0' })
    return { out: null, drafts: [] }
  })
}
