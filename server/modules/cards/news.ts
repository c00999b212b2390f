import type {
  AuthorizationQuestion,
  VendorAuthorization,
  VendorCard,
  VendorCardTransaction,
} from '../../kit/card_news.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { parseWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import type { Draft } from '../events/events.ts'
import type { About } from '../inbound/inbound.ts'
import { recordUnanswered } from './authorize.ts'
import * as queries from './queries.ts'
import { applyAuthorization, applyTransaction } from './takings.ts'
import { applyTold } from './told.ts'

/**
 * What webhooks tell of cards of ours. Whether one is ours is read before; what is told becomes true in the transaction
 * that closes the message, so that neither is there without the other.
 */

/** `key` names what is locked, so that who locks several does it in one order. */
type Deed = { key: string; run(tx: Tx): Promise<Draft[]> }

/** Null where it is no card of ours. */
export async function reactToCard(app: App, card: VendorCard, about: About): Promise<Deed | null> {
  const place = (await placeOf(app, about, card.vendor_id)) ?? (await untold(app, about, card.reference))
  if (!place) return null
  const cause = { cause: 'news', cause_id: about.message_id } as const
  return { key: place.id, run: (tx) => applyTold(app, tx, place, card, cause) }
}

export async function reactToAuthorization(
  app: App,
  told: VendorAuthorization,
  about: About,
): Promise<Deed | null> {
  const place = await placeOf(app, about, told.card_id)
  return place && onCard(place, (tx, card) => applyAuthorization(app, tx, place.tenant_id, card, told))
}

export async function reactToTransaction(
  app: App,
  told: VendorCardTransaction,
  about: About,
): Promise<Deed | null> {
  const place = await placeOf(app, about, told.card_id)
  return place && onCard(place, (tx, card) => applyTransaction(app, tx, place.tenant_id, card, told))
}

/** It was answered when it came; where the process died over it, that it was asked is on record at least. */
export async function reactToQuestion(
  app: App,
  question: AuthorizationQuestion,
  about: About,
): Promise<Deed | null> {
  const place = await placeOf(app, about, question.authorization.card_id)
  if (!place) return null
  const { tenant_id, provider, connection_id, message_id } = about
  const policy = { undecided: 'decline', unknown_card: 'decline' } as const
  const now = app.clock.monotonic()
  const asked = {
    tenant_id,
    provider,
    connection_id,
    message_id,
    question,
    policy,
    began: now,
    deadline: now,
  }
  return onCard(place, async (tx) => {
    await recordUnanswered(app, tx, asked)
    return []
  })
}

const onCard = (place: queries.Place, work: (tx: Tx, card: queries.CardRow) => Promise<Draft[]>): Deed => ({
  key: place.id,
  run: async (tx) => {
    const card = await queries.lockCard(tx, place)
    return card ? work(tx, card) : []
  },
})

/** By the vendor's id of it; null where that is not one alone. */
async function placeOf(
  app: App,
  { tenant_id, provider, connection_id }: About,
  vendor_id: string,
): Promise<queries.Place | null> {
  const known = await inTenant(app.db, tenant_id, (tx) =>
    queries.findByVendorId(tx, { tenant_id, provider, vendor_id }),
  )
  const [only, ...others] = known.filter(
    (one) => connection_id === null || one.connection_id === connection_id,
  )
  return only && others.length === 0 ? { tenant_id, id: only.id } : null
}

/** By ours, while the vendor has not told us its own. */
async function untold(
  app: App,
  { tenant_id, provider, connection_id }: About,
  reference: string | undefined,
): Promise<queries.Place | null> {
  const id = parseWire('card', reference ?? '')
  if (!id) return null
  const place = { tenant_id, id }
  const row = await inTenant(app.db, tenant_id, (tx) => queries.findCard(tx, place))
  const is_ours =
    row?.provider === provider && (connection_id === null || row.connection_id === connection_id)
  return row && is_ours && row.vendor_id === null ? place : null
}
