import type { VendorCard } from '../../kit/card_news.ts'
import { refuseCardNumbers } from '../../kit/card_numbers.ts'
import type { ReplacementReason, IssueCard as VendorIssue } from '../../kit/cards.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire } from '../../platform/ids.ts'
import { money } from '../../platform/money.ts'
import type { Actor, App } from '../app.ts'
import type { Answer } from '../calls/calls.ts'
import { accountOf, type OpenConnection, useConnection } from '../connections/connections.ts'
import { type Draft, tell } from '../events/events.ts'
import { audit } from '../tenants/tenants.ts'
import { checkLimits } from './limits.ts'
import { isShutForGood, standingOf } from './moves.ts'
import * as queries from './queries.ts'
import type { IssueCard } from './schema.ts'
import { applyRefusal, applyTold, mustFind, wireOf } from './told.ts'
import { ask } from './vendor.ts'

/** A card from what is asked of us to the issuer's answer. It is on record, and settled by itself, before it is sent. */

/** Longer than any call may take: whoever finds it unanswered then finds no call of it under way. */
export const PATIENCE_S = 60
/** After an outcome that nobody saw: the vendor may still be at it. */
export const SOON_S = 5

export async function issueCard(app: App, actor: Actor, input: IssueCard): Promise<queries.CardRow> {
  refuseCardNumbers(input)
  const connection = await useConnection(
    app,
    actor,
    fromWire('connection', input.connection_id, 'connection_id'),
  )
  const place = { tenant_id: actor.tenant_id, id: app.newId() }
  const replaced = await findReplaced(app, actor, connection, input)
  const request = requestOf(place, input, replaced)
  check(connection, request)
  await put(app, actor, connection, place, input, { request, replaced })
  return send(app, actor, connection, place, request)
}

function requestOf(place: queries.Place, input: IssueCard, replaced: Replaced | null): VendorIssue {
  const { connection_id: _id, customer: _customer, replaces: _replaces, ...rest } = input
  const { vendor_id, reason } = replaced ?? {}
  return {
    ...rest,
    reference: wireOf(place),
    ...(vendor_id && reason && { replaces: { vendor_id, reason } }),
  }
}

type Replaced = { id: string; vendor_id: string; reason: ReplacementReason }

/** Of the same issuer and cardholder. One that somebody may have in their hands is shut before another is issued. */
async function findReplaced(
  app: App,
  { tenant_id }: Actor,
  connection: OpenConnection,
  { replaces, cardholder }: IssueCard,
): Promise<Replaced | null> {
  if (!replaces) return null
  const { card_id, reason } = replaces
  const id = fromWire('card', card_id, 'replaces.card_id')
  const row = await inTenant(app.db, tenant_id, (tx) => queries.findCard(tx, { tenant_id, id }))
  if (!row || row.connection_id !== connection.id || row.cardholder !== cardholder)
    throw new Problem('invalid_request', {
      field: 'replaces.card_id',
      detail: `${card_id} is no card of this connection and cardholder`,
    })
  const why = whyNotReplaced(row, reason)
  if (why === null && row.vendor_id !== null) return { id, vendor_id: row.vendor_id, reason }
  throw new Problem('conflict', { field: 'replaces', detail: `${card_id} cannot be replaced: ${why}` })
}

/** In words; null where it may be. */
function whyNotReplaced(row: queries.CardRow, reason: ReplacementReason): string | null {
  const { vendor_id, status } = row
  if (vendor_id === null) return `it is ${status}`
  const is_elsewhere = reason === 'lost' || reason === 'stolen'
  return is_elsewhere && !isShutForGood(standingOf(row))
    ? `it is ${status}; block or cancel it as ${reason} first`
    : null
}

