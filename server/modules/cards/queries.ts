import { sql } from 'kysely'
import type { VendorCard } from '../../kit/card_news.ts'
import type { CardLimits, ReplacementReason } from '../../kit/cards.ts'
import type { Refusal } from '../../kit/news.ts'
import { newest, type Tx } from '../../platform/database/database.ts'
import { chainOf } from '../../platform/jobs/jobs.ts'
import type { Reason, Standing, Status, Wanted } from './moves.ts'

/** Every statement on cards and their moves. */

export type Place = { tenant_id: string; id: string }

/** What the vendor is to make of it. */
export type Wish = { status?: Wanted; reason?: Reason; limits?: CardLimits }

export type CardRow = Standing & {
  id: string
  connection_id: string
  provider: string
  vendor_id: string | null
  kind: 'virtual' | 'physical'
  cardholder: string
  customer: string | null
  currency: string
  brand: string | null
  last_four: string | null
  exp_month: number | null
  exp_year: number | null
  limits: CardLimits
  shipping: VendorCard['shipping'] | null
  /** The card it was issued in place of. */
  replaces: string | null
  replacement_reason: ReplacementReason | null
  metadata: Record<string, string>
  wish: Wish | null
  wish_no: number
  failure: Refusal | null
  version: number
  job_id: string | null
  updated_at: Date
}

export const CARD = [
  'id',
  'connection_id',
  'provider',
  'vendor_id',
  'status',
  'reason',
  'kind',
  'cardholder',
  'customer',
  'currency',
  'brand',
  'last_four',
  'exp_month',
  'exp_year',
  'limits',
  'shipping',
  'replaces',
  'replacement_reason',
  'metadata',
  'wish',
  'wish_no',
  'failure',
  'version',
  'job_id',
  'updated_at',
] as const

/** What led to a move, and its id on the wire. */
export type Cause = { cause: 'request' | 'reply' | 'news' | 'answer'; cause_id: string | null }

export type NewCard = Place &
  Pick<CardRow, 'connection_id' | 'provider' | 'kind' | 'cardholder' | 'customer' | 'currency'> &
  Pick<CardRow, 'replaces' | 'replacement_reason'> & {
    limits: string
    metadata: string
    request: Buffer
    actor: string
  }

/** With its first move. */
export async function insertCard(tx: Tx, row: NewCard): Promise<CardRow> {
  const made = await tx
    .insertInto('card')
    .values({ ...row, status: 'processing' })
    .returning(CARD)
    .executeTakeFirstOrThrow()
  const { tenant_id, id, actor } = row
  await tx
    .insertInto('card_move')
    .values({ tenant_id, card_id: id, version: 1, status: 'processing', cause: 'request', cause_id: actor })
    .execute()
  return made as CardRow
}

const byPlace = (tx: Tx, { tenant_id, id }: Place) =>
  tx.selectFrom('card').select(CARD).where('tenant_id', '=', tenant_id).where('id', '=', id)

export const findCard = (tx: Tx, place: Place): Promise<CardRow | undefined> =>
  byPlace(tx, place).executeTakeFirst() as Promise<CardRow | undefined>

/** Nobody else moves it, and nothing else is authorized on it, before this transaction ends. */
export const lockCard = (tx: Tx, place: Place): Promise<CardRow | undefined> =>
  byPlace(tx, place).forNoKeyUpdate().executeTakeFirst() as Promise<CardRow | undefined>

/** The vendor's id is its own; two connections may lead to the same account. */
export const findByVendorId = (
  tx: Tx,
  { tenant_id, provider, vendor_id }: { tenant_id: string; provider: string; vendor_id: string },
): Promise<{ id: string; connection_id: string }[]> =>
  tx
    .selectFrom('card')
    .select(['id', 'connection_id'])
    .where('tenant_id', '=', tenant_id)
    .where('vendor_id', '=', vendor_id)
    .where('provider', '=', provider)
    .limit(10)
    .execute()

