import type {
  AuthorizationQuestion,
  VendorAuthorization,
  VendorCardTransaction,
} from '../../kit/card_news.ts'
import type { Tx } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import type { Draft } from '../events/events.ts'
import * as queries from './authorization_queries.ts'
import type { CardRow, Place } from './queries.ts'
import { toAuthorization, toTransaction } from './taking_schema.ts'
import * as transactions from './transaction_queries.ts'

/**
 * What is held and taken from a card, as its vendor tells of it. Whoever calls holds the lock of the card. News comes
 * twice, late and out of order: what is older than what is known changes nothing, and what has ended does not begin
 * again.
 */

type Status = queries.AuthorizationStatus

/** A capture may come after the hold was let go. What was declined may have been approved past us after all. */
const FORWARD: Record<Status, readonly Status[]> = {
  asked: ['pending', 'declined', 'closed', 'reversed', 'expired'],
  declined: ['pending', 'closed', 'reversed', 'expired'],
  pending: ['closed', 'reversed', 'expired'],
  expired: ['closed', 'reversed'],
  reversed: ['closed'],
  closed: [],
}

/** The vendor closes at once what was never approved. */
const statusOf = ({ approved, status }: VendorAuthorization): Status =>
  approved || status === 'reversed' || status === 'expired' ? status : 'declined'

const columnsOf = (
  app: App,
  tenant_id: string,
  { id: card_id, connection_id }: CardRow,
  told: VendorAuthorization,
) => ({
  ...{ tenant_id, id: app.newId(), card_id, connection_id, vendor_id: told.vendor_id },
  ...{ amount: told.money.amount, currency: told.money.currency },
  merchant_amount: told.merchant_money?.amount ?? null,
  merchant_currency: told.merchant_money?.currency ?? null,
  merchant: JSON.stringify(told.merchant),
  category: told.merchant.category,
  ...{ method: told.method, wallet: told.wallet, verification: JSON.stringify(told.verification) },
  ...{ requests: told.requests, vendor_reason: told.reason },
  ...{ made_at: new Date(told.created_at), told_at: new Date(told.told_at) },
})

/**
 * The authorization of a question that was answered, or null where nobody knows; gives its id. What was approved counts
 * as held from now on; the vendor's own word for it comes after.
 */
export async function takeQuestion(
  app: App,
  tx: Tx,
  tenant_id: string,
  card: CardRow,
  { asked, authorization: told }: AuthorizationQuestion,
  approved: boolean | null,
): Promise<string> {
  const requests = told.requests + 1
  const status = approved === false ? 'declined' : 'asked'
  const known = await queries.findByVendor(tx, tenant_id, card.connection_id, told.vendor_id)
  if (!known) {
    const row = {
      ...columnsOf(app, tenant_id, card, told),
      requests,
      status,
      amount: approved === null ? '0' : asked.amount, // nothing is held by who was not answered
      confirmed: false,
    } as const
    return (await insert(tx, row)).id
  }
  if (approved === null) return known.id
  const is_first = requests === 1 && !known.confirmed
  const is_raised = approved === true && requests > known.requests
  if (!is_first && !is_raised) return known.id
  const held: queries.Change = is_first
    ? { status, amount: asked.amount }
    : { amount: sum(known.amount, asked.amount) }
  await queries.changeAuthorization(tx, { tenant_id, id: known.id }, known.version, {
    ...held,
    requests: Math.max(requests, known.requests),
  })
  return known.id
}

/** With what was taken of it before it was told of. */
async function insert(tx: Tx, row: queries.NewAuthorization): Promise<queries.AuthorizationRow> {
  const made = await queries.insertAuthorization(tx, row)
  const place = { tenant_id: row.tenant_id, id: made.id }
  if (!(await transactions.adoptTransactions(tx, place, made))) return made
  await addUp(tx, place, made.version)
  return { ...made, ...(await transactions.sumTransactions(tx, place)) }
}

const sum = (a: string, b: string): string => String(BigInt(a) + BigInt(b))