/** What the vendor could never be asked is refused before anything is kept. */
function check({ opened: { provider, settings } }: OpenConnection, request: VendorIssue): void {
  const issue = provider.operations['cards.issue']
  if (!issue)
    throw new Problem('invalid_request', {
      field: 'connection_id',
      detail: `${provider.id} issues no cards; it has no operation cards.issue`,
    })
  const { kinds = [] } = provider.cards ?? {}
  if (!kinds.includes(request.kind))
    throw new Problem('invalid_request', {
      field: 'kind',
      detail: `${provider.id} issues ${kinds.join(', ')}, not ${request.kind}`,
    })
  if (request.kind === 'physical' && !request.shipping)
    throw new Problem('invalid_request', {
      field: 'shipping',
      detail: 'a physical card needs an address it is sent to: shipping',
    })
  money(1, request.currency, 'currency')
  if (request.limits) checkLimits(request.limits)
  issue.request(request, settings)
}

/** On record with the job that settles it. */
const put = (
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: queries.Place,
  input: IssueCard,
  { request, replaced }: { request: VendorIssue; replaced: Replaced | null },
): Promise<void> =>
  inTenant(app.db, place.tenant_id, async (tx) => {
    const { kind, cardholder, currency, customer = null, limits = {}, metadata = {} } = input
    await queries.insertCard(tx, {
      ...place,
      ...{ connection_id: connection.id, provider: connection.opened.provider.id, actor: actor.id },
      ...{ kind, cardholder, currency, customer },
      ...{ replaces: replaced?.id ?? null, replacement_reason: replaced?.reason ?? null },
      limits: JSON.stringify(limits),
      metadata: JSON.stringify(metadata),
      request: await seal(app, tx, place, { request, account: accountOf(connection) }),
    })
    await queries.link(app, tx, place, { wait_s: PATIENCE_S })
    await audit(tx, actor, 'card.issue', wireOf(place), {
      ...{ kind, cardholder },
      ...(input.replaces && { replaces: input.replaces.card_id }),
    })
  })

/** With whose account it was asked of: at another one it would be another card. */
type Kept = { request: VendorIssue; account: string }

const contextOf = (id: string) => `card request ${id}`

const seal = (app: App, tx: Tx, { tenant_id, id }: queries.Place, kept: Kept): Promise<Buffer> =>
  app.vault.seal(tx, tenant_id, contextOf(id), Buffer.from(JSON.stringify(kept)))

/** What the vendor was asked; null once its answer is known. */
export const openRequest = (app: App, place: queries.Place): Promise<Kept | null> =>
  inTenant(app.db, place.tenant_id, async (tx) => {
    const sealed = await queries.findRequest(tx, place)
    if (!sealed) return null
    const text = await app.vault.open(tx, place.tenant_id, contextOf(place.id), sealed)
    return JSON.parse(text.toString()) as Kept
  })

/** Asked under our id: however often it is sent, one card is issued. */
async function send(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: queries.Place,
  request: VendorIssue,
): Promise<queries.CardRow> {
  const question = { verb: 'issue', input: request, key: wireOf(place) } as const
  return answered(app, place, await ask<VendorCard>(app, actor, connection, question), 'reply')
}

/** What the vendor answered; where nobody knows it, it is asked for soon. */
export const answered = (
  app: App,
  place: queries.Place,
  answer: Answer<VendorCard>,
  cause: 'reply' | 'answer',
): Promise<queries.CardRow> =>
  tell(app, place.tenant_id, async (tx) => {
    const drafts = await heard(app, tx, place, answer, cause)
    return { out: await mustFind(tx, place), drafts }
  })

async function heard(
  app: App,
  tx: Tx,
  place: queries.Place,
  answer: Answer<VendorCard>,
  cause: 'reply' | 'answer',
): Promise<Draft[]> {
  const row = await queries.lockCard(tx, place)
  if (!row) return []
  if (answer.kind === 'unknown') {
    if (cause === 'reply' && row.status === 'processing')
      await queries.link(app, tx, place, { wait_s: SOON_S })
    return []
  }
  const why = { cause, cause_id: answer.call_id }
  const is_open = row.status === 'processing'
  const drafts =
    answer.kind === 'told'
      ? await applyTold(app, tx, place, answer.told, why)
      : await applyRefusal(tx, place, answer.failure, why)
  // Of one that news has moved on, the job may already be that of something else.
  if (cause === 'reply' && is_open) await queries.relink(tx, place, null)
  return drafts
}
