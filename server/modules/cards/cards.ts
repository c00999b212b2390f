import { refuseCardNumbers } from '../../kit/card_numbers.ts'
import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { NOT_SENT } from '../calls/calls.ts'
import { type OpenConnection, useConnection } from '../connections/connections.ts'
import { audit } from '../tenants/tenants.ts'
import { readPage, toPage } from '../wire.ts'
import * as authorizations from './authorization_queries.ts'
import { listDecisions } from './decision_queries.ts'
import * as issue from './issue.ts'
import { checkLimits } from './limits.ts'
import type { Act } from './moves.ts'
import * as queries from './queries.ts'
import { resolve } from './resolve.ts'
import {
  type BlockCard,
  type CancelCard,
  type Card,
  type CardLimits,
  type CardQuery,
  type IssueCard,
  type ResolveCard,
  type SetPin,
  toCard,
  toMove,
} from './schema.ts'
import * as settle from './settle.ts'
import * as sweep from './sweep.ts'
import {
  type AuthorizationQuery,
  type TransactionQuery,
  toAuthorization,
  toDecision,
  toTransaction,
} from './taking_schema.ts'
import * as transactions from './transaction_queries.ts'
import { ask } from './vendor.ts'
import { wishFor } from './wishes.ts'

/**
 * Cards that are issued for a tenant, alike for every issuer: made, opened, blocked and canceled, limited, and decided
 * about while the network waits. A card is on record before its vendor is asked and moves by the table of `moves.ts`
 * alone. Whatever shuts one holds here from the moment it is asked for, whatever the vendor says. No number of a card,
 * no security code and no plain PIN is taken, kept or told.
 */

export const issueCard = async (app: App, actor: Actor, input: IssueCard): Promise<Card> =>
  toCard(await issue.issueCard(app, actor, input))

export async function listCards(app: App, actor: Actor, input: CardQuery) {
  refuseCardNumbers(input)
  const { limit, before } = readPage('card', input)
  const { limit: _l, cursor: _c, connection_id, replaces, ...rest } = input
  const of = {
    ...(connection_id && { connection_id: fromWire('connection', connection_id, 'connection_id') }),
    ...(replaces && { replaces: fromWire('card', replaces, 'replaces') }),
  }
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.listCards(tx, actor.tenant_id, { ...rest, ...of }, limit, before),
  )
  return toPage('card', rows, limit, toCard)
}

const placeOf = ({ tenant_id }: Actor, wire_id: string): queries.Place => ({
  tenant_id,
  id: fromWire('card', wire_id),
})

function found(row: queries.CardRow | undefined, wire_id: string): queries.CardRow {
  if (row) return row
  throw new Problem('not_found', { detail: `there is no card ${wire_id}` })
}

/** With what made it what it is. */
export async function readCard(app: App, actor: Actor, wire_id: string) {
  const place = placeOf(actor, wire_id)
  return inTenant(app.db, actor.tenant_id, async (tx) => {
    const row = found(await queries.findCard(tx, place), wire_id)
    return { ...toCard(row), moves: (await queries.listMoves(tx, place)).map(toMove) }
  })
}

/** For one that nobody saw the end of, and asking cannot find. */
export async function resolveCard(app: App, actor: Actor, wire_id: string, input: ResolveCard) {
  refuseCardNumbers(input)
  return toCard(await resolve(app, actor, placeOf(actor, wire_id), input))
}

/** The card and its vendor, opened for this actor. */
async function opened(app: App, actor: Actor, wire_id: string) {
  const place = placeOf(actor, wire_id)
  const row = found(await inTenant(app.db, actor.tenant_id, (tx) => queries.findCard(tx, place)), wire_id)
  return { place, row, connection: await useConnection(app, actor, row.connection_id) }
}

async function act(app: App, actor: Actor, wire_id: string, act: Act, reason?: BlockCard['reason']) {
  const { place, connection } = await opened(app, actor, wire_id)
  return toCard(await wishFor(app, actor, connection, place, { act, ...(reason && { reason }) }))
}

export const activateCard = (app: App, actor: Actor, wire_id: string) => act(app, actor, wire_id, 'activate')
export const unblockCard = (app: App, actor: Actor, wire_id: string) => act(app, actor, wire_id, 'unblock')
export const blockCard = (app: App, actor: Actor, wire_id: string, { reason }: BlockCard) =>
  act(app, actor, wire_id, 'block', reason)
export const cancelCard = (app: App, actor: Actor, wire_id: string, { reason }: CancelCard) =>
  act(app, actor, wire_id, 'cancel', reason)