/** Moves a card on from the state it was judged by, and no other; false where it has moved meanwhile. */
export async function moveCard(
  tx: Tx,
  { tenant_id, id }: Place,
  before: Pick<CardRow, 'status' | 'version'>,
  after: Standing & { failure?: Refusal | null },
  { cause, cause_id }: Cause,
): Promise<boolean> {
  const { status, reason, failure = null } = after
  const { rows } = await sql`
    with moved as (
      update card
         set status = ${status}, reason = ${reason}, failure = ${failure && JSON.stringify(failure)}::jsonb,
             version = version + 1, updated_at = now(), request = null
       where tenant_id = ${tenant_id} and id = ${id} and status = ${before.status} and version = ${before.version}
      returning tenant_id, id, version)
    insert into card_move (tenant_id, card_id, version, status, reason, cause, cause_id)
    select tenant_id, id, version, ${status}::text, ${reason}::text, ${cause}::text, ${cause_id}::text from moved
    returning version`.execute(tx)
  return rows.length > 0
}

/** What the vendor tells of it beside how it stands. Its id is told once. */
export async function describeCard(tx: Tx, { tenant_id, id }: Place, told: VendorCard): Promise<void> {
  const { vendor_id, brand, last_four, exp_month, exp_year, shipping } = told
  await tx
    .updateTable('card')
    .set({
      vendor_id: sql`coalesce(vendor_id, ${vendor_id})`,
      brand,
      last_four,
      exp_month,
      exp_year,
      ...(shipping && { shipping: JSON.stringify(shipping) }),
    })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .execute()
}

/** Gives its number. */
export async function putWish(tx: Tx, { tenant_id, id }: Place, wish: Wish): Promise<number> {
  const { wish_no } = await tx
    .updateTable('card')
    .set({ wish: JSON.stringify(wish), wish_no: sql`wish_no + 1`, updated_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .returning('wish_no')
    .executeTakeFirstOrThrow()
  return wish_no
}

/** It has come true, or will not. The limits are those of the card from then on, where it has. */
export async function endWish(
  tx: Tx,
  { tenant_id, id }: Place,
  wish_no: number,
  limits?: CardLimits,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('card')
    .set({ wish: null, ...(limits && { limits: JSON.stringify(limits) }), updated_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('wish_no', '=', wish_no)
    .where('wish', 'is not', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** What goes on with a card until nothing is unknown of it. */
export const SETTLE = 'cards.settle'
export const { relink, enqueueTurn, link } = chainOf('card', SETTLE)

/** Why asking cannot find out what became of it; any move takes it away. */
export const noteWait = (tx: Tx, { tenant_id, id }: Place, why: Refusal) =>
  tx
    .updateTable('card')
    .set({ failure: JSON.stringify(why), updated_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('status', '=', 'processing')
    .where('failure', 'is', null)
    .execute()

/** What the vendor is asked to issue, sealed; null once its answer is known. */
export async function findRequest(tx: Tx, { tenant_id, id }: Place): Promise<Buffer | null> {
  const row = await tx
    .selectFrom('card')
    .select('request')
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()
  return row?.request ?? null
}

export type WantedCards = {
  status?: Status
  connection_id?: string
  cardholder?: string
  customer?: string
  vendor_id?: string
  replaces?: string
}

export function listCards(
  tx: Tx,
  tenant_id: string,
  wanted: WantedCards,
  limit: number,
  before: string | null,
): Promise<CardRow[]> {
  return tx
    .selectFrom('card')
    .select(CARD)
    .where('tenant_id', '=', tenant_id)
    .$call(newest(wanted, limit, before))
    .execute() as Promise<CardRow[]>
}

export type MoveRow = { version: number; status: string; reason: string | null; at: Date } & Cause

const MOST_MOVES = 200

export const listMoves = (tx: Tx, { tenant_id, id }: Place): Promise<MoveRow[]> =>
  tx
    .selectFrom('card_move')
    .select(['version', 'status', 'reason', 'cause', 'cause_id', 'at'])
    .where('tenant_id', '=', tenant_id)
    .where('card_id', '=', id)
    .orderBy('version')
    .limit(MOST_MOVES)
    .execute() as Promise<MoveRow[]>