export async function applyAuthorization(
  app: App,
  tx: Tx,
  tenant_id: string,
  card: CardRow,
  told: VendorAuthorization,
): Promise<Draft[]> {
  const known = await queries.findByVendor(tx, tenant_id, card.connection_id, told.vendor_id)
  if (!known) {
    const row = { ...columnsOf(app, tenant_id, card, told), status: statusOf(told), confirmed: true }
    return [authorizationEvent(card, await insert(tx, row))]
  }
  const is_old = told.told_at < known.told_at.toISOString() && known.confirmed
  const wanted = statusOf(told)
  // The vendor may not have had it yet when it was asked: without a word of its own nothing has ended.
  const from = known.confirmed ? known.status : 'asked'
  const status = FORWARD[from].includes(wanted) ? wanted : known.status
  if (is_old && status === known.status) return []
  // Held by the vendor's word, unless more was asked and answered than it tells of.
  const is_whole = !is_old && told.requests >= known.requests
  const change = {
    ...{ status, confirmed: true, vendor_reason: is_old ? known.vendor_reason : told.reason },
    ...(is_whole && { amount: heldBy(known, told), requests: told.requests }),
    ...(!is_old && { told_at: new Date(told.told_at) }),
  }
  const place = { tenant_id, id: known.id }
  if (!(await queries.changeAuthorization(tx, place, known.version, change))) return []
  const is_news = !known.confirmed || status !== known.status
  return is_news ? [authorizationEvent(card, { ...known, ...change })] : []
}

/**
 * Of what is dated with one second nobody can say what came first: what is held rises by a request alone, and else it is
 * only let go.
 */
function heldBy(known: queries.AuthorizationRow, { told_at, requests, money }: VendorAuthorization): string {
  const is_of_one_time = told_at === known.told_at.toISOString() && requests === known.requests
  if (!known.confirmed || !is_of_one_time) return money.amount
  return BigInt(known.amount) < BigInt(money.amount) ? known.amount : money.amount
}

const TYPES: Record<Status, string> = {
  asked: 'approved',
  pending: 'approved',
  declined: 'declined',
  closed: 'closed',
  reversed: 'reversed',
  expired: 'expired',
}

function authorizationEvent(card: CardRow, row: queries.AuthorizationRow): Draft {
  const data = { ...whose(card), authorization: toAuthorization(row) }
  return {
    type: `card.authorization_${TYPES[row.status]}`,
    data: JSON.stringify(data),
    entity_id: toWire('card', card.id),
    found_by: [toWire('card_authorization', row.id), row.vendor_id],
  }
}

const whose = ({ provider, connection_id }: CardRow) => ({
  provider,
  connection_id: toWire('connection', connection_id),
})

/** Once for each that the vendor tells of, however often it does. */
export async function applyTransaction(
  app: App,
  tx: Tx,
  tenant_id: string,
  card: CardRow,
  told: VendorCardTransaction,
): Promise<Draft[]> {
  const { id: card_id, connection_id } = card
  const of = told.authorization_id
    ? await queries.findByVendor(tx, tenant_id, connection_id, told.authorization_id)
    : undefined
  const made = await transactions.insertTransaction(tx, {
    ...{ tenant_id, id: app.newId(), card_id, connection_id, authorization_id: of?.id ?? null },
    vendor_authorization_id: told.authorization_id,
    ...{ vendor_id: told.vendor_id, kind: told.kind, ...told.money },
    merchant_amount: told.merchant_money?.amount ?? null,
    merchant_currency: told.merchant_money?.currency ?? null,
    ...{ merchant: JSON.stringify(told.merchant), category: told.merchant.category },
    made_at: new Date(told.created_at),
  })
  if (!made) return []
  if (of) await addUp(tx, { tenant_id, id: of.id }, of.version)
  const type = `card.transaction_${told.kind === 'refund' ? 'refunded' : 'captured'}`
  const data = JSON.stringify({ ...whose(card), transaction: toTransaction(made) })
  const ids = [toWire('card_transaction', made.id), told.vendor_id, told.authorization_id]
  const found_by = ids.filter((id) => id !== null)
  return [{ type, data, entity_id: toWire('card', card_id), found_by }]
}

const addUp = async (tx: Tx, place: Place, version: number): Promise<void> =>
  void (await queries.changeAuthorization(tx, place, version, await transactions.sumTransactions(tx, place)))
