import type { VendorCard } from '../../kit/card_news.ts'
import type { Refusal } from '../../kit/news.ts'
import type { Tx } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import type { Draft } from '../events/events.ts'
import { type Next, nextOf, shippingAfter, typeOf } from './moves.ts'
import * as queries from './queries.ts'
import { toCard } from './schema.ts'

/** How what somebody says of a card becomes true, and is told, in one transaction. */

/** Moves a card whose lock the caller holds; gives the event that tells of it. */
export async function go(
  app: App,
  tx: Tx,
  place: queries.Place,
  row: queries.CardRow,
  next: Next,
  cause: Heard,
): Promise<Draft[]> {
  if (next.kind === 'same') return []
  if (next.kind === 'look') {
    // Something wanted of it has its own job, and whoever waits for the answer is about to have it.
    if (row.wish === null) await queries.link(app, tx, place, { wait_s: 0 })
    return []
  }
  if (next.kind === 'repair') {
    await queries.putWish(tx, place, {
      ...row.wish,
      status: 'blocked',
      ...(row.reason && { reason: row.reason }),
    })
    if (!cause.in_turn) await queries.link(app, tx, place, { wait_s: 0 })
    return []
  }
  // Nothing is wanted any more of what has ended.
  if (next.after.status === 'canceled') await queries.endWish(tx, place, row.wish_no)
  if (!(await queries.moveCard(tx, place, row, next.after, cause))) return []
  const moved = await mustFind(tx, place)
  const type = typeOf(row, next.after)
  return type === null ? [] : [cardEvent(type, moved, cause)]
}

/**
 * `asked_at` is the version an answer was asked at: where it has moved since, the answer is news like any. `in_turn`: it
 * was asked by the job that settles it, whose next turn comes after a longer wait each time.
 */
type Heard = queries.Cause & { asked_at?: number; in_turn?: boolean }

/** By what the vendor says of it. */
export async function applyTold(
  app: App,
  tx: Tx,
  place: queries.Place,
  told: VendorCard,
  { asked_at, ...cause }: Heard,
): Promise<Draft[]> {
  const row = await queries.lockCard(tx, place)
  if (!row || (row.vendor_id !== null && row.vendor_id !== told.vendor_id)) return []
  await describe(tx, place, row, told)
  // While something is wanted of it, how it was a moment ago decides nothing.
  const is_answer = asked_at === row.version && row.wish === null
  return go(app, tx, place, row, nextOf(row, told, is_answer), cause)
}

/** What is told of a card beside how it stands, and as late as that. */
export function describe(
  tx: Tx,
  place: queries.Place,
  row: queries.CardRow,
  told: VendorCard,
): Promise<void> {
  const shipping = told.shipping && shippingAfter(row.shipping, told.shipping)
  return queries.describeCard(tx, place, { ...told, ...(shipping && { shipping }) })
}

/** The vendor said no: none was issued. */
export async function applyRefusal(
  tx: Tx,
  place: queries.Place,
  failure: Refusal,
  cause: queries.Cause,
): Promise<Draft[]> {
  const row = await queries.lockCard(tx, place)
  if (row?.status !== 'processing') return []
  const after = { status: 'failed', reason: null, failure } as const
  if (!(await queries.moveCard(tx, place, row, after, cause))) return []
  return [cardEvent('card.failed', await mustFind(tx, place), cause)]
}

export async function mustFind(tx: Tx, place: queries.Place): Promise<queries.CardRow> {
  const row = await queries.findCard(tx, place)
  if (!row) throw new Error('a card is gone') // they are never deleted
  return row
}

export function cardEvent(type: string, row: queries.CardRow, { cause, cause_id }: queries.Cause): Draft {
  const { connection_id, provider, updated_at: _at, wish: _wish, ...card } = toCard(row)
  const data = { provider, connection_id, cause, cause_id, card }
  const found_by = [row.vendor_id, row.cardholder].filter((id) => id !== null)
  return { type, data: JSON.stringify(data), entity_id: card.id, found_by }
}

export const wireOf = ({ id }: Pick<queries.Place, 'id'>): string => toWire('card', id)