/** All of them: what is not named is no limit any more. */
export async function setLimits(app: App, actor: Actor, wire_id: string, limits: CardLimits) {
  refuseCardNumbers(limits)
  checkLimits(limits)
  const { place, connection } = await opened(app, actor, wire_id)
  return toCard(await wishFor(app, actor, connection, place, { limits }))
}

/** As its holder encrypted it for the vendor. It passes through memory alone; where its end was not seen it is set again. */
export async function setPin(app: App, actor: Actor, wire_id: string, { encrypted_pin }: SetPin) {
  refuseCardNumbers({ encrypted_pin })
  const { row, connection } = await opened(app, actor, wire_id)
  mustSetPins(connection)
  if (row.vendor_id === null || row.status === 'canceled')
    throw new Problem('conflict', { detail: `${wire_id} takes no PIN: it is ${row.status}` })
  const input = { vendor_id: row.vendor_id, encrypted_pin }
  // Before it is asked: who set a PIN whose answer was lost is on record too.
  await inTenant(app.db, actor.tenant_id, (tx) => audit(tx, actor, 'card.set_pin', wire_id))
  const answer = await ask(app, actor, connection, { verb: 'set_pin', input })
  if (answer.kind === 'unknown')
    throw new Problem('vendor_outcome_unknown', {
      detail: `whether the PIN of ${wire_id} was set is not known; set it again`,
    })
  if (answer.kind === 'refused')
    throw new Problem(answer.failure.code === NOT_SENT ? 'vendor_failed' : 'conflict', {
      detail: `the vendor did not set the PIN of ${wire_id}: ${answer.failure.message ?? answer.failure.reason}`,
    })
}

function mustSetPins({ opened: { provider } }: OpenConnection): void {
  if (provider.operations['cards.set_pin']) return
  throw new Problem('conflict', { detail: `${provider.id} has no operation cards.set_pin` })
}

/** Asks the vendor how the card is, and believes it. */
export async function refreshCard(app: App, actor: Actor, wire_id: string) {
  const { place, connection } = await opened(app, actor, wire_id)
  await settle.refreshCard(app, actor, connection, place)
  return readCard(app, actor, wire_id)
}

export async function listAuthorizations(app: App, actor: Actor, input: AuthorizationQuery) {
  refuseCardNumbers(input)
  const { limit, before } = readPage('card_authorization', input)
  const { limit: _l, cursor: _c, card_id, ...rest } = input
  const wanted = { ...rest, ...(card_id && { card_id: fromWire('card', card_id, 'card_id') }) }
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    authorizations.listAuthorizations(tx, actor.tenant_id, wanted, limit, before),
  )
  return toPage('card_authorization', rows, limit, toAuthorization)
}

/** With what was decided about it, and why. */
export async function readAuthorization(app: App, actor: Actor, wire_id: string) {
  const place = { tenant_id: actor.tenant_id, id: fromWire('card_authorization', wire_id) }
  return inTenant(app.db, actor.tenant_id, async (tx) => {
    const row = await authorizations.findAuthorization(tx, place)
    if (!row) throw new Problem('not_found', { detail: `there is no authorization ${wire_id}` })
    return { ...toAuthorization(row), decisions: (await listDecisions(tx, place)).map(toDecision) }
  })
}

/** Asks the vendor how the authorization is, and believes it. */
export async function refreshAuthorization(app: App, actor: Actor, wire_id: string) {
  const place = { tenant_id: actor.tenant_id, id: fromWire('card_authorization', wire_id) }
  const row = await inTenant(app.db, actor.tenant_id, (tx) => authorizations.findAuthorization(tx, place))
  if (!row) throw new Problem('not_found', { detail: `there is no authorization ${wire_id}` })
  const connection = await useConnection(app, actor, row.connection_id)
  await sweep.refreshAuthorization(app, actor, connection, place)
  return readAuthorization(app, actor, wire_id)
}

export async function listTransactions(app: App, actor: Actor, input: TransactionQuery) {
  refuseCardNumbers(input)
  const { limit, before } = readPage('card_transaction', input)
  const { limit: _l, cursor: _c, card_id, authorization_id, ...rest } = input
  const wanted = {
    ...rest,
    ...(card_id && { card_id: fromWire('card', card_id, 'card_id') }),
    ...(authorization_id && {
      authorization_id: fromWire('card_authorization', authorization_id, 'authorization_id'),
    }),
  }
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    transactions.listTransactions(tx, actor.tenant_id, wanted, limit, before),
  )
  return toPage('card_transaction', rows, limit, toTransaction)
}

export { findAuthorization } from './authorization_queries.ts'
export { reactToAuthorization, reactToCard, reactToQuestion, reactToTransaction } from './news.ts'
export { findCard } from './queries.ts'
export * from './search_queries.ts'
